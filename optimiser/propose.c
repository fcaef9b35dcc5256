/* SPDX-License-Identifier: BSD-3-Clause
 * What to measure next: where the model expects most. */
#include "optimiser/search.h"
#include <math.h>
#include <string.h>

enum {
    SAMPLED = 3000,  /* candidates out of a space too large to list */
    LEARN_EVERY = 4, /* points between two looks at the weights */
};

/* ---- proposing ---- */

/* What the model is taught: logarithms, for effects multiply; small is good. */
static double target(const struct search *f, const struct point *p, size_t objective)
{
    double median, mad;
    point_statistics(p, objective, &median, &mad);
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
    double chance = bad / all;
    for (size_t k = 0; k < f->s->knobs.count; k++) {
        /* A value with which nothing has worked so far, wherever it was tried. */
        double tried = 0, worked = 0;
        vec_each (p, &f->points) {
            tried += x[k] && p->x[k] == x[k];
            worked += x[k] && p->x[k] == x[k] && p->works;
        }
        if (tried > 0 && worked == 0)
            chance = fmax(chance, tried / (tried + 1));
    }
    return chance;
}

static void consider(struct search *f, const int *x, double best, struct proposal *out)
{
    double mean, deviation;
    if (point_find(f, x))
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

bool choice_valid(const struct search *f, const int *x)
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
        if (choice_valid(f, x))
            consider(f, x, best, out);
    }
}

struct proposal propose(struct search *f, size_t step)
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

struct proposal propose_neighbour(struct search *f, size_t step)
{
    struct proposal out = {NULL, -1};
    const struct point *best = NULL;
    size_t objective = f->s->whole_front ? step % f->objectives : 0;
    vec_each (p, &f->points)
        if (p->works && (!best || point_better(f, p, best, objective)))
            best = p;
    int *x = arena_array(f->a, f->s->knobs.count + 1, sizeof *x);
    for (size_t k = 0; best && k < f->s->knobs.count; k++) {
        memcpy(x, best->x, f->s->knobs.count * sizeof *x);
        for (x[k] = 0; x[k] < (int)f->s->knobs.items[k].values.count; x[k]++)
            if (choice_valid(f, x))
                consider(f, x, INFINITY, &out);
    }
    return out;
}
