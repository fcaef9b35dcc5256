/* SPDX-License-Identifier: BSD-3-Clause
 * The core-guided minimiser against enumeration of all assignments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "matcher/optimum.h"

enum { VARIABLES = 9, CLAUSES = 22, SOFTS = 12, MODELS = 300 };

struct problem {
    int variables[VARIABLES];
    int clauses[CLAUSES][3];
    struct soft first[SOFTS], second[SOFTS];
};

static unsigned long state_of_random;
static unsigned draw(unsigned below)
{
    state_of_random = state_of_random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state_of_random >> 33) % below;
}

static int draw_literal(void)
{
    int variable = 1 + (int)draw(VARIABLES);
    return draw(2) ? variable : -variable;
}

static int holds(unsigned assignment, int literal)
{
    int value = (int)(assignment >> (abs(literal) - 1)) & 1;
    return literal > 0 ? value : !value;
}

static int64_t cost(const struct soft *list, unsigned assignment)
{
    int64_t sum = 0;
    for (size_t i = 0; i < SOFTS; i++)
        sum += holds(assignment, list[i].literal) ? 0 : list[i].weight;
    return sum;
}

/* Lexicographic minimum over all models; -1 where there is none. */
static int64_t enumerate(const struct problem *p, int64_t *second)
{
    int64_t best = -1;
    for (unsigned v = 0; v < 1u << VARIABLES; v++) {
        int model = 1;
        for (size_t c = 0; c < CLAUSES && model; c++)
            model = holds(v, p->clauses[c][0]) || holds(v, p->clauses[c][1]) ||
                    holds(v, p->clauses[c][2]);
        int64_t one = cost(p->first, v), two = cost(p->second, v);
        if (model && (best < 0 || one < best || (one == best && two < *second)))
            best = one, *second = two;
    }
    return best;
}

static void add_softs(struct arena *a, softs *out, const struct problem *p, const struct soft *from)
{
    for (size_t i = 0; i < SOFTS; i++) {
        int variable = p->variables[abs(from[i].literal) - 1];
        vec_push(a, out,
                 ((struct soft){from[i].literal > 0 ? variable : -variable, from[i].weight}));
    }
}

static void same_as_enumeration(void **unused)
{
    (void)unused;
    state_of_random = 7;
    int satisfiable = 0;
    for (int n = 0; n < MODELS; n++) {
        struct arena *a = arena_new();
        struct sat *s = sat_new(a);
        struct problem p;
        for (int i = 0; i < VARIABLES; i++)
            p.variables[i] = sat_variable(s);
        for (int c = 0; c < CLAUSES; c++) {
            int clause[3];
            for (int k = 0; k < 3; k++) {
                int literal = p.clauses[c][k] = draw_literal();
                clause[k] = literal > 0 ? p.variables[literal - 1] : -p.variables[-literal - 1];
            }
            sat_clause(s, clause, 3);
        }
        unsigned largest = n % 3 ? 1000 : 1;
        for (int i = 0; i < SOFTS; i++) {
            p.first[i] = (struct soft){draw_literal(), 1 + (int64_t)draw(largest)};
            p.second[i] = (struct soft){draw_literal(), 1 + (int64_t)draw(largest)};
        }
        int64_t second = 0, first = enumerate(&p, &second);
        softs one = {0}, two = {0};
        add_softs(a, &one, &p, p.first);
        add_softs(a, &two, &p, p.second);
        assert_int_equal(optimum(s, a, &one), first);
        if (first >= 0) {
            satisfiable++;
            assert_int_equal(optimum(s, a, &two), second);
        }
        sat_free(s);
        arena_free(a);
    }
    assert_true(satisfiable > MODELS / 4);
}

/* Pigeons that do not fit: dropping any assumption of the core must make it satisfiable. */
static void cores_are_minimal(void **unused)
{
    (void)unused;
    struct arena *a = arena_new();
    struct sat *s = sat_new(a);
    int place[4][3];
    literals core = {0};
    for (int pigeon = 0; pigeon < 4; pigeon++) {
        int clause[4];
        for (int hole = 0; hole < 3; hole++)
            clause[hole] = place[pigeon][hole] = sat_variable(s);
        int present = sat_variable(s);
        clause[3] = -present;
        sat_clause(s, clause, 4);
        vec_push(a, &core, present);
        vec_push(a, &core, sat_variable(s)); /* has nothing to do with it */
        for (int other = 0; other < pigeon; other++)
            for (int hole = 0; hole < 3; hole++)
                sat_clause(s, (int[]){-place[pigeon][hole], -place[other][hole]}, 2);
    }
    sat_minimal_core(s, &core);
    assert_int_equal(core.count, 4);
    for (size_t i = 0; i < core.count; i++) {
        literals rest = {0};
        for (size_t k = 0; k < core.count; k++)
            if (k != i)
                vec_push(a, &rest, core.items[k]);
        assert_true(sat_solve(s, rest.items, rest.count));
    }
    sat_free(s);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_enumeration),
        cmocka_unit_test(cores_are_minimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
