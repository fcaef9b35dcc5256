/* SPDX-License-Identifier: BSD-3-Clause
 * --perf: measures images and searches for better configurations. */
#include "cli/perf.h"
#include "common/file.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    KEY_BUDGET = 0x3200,
    KEY_OBJECTIVE,
    KEY_KNOB,
    KEY_KNOBS,
    KEY_MEASURE,
    KEY_SAMPLES,
    KEY_MOST,
    KEY_SEED,
    KEY_FRESH,
    KEY_LOAD,
    KEY_LOAD_METRIC,
    KEY_ROUNDS,
    KEY_MIN_MEMORY,
    KEY_NO_VERIFY,
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "The search:", 0},
    {"objective", KEY_OBJECTIVE, "NAME", 0,
     "What to improve: size, loaded, boot, memory, throughput, p50, p99 or run; several: the first "
     "leads (default: the whole Pareto front of size, boot, memory and throughput)",
     0},
    {"budget", KEY_BUDGET, "TIME", 0, "Stop measuring after this time (90s, 20m, 2h)", 0},
    {"knob", KEY_KNOB, "NAME=V,V", 0,
     "An option or choice and its values, the first the present one", 0},
    {"knobs", KEY_KNOBS, "FILE", 0, "The search space as JSON (docs/PERF.md)", 0},
    {"samples", KEY_SAMPLES, "N", 0, "Measurements of each configuration (default 3)", 0},
    {"most", KEY_MOST, "N", 0,
     "Configurations measured at most (default a third of the valid ones)", 0},
    {"seed", KEY_SEED, "N", 0, "Of the search's random numbers", 0},
    {"fresh", KEY_FRESH, NULL, 0, "Do not go on with an interrupted search", 0},
    {"no-verify", KEY_NO_VERIFY, NULL, 0, "Accept configurations without --verif", 0},
    {NULL, 0, NULL, 0, "The measurement:", 1},
    {"load", KEY_LOAD, "COMMAND", 0, "Load a server with this command instead of the tests", 1},
    {"load-metric", KEY_LOAD_METRIC, "REGEX", 0,
     "Its throughput is what the first group matches (default '... requests per second')", 1},
    {"rounds", KEY_ROUNDS, "N", 0, "Times the tests' commands are sent", 1},
    {"min-memory", KEY_MIN_MEMORY, NULL, 0,
     "Least memory with which the tests pass, by bisection, as 'memory'", 1},
    {"measure", KEY_MEASURE, "COMMAND", 0,
     "Measure a configuration with this command, which prints lines NAME VALUE; needs no core", 1},
    {NULL},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct perf_cli *p = state->input;
    struct arena *a = p->cli->arena;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &p->verif;
        state->child_inputs[1] = &p->build;
        state->child_inputs[2] = p->cli;
        return 0;
    case KEY_OBJECTIVE:
        vec_push(a, &p->objectives, value);
        return 0;
    case KEY_BUDGET:
        p->search.budget_s = perf_time(value);
        if (p->search.budget_s <= 0)
            argp_error(state, "--budget: '%s' is not a time such as 90s, 20m or 2h", value);
        return 0;
    case KEY_KNOB:
        vec_push(a, &p->knob, value);
        return 0;
    case KEY_KNOBS:
        p->knobs_file = value;
        return 0;
    case KEY_SAMPLES:
        p->search.repeat = atoi(value);
        if (p->search.repeat < 1 || p->search.repeat > 12)
            argp_error(state, "--samples: a number from 1 to 12 was expected, not '%s'", value);
        return 0;
    case KEY_MOST:
        p->search.most = atoll(value);
        if (p->search.most < 1)
            argp_error(state, "--most: a number from 1 on was expected, not '%s'", value);
        return 0;
    case KEY_SEED:
        p->search.seed = strtoull(value, NULL, 0);
        return 0;
    case KEY_FRESH:
        p->fresh = true;
        return 0;
    case KEY_LOAD:
        p->measuring.load = value;
        return 0;
    case KEY_LOAD_METRIC:
        p->measuring.load_metric = value;
        return 0;
    case KEY_ROUNDS:
        p->measuring.rounds = atoi(value);
        return 0;
    case KEY_MIN_MEMORY:
        p->least = true;
        return 0;
    case KEY_MEASURE:
        p->measure = value;
        return 0;
    case KEY_NO_VERIFY:
        p->no_verify = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum status measure_by_command(void *context, const int *choice, struct perf_sample *sample)
{
    struct perf_cli *p = context;
    return measure_command(&p->cli->diag, p->cli->arena, p->measure, p->work, p->search.knobs.items,
                           p->search.knobs.count, choice, sample);
}

static bool not_excluded(void *context, const int *choice)
{
    struct perf_cli *p = context;
    return !knobs_excluded(&p->file, p->search.knobs.items, p->search.knobs.count, choice);
}

