/* SPDX-License-Identifier: BSD-3-Clause
 * --verif: the same tests on the Linux program and on its image. */
#include "cli/verif.h"
#include "common/file.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_TAP = 0x3100, KEY_JUNIT, KEY_FIX, KEY_PROFILE };

struct tool_options {
    struct verif_cli v;
    const char *tap, *junit;
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Reports:", 3},
    {"tap", KEY_TAP, "FILE", 0, "Write the verdicts as TAP", 3},
    {"junit", KEY_JUNIT, "FILE", 0, "Write the verdicts as JUnit XML", 3},
    {NULL},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct tool_options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->v;
        state->child_inputs[1] = o->v.cli;
        return 0;
    case KEY_TAP:
        o->tap = value;
        return 0;
    case KEY_JUNIT:
        o->junit = value;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum status write_reports(struct tool_options *o, const char *dir, const struct verif *verif)
{
    struct cli *cli = o->v.cli;
    json_t *json = jm_encode(&verif_type, verif);
    enum status status = json_write(&cli->diag, cli_path(cli, dir, "verif.json"), json);
    if (!status && cli->json)
        status = json_print(&cli->diag, json);
    json_decref(json);
    if (!status && o->tap) {
        char *text = verif_tap(cli->arena, verif);
        status = file_write(&cli->diag, o->tap, text, strlen(text), 0);
    }
    if (!status && o->junit) {
        char *text = verif_junit(cli->arena, verif);
        status = file_write(&cli->diag, o->junit, text, strlen(text), 0);
    }
    if (!status && !cli->json)
        verif_print(verif, stdout, isatty(STDOUT_FILENO) && cli->diag.colour, cli->diag.verbosity);
    return status;
}

static enum status run(int argc, char **argv, struct cli *cli)
{
    struct tool_options o = {.v.cli = cli};
    struct argp_child children[] = {{&verif_argp, 0, NULL, 0}, {&cli_common_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {
        .options = options,
        .parser = parse,
        .children = children,
        .args_doc = "PROGRAM [-- ARGUMENTS]",
        .doc = "Run the same tests on the Linux program and on its image, and compare.\v"
               "Exit status: 0 the same, 1 different, 2 wrong usage, 3 one side cannot be run."};
    const char *dir;
    struct verif verif;
    enum status status = cli_parse(&argp, argc, argv, cli, &o);
    if (!status)
        status = cli_output_dir(cli, &dir);
    if (!status)
        status = verif_prepare(&o.v, dir);
    if (!status && !o.v.image.path)
        status = diag_fail(&cli->diag, STATUS_SYSTEM,
                           "no image: build one with --build --uk-root, or name it with --image");
    if (status)
        return status;
    struct catalogue *catalogue = ARENA_NEW(cli->arena, struct catalogue);
    status = catalogue_open(&cli->diag, cli->arena, cli->catalogue, catalogue);
    if (status)
        return status;
    o.v.verif.catalogue = catalogue;
    status = verify(&cli->diag, cli->arena, &o.v.verif, &o.v.image, &verif);
    if (status > STATUS_FOUND)
        return status;
    enum status written = write_reports(&o, dir, &verif);
    return written ? written : status;
}

const struct tool tool_verif = {"verif", "same tests on Linux and on the image, compared", run};
