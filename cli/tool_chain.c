/* SPDX-License-Identifier: BSD-3-Clause
 * No tool named: the whole chain on one program, and the report that shows all of it. */
#include "cli/build.h"
#include "cli/dep.h"
#include "cli/perf.h"
#include "cli/report.h"
#include "cli/summary.h"
#include "cli/verif.h"
#include "common/file.h"
#include <string.h>
#include <unistd.h>

static const char doc[] =
    "Find out what an unmodified Linux PROGRAM needs from its operating system, and which "
    "micro-libraries "
    "of a unikernel core give exactly that."
    "\vWithout a tool named, the whole chain runs: --dep, --build, --verif, --perf.\n\n"
    "Tools (each has its own --help):\n"
    "  --dep          what the program needs: libraries, symbols, system calls\n"
    "  --build        the smallest configuration that provides it; app folder, image\n"
    "  --verif        the same tests on Linux and on the image, compared\n"
    "  --perf         measures configurations, looks for better ones\n"
    "  --crawler      reads a core's source tree: catalogue, dependency graphs\n"
    "  --memanalyser  what object files, archives and images are made of\n"
    "  --schema       the JSON Schema of a document\n\n"
    "Examples:\n"
    "  toolchain sqlite3 -t testFiles/sqlite3.json\n"
    "  toolchain --dep --static /usr/sbin/nginx\n"
    "  toolchain redis-server -t testFiles/redis-server.json --uk-root ~/unikraft\n\n"
    "Exit status: 0 done, 1 something that fails what was asked (a missing micro-library, a failed "
    "verification), 2 wrong usage or unreadable input, 3 an internal or environment failure.";

struct chain {
    struct cli *cli;
    struct dep_options dep;
    struct build_options build;
    struct verif_cli verif;
    struct catalogue catalogue;
    struct profile profile;
    struct selection selection;
    struct build_result built;
    strings notes; /* what could not run, and why */
    bool fix;
    double budget_s; /* of the search; 0: the image is measured, nothing is searched */
    struct verif verdicts;
    struct perf perf;
    bool compared, measured;
};

enum { KEY_FIX = 0x3300, KEY_BUDGET };

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "What follows the build:", 4},
    {"fix", KEY_FIX, NULL, 0,
     "Where image and program differ, add what is missing, build and compare again", 4},
    {"budget", KEY_BUDGET, "TIME", 0,
     "Search for better configurations for this long (90s, 20m, 2h; default: the image built is "
     "measured)",
     4},
    {NULL},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct chain *c = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &c->dep;
        state->child_inputs[1] = &c->build;
        state->child_inputs[2] = &c->verif;
        state->child_inputs[3] = c->cli;
        return 0;
    case KEY_FIX:
        c->fix = true;
        return 0;
    case KEY_BUDGET:
        c->budget_s = perf_time(value);
        if (c->budget_s <= 0)
            argp_error(state, "--budget: '%s' is not a time such as 90s, 20m or 2h", value);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void note(struct chain *c, const char *tool, const char *why)
{
    const char *text = arena_printf(c->cli->arena, "%s did not run: %s", tool, why);
    vec_push(c->cli->arena, &c->notes, text);
    summary_line(tool, "did not run: %s", why);
}

/* Why the image cannot be verified; NULL when it can. */
static const char *verification_obstacle(const struct chain *c)
{
    if (!c->built.image)
        return c->built.reason ? c->built.reason
                               : "there is no image (give a core: --uk-root TREE)";
    if (!c->cli->test_file)
        return "there are no tests (-t FILE)";
    return NULL;
}

/* The tests on Linux and on the image just built; verif.json and the verdicts. */
static enum status compare(struct chain *c, const char *dir)
{
    struct cli *cli = c->cli;
    struct verif *verdicts = &c->verdicts;
    struct verif_loop loop = {.v = &c->verif,
                              .build = &c->build,
                              .dir = dir,
                              .profile = &c->profile,
                              .catalogue = &c->catalogue,
                              .selection = &c->selection};
    verif_use_build(&c->verif, &c->selection, &c->built);
    c->verif.verif.environment = c->build.environment;
    verif_find_wanted(&loop);
    enum status status = verif_once(&loop, verdicts);
    if (status == STATUS_FOUND && c->fix)
        status = verif_fix(&loop, verdicts);
    if (status > STATUS_FOUND)
        return status;
    c->compared = true;
    if (loop.selection != &c->selection)
        c->selection = *loop.selection;
    json_t *json = jm_encode(&verif_type, verdicts);
    enum status written = json_write(&cli->diag, cli_path(cli, dir, "verif.json"), json);
    json_decref(json);
    if (!written)
        verif_print(verdicts, stdout, isatty(STDOUT_FILENO) && cli->diag.colour,
                    cli->diag.verbosity);
    return written ? written : status;
}

