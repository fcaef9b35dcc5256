/* SPDX-License-Identifier: BSD-3-Clause
 * The search: the start, each knob once, then where the model expects most. What is measured is
 * remembered in the journal, and all decisions follow from measurements and the seed alone, so that
 * an interrupted search that is started again ends as if it had never been interrupted. */
#include "optimiser/search.h"
#include <math.h>
#include <string.h>

enum {
    LEAST = 12, /* points, whatever the size of the space */
    CALM = 8,   /* proposals in a row that promise nothing: converged */
};
static const double PROMISE = 0.001; /* expected improvement that counts, in spreads of the data */

/* ---- the phases ---- */

/* Points that screening may take: it must leave room for what follows from it, both of the points
 * allowed and of those that the budget is likely to pay for. */
static size_t screening_room(const struct search *f)
{
    size_t room = (size_t)f->most * 2 / 3;
    if (f->s->budget_s > 0 && f->points.count && f->spent_s > 0) {
        double paid = f->s->budget_s / (f->spent_s / (double)f->points.count) / 2;
        room = paid < (double)room ? (size_t)paid : room;
    }
    return room;
}

/* Each knob alone, each of its values where the limits leave room for it and for what follows: what
 * is known of a knob alone is what the model builds on. */
static enum status screen(struct search *f)
{
    size_t singles = 0, round = 1;
    vec_each (knob, &f->s->knobs)
        singles += knob->values.count - 1;
    int *x = arena_array(f->a, f->s->knobs.count + 1, sizeof *x);
    enum status status = STATUS_OK;
    for (bool more = true; more && !status && !f->stopped; round++) {
        more = false;
        for (size_t k = 0; k < f->s->knobs.count && !status && !f->stopped; k++) {
            size_t values = f->s->knobs.items[k].values.count;
            size_t room = screening_room(f);
            if (round >= values || (singles >= room && (round > 1 || f->points.count > room)))
                continue;
            more = true;
            /* The far end of a scale tells more than its next step. */
            x[k] = (int)(f->s->knobs.items[k].ordered ? values - round : round);
            if (choice_valid(f, x))
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
            next = propose_neighbour(f, step);
        if (!next.x) {
            f->stopped = "converged";
            break;
        }
        status = measure_point(f, next.x);
        /* An accepted candidate must be right: one that is not must not draw the search to it. */
        struct point *p = status ? NULL : point_find(f, next.x);
        bool good = true;
        for (size_t o = 0; p && p->works && o < (f->s->whole_front ? f->objectives : 1); o++) {
            bool leads = true;
            vec_each (q, &f->points)
                leads &= q == p || !q->works || point_better(f, p, q, o);
            if (leads && !status)
                status = point_verified(f, p, &good);
        }
    }
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
    for (size_t i = 0; i < s->seeds.count && !status && s->knobs.count; i++)
        if (choice_valid(&f, s->seeds.items[i]))
            status = measure_point(&f, s->seeds.items[i]);
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
