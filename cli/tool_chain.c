/* SPDX-License-Identifier: BSD-3-Clause
 * No tool named: the whole chain on one program, and the report that shows all of it. */
#include "cli/build.h"
#include "cli/dep.h"
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
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    (void)value;
    struct chain *c = state->input;
    if (key != ARGP_KEY_INIT)
        return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = &c->dep;
    state->child_inputs[1] = &c->build;
    state->child_inputs[2] = c->cli;
    return 0;
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
static enum status compare(struct chain *c, const char *dir, struct verif *verdicts)
{
    struct cli *cli = c->cli;
    if (c->dep.tracer.tests) { /* already read, and a pipe cannot be read twice */
        c->verif.tests = *c->dep.tracer.tests;
        c->verif.verif.tests = &c->verif.tests;
    }
    enum status status = verif_prepare(&c->verif, dir);
    if (status)
        return status;
    verif_use_build(&c->verif, &c->selection, &c->built);
    c->verif.verif.catalogue = &c->catalogue;
    status = verify(&cli->diag, cli->arena, &c->verif.verif, &c->verif.image, verdicts);
    if (status > STATUS_FOUND)
        return status;
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
    struct verif verdicts = {0};
    enum status status = compare(c, dir, &verdicts);
    if (status == STATUS_SYSTEM) {
        note(c, "Verification", c->cli->diag.message);
        c->cli->diag.message[0] = '\0';
        return STATUS_OK;
    }
    return status;
}

static enum status write_report(struct chain *c, const char *dir)
{
    struct report report = {.profile = &c->profile,
                            .catalogue = &c->catalogue,
                            .selection = &c->selection,
                            .built = &c->built,
                            .notes = c->notes};
    return report_write(&c->cli->diag, c->cli->arena, cli_path(c->cli, dir, "report.html"),
                        &report);
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
                                    {&cli_common_argp, 0, "", 3},
                                    {0}};
    const struct argp argp = {
        .parser = parse, .children = children, .args_doc = "PROGRAM [-- ARGUMENTS]", .doc = doc};
    enum status status = cli_parse(&argp, argc, argv, cli, c);
    const char *dir = NULL;
    if (!status)
        status = run_dep(c, &dir);
    if (status > STATUS_FOUND)
        return status;
    enum status opened = catalogue_open(&cli->diag, cli->arena, cli->catalogue, &c->catalogue);
    if (opened)
        return opened;
    enum status built = build_run(&c->build, dir, &c->profile, &c->selection, &c->built);
    if (built > STATUS_FOUND)
        return built;
    summary_selection(cli, &c->selection, &c->built);
    status = worse(worse(status, built), verify_image(c, dir));
    note(c, "Optimisation",
         c->built.image ? "it takes long; start it with toolchain --perf"
                        : "there is no image to measure");
    enum status reported = write_report(c, dir);
    if (!reported)
        summary_line("Written", "%s/report.html, profile.json, selection.json, %s", dir,
                     c->built.app_dir ? c->built.app_dir : "no app folder");
    return worse(status, reported);
}

const struct tool tool_chain = {NULL, "the whole chain", run};
