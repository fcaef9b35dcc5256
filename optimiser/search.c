/* SPDX-License-Identifier: BSD-3-Clause
 * The search: the start, each knob once, then where the model expects most. What is measured is
 * remembered in the journal, and all decisions follow from measurements and the seed alone, so that
 * an interrupted search that is started again ends as if it had never been interrupted. */
#include "optimiser/model.h"
#include "optimiser/space.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    REPEAT = 3,
    SAMPLES = 12,    /* of one point at most */
    LEAST = 12,      /* points, whatever the size of the space */
    SAMPLED = 3000,  /* candidates out of a space too large to list */
    CALM = 8,        /* proposals in a row that promise nothing: converged */
    LEARN_EVERY = 4, /* points between two looks at the weights */
};
static const double PROMISE = 0.001; /* expected improvement that counts, in spreads of the data */

enum tried { UNTRIED, GOOD, BAD };

struct point {
    const int *x;
    const char *key;
    bool works;
    const char *failure;
    enum tried verified;
    double *samples; /* [objective][SAMPLES] */
    size_t count;
    double cost_s;
    bool remembered;
};

struct search {
    struct diag *d;
    struct arena *a;
    const struct perf_search *s;
    struct journal journal;
    VEC(struct point) points;
    choices space; /* when all could be listed */
    bool listed;
    double combinations;
    int64_t most;
    double spent_s;
    size_t remembered;
    size_t objectives;
    struct model model;
    uint64_t random;
    const char *stopped;
};

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double middle(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

void median_mad(double *values, size_t count, double *median, double *mad)
{
    *median = *mad = 0;
    if (!count)
        return;
    *median = middle(values, count);
    for (size_t i = 0; i < count; i++)
        values[i] = fabs(values[i] - *median);
    *mad = middle(values, count);
}

/* ---- measuring ---- */

static void statistics(const struct search *f, const struct point *p, size_t objective,
                       double *median, double *mad)
{
    double values[SAMPLES];
    (void)f;
    memcpy(values, p->samples + objective * SAMPLES, p->count * sizeof *values);
    median_mad(values, p->count, median, mad);
}

static bool keep_sample(struct search *f, struct point *p, const struct perf_sample *sample)
{
    for (size_t o = 0; o < f->objectives; o++) {
        bool found = false;
        vec_each (v, &sample->values)
            if (strcmp(v->name, f->s->objectives.items[o].name) == 0) {
                p->samples[o * SAMPLES + p->count] = v->value;
                found = isfinite(v->value);
            }
        if (!found) {
            p->failure =
                arena_printf(f->a, "the measurement tells no %s", f->s->objectives.items[o].name);
            return false;
        }
    }
    p->count++;
    return true;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static enum status take_sample(struct search *f, struct point *p)
{
    struct entry *known = journal_next(&f->journal, p->key, "sample");
    struct perf_sample sample = {0};
    double cost = known ? known->cost_s : 0;
    if (known) {
        sample = known->sample;
        p->remembered = true;
    } else {
        double began = seconds();
        enum status status = f->s->measure(f->s->context, p->x, &sample);
        if (status)
            return status;
        cost = seconds() - began;
        status = journal_add(&f->journal, p->key, "sample", &sample, cost);
        if (status)
            return status;
    }
    p->cost_s += cost;
    f->spent_s += cost;
    p->works = sample.works && keep_sample(f, p, &sample);
    if (!sample.works)
        p->failure = sample.failure ? sample.failure : "it does not work";
    return STATUS_OK;
}

/* All samples so far say the same: there is no noise to average out. */
static bool exact(const struct search *f, const struct point *p)
{
    for (size_t o = 0; o < f->objectives; o++)
        for (size_t i = 1; i < p->count; i++)
            if (p->samples[o * SAMPLES + i] != p->samples[o * SAMPLES])
                return false;
    return p->count > 1;
}

static bool interrupted(const struct search *f)
{
    return f->s->interrupted && *f->s->interrupted;
}

static enum status more_samples(struct search *f, struct point *p, size_t wanted)
{
    enum status status = STATUS_OK;
    while (p->works && p->count < wanted && p->count < SAMPLES && !exact(f, p) && !status &&
           !interrupted(f))
        status = take_sample(f, p);
    return status;
}

static struct point *find(struct search *f, const int *x)
{
    vec_each (p, &f->points)
        if (same_choice(f->s, p->x, x))
            return p;
    return NULL;
}

/* Whether the limits leave room for another point; says why not. */
static bool may_go_on(struct search *f)
{
    if (interrupted(f))
        f->stopped = "interrupted";
    else if ((int64_t)f->points.count >= f->most)
        f->stopped = "measurements";
    else if (f->s->budget_s > 0 && f->points.count &&
             f->spent_s + f->spent_s / (double)f->points.count > f->s->budget_s)
        f->stopped = "budget";
    return !f->stopped;
}

static enum status measure_point(struct search *f, const int *x)
{
    if (find(f, x) || !may_go_on(f))
        return STATUS_OK;
    int *copy = arena_array(f->a, f->s->knobs.count + 1, sizeof *copy);
    memcpy(copy, x, f->s->knobs.count * sizeof *x);
    struct point *p = vec_add(f->a, &f->points);
    *p = (struct point){.x = copy, .key = choice_text(f->a, f->s, copy), .works = true};
    p->samples = arena_array(f->a, f->objectives * SAMPLES, sizeof *p->samples);
    diag_progress(f->d, f->points.count, (size_t)f->most, "%s", *p->key ? p->key : "the start");
    enum status status = more_samples(f, p, (size_t)(f->s->repeat ? f->s->repeat : REPEAT));
    f->remembered += p->remembered;
    diag_debug(f->d, 1, "%zu: %s: %s", f->points.count, *p->key ? p->key : "(start)",
               p->works ? "measured" : p->failure);
    return status;
}

/* ---- comparing ---- */

/* a is better than b beyond the noise. */
static bool better(const struct search *f, const struct point *a, const struct point *b,
                   size_t objective)
{
    double ma, da, mb, db;
    statistics(f, a, objective, &ma, &da);
    statistics(f, b, objective, &mb, &db);
    double gain = f->s->objectives.items[objective].maximise ? ma - mb : mb - ma;
    double samples = (double)(a->count < b->count ? a->count : b->count);
    return gain > 3 * hypot(da, db) / sqrt(samples > 0 ? samples : 1) && gain > 0;
}

/* The same, with more samples of both taken where it is open. */
static enum status decide(struct search *f, struct point *a, struct point *b, size_t objective,
                          bool *yes)
{
    double ma, mb, unused;
    enum status status = STATUS_OK;
    for (size_t wanted = 2; !status; wanted *= 2) {
        *yes = better(f, a, b, objective);
        statistics(f, a, objective, &ma, &unused);
        statistics(f, b, objective, &mb, &unused);
        bool seems = f->s->objectives.items[objective].maximise ? ma > mb : ma < mb;
        if (*yes || !seems || wanted > SAMPLES || interrupted(f))
            break;
        status = more_samples(f, a, wanted);
        if (!status)
            status = more_samples(f, b, wanted);
    }
    return status;
}

static enum status verified(struct search *f, struct point *p, bool *good)
{
    *good = p->works && p->verified != BAD;
    if (!*good || p->verified == GOOD || !f->s->verify || interrupted(f))
        return STATUS_OK;
    struct entry *known = journal_next(&f->journal, p->key, "verify");
    struct perf_sample outcome = {0};
    enum status status = STATUS_OK;
    if (known) {
        outcome = known->sample;
        f->spent_s += known->cost_s;
    } else {
        double began = seconds();
        status = f->s->verify(f->s->context, p->x, &outcome.works, &outcome.failure);
        double cost = seconds() - began;
        f->spent_s += cost;
        if (!status)
            status = journal_add(&f->journal, p->key, "verify", &outcome, cost);
    }
    if (status)
        return status;
    *good = outcome.works;
    p->verified = outcome.works ? GOOD : BAD;
    if (!outcome.works) {
        p->works = false;
        p->failure = arena_printf(f->a, "not the same as on Linux: %s",
                                  outcome.failure ? outcome.failure : "");
    }
    return STATUS_OK;
}

static size_t changes(const struct search *f, const struct point *p)
{
    size_t count = 0;
    for (size_t k = 0; k < f->s->knobs.count; k++)
        count += p->x[k] != 0;
    return count;
}

/* The best point for an objective that passes verification; of those the noise cannot tell apart,
 * the one with the fewest changes. */
static enum status find_best(struct search *f, size_t objective, struct point **best)
{
    *best = NULL;
    enum status status = STATUS_OK;
    for (size_t n = 0; n <= f->s->knobs.count && !status; n++)
        for (size_t i = 0; i < f->points.count && !status; i++) {
            struct point *p = &f->points.items[i];
            bool yes = true;
            if (!p->works || changes(f, p) != n)
                continue;
            if (*best)
                status = decide(f, p, *best, objective, &yes);
            if (!status && yes)
                status = verified(f, p, &yes);
            if (!status && yes)
                *best = p;
        }
    return status;
}

/* ---- proposing ---- */

/* What the model is taught: logarithms, for effects multiply; small is good. */
static double target(const struct search *f, const struct point *p, size_t objective)
{
    double median, mad;
    statistics(f, p, objective, &median, &mad);
    bool maximise = f->s->objectives.items[objective].maximise;
    double value = median > 0 ? log(median) : median;
    return maximise ? -value : value;
}

/* Weights of the objectives for this step: one alone, or, for a whole front, each in turn and then
 * some mixture (Knowles, ParEGO, 2006). */
static void mixture(struct search *f, size_t step, double *weights)
{
    memset(weights, 0, f->objectives * sizeof *weights);
    if (!f->s->whole_front || f->objectives == 1) {
        weights[0] = 1;
        return;
    }
    size_t turn = step % (f->objectives + 1);
    if (turn < f->objectives) {
        weights[turn] = 1;
        return;
    }
    double sum = 0;
    for (size_t o = 0; o < f->objectives; o++)
        sum += weights[o] = 0.1 + (double)(random_next(&f->random) >> 11) / 9007199254740992.0;
    for (size_t o = 0; o < f->objectives; o++)
        weights[o] /= sum;
}

/* Fills the model with all points that work; returns the best value. */
static double teach(struct search *f, size_t step, bool learn)
{
    size_t count = 0;
    double *weights = arena_array(f->a, f->objectives, sizeof *weights), best = INFINITY;
    const int **x = arena_array(f->a, f->points.count, sizeof *x);
    double *y = arena_array(f->a, f->points.count, sizeof *y);
    mixture(f, step, weights);
    vec_each (p, &f->points) {
        if (!p->works)
            continue;
        x[count] = p->x;
        for (size_t o = 0; o < f->objectives; o++)
            if (weights[o] > 0)
                y[count] += weights[o] * target(f, p, o);
        best = y[count] < best ? y[count] : best;
        count++;
    }
    model_fit(&f->model, x, y, count, learn);
    return best;
}

/* How likely a point does not work, from those near it that were tried. */
static double failure_chance(const struct search *f, const int *x)
{
    double bad = 0, all = 0.5;
    vec_each (p, &f->points) {
        size_t apart = 0;
        for (size_t k = 0; k < f->s->knobs.count; k++)
            apart += p->x[k] != x[k];
        double near = exp(-1.5 * (double)apart);
        all += near;
        bad += p->works ? 0 : near;
    }
    return bad / all;
}

struct proposal {
    const int *x;
    double promise;
};

static void consider(struct search *f, const int *x, double best, struct proposal *out)
{
    double mean, deviation;
    if (find(f, x))
        return;
    model_predict(&f->model, x, &mean, &deviation);
    double promise = isinf(best) ? 1 / (1 + exp(mean - f->model.mean)) /* by the mean alone */
                                 : expected_improvement(mean, deviation, best);
    promise *= 1 - failure_chance(f, x);
    if (!out->x || promise > out->promise) {
        int *copy = arena_array(f->a, f->s->knobs.count + 1, sizeof *copy);
        memcpy(copy, x, f->s->knobs.count * sizeof *x);
        *out = (struct proposal){copy, promise};
    }
}

static bool valid(const struct search *f, const int *x)
{
    return !f->s->valid || f->s->valid(f->s->context, x);
}

/* Random points, and neighbours of those measured. */
static void consider_sampled(struct search *f, double best, struct proposal *out)
{
    size_t count = f->s->knobs.count;
    int *x = arena_array(f->a, count + 1, sizeof *x);
    for (int i = 0; i < SAMPLED; i++) {
        const struct point *from = &f->points.items[random_next(&f->random) % f->points.count];
        size_t moves = i % 3 ? 1 + random_next(&f->random) % 3 : count;
        memcpy(x, from->x, count * sizeof *x);
        for (size_t m = 0; m < moves; m++) {
            size_t k = random_next(&f->random) % count;
            x[k] = (int)(random_next(&f->random) % f->s->knobs.items[k].values.count);
        }
        if (valid(f, x))
            consider(f, x, best, out);
    }
}

static struct proposal propose(struct search *f, size_t step)
{
    struct proposal out = {NULL, -1};
    double best = teach(f, step, step % LEARN_EVERY == 0);
    if (f->listed)
        vec_each (x, &f->space)
            consider(f, *x, best, &out);
    else
        consider_sampled(f, best, &out);
    return out;
}

/* When nothing promises much any more: what the model may have wrong about the changes next to the
 * best point, first those it thinks best. x NULL: all of them are known. */
static struct proposal neighbour(struct search *f, size_t step)
{
    struct proposal out = {NULL, -1};
    const struct point *best = NULL;
    size_t objective = f->s->whole_front ? step % f->objectives : 0;
    vec_each (p, &f->points)
        if (p->works && (!best || better(f, p, best, objective)))
            best = p;
    int *x = arena_array(f->a, f->s->knobs.count + 1, sizeof *x);
    for (size_t k = 0; best && k < f->s->knobs.count; k++) {
        memcpy(x, best->x, f->s->knobs.count * sizeof *x);
        for (x[k] = 0; x[k] < (int)f->s->knobs.items[k].values.count; x[k]++)
            if (valid(f, x))
                consider(f, x, INFINITY, &out);
    }
    return out;
}

/* ---- the phases ---- */

/* Each knob alone, each of its values where the limits leave room for it and for what follows: what
 * is known of a knob alone is what the model builds on. */
static enum status screen(struct search *f)
{
    size_t singles = 0, round = 1, room = (size_t)f->most * 2 / 3;
    vec_each (knob, &f->s->knobs)
        singles += knob->values.count - 1;
    bool all = singles < room;
    int *x = arena_array(f->a, f->s->knobs.count + 1, sizeof *x);
    enum status status = STATUS_OK;
    for (bool more = true; more && !status && !f->stopped; round++) {
        more = false;
        for (size_t k = 0; k < f->s->knobs.count && !status && !f->stopped; k++) {
            size_t values = f->s->knobs.items[k].values.count;
            if (round >= values || (!all && (round > 1 || f->points.count > room)))
                continue;
            more = true;
            /* The far end of a scale tells more than its next step. */
            x[k] = (int)(f->s->knobs.items[k].ordered ? values - round : round);
            if (valid(f, x))
                status = measure_point(f, x);
            x[k] = 0;
        }
    }
    return status;
}

static enum status improve(struct search *f)
{
    int calm = 0;
    enum status status = STATUS_OK;
    int calm_limit = CALM * (f->s->whole_front ? (int)f->objectives + 1 : 1);
    for (size_t step = 0; !status && may_go_on(f); step++) {
        struct proposal next = propose(f, step);
        if (!next.x) {
            f->stopped = "exhausted";
            break;
        }
        calm = next.promise < PROMISE * f->model.scale ? calm + 1 : 0;
        if (calm >= calm_limit)
            next = neighbour(f, step);
        if (!next.x) {
            f->stopped = "converged";
            break;
        }
        status = measure_point(f, next.x);
        /* An accepted candidate must be right: one that is not must not draw the search to it. */
        struct point *p = status ? NULL : find(f, next.x);
        bool good = true;
        for (size_t o = 0; p && p->works && o < (f->s->whole_front ? f->objectives : 1); o++) {
            bool leads = true;
            vec_each (q, &f->points)
                leads &= q == p || !q->works || better(f, p, q, o);
            if (leads && !status)
                status = verified(f, p, &good);
        }
    }
    return status;
}

/* ---- the result ---- */

static bool dominates(const struct search *f, const struct point *a, const struct point *b)
{
    bool any = false;
    for (size_t o = 0; o < f->objectives; o++) {
        if (better(f, b, a, o))
            return false;
        any |= better(f, a, b, o);
    }
    return any;
}

static enum status mark_front(struct search *f, struct perf *out)
{
    enum status status = STATUS_OK;
    for (bool again = true; again && !status;) {
        again = false;
        for (size_t i = 0; i < f->points.count && !status; i++) {
            struct point *p = &f->points.items[i];
            bool front = p->works, good;
            for (size_t j = 0; j < f->points.count && front; j++) {
                const struct point *q = &f->points.items[j];
                front = !q->works || !dominates(f, q, p);
            }
            out->points.items[i].front = front;
            if (!front)
                continue;
            status = verified(f, p, &good);
            again |= !good;
        }
    }
    return status;
}

static void export_point(struct search *f, const struct point *p, struct perf_point *out)
{
    *out = (struct perf_point){.cost_s = p->cost_s};
    for (size_t k = 0; k < f->s->knobs.count; k++)
        if (p->x[k])
            vec_push(f->a, &out->values,
                     ((struct jm_pair){f->s->knobs.items[k].name,
                                       f->s->knobs.items[k].values.items[p->x[k]]}));
    for (size_t o = 0; o < f->objectives && p->count; o++) {
        struct perf_metric *m = vec_add(f->a, &out->metrics);
        m->name = f->s->objectives.items[o].name;
        m->samples = (int64_t)p->count;
        statistics(f, p, o, &m->median, &m->mad);
    }
}

/* Points one change away from the start tell what that change does. */
static void find_effects(struct search *f, struct perf *out)
{
    const struct point *start = &f->points.items[0];
    vec_each (p, &f->points) {
        if (!p->works || changes(f, p) != 1)
            continue;
        size_t k = 0;
        while (!p->x[k])
            k++;
        for (size_t o = 0; o < f->objectives; o++) {
            double before, after, unused;
            statistics(f, start, o, &before, &unused);
            statistics(f, p, o, &after, &unused);
            if (before != 0)
                vec_push(f->a, &out->effects,
                         ((struct perf_effect){.knob = f->s->knobs.items[k].name,
                                               .value = f->s->knobs.items[k].values.items[p->x[k]],
                                               .metric = f->s->objectives.items[o].name,
                                               .change = after / before - 1,
                                               .certain = better(f, p, start, o) ||
                                                          better(f, start, p, o)}));
        }
    }
}

static enum status conclude(struct search *f, struct perf *out)
{
    struct point *best = NULL;
    for (size_t i = 0; i < f->points.count; i++)
        vec_add(f->a, &out->points);
    enum status status = find_best(f, 0, &best);
    if (!status)
        status = mark_front(f, out);
    for (size_t i = 0; i < f->points.count; i++) {
        struct perf_point *to = &out->points.items[i];
        bool front = to->front;
        export_point(f, &f->points.items[i], to);
        to->front = front;
        to->works = f->points.items[i].works;
        to->failure = f->points.items[i].failure;
        to->verified = f->points.items[i].verified == GOOD;
    }
    out->best = best && best->works ? best - f->points.items : -1;
    find_effects(f, out);
    out->stopped = f->stopped ? f->stopped : "converged";
    out->space = f->listed ? (int64_t)f->space.count
                           : (int64_t)(f->combinations < 1e15 ? f->combinations : 1e15);
    out->measured = (int64_t)f->points.count;
    out->remembered = (int64_t)f->remembered;
    out->spent_s = f->spent_s;
    return status;
}

enum status perf_search(struct diag *d, struct arena *a, const struct perf_search *s,
                        struct perf *out)
{
    struct search f = {.d = d, .a = a, .s = s, .random = s->seed ? s->seed : 1};
    f.objectives = s->objectives.count;
    *out = (struct perf){.schema = PERF_SCHEMA, .program = s->program, .best = -1};
    out->objective = s->whole_front ? NULL : s->objectives.items[0].name;
    vec_each (knob, &s->knobs)
        vec_push(a, &out->knobs, *knob);
    vec_each (objective, &s->objectives)
        vec_push(a, &out->objectives, *objective);
    f.combinations = space_size(s);
    space_enumerate(a, s, &f.space, &f.listed);
    double space = f.listed ? (double)f.space.count : f.combinations;
    double third = floor(space / 3);
    f.most = s->most ? s->most : third > LEAST ? (int64_t)(third < 1e9 ? third : 1e9) : LEAST;
    enum status status = journal_open(d, a, s, &f.journal);
    if (status)
        return status;
    model_init(&f.model, a, s->knobs.items, s->knobs.count);
    int *start = arena_array(a, s->knobs.count + 1, sizeof *start);
    status = measure_point(&f, start);
    if (!status && f.points.count && !f.points.items[0].works)
        status =
            diag_fail(d, STATUS_FOUND, "the start does not work: %s", f.points.items[0].failure);
    if (!status && s->knobs.count)
        status = screen(&f);
    if (!status && s->knobs.count)
        status = improve(&f);
    diag_progress_end(d);
    if (!status)
        status = conclude(&f, out);
    journal_close(&f.journal);
    return status;
}
