/* SPDX-License-Identifier: BSD-3-Clause
 * --build: profile (or program) -> selection -> app folder -> image. */
#include "analyzer/analyzer.h"
#include "cli/build.h"
#include "common/file.h"
#include <string.h>
#include <sys/stat.h>

struct tool_options {
    struct cli *cli;
    struct build_options build;
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct tool_options *o = state->input;
    (void)value;
    if (key == ARGP_KEY_INIT) {
        state->child_inputs[0] = &o->build;
        state->child_inputs[1] = o->cli;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* Whether a profile in the output folder is of this very program and not older than it. */
static bool profile_is_of(const char *file, const struct profile *p, const char *program)
{
    struct stat profile_stat, program_stat;
    return p->program.path && strcmp(p->program.path, program) == 0 &&
           stat(file, &profile_stat) == 0 && stat(program, &program_stat) == 0 &&
           profile_stat.st_mtime >= program_stat.st_mtime;
}

static enum status find_profile(struct build_options *o, const char *program, const char *dir,
                                struct profile *profile)
{
    struct cli *cli = o->cli;
    if (o->profile_file)
        return profile_read(&cli->diag, cli->arena, o->profile_file, profile);
    const char *file = cli_path(cli, dir, "profile.json");
    if (file_exists(file)) {
        enum status status = profile_read(&cli->diag, cli->arena, file, profile);
        if (status)
            return status;
        if (profile_is_of(file, profile, program)) {
            diag_debug(&cli->diag, 1, "%s: taken as the profile of %s", file, program);
            return STATUS_OK;
        }
        *profile = (struct profile){0};
    }
    const struct analyzer_options options = {0};
    profile->schema = PROFILE_SCHEMA;
    enum status status = analyze(&cli->diag, cli->arena, program, &options, profile);
    /* A library that is missing is reported; the rest is analysed all the same. */
    if (status == STATUS_FOUND && profile->static_part.present) {
        diag_warn(&cli->diag, "%s", cli->diag.message);
        cli->diag.message[0] = '\0';
        return STATUS_OK;
    }
    return status;
}

static enum status run(int argc, char **argv, struct cli *cli)
{
    struct tool_options o = {.cli = cli};
    struct argp_child children[] = {{&build_argp, 0, NULL, 0}, {&cli_common_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {
        .parser = parse,
        .children = children,
        .args_doc = "PROGRAM [-- ARGUMENTS]",
        .doc = "Chooses the smallest configuration of micro-libraries that gives the program what "
               "it needs, writes it as an app folder and, where a core is at hand, builds the "
               "image.\vThe program's profile is taken from the output folder when it is there, "
               "else its static analysis is run. Exit status 1: something that the program needs "
               "is missing; what can be had is chosen and written all the same."};
    build_options_init(&o.build, cli);
    enum status status = cli_parse(&argp, argc, argv, cli, &o);
    if (status)
        return status;
    const char *program = NULL, *dir = NULL;
    if (!cli->program && o.build.profile_file)
        cli->program = arena_strdup(cli->arena, o.build.profile_file);
    if (!o.build.profile_file && (status = cli_find_program(cli, &program)))
        return status;
    struct profile profile = {0};
    if ((status = cli_output_dir(cli, &dir)) ||
        (status = find_profile(&o.build, program, dir, &profile)))
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
        return printed ? printed : status;
    }
    summary_selection(cli, &selection, &result);
    return status;
}

const struct tool tool_build = {"build", "Match and build: selection, app folder, image", run};
