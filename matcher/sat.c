/* SPDX-License-Identifier: BSD-3-Clause */
#include "matcher/sat.h"
#include <ccadical.h>
#include <stdlib.h>
#include <string.h>

/* An AND gate: sorted inputs -> output. OR gates are their De Morgan duals. */
struct gate {
    const int *inputs;
    size_t count;
    int output;
    size_t next; /* index + 1 of the next gate in the bucket */
};

enum { BUCKETS = 1 << 12 };

struct sat {
    struct arena *arena;
    CCaDiCaL *solver;
    int variables;
    size_t clauses;
    VEC(struct gate) gates;
    size_t buckets[BUCKETS];
};

struct sat *sat_new(struct arena *a)
{
    struct sat *s = ARENA_NEW(a, struct sat);
    s->arena = a;
    s->solver = ccadical_init();
    ccadical_set_option(s->solver, "quiet", 1);
    sat_unit(s, sat_variable(s)); /* the constant */
    return s;
}

void sat_free(struct sat *s)
{
    if (s && s->solver)
        ccadical_release(s->solver);
    if (s)
        s->solver = NULL;
}

int sat_true(const struct sat *s)
{
    (void)s;
    return 1;
}

int sat_variable(struct sat *s)
{
    return ++s->variables;
}

size_t sat_variables(const struct sat *s)
{
    return (size_t)s->variables;
}

size_t sat_clauses(const struct sat *s)
{
    return s->clauses;
}

void sat_clause(struct sat *s, const int *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ccadical_add(s->solver, list[i]);
    ccadical_add(s->solver, 0);
    s->clauses++;
}

void sat_unit(struct sat *s, int literal)
{
    sat_clause(s, &literal, 1);
}

void sat_imply(struct sat *s, int if_literal, int then_literal)
{
    sat_clause(s, (int[]){-if_literal, then_literal}, 2);
}

static int by_variable(const void *x, const void *y)
{
    int a = *(const int *)x, b = *(const int *)y;
    int order = (abs(a) > abs(b)) - (abs(a) < abs(b));
    return order ? order : (a > b) - (a < b);
}

/* Sorts, drops duplicates and constants. Returns false where the conjunction is false. */
static bool normalise(literals *list)
{
    vec_sort(list, by_variable);
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        int literal = list->items[i];
        if (literal == -1)
            return false;
        if (literal == 1 || (kept && list->items[kept - 1] == literal))
            continue;
        if (kept && list->items[kept - 1] == -literal)
            return false;
        list->items[kept++] = literal;
    }
    list->count = kept;
    return true;
}

static size_t bucket_of(const literals *list)
{
    uint64_t hash = 1469598103934665603u;
    for (size_t i = 0; i < list->count; i++)
        hash = (hash ^ (uint32_t)list->items[i]) * 1099511628211u;
    return (hash >> 20) % BUCKETS;
}

int sat_and(struct sat *s, const int *list, size_t count)
{
    literals inputs = {0};
    for (size_t i = 0; i < count; i++)
        vec_push(s->arena, &inputs, list[i]);
    if (!normalise(&inputs))
        return -1;
    if (inputs.count < 2)
        return inputs.count ? inputs.items[0] : 1;
    size_t bucket = bucket_of(&inputs);
    for (size_t i = s->buckets[bucket]; i; i = s->gates.items[i - 1].next) {
        const struct gate *g = &s->gates.items[i - 1];
        if (g->count == inputs.count &&
            memcmp(g->inputs, inputs.items, inputs.count * sizeof *inputs.items) == 0)
            return g->output;
    }
    int output = sat_variable(s);
    literals clause = {0};
    vec_push(s->arena, &clause, output);
    for (size_t i = 0; i < inputs.count; i++) {
        sat_imply(s, output, inputs.items[i]);
        vec_push(s->arena, &clause, -inputs.items[i]);
    }
    sat_clause(s, clause.items, clause.count);
    struct gate gate = {inputs.items, inputs.count, output, s->buckets[bucket]};
    vec_push(s->arena, &s->gates, gate);
    s->buckets[bucket] = s->gates.count;
    return output;
}

int sat_or(struct sat *s, const int *list, size_t count)
{
    literals inputs = {0};
    for (size_t i = 0; i < count; i++)
        vec_push(s->arena, &inputs, -list[i]);
    return -sat_and(s, inputs.items, inputs.count);
}

int sat_and2(struct sat *s, int x, int y)
{
    return sat_and(s, (int[]){x, y}, 2);
}

int sat_or2(struct sat *s, int x, int y)
{
    return sat_or(s, (int[]){x, y}, 2);
}

int sat_equal(struct sat *s, int x, int y)
{
    return sat_or2(s, sat_and2(s, x, y), sat_and2(s, -x, -y));
}

bool sat_solve(struct sat *s, const int *assumptions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ccadical_assume(s->solver, assumptions[i]);
    return ccadical_solve(s->solver) == 10;
}

bool sat_value(struct sat *s, int literal)
{
    /* Asked of the variable: releases differ in what they answer for a negative literal. */
    bool value = ccadical_val(s->solver, abs(literal)) > 0;
    return literal > 0 ? value : !value;
}

bool sat_failed(struct sat *s, int literal)
{
    return ccadical_failed(s->solver, literal) != 0;
}

void sat_minimal_core(struct sat *s, literals *core)
{
    for (size_t i = core->count; i-- > 0;) {
        if (i >= core->count)
            continue;
        literals trial = {0};
        for (size_t k = 0; k < core->count; k++)
            if (k != i)
                vec_push(s->arena, &trial, core->items[k]);
        if (sat_solve(s, trial.items, trial.count))
            continue;
        core->count = 0;
        for (size_t k = 0; k < trial.count; k++)
            if (sat_failed(s, trial.items[k]))
                core->items[core->count++] = trial.items[k];
        /* Members before i that this refutation did not use are gone too: go on where the rest
         * of the untried ones ends now. */
        size_t untried = 0;
        for (size_t k = 0; k < i; k++)
            for (size_t m = 0; m < core->count; m++)
                untried += core->items[m] == trial.items[k];
        i = untried;
    }
}
