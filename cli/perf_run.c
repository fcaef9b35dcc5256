/* SPDX-License-Identifier: BSD-3-Clause
 * A search and its documents, as --perf and the chain start it. */
#include "cli/perf.h"
#include "common/file.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

double perf_time(const char *text)
{
    char *end;
    double value = strtod(text, &end);
    double unit = !*end || strcmp(end, "s") == 0 ? 1
                  : strcmp(end, "m") == 0        ? 60
                  : strcmp(end, "h") == 0        ? 3600
                                                 : -1;
    return end == text ? -1 : value * unit;
}

/* The only reaction to a signal: finish the measurement under way, keep it, and stop. */
static volatile int stop_asked;

static void on_signal(int signal)
{
    (void)signal;
    stop_asked = 1;
}

/* What of the usual four there is to be had, unless the user says. */
static void collect_objectives(struct perf_cli *p)
{
    struct arena *a = p->cli->arena;
    vec_each (name, &p->objectives)
        vec_push(a, &p->search.objectives,
                 ((struct perf_objective){*name, strcmp(*name, "throughput") == 0}));
    for (size_t i = 0; i < p->search.objectives.count; i++)
        vec_each (objective, &p->file.objectives)
            if (strcmp(objective->name, p->search.objectives.items[i].name) == 0)
                p->search.objectives.items[i].maximise = objective->maximise;
    if (p->search.objectives.count)
        return;
    p->search.whole_front = true;
    vec_each (objective, &p->file.objectives)
        vec_push(a, &p->search.objectives, *objective);
    if (p->search.objectives.count)
        return;
    vec_push(a, &p->search.objectives, ((struct perf_objective){"size", false}));
    vec_push(a, &p->search.objectives, ((struct perf_objective){"boot", false}));
    vec_push(a, &p->search.objectives, ((struct perf_objective){"memory", false}));
    if (p->verif.verif.tests)
        vec_push(a, &p->search.objectives, ((struct perf_objective){"throughput", true}));
}

static enum status write_results(struct perf_cli *p, const struct perf *perf)
{
    struct cli *cli = p->cli;
    json_t *json = jm_encode(&perf_type, perf), *weights = perf_weights(perf);
    char *svg = perf_svg(cli->arena, perf);
    enum status status = json_write(&cli->diag, cli_path(cli, p->dir, "perf.json"), json);
    if (!status)
        status = json_write(&cli->diag, cli_path(cli, p->dir, "weights.json"), weights);
    if (!status)
        status = file_write(&cli->diag, cli_path(cli, p->dir, "perf.svg"), svg, strlen(svg), 0);
    if (!status && cli->json && !p->quiet)
        status = json_print(&cli->diag, json);
    json_decref(json);
    json_decref(weights);
    if (!status && !cli->json && !p->quiet) {
        perf_print(perf, stdout, isatty(STDOUT_FILENO) && cli->diag.colour, cli->diag.verbosity);
        printf("\nWritten: perf.json, weights.json, perf.svg in %s\n", p->dir);
    }
    return status;
}

enum status perf_search_all(struct perf_cli *p, struct perf *out)
{
    struct cli *cli = p->cli;
    p->search.program = cli->program ? cli->program : "measurement";
    p->search.interrupted = &stop_asked;
    /* Points are named by what differs from the start: another start is another search. */
    vec_each (knob, &p->search.knobs)
        p->search.identity = arena_printf(cli->arena, "%s %s=%s", p->search.identity, knob->name,
                                          knob->values.items[0]);
    p->search.journal = cli_path(cli, p->dir, "perf.journal");
    if (p->fresh)
        unlink(p->search.journal);
    struct sigaction act = {.sa_handler = on_signal}, kept[2];
    sigaction(SIGINT, &act, &kept[0]);
    sigaction(SIGTERM, &act, &kept[1]);
    enum status status = perf_search(&cli->diag, cli->arena, &p->search, out);
    sigaction(SIGINT, &kept[0], NULL);
    sigaction(SIGTERM, &kept[1], NULL);
    return status ? status : write_results(p, out);
}

static enum status passes(void *context, const struct image *image, bool *good)
{
    struct perf_cli *p = context;
    struct verif verif;
    enum status status = verify(&p->cli->diag, p->cli->arena, &p->verif.verif, image, &verif);
    *good = status == STATUS_OK && verif.verdict == VERDICT_SAME;
    return status == STATUS_FOUND ? STATUS_OK : status;
}

enum status perf_prepare(struct perf_cli *p)
{
    struct cli *cli = p->cli;
    enum status status = p->measure ? STATUS_OK : verif_prepare(&p->verif, p->dir);
    if (status)
        return status;
    if (p->measuring.load && !p->measure && !p->verif.verif.tests)
        return diag_fail(&cli->diag, STATUS_INPUT,
                         "--load: a test file is needed as well (-t), for how the server is "
                         "started and on which port it is reached");
    p->work = cli_path(cli, p->dir, "perf");
    status = dir_make(&cli->diag, p->work);
    char *real = realpath(p->work, NULL);
    p->work = real ? arena_strdup(cli->arena, real) : p->work;
    free(real);
    p->measuring.program = p->verif.verif.program;
    p->measuring.tests = p->verif.verif.tests;
    p->measuring.arguments = p->verif.verif.arguments;
    p->measuring.work_dir = p->work;
    p->measuring.boot_ms = p->verif.verif.boot_ms;
    p->measuring.passes = passes;
    p->measuring.context = p;
    p->search.context = p;
    collect_objectives(p);
    return status;
}

static enum status measure_built(void *context, const int *choice, struct perf_sample *sample)
{
    struct perf_cli *p = context;
    (void)choice;
    return measure_image(&p->cli->diag, p->cli->arena, &p->measuring, &p->verif.image, sample);
}

enum status perf_of_chain(struct perf_cli *p, struct perf *out)
{
    struct cli *cli = p->cli;
    enum status status = perf_prepare(p);
    if (status)
        return status;
    if (p->search.budget_s > 0) {
        status = perf_core_prepare(p);
    } else {
        p->fresh = true;
        p->search.measure = measure_built;
        p->search.identity = "the image that was built";
        status = measuring_open(&cli->diag, cli->arena, &p->measuring);
        if (!status)
            measuring_learn(&cli->diag, cli->arena, &p->measuring);
    }
    if (!status)
        status = perf_search_all(p, out);
    measuring_close(&p->measuring);
    return status;
}