static enum status verify_image(struct chain *c, const char *dir)
{
    const char *obstacle = verification_obstacle(c);
    if (obstacle) {
        note(c, "Verification", obstacle);
        return STATUS_OK;
    }
    enum status status = compare(c, dir);
    if (status == STATUS_SYSTEM) {
        note(c, "Verification", c->cli->diag.message);
        c->cli->diag.message[0] = '\0';
        return STATUS_OK;
    }
    return status;
}

/* The image's figures, or with a budget a search that begins at it. */
static enum status optimise(struct chain *c, const char *dir)
{
    struct perf_cli *p = ARENA_NEW(c->cli->arena, struct perf_cli);
    if (!c->built.image) {
        note(c, "Optimisation", "there is no image to measure");
        return STATUS_OK;
    }
    *p = (struct perf_cli){.cli = c->cli, .verif = c->verif, .build = c->build, .dir = dir};
    p->search.budget_s = c->budget_s;
    p->quiet = c->cli->json;
    enum status status = perf_of_chain(p, &c->perf);
    c->measured = !status;
    if (status) { /* what cannot be measured is no failure of what came before */
        note(c, "Optimisation", c->cli->diag.message);
        c->cli->diag.message[0] = '\0';
    } else if (c->budget_s <= 0) {
        summary_line("Optimisation",
                     "the image was measured; --budget 20m searches for better ones");
    }
    return STATUS_OK;
}

static enum status write_report(struct chain *c, const char *dir)
{
    struct report report = {.profile = &c->profile,
                            .catalogue = &c->catalogue,
                            .selection = &c->selection,
                            .built = &c->built,
                            .verif = c->compared ? &c->verdicts : NULL,
                            .perf = c->measured ? &c->perf : NULL,
                            .notes = c->notes};
    return report_write(&c->cli->diag, c->cli->arena, cli_path(c->cli, dir, "report.html"),
                        &report);
}

/* What an image that is to be compared needs beside its micro-libraries, and the catalogue. */
static enum status prepare_image(struct chain *c, const char *dir)
{
    if (c->dep.tracer.tests) { /* already read, and a pipe cannot be read twice */
        c->verif.tests = *c->dep.tracer.tests;
        c->verif.verif.tests = &c->verif.tests;
    }
    if (!c->build.builder.uk_root && !c->build.core)
        return catalogue_open(&c->cli->diag, c->cli->arena, c->cli->catalogue, &c->catalogue);
    enum status status = verif_prepare(&c->verif, dir);
    if (!status)
        verif_surround(&c->verif, &c->build);
    if (!status && c->build.core)
        status = builder_fetch_core(&c->cli->diag, c->cli->arena, c->build.core,
                                    &c->build.builder.uk_root);
    return status ? status : build_catalogue(&c->build, &c->catalogue);
}

static enum status run_dep(struct chain *c, const char **dir)
{
    struct cli *cli = c->cli;
    enum status found = dep_run(&c->dep, &c->profile);
    if (found > STATUS_FOUND)
        return found;
    enum status status = cli_output_dir(cli, dir);
    if (!status)
        status = profile_write(&cli->diag, cli_path(cli, *dir, "profile.json"), &c->profile);
    if (!status)
        summary_profile(cli, &c->profile);
    return status ? status : found;
}

/* The worse of two outcomes, so that one failing step does not hide behind a later good one. */
static enum status worse(enum status a, enum status b)
{
    return a > b ? a : b;
}

static enum status run(int argc, char **argv, struct cli *cli)
{
    struct chain *c = ARENA_NEW(cli->arena, struct chain);
    c->cli = c->verif.cli = cli;
    dep_options_init(&c->dep, cli);
    build_options_init(&c->build, cli);
    struct argp_child children[] = {{&dep_argp, 0, "What the program needs (--dep):", 1},
                                    {&build_argp, 0, "What is chosen and built (--build):", 2},
                                    {&verif_argp, 0, "How it is compared (--verif):", 3},
                                    {&cli_common_argp, 0, "", 5},
                                    {0}};
    const struct argp argp = {.options = options,
                              .parser = parse,
                              .children = children,
                              .args_doc = "PROGRAM [-- ARGUMENTS]",
                              .doc = doc};
    enum status status = cli_parse(&argp, argc, argv, cli, c);
    const char *dir = NULL;
    if (!status)
        status = run_dep(c, &dir);
    if (status > STATUS_FOUND)
        return status;
    enum status opened = prepare_image(c, dir);
    if (opened)
        return opened;
    enum status built = build_run(&c->build, dir, &c->profile, &c->selection, &c->built);
    if (built > STATUS_FOUND)
        return built;
    summary_selection(cli, &c->selection, &c->built);
    status = worse(worse(status, built), verify_image(c, dir));
    status = worse(status, optimise(c, dir));
    enum status reported = write_report(c, dir);
    if (!reported)
        summary_line("Written", "%s/report.html, profile.json, selection.json, %s", dir,
                     c->built.app_dir ? c->built.app_dir : "no app folder");
    return worse(status, reported);
}

const struct tool tool_chain = {NULL, "the whole chain", run};
