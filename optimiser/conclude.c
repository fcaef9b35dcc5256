/* SPDX-License-Identifier: BSD-3-Clause
 * The result of a search: its best point, the front, what each change alone does. */
#include "optimiser/search.h"

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
            if (!p->works || point_changes(f, p) != n)
                continue;
            if (*best)
                status = point_decide(f, p, *best, objective, &yes);
            if (!status && yes)
                status = point_verified(f, p, &yes);
            if (!status && yes)
                *best = p;
        }
    return status;
}

static bool dominates(const struct search *f, const struct point *a, const struct point *b)
{
    bool any = false;
    for (size_t o = 0; o < f->objectives; o++) {
        if (point_better(f, b, a, o))
            return false;
        any |= point_better(f, a, b, o);
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
            status = point_verified(f, p, &good);
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
        point_statistics(p, o, &m->median, &m->mad);
    }
}

/* Points one change away from the start tell what that change does. */
static void find_effects(struct search *f, struct perf *out)
{
    const struct point *start = &f->points.items[0];
    vec_each (p, &f->points) {
        if (!p->works || point_changes(f, p) != 1)
            continue;
        size_t k = 0;
        while (!p->x[k])
            k++;
        for (size_t o = 0; o < f->objectives; o++) {
            double before, after, unused;
            point_statistics(start, o, &before, &unused);
            point_statistics(p, o, &after, &unused);
            if (before != 0)
                vec_push(f->a, &out->effects,
                         ((struct perf_effect){.knob = f->s->knobs.items[k].name,
                                               .value = f->s->knobs.items[k].values.items[p->x[k]],
                                               .metric = f->s->objectives.items[o].name,
                                               .change = after / before - 1,
                                               .certain = point_better(f, p, start, o) ||
                                                          point_better(f, start, p, o)}));
        }
    }
}

enum status conclude(struct search *f, struct perf *out)
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
