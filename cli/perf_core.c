/* SPDX-License-Identifier: BSD-3-Clause
 * --perf with a core at hand: a point is a configuration, measuring it is to build and run it. */
#include "cli/perf.h"
#include <string.h>

enum { KNOBS = 20, LEAST_LIMIT_MIB = 256 };

struct image_of { /* an image built in this run */
    const char *key;
    struct verif_cli verif;
    const char *failure; /* it could not be built */
    double least_mib;    /* 0: not known */
};

struct perf_core {
    struct perf_cli *p;
    struct profile profile;
    struct catalogue catalogue;
    struct selection first; /* the matcher's answer */
    struct knob_space space;
    VEC(struct image_of) images;
};

bool perf_core_wanted(const struct perf_cli *p)
{
    return p->build.builder.uk_root != NULL;
}

static const char *key_of(struct perf_core *c, const int *choice)
{
    struct arena *a = c->p->cli->arena;
    const char *text = "";
    for (size_t k = 0; k < c->p->search.knobs.count; k++)
        text = arena_printf(a, "%s %d", text, choice[k]);
    return text;
}

static const char *folder_of(struct perf_core *c, const char *key)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (const char *p = key; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
    return arena_printf(c->p->cli->arena, "%s/%016llx", c->p->work, (unsigned long long)hash);
}

static bool valid(void *context, const int *choice)
{
    struct perf_core *c = context;
    const struct perf_search *s = &c->p->search;
    return !knobs_excluded(&c->p->file, s->knobs.items, s->knobs.count, choice) &&
           knob_space_valid(&c->space, s->knobs.items, s->knobs.count, choice);
}

/* Copies of what outlives a build's own arena. */
static void keep_result(struct arena *a, struct build_result *built)
{
    strings run = {0};
    vec_each (word, &built->run)
        vec_push(a, &run, arena_strdup(a, *word));
    *built = (struct build_result){
        .image = arena_strdup(a, built->image),
        .initrd = built->initrd ? arena_strdup(a, built->initrd) : NULL,
        .run = run,
    };
}

/* The image of a point, built unless it was before. */
static enum status image_of(struct perf_core *c, const int *choice, struct image_of **out)
{
    struct cli *cli = c->p->cli;
    const char *key = key_of(c, choice);
    vec_each (image, &c->images)
        if (strcmp(image->key, key) == 0) {
            *out = image;
            return STATUS_OK;
        }
    struct selection *selection = ARENA_NEW(cli->arena, struct selection);
    struct build_result built = {0};
    knob_space_apply(&c->space, c->p->search.knobs.items, c->p->search.knobs.count, choice,
                     selection);
    struct diag quiet = cli->diag;
    quiet.verbosity = -1;
    struct arena *scratch = arena_new(); /* a build takes megabytes, and there are many */
    enum status status = build(&quiet, scratch, &c->profile, &c->catalogue, selection,
                               &c->p->build.builder, folder_of(c, key), &built);
    struct image_of *image = vec_add(cli->arena, &c->images);
    *image = (struct image_of){.key = key, .verif = c->p->verif};
    if (built.image) {
        keep_result(cli->arena, &built);
        verif_use_build(&image->verif, selection, &built);
    }
    if (status || !built.image)
        image->failure = arena_printf(cli->arena, "cannot be built: %.300s", quiet.message);
    arena_free(scratch);
    *out = image;
    return STATUS_OK;
}

static enum status least(struct perf_core *c, struct image_of *image, double *mib)
{
    int found = 0;
    enum status status = STATUS_OK;
    if (image->least_mib <= 0) {
        c->p->verif.verif.selection = image->verif.verif.selection;
        status = least_memory(&c->p->cli->diag, c->p->cli->arena, &c->p->measuring,
                              &image->verif.image, LEAST_LIMIT_MIB, &found);
        image->least_mib = found;
    }
    *mib = image->least_mib;
    return status;
}

