/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/build.h"

static enum status run(int argc, char **argv, struct cli *cli)
{
    struct argp_child children[] = {{&cli_common_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {.children = children, .args_doc = "PROGRAM [-- ARGUMENTS]"};
    enum status status = cli_parse(&argp, argc, argv, cli, cli);
    if (status)
        return status;
    return diag_fail(&cli->diag, STATUS_SYSTEM, "this tool is not there yet");
}

const struct tool tool_build = {"build", "", run};