static enum status collect_knobs(struct perf_cli *p)
{
    struct arena *a = p->cli->arena;
    enum status status = STATUS_OK;
    if (p->knobs_file)
        status = knobs_read(&p->cli->diag, a, p->knobs_file, &p->file);
    vec_each (knob, &p->file.knobs)
        vec_push(a, &p->search.knobs, *knob);
    vec_each (text, &p->knob) {
        struct perf_knob knob = {0};
        if (!status)
            status = knob_parse(&p->cli->diag, a, *text, &knob);
        if (!status)
            vec_push(a, &p->search.knobs, knob);
    }
    return status;
}

/* No space to search: one image, its figures. */
static enum status measure_one(struct perf_cli *p)
{
    struct cli *cli = p->cli;
    struct perf_sample sample;
    p->measuring.console = NULL;
    enum status status = measuring_open(&cli->diag, cli->arena, &p->measuring);
    if (!status) {
        measuring_learn(&cli->diag, cli->arena, &p->measuring);
        status = measure_image(&cli->diag, cli->arena, &p->measuring, &p->verif.image, &sample);
    }
    if (!status && !sample.works)
        status = diag_fail(&cli->diag, STATUS_FOUND, "%s: does not work: %s", p->verif.image.path,
                           sample.failure);
    int mib = 0;
    if (!status && p->least)
        status = least_memory(&cli->diag, cli->arena, &p->measuring, &p->verif.image, 512, &mib);
    if (!status && p->least && !mib)
        diag_note(&cli->diag,
                  "it does not pass its comparison with the program, whatever the memory "
                  "(toolchain --verif says why)");
    if (mib)
        vec_push(cli->arena, &sample.values, ((struct perf_value){"least_memory", mib}));
    json_t *json = json_object();
    if (!status)
        vec_each (v, &sample.values) {
            json_object_set_new(json, v->name, json_real(v->value));
            if (!cli->json)
                printf("%-14s %.6g\n", v->name, v->value);
        }
    if (!status && cli->json)
        status = json_print(&cli->diag, json);
    json_decref(json);
    measuring_close(&p->measuring);
    return status;
}

static enum status find_image(struct perf_cli *p)
{
    struct build_result built = {0};
    bool found = false;
    if (p->verif.image.path)
        return STATUS_OK;
    enum status status = image_recall(p->cli, p->dir, &built, &found);
    if (!status && !found)
        return diag_fail(&p->cli->diag, STATUS_SYSTEM,
                         "no image: build one with --build --uk-root, or name it with --image");
    const char *file = cli_path(p->cli, p->dir, "selection.json");
    struct selection *selection = NULL;
    if (!status && file_exists(file)) {
        selection = ARENA_NEW(p->cli->arena, struct selection);
        status = selection_read(&p->cli->diag, p->cli->arena, file, selection);
    }
    if (!status)
        verif_use_build(&p->verif, selection, &built);
    /* The loader of unmodified programs does not end its machine with them. */
    p->verif.verif.runs_on = selection && strcmp(selection->mode, "binary") == 0;
    return status;
}

static enum status run(int argc, char **argv, struct cli *cli)
{
    struct perf_cli p = {.cli = cli, .verif.cli = cli};
    struct perf perf;
    struct argp_child children[] = {{&verif_argp, 0, NULL, 0},
                                    {&build_argp, 0, "What is built (--build):", 4},
                                    {&cli_common_argp, 0, "", 5},
                                    {0}};
    const struct argp argp = {
        .options = options,
        .parser = parse,
        .children = children,
        .args_doc = "PROGRAM [-- ARGUMENTS]",
        .doc = "Measure an image, and search for a configuration that does better.\vA search that "
               "was interrupted goes on where it stopped."};
    build_options_init(&p.build, cli);
    enum status status = cli_parse(&argp, argc, argv, cli, &p);
    if (!status)
        status = cli_output_dir(cli, &p.dir);
    if (!status)
        status = collect_knobs(&p);
    if (!status)
        status = perf_prepare(&p);
    if (status)
        return status;
    if (!p.measure && perf_core_wanted(&p) && !p.verif.image.path) {
        status = perf_core_prepare(&p);
        if (!status)
            status = perf_search_all(&p, &perf);
        measuring_close(&p.measuring);
        return status;
    }
    if (!p.measure)
        return find_image(&p) ? STATUS_SYSTEM : measure_one(&p);
    if (!p.search.knobs.count)
        return diag_fail(&cli->diag, STATUS_INPUT,
                         "--measure: no search space: give --knobs FILE or --knob NAME=V,V");
    p.search.measure = measure_by_command;
    p.search.valid = not_excluded;
    p.search.identity = arena_printf(cli->arena, "command %s", p.measure);
    return perf_search_all(&p, &perf);
}

const struct tool tool_perf = {"perf", "measures configurations, feeds weights back to the matcher",
                               run};
