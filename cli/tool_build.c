/* SPDX-License-Identifier: BSD-3-Clause
 * --build: profile (or program) -> selection -> app folder -> image. */
#include "cli/boot.h"
#include "common/file.h"
#include <string.h>

enum { KEY_PLAN = 0x3000 };

struct tool_options {
    struct cli *cli;
    struct build_options build;
    struct boot_options boot;
    bool plan;
};

static const struct argp_option options[] = {
    {"plan", KEY_PLAN, NULL, 0,
     "For several profiles: the order of implementing missing calls that unlocks most programs "
     "soonest",
     2},
    {NULL},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct tool_options *o = state->input;
    (void)value;
    if (key == KEY_PLAN) {
        o->plan = true;
        return 0;
    }
    if (key == ARGP_KEY_INIT) {
        state->child_inputs[0] = &o->build;
        state->child_inputs[1] = &o->boot;
        state->child_inputs[2] = o->cli;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static enum status run(int argc, char **argv, struct cli *cli)
{
    struct tool_options o = {.cli = cli, .boot.image.cli = cli};
    struct argp_child children[] = {{&build_argp, 0, NULL, 0},
                                    {&boot_argp, 0, "The image is run:", 4},
                                    {&cli_common_argp, 0, NULL, 5},
                                    {0}};
    const struct argp argp = {
        .options = options,
        .parser = parse,
        .children = children,
        .args_doc = "PROGRAM [-- ARGUMENTS]\n--plan PROFILE...",
        .doc = "Chooses the smallest configuration of micro-libraries that gives the program what "
               "it needs, writes it as an app folder and, where a core is at hand, builds the "
               "image.\vThe program's profile is taken from the output folder when it is there, "
               "else its static analysis is run. Exit status 1: something that the program needs "
               "is missing, or a test failed (--run); what can be had is chosen and written all "
               "the same."};
    build_options_init(&o.build, cli);
    enum status status = cli_parse(&argp, argc, argv, cli, &o);
    if (status)
        return status;
    if (o.plan)
        return plan_run(&o.build);
    const char *program = NULL, *dir = NULL;
    if (!cli->program && o.build.profile_file)
        cli->program = arena_strdup(cli->arena, o.build.profile_file);
    if (!o.build.profile_file && (status = cli_find_program(cli, &program)))
        return status;
    struct profile profile = {0};
    if ((status = cli_output_dir(cli, &dir)) ||
        (status = build_profile(&o.build, program, dir, &profile)))
        return status;
    struct selection selection = {0};
    struct build_result result = {0};
    status = build_run(&o.build, dir, &profile, &selection, &result);
    if (status > STATUS_FOUND || o.build.explain)
        return status;
    if (cli->json) {
        json_t *json = jm_encode(&selection_type, &selection);
        enum status printed = json_print(&cli->diag, json);
        json_decref(json);
        if (printed)
            return printed;
    } else {
        summary_selection(cli, &selection, &result);
    }
    if (!o.boot.run)
        return status;
    /* What is missing was said; whether the image does what is asked of it, the run decides. */
    return boot_run(&o.boot, dir, profile.program.path, &selection, &result);
}

const struct tool tool_build = {"build", "Match and build: selection, app folder, image", run};