/* Quantities that a busy host changes. */
static bool of_time(const char *name)
{
    static const char *const names[] = {"boot", "run", "p50", "p99", "throughput"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* The start once more, beside a sample, for what it tells of the host. */
static enum status measure_start(struct perf_core *c, struct perf_sample *sample)
{
    struct cli *cli = c->p->cli;
    int *start = arena_array(cli->arena, c->p->search.knobs.count + 1, sizeof *start);
    struct image_of *image;
    struct perf_sample beside = {0};
    enum status status = image_of(c, start, &image);
    if (!status && !image->failure)
        status =
            measure_image(&cli->diag, cli->arena, &c->p->measuring, &image->verif.image, &beside);
    if (!beside.works)
        return status;
    vec_each (v, &beside.values)
        if (of_time(v->name))
            vec_push(
                cli->arena, &sample->values,
                ((struct perf_value){arena_printf(cli->arena, "start_%s", v->name), v->value}));
    return status;
}

static enum status measure(void *context, const int *choice, struct perf_sample *sample)
{
    struct perf_core *c = context;
    struct cli *cli = c->p->cli;
    struct image_of *image;
    double mib = 0;
    enum status status = image_of(c, choice, &image);
    if (status)
        return status;
    if (image->failure) {
        *sample = (struct perf_sample){.failure = image->failure};
        return STATUS_OK;
    }
    status = measure_image(&cli->diag, cli->arena, &c->p->measuring, &image->verif.image, sample);
    if (!status && sample->works)
        status = measure_start(c, sample);
    if (status || !sample->works || !c->p->least)
        return status;
    status = image_of(c, choice, &image); /* the list may have moved */
    if (!status)
        status = least(c, image, &mib);
    vec_each (v, &sample->values)
        if (strcmp(v->name, "memory") == 0)
            v->value = mib * 1024;
    if (mib <= 0)
        *sample = (struct perf_sample){.failure = "does not pass its tests whatever the memory"};
    return status;
}

static enum status verify_point(void *context, const int *choice, bool *good, const char **why)
{
    struct perf_core *c = context;
    struct cli *cli = c->p->cli;
    struct image_of *image;
    struct verif verif;
    enum status status = image_of(c, choice, &image);
    if (status)
        return status;
    *why = image->failure;
    *good = !image->failure;
    if (image->failure)
        return STATUS_OK;
    status = verify(&cli->diag, cli->arena, &image->verif.verif, &image->verif.image, &verif);
    *good = status == STATUS_OK && verif.verdict != VERDICT_DIFFERENT;
    if (status == STATUS_FOUND)
        *why = verif.divergence.explanation ? verif.divergence.explanation : "different";
    return status == STATUS_FOUND ? STATUS_OK : status;
}

/* What the matcher would choose for each objective by its rules: points to begin with. */
static void find_seeds(struct perf_core *c)
{
    static const char *const objectives[] = {"size", "boot", "memory", "throughput"};
    struct perf_search *s = &c->p->search;
    struct cli *cli = c->p->cli;
    for (size_t i = 0; i < sizeof objectives / sizeof objectives[0]; i++) {
        struct matcher_options options = c->p->build.matcher;
        struct selection *answer = ARENA_NEW(cli->arena, struct selection);
        struct diag quiet = cli->diag;
        quiet.verbosity = -1;
        memset(&options.facts, 0, sizeof options.facts);
        vec_each (fact, &c->p->build.matcher.facts)
            vec_push(cli->arena, &options.facts, *fact);
        vec_push(cli->arena, &options.facts,
                 arena_printf(cli->arena, "objective=%s", objectives[i]));
        if (match(&quiet, cli->arena, &c->profile, &c->catalogue, &options, answer) <= STATUS_FOUND)
            vec_push(cli->arena, &s->seeds,
                     knob_space_point(&c->space, s->knobs.items, s->knobs.count, answer));
    }
}

static void needed_calls(struct perf_core *c, strings *calls)
{
    vec_each (call, &c->profile.static_part.syscalls)
        vec_push(c->p->cli->arena, calls, call->name);
    vec_each (call, &c->profile.dynamic_part.syscalls)
        vec_push(c->p->cli->arena, calls, call->name);
}

enum status perf_core_prepare(struct perf_cli *p)
{
    struct cli *cli = p->cli;
    struct perf_core *c = ARENA_NEW(cli->arena, struct perf_core);
    strings calls = {0};
    c->p = p;
    enum status status = build_profile(&p->build, p->verif.verif.program, p->dir, &c->profile);
    if (!status)
        status = build_catalogue(&p->build, &c->catalogue);
    if (!status)
        status =
            match(&cli->diag, cli->arena, &c->profile, &c->catalogue, &p->build.matcher, &c->first);
    if (status > STATUS_FOUND)
        return status;
    needed_calls(c, &calls);
    status = knob_space_open(&cli->diag, cli->arena, &c->catalogue, &c->first, &calls, &c->space);
    if (status)
        return status;
    if (!p->search.knobs.count)
        knob_space_find(&c->space, KNOBS, &p->search);
    if (!p->search.knobs.count)
        return diag_fail(&cli->diag, STATUS_FOUND,
                         "nothing in this configuration is a matter of choice (--knob NAME=V,V)");
    find_seeds(c);
    p->verif.verif.catalogue = &c->catalogue;
    p->verif.verif.calls = false;
    /* The loader of unmodified programs does not end its machine with them. */
    p->verif.verif.runs_on = p->build.matcher.mode == MODE_BINARY;
    p->search.context = c;
    p->search.valid = valid;
    p->search.measure = measure;
    p->search.verify = p->no_verify ? NULL : verify_point;
    p->search.identity = arena_printf(
        cli->arena, "core %s %s program %s", c->catalogue.name, c->catalogue.version,
        c->profile.program.build_id ? c->profile.program.build_id : p->verif.verif.program);
    status = measuring_open(&cli->diag, cli->arena, &p->measuring);
    if (!status)
        measuring_learn(&cli->diag, cli->arena, &p->measuring);
    return status;
}
