/* SPDX-License-Identifier: BSD-3-Clause
 * The options every tool understands, and what they share on the way in. */
#include "cli/cli.h"
#include "common/file.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_JSON = 0x1000, KEY_CATALOGUE };

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Common options:", -2},
    {"output", 'o', "DIR", 0, "Folder for the files written (default ./PROGRAM_output)", -2},
    {"test", 't', "FILE", 0, "Tests to run the program with (JSON)", -2},
    {"config", 'c', "FILE", 0, "Command lines of the program, one per line, each a run", -2},
    {"wait", 'w', "SECONDS", 0, "Without tests: end the program after this time", -2},
    {"quiet", 'q', NULL, 0, "Only results and errors", -2},
    {"verbose", 'v', NULL, 0, "Say more (twice: much more)", -2},
    {"json", KEY_JSON, NULL, 0, "The document on standard output, nothing else", -2},
    {"catalogue", KEY_CATALOGUE, "FILE|NAME", 0,
     "Catalogue of micro-libraries (default: the newest embedded one)", -2},
    {NULL},
};

static int parse_seconds(const char *text, int *ms)
{
    char *end;
    errno = 0;
    double seconds = strtod(text, &end);
    if (end == text || *end || errno || !(seconds >= 0) || seconds > 1e6)
        return -1;
    *ms = (int)(seconds * 1000);
    return 0;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct cli *cli = state->input;
    switch (key) {
    case 'o':
        cli->output = value;
        return 0;
    case 't':
        cli->test_file = value;
        return 0;
    case 'c':
        cli->config_file = value;
        return 0;
    case 'w':
        if (parse_seconds(value, &cli->wait_ms))
            argp_error(state, "--wait: '%s' is not a number of seconds", value);
        return 0;
    case 'q':
        cli->diag.verbosity = -1;
        return 0;
    case 'v':
        cli->diag.verbosity = cli->diag.verbosity < 0 ? 1 : cli->diag.verbosity + 1;
        return 0;
    case KEY_JSON:
        cli->json = true;
        return 0;
    case KEY_CATALOGUE:
        cli->catalogue = value;
        return 0;
    case ARGP_KEY_ARG:
        if (!cli->program)
            cli->program = value;
        else
            vec_push(cli->arena, &cli->operands, value);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp cli_common_argp = {.options = options, .parser = parse};

enum status cli_parse(const struct argp *argp, int argc, char **argv, struct cli *cli, void *input)
{
    /* What follows "--" is the program's, whatever it looks like. */
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") != 0)
            continue;
        for (int k = i + 1; k < argc; k++)
            vec_push(cli->arena, &cli->arguments, argv[k]);
        argv[i] = NULL;
        argc = i;
    }
    argp_err_exit_status = STATUS_INPUT;
    error_t error = argp_parse(argp, argc, argv, 0, NULL, input);
    if (error)
        return diag_fail(&cli->diag, STATUS_INPUT, "cannot read the command line: %s",
                         strerror(error));
    return STATUS_OK;
}

static bool executable_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

const char *cli_search_path(struct cli *cli, const char *name)
{
    const char *path = getenv("PATH");
    /* Servers live in sbin folders, which an ordinary user's PATH leaves out. */
    char *list = arena_printf(cli->arena, "%s:/usr/local/sbin:/usr/sbin:/sbin",
                              path && *path ? path : "/usr/local/bin:/usr/bin:/bin");
    for (char *save = NULL, *dir = strtok_r(list, ":", &save); dir;
         dir = strtok_r(NULL, ":", &save)) {
        const char *candidate = arena_printf(cli->arena, "%s/%s", dir, name);
        if (executable_file(candidate))
            return candidate;
    }
    return NULL;
}

enum status cli_find_program(struct cli *cli, const char **path)
{
    struct diag *d = &cli->diag;
    const char *name = cli->program;
    if (!name)
        return diag_fail(d, STATUS_INPUT, "no program given (see --help)");
    const char *found = strchr(name, '/') ? name : cli_search_path(cli, name);
    if (!found)
        return diag_fail(d, STATUS_INPUT, "%s: not found in PATH (give a path: ./%s)", name, name);
    /* Absolute, but with the name that was given: programs look at the name they were started by.
     */
    const char *slash = strrchr(found, '/');
    const char *folder =
        slash ? arena_strndup(cli->arena, found, (size_t)(slash - found) + 1) : ".";
    char *real = realpath(folder, NULL);
    if (!real || access(found, F_OK) != 0) {
        free(real);
        return diag_fail(d, STATUS_INPUT, "%s: %s", found, strerror(errno));
    }
    *path =
        arena_printf(cli->arena, "%s/%s", strcmp(real, "/") ? real : "", slash ? slash + 1 : found);
    free(real);
    return STATUS_OK;
}

enum status cli_output_dir(struct cli *cli, const char **dir)
{
    const char *name = cli->program ? cli->program : "toolchain";
    const char *slash = strrchr(name, '/');
    *dir = cli->output ? cli->output
                       : arena_printf(cli->arena, "./%s_output", slash ? slash + 1 : name);
    return dir_make(&cli->diag, *dir);
}

const char *cli_path(struct cli *cli, const char *dir, const char *name)
{
    return arena_printf(cli->arena, "%s/%s", dir, name);
}
