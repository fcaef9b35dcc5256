/* SPDX-License-Identifier: BSD-3-Clause */
#include "matcher/optimum.h"
#include <stdlib.h>

/* Counts violated literals of one core: outputs[k] holds if more than k + 1 of them are false. */
struct counter {
    literals outputs;
};

/* A literal that is assumed, with what giving it up costs. counter >= 0: it says that outputs[rank]
 * of that counter does not hold; giving it up puts the next rank in its place. */
struct active {
    int literal;
    int64_t weight;
    int counter;
    size_t rank;
};

struct search {
    struct sat *sat;
    struct arena *arena;
    VEC(struct active) active;
    VEC(struct counter) counters;
    int64_t bound;
};

static void activate(struct search *o, int literal, int64_t weight, int counter, size_t rank)
{
    vec_each (it, &o->active) {
        if (it->literal == literal) {
            it->weight += weight;
            return;
        }
    }
    vec_push(o->arena, &o->active, ((struct active){literal, weight, counter, rank}));
}

/* Unary sum of inputs: the k-th output (from 0) is implied by any k + 1 true inputs. */
static literals sum_of(struct search *o, const int *inputs, size_t count)
{
    literals out = {0};
    if (count == 1) {
        vec_push(o->arena, &out, inputs[0]);
        return out;
    }
    literals left = sum_of(o, inputs, count / 2);
    literals right = sum_of(o, inputs + count / 2, count - count / 2);
    for (size_t i = 0; i < count; i++)
        vec_push(o->arena, &out, sat_variable(o->sat));
    for (size_t i = 0; i <= left.count; i++) {
        for (size_t k = 0; k <= right.count; k++) {
            int clause[3];
            size_t n = 0;
            if (i)
                clause[n++] = -left.items[i - 1];
            if (k)
                clause[n++] = -right.items[k - 1];
            if (!n)
                continue;
            clause[n++] = out.items[i + k - 1];
            sat_clause(o->sat, clause, n);
        }
    }
    return out;
}

static struct active *find(struct search *o, int literal)
{
    vec_each (it, &o->active)
        if (it->literal == literal)
            return it;
    return NULL;
}

/* Takes a core: raises the bound by its cheapest member and relaxes the core by one. */
static void relax(struct search *o, const literals *core)
{
    int64_t least = find(o, core->items[0])->weight;
    for (size_t i = 1; i < core->count; i++) {
        int64_t weight = find(o, core->items[i])->weight;
        least = weight < least ? weight : least;
    }
    o->bound += least;
    literals violated = {0};
    for (size_t i = 0; i < core->count; i++) {
        struct active *it = find(o, core->items[i]);
        vec_push(o->arena, &violated, -it->literal);
        it->weight -= least;
        if (it->counter >= 0) {
            const literals *outputs = &o->counters.items[it->counter].outputs;
            size_t next = it->rank + 1;
            int counter = it->counter;
            if (next < outputs->count)
                activate(o, -outputs->items[next], least, counter, next);
        }
    }
    sat_clause(o->sat, violated.items, violated.count);
    if (violated.count > 1) {
        struct counter counter = {sum_of(o, violated.items, violated.count)};
        vec_push(o->arena, &o->counters, counter);
        activate(o, -counter.outputs.items[1], least, (int)o->counters.count - 1, 1);
    }
    size_t kept = 0;
    for (size_t i = 0; i < o->active.count; i++)
        if (o->active.items[i].weight > 0)
            o->active.items[kept++] = o->active.items[i];
    o->active.count = kept;
}

/* The largest weight below limit, 0 where there is none. */
static int64_t next_stratum(const struct search *o, int64_t limit)
{
    int64_t best = 0;
    vec_each (it, &o->active)
        if (it->weight < limit && it->weight > best)
            best = it->weight;
    return best;
}

static void assume(struct search *o, int64_t stratum, literals *assumptions)
{
    assumptions->count = 0;
    vec_each (it, &o->active)
        if (it->weight >= stratum)
            vec_push(o->arena, assumptions, it->literal);
}

int64_t optimum(struct sat *s, struct arena *a, const softs *objective)
{
    struct search o = {.sat = s, .arena = a};
    if (!sat_solve(s, NULL, 0))
        return -1;
    vec_each (it, objective) {
        /* A literal wanted both ways costs the lesser weight whatever happens. */
        struct active *opposite = find(&o, -it->literal);
        int64_t weight = it->weight;
        if (opposite && opposite->weight > 0) {
            int64_t both = weight < opposite->weight ? weight : opposite->weight;
            o.bound += both;
            opposite->weight -= both;
            weight -= both;
        }
        if (weight > 0)
            activate(&o, it->literal, weight, -1, 0);
    }
    literals assumptions = {0};
    for (int64_t stratum = next_stratum(&o, INT64_MAX); stratum;) {
        assume(&o, stratum, &assumptions);
        if (sat_solve(s, assumptions.items, assumptions.count)) {
            stratum = next_stratum(&o, stratum);
            continue;
        }
        literals core = {0};
        for (size_t i = 0; i < assumptions.count; i++)
            if (sat_failed(s, assumptions.items[i]))
                vec_push(a, &core, assumptions.items[i]);
        sat_minimal_core(s, &core);
        relax(&o, &core);
    }
    /* Every optimum satisfies all that is still assumed, and everything that does is an optimum. */
    vec_each (it, &o.active) {
        if (it->weight > 0)
            sat_unit(s, it->literal);
    }
    return o.bound;
}
