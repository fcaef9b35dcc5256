/* SPDX-License-Identifier: BSD-3-Clause
 * The command line: one struct tool per tool, common options parsed for all of them. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "common/arena.h"
#include "common/diag.h"
#include "common/vec.h"
#include <argp.h>

/* What every tool understands; struct cli is the root a tool's own option struct embeds first. */
struct cli {
    struct diag diag;
    struct arena *arena;
    const char *program;     /* first non-option argument; NULL: none */
    strings arguments;       /* after "--" */
    strings operands;        /* non-option arguments after the first */
    const char *output;      /* -o; NULL: default ./<program>_output */
    const char *test_file;   /* -t */
    const char *config_file; /* -c */
    int wait_ms;             /* -w SECONDS */
    bool json;               /* --json */
    const char *catalogue;   /* --catalogue */
    int parse_status;        /* used by the parser */
};

struct tool {
    const char *option;  /* "dep" for --dep */
    const char *summary; /* one line for --help */
    /* argv[0] is the tool's full name ("toolchain --dep"); the tool parses the rest. */
    enum status (*main)(int argc, char **argv, struct cli *cli);
};

extern const struct tool tool_dep, tool_build, tool_verif, tool_perf, tool_crawler,
    tool_memanalyser, tool_schema, tool_chain;

/* argp child with the common options; give it in argp.children and set child_inputs[0] to the cli.
 */
extern const struct argp cli_common_argp;

/* Parses with the tool's own argp (its children must include cli_common_argp). input is passed to
 * the tool's parser. Returns STATUS_INPUT after argp printed what was wrong. */
enum status cli_parse(const struct argp *argp, int argc, char **argv, struct cli *cli, void *input);

/* An executable file of that name in PATH or the folders of servers; NULL: none. */
const char *cli_search_path(struct cli *cli, const char *name);
/* The program as an absolute path: with a slash as given, else looked up in PATH. */
enum status cli_find_program(struct cli *cli, const char **path);
/* The output folder: -o, or ./<basename>_output. Created unless it exists. */
enum status cli_output_dir(struct cli *cli, const char **dir);
/* DIR/NAME in the arena. */
const char *cli_path(struct cli *cli, const char *dir, const char *name);

#endif
