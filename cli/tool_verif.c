/* SPDX-License-Identifier: BSD-3-Clause
 * --verif: the same tests on the Linux program and on its image. */
#include "cli/verif.h"
#include "common/file.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_TAP = 0x3100, KEY_JUNIT, KEY_FIX };

struct tool_options {
    struct verif_cli v;
    struct build_options build;
    const char *tap, *junit;
    bool fix;
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Reports:", 3},
    {"tap", KEY_TAP, "FILE", 0, "Write the verdicts as TAP", 3},
    {"junit", KEY_JUNIT, "FILE", 0, "Write the verdicts as JUnit XML", 3},
    {NULL, 0, NULL, 0, "Mending:", 3},
    {"fix", KEY_FIX, NULL, 0,
     "Add what is missing, build and verify again, until the same or explained (needs --uk-root)",
     3},
    {NULL},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct tool_options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->v;
        state->child_inputs[1] = &o->build;
        state->child_inputs[2] = o->v.cli;
        return 0;
    case KEY_TAP:
        o->tap = value;
        return 0;
    case KEY_FIX:
        o->fix = true;
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

/* The image and all that is known of it: built now, or as --build left it. */
static enum status find_image(struct tool_options *o, struct verif_loop *l)
{
    struct cli *cli = o->v.cli;
    struct build_result built = {0};
    struct selection *selection = ARENA_NEW(cli->arena, struct selection);
    struct profile *profile = ARENA_NEW(cli->arena, struct profile);
    bool build_now = o->build.builder.uk_root && !o->v.image.path, found = false;
    const char *file = cli_path(cli, l->dir, "selection.json");
    enum status status = STATUS_OK;
    if (build_now || o->build.builder.uk_root || o->build.profile_file) {
        status = build_profile(&o->build, o->v.verif.program, l->dir, profile);
        l->profile = profile;
    }
    if (build_now && !status) {
        verif_surround(&o->v, &o->build);
        status = build_run(&o->build, l->dir, profile, selection, &built);
        if (status > STATUS_FOUND)
            return status;
        if (!built.image)
            return diag_fail(&cli->diag, STATUS_SYSTEM, "no image: %s",
                             built.reason ? built.reason : cli->diag.message);
        status = STATUS_OK;
        verif_use_build(&o->v, selection, &built);
        l->selection = selection;
    } else if (!status && !o->v.image.path) {
        status = image_recall(cli, l->dir, &built, &found);
        if (!status && !found)
            return diag_fail(&cli->diag, STATUS_SYSTEM,
                             "no image: build one with --build --uk-root, or name it with --image");
        if (!status)
            verif_use_build(&o->v, NULL, &built);
    }
    if (!status && !l->selection && file_exists(file)) {
        status = selection_read(&cli->diag, cli->arena, file, selection);
        l->selection = selection;
    }
    return status;
}

static enum status prepare(struct tool_options *o, struct verif_loop *l)
{
    struct cli *cli = o->v.cli;
    enum status status = cli_output_dir(cli, &l->dir);
    if (!status)
        status = verif_prepare(&o->v, l->dir);
    if (!status)
        status = find_image(o, l);
    if (status)
        return status;
    if (o->fix && !o->build.builder.uk_root)
        return diag_fail(&cli->diag, STATUS_INPUT, "--fix builds images: give the core, --uk-root");
    struct catalogue *catalogue = ARENA_NEW(cli->arena, struct catalogue);
    status = build_catalogue(&o->build, catalogue);
    if (status)
        return status;
    l->catalogue = catalogue;
    o->v.verif.environment = o->build.environment;
    if (l->profile)
        verif_find_wanted(l);
    return STATUS_OK;
}

static enum status run(int argc, char **argv, struct cli *cli)
{
    struct tool_options o = {.v.cli = cli};
    struct verif_loop loop = {.v = &o.v, .build = &o.build};
    struct argp_child children[] = {{&verif_argp, 0, NULL, 0},
                                    {&build_argp, 0, "What is built anew (--build):", 4},
                                    {&cli_common_argp, 0, "", 5},
                                    {0}};
    const struct argp argp = {
        .options = options,
        .parser = parse,
        .children = children,
        .args_doc = "PROGRAM [-- ARGUMENTS]",
        .doc = "Run the same tests on the Linux program and on its image, and compare.\v"
               "Exit status: 0 the same, 1 different or nothing that could be compared, 2 wrong "
               "usage, 3 "
               "one side cannot be run."};
    struct verif verif;
    build_options_init(&o.build, cli);
    enum status status = cli_parse(&argp, argc, argv, cli, &o);
    if (!status)
        status = prepare(&o, &loop);
    if (status)
        return status;
    status = verif_once(&loop, &verif);
    if (status == STATUS_FOUND && o.fix)
        status = verif_fix(&loop, &verif);
    if (status > STATUS_FOUND)
        return status;
    /* Nothing that could be compared is no success either. */
    if (!status && verif.verdict == VERDICT_NOT_COMPARABLE)
        status = STATUS_FOUND;
    enum status written = write_reports(&o, loop.dir, &verif);
    return written ? written : status;
}

const struct tool tool_verif = {"verif", "same tests on Linux and on the image, compared", run};
