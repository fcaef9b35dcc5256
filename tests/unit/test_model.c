/* SPDX-License-Identifier: BSD-3-Clause
 * Small random catalogues: the formula has exactly the models that enumeration finds, with the
 * evaluator of common/kconfig_eval.h as the judge of what a configuration is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/kconfig_eval.h"
#include "matcher/model.h"
#include "matcher/optimum.h"
#include "tests/unit/random_catalogue.h"

enum { CATALOGUES = 400 };

static void same_configurations(struct diag *d, struct arena *a, const struct catalogue *c,
                                size_t *found)
{
    struct model m;
    struct kconfig *k;
    assert_int_equal(model_build(d, a, c, NULL, &m), STATUS_OK);
    assert_int_equal(kconfig_new(d, a, c, &k), STATUS_OK);
    int other = model_repository(&m, "lib-other");
    for (int included = 0; included < 2; included++) {
        kconfig_include(k, "lib-other", included);
        for (unsigned bits = 0; bits < 1u << BOOLS; bits++) {
            literals assumed = {0};
            if (other != sat_true(m.sat))
                vec_push(a, &assumed, included ? other : -other);
            for (unsigned i = 0; i < BOOLS; i++) {
                int literal = m.options[i].literal;
                vec_push(a, &assumed, bits >> i & 1 ? literal : -literal);
            }
            bool expected = is_configuration(k, c, bits);
            *found += expected;
            assert_int_equal(sat_solve(m.sat, assumed.items, assumed.count), expected);
        }
    }
    model_free(&m);
}

static void formula_is_kconfig(void **unused)
{
    (void)unused;
    state_of_random = 11;
    struct diag d;
    diag_init(&d, -1);
    size_t found = 0;
    for (int n = 0; n < CATALOGUES; n++) {
        struct arena *a = arena_new();
        struct catalogue c;
        random_catalogue(a, &c);
        same_configurations(&d, a, &c, &found);
        arena_free(a);
    }
    assert_true(found > CATALOGUES);
}

/* The cheapest configuration in which a given option is on, against all of them. */
static void cheapest_is_cheapest(void **unused)
{
    (void)unused;
    state_of_random = 23;
    struct diag d;
    diag_init(&d, -1);
    for (int n = 0; n < CATALOGUES; n++) {
        struct arena *a = arena_new();
        struct catalogue c;
        struct model m;
        struct kconfig *k;
        softs cost = {0};
        random_catalogue(a, &c);
        assert_int_equal(model_build(&d, a, &c, NULL, &m), STATUS_OK);
        assert_int_equal(kconfig_new(&d, a, &c, &k), STATUS_OK);
        unsigned wanted = draw(BOOLS);
        int64_t weights[BOOLS], best = -1;
        for (unsigned i = 0; i < BOOLS; i++) {
            weights[i] = 1 + draw(50);
            vec_push(a, &cost, ((struct soft){-m.options[i].literal, weights[i]}));
        }
        for (unsigned bits = 0; bits < 1u << (BOOLS + 1); bits++) {
            int64_t sum = 0;
            kconfig_include(k, "lib-other", bits >> BOOLS & 1);
            for (unsigned i = 0; i < BOOLS; i++)
                sum += bits >> i & 1 ? weights[i] : 0;
            if (bits >> wanted & 1 && (best < 0 || sum < best) &&
                is_configuration(k, &c, bits & ((1u << BOOLS) - 1)))
                best = sum;
        }
        sat_unit(m.sat, m.options[wanted].literal);
        assert_int_equal(optimum(m.sat, a, &cost), best);
        model_free(&m);
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formula_is_kconfig),
        cmocka_unit_test(cheapest_is_cheapest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
