/* SPDX-License-Identifier: BSD-3-Clause
 * Chooses the tool and runs it; the only place that turns a status into the exit status. */
#include "cli/cli.h"
#include "common/version.h"
#include <stdio.h>
#include <string.h>

static const struct tool *const tools[] = {&tool_dep,   &tool_build,   &tool_verif,
                                           &tool_perf,  &tool_crawler, &tool_memanalyser,
                                           &tool_schema};
enum { TOOL_COUNT = sizeof tools / sizeof tools[0] };

/* The tool named anywhere before "--"; the chain where none is. Removes the option from argv. */
static const struct tool *choose(int *argc, char **argv, const char **second)
{
    const struct tool *chosen = NULL;
    int kept = 1;
    bool options = true;
    for (int i = 1; i < *argc; i++) {
        const struct tool *named = NULL;
        if (options && strcmp(argv[i], "--") == 0)
            options = false;
        for (size_t t = 0; options && !named && t < TOOL_COUNT; t++)
            if (strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, tools[t]->option) == 0)
                named = tools[t];
        if (!named)
            argv[kept++] = argv[i];
        else if (chosen && chosen != named)
            *second = named->option;
        else
            chosen = named;
    }
    argv[kept] = NULL;
    *argc = kept;
    return chosen ? chosen : &tool_chain;
}

int main(int argc, char **argv)
{
    struct cli cli = {.arena = arena_new()};
    diag_init(&cli.diag, 0);
    argp_program_version = "toolchain " TOOLCHAIN_VERSION;
    const char *second = NULL;
    const struct tool *tool = choose(&argc, argv, &second);
    enum status status;
    if (second) {
        status = diag_fail(&cli.diag, STATUS_INPUT,
                           "--%s and --%s are two tools: give one (none of them runs the chain)",
                           tool->option, second);
    } else {
        char name[64];
        snprintf(name, sizeof name, "toolchain%s%s", tool->option ? " --" : "",
                 tool->option ? tool->option : "");
        argv[0] = name;
        status = tool->main(argc, argv, &cli);
    }
    diag_progress_end(&cli.diag);
    if (status && cli.diag.message[0])
        diag_print_failure(&cli.diag);
    arena_free(cli.arena);
    return (int)status;
}
