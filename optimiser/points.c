/* SPDX-License-Identifier: BSD-3-Clause
 * The points of a search: samples taken of them, remembered in the journal, and compared beyond
 * their noise. */
#include "optimiser/search.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPEAT = 3 };

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

void point_statistics(const struct point *p, size_t objective, double *median, double *mad)
{
    double values[SAMPLES];
    memcpy(values, p->samples + objective * SAMPLES, p->count * sizeof *values);
    median_mad(values, p->count, median, mad);
}

/* What the start gave beside this sample; 0: it was not measured beside it. */
static double beside(const struct search *f, const struct perf_sample *sample, const char *name)
{
    const char *wanted = arena_printf(f->a, "start_%s", name);
    vec_each (v, &sample->values)
        if (strcmp(v->name, wanted) == 0)
            return v->value;
    return 0;
}

static bool keep_sample(struct search *f, struct point *p, const struct perf_sample *sample)
{
    for (size_t o = 0; o < f->objectives; o++) {
        bool found = false;
        vec_each (v, &sample->values)
            if (strcmp(v->name, f->s->objectives.items[o].name) == 0) {
                const struct point *start = &f->points.items[0];
                double now = beside(f, sample, v->name), then = start->samples[o * SAMPLES];
                bool first = p == start && !p->count;
                p->samples[o * SAMPLES + p->count] =
                    !first && start->count && now > 0 ? v->value / now * then : v->value;
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

bool search_interrupted(const struct search *f)
{
    return f->s->interrupted && *f->s->interrupted;
}

static enum status more_samples(struct search *f, struct point *p, size_t wanted)
{
    enum status status = STATUS_OK;
    while (p->works && p->count < wanted && p->count < SAMPLES && !exact(f, p) && !status &&
           !search_interrupted(f))
        status = take_sample(f, p);
    return status;
}

struct point *point_find(struct search *f, const int *x)
{
    vec_each (p, &f->points)
        if (same_choice(f->s, p->x, x))
            return p;
    return NULL;
}

bool may_go_on(struct search *f)
{
    if (search_interrupted(f))
        f->stopped = "interrupted";
    else if ((int64_t)f->points.count >= f->most)
        f->stopped = "measurements";
    else if (f->s->budget_s > 0 && f->points.count &&
             f->spent_s + f->spent_s / (double)f->points.count > f->s->budget_s)
        f->stopped = "budget";
    return !f->stopped;
}

enum status measure_point(struct search *f, const int *x)
{
    if (point_find(f, x) || !may_go_on(f))
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

bool point_better(const struct search *f, const struct point *a, const struct point *b,
                  size_t objective)
{
    double ma, da, mb, db;
    point_statistics(a, objective, &ma, &da);
    point_statistics(b, objective, &mb, &db);
    double gain = f->s->objectives.items[objective].maximise ? ma - mb : mb - ma;
    double samples = (double)(a->count < b->count ? a->count : b->count);
    return gain > 3 * hypot(da, db) / sqrt(samples > 0 ? samples : 1) && gain > 0;
}

enum status point_decide(struct search *f, struct point *a, struct point *b, size_t objective,
                         bool *yes)
{
    double ma, mb, unused;
    enum status status = STATUS_OK;
    for (size_t wanted = 2; !status; wanted *= 2) {
        *yes = point_better(f, a, b, objective);
        point_statistics(a, objective, &ma, &unused);
        point_statistics(b, objective, &mb, &unused);
        bool seems = f->s->objectives.items[objective].maximise ? ma > mb : ma < mb;
        if (*yes || !seems || wanted > SAMPLES || search_interrupted(f))
            break;
        status = more_samples(f, a, wanted);
        if (!status)
            status = more_samples(f, b, wanted);
    }
    return status;
}

enum status point_verified(struct search *f, struct point *p, bool *good)
{
    *good = p->works && p->verified != BAD;
    if (!*good || p->verified == GOOD || !f->s->verify || search_interrupted(f))
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

size_t point_changes(const struct search *f, const struct point *p)
{
    size_t count = 0;
    for (size_t k = 0; k < f->s->knobs.count; k++)
        count += p->x[k] != 0;
    return count;
}
