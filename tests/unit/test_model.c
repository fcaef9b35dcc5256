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

enum { BOOLS = 7, CATALOGUES = 400 };

static unsigned long state_of_random;
static unsigned draw(unsigned below)
{
    state_of_random = state_of_random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state_of_random >> 33) % below;
}

static const char *const names[] = {"A", "B", "C", "D", "E", "F", "G"};

/* Depends only on options before limit, so that no definition runs in a circle. */
static const char *expression(struct arena *a, unsigned limit, int depth)
{
    if (!limit)
        return "y";
    const char *name = names[draw(limit)];
    switch (draw(depth ? 8 : 4)) {
    case 0:
        return arena_printf(a, "!%s", name);
    case 1:
        return arena_printf(a, "TEXT %s \"%s\"", draw(2) ? "=" : "!=", draw(2) ? "one" : "two");
    case 2:
    case 3:
        return name;
    case 4:
        return arena_printf(a, "%s = %s", name, names[draw(limit)]);
    case 5:
    case 6:
        return arena_printf(a, "%s && (%s)", expression(a, limit, depth - 1),
                            expression(a, limit, depth - 1));
    default:
        return arena_printf(a, "(%s) || %s", expression(a, limit, depth - 1),
                            expression(a, limit, depth - 1));
    }
}

static const char *maybe(struct arena *a, unsigned limit)
{
    return draw(2) ? NULL : expression(a, limit, 1);
}

static void add_option(struct arena *a, struct catalogue *c, unsigned i)
{
    struct catalogue_option *o = vec_add(a, &c->options);
    /* The text option is defined by A and B: conditions on it come after those. */
    unsigned limit = i < 2 ? 0 : i > 3 && i < 6 ? 3 : i; /* members do not look at each other */
    *o = (struct catalogue_option){.name = names[i], .type = OPTION_BOOL};
    o->repository = i >= BOOLS - 2 && draw(2) ? "lib-other" : "core";
    o->depends = maybe(a, limit);
    if (draw(3)) {
        const char *condition = draw(3) ? NULL : expression(a, limit, 0);
        o->visible = o->depends && condition ? arena_printf(a, "(%s) && %s", o->depends, condition)
                     : o->depends            ? o->depends
                     : condition             ? condition
                                             : "y";
    }
    for (unsigned n = draw(3); n; n--)
        vec_push(
            a, &o->defaults,
            ((struct catalogue_clause){draw(3) ? "y" : expression(a, limit, 0), maybe(a, limit)}));
    /* Selects and implies point forward. */
    for (unsigned n = i + 1 < BOOLS ? draw(3) : 0; n; n--) {
        struct catalogue_clause clause = {names[i + 1 + draw(BOOLS - i - 1)], maybe(a, limit)};
        if (draw(2))
            vec_push(a, &o->selects, clause);
        else
            vec_push(a, &o->implies, clause);
    }
}

static void add_choice(struct arena *a, struct catalogue *c)
{
    struct catalogue_choice *choice = vec_add(a, &c->choices);
    *choice = (struct catalogue_choice){.name = "choice_1", .type = OPTION_BOOL};
    choice->depends = maybe(a, 2);
    choice->visible = choice->depends ? choice->depends : "y";
    choice->optional = !draw(3);
    for (unsigned i = 3; i < 6; i++) {
        c->options.items[i].choice = choice->name;
        c->options.items[i].defaults.count = 0; /* the language has none for members */
        vec_push(a, &choice->members, names[i]);
        if (choice->depends) {
            struct catalogue_option *o = &c->options.items[i];
            o->depends = o->depends ? arena_printf(a, "(%s) && (%s)", choice->depends, o->depends)
                                    : choice->depends;
            if (o->visible)
                o->visible = arena_printf(a, "(%s) && (%s)", choice->depends, o->visible);
        }
    }
    if (draw(2))
        vec_push(a, &choice->defaults,
                 ((struct catalogue_clause){names[3 + draw(3)], maybe(a, 2)}));
}

static void random_catalogue(struct arena *a, struct catalogue *c)
{
    *c = (struct catalogue){.schema = CATALOGUE_SCHEMA, .name = "core", .version = "1"};
    for (unsigned i = 0; i < BOOLS; i++)
        add_option(a, c, i);
    if (draw(2))
        add_choice(a, c);
    struct catalogue_option *text = vec_add(a, &c->options);
    *text = (struct catalogue_option){.name = "TEXT", .type = OPTION_STRING, .repository = "core"};
    text->visible = draw(2) ? "B" : NULL;
    vec_push(a, &text->defaults, ((struct catalogue_clause){"\"one\"", draw(2) ? "A" : "!B"}));
    vec_push(a, &text->defaults, ((struct catalogue_clause){"\"two\"", draw(2) ? "B" : NULL}));
}

/* A configuration that .config can state and kconfig leaves as it is; no select goes against
 * dependencies or is passed over. */
static bool is_configuration(struct kconfig *k, const struct catalogue *c, unsigned bits)
{
    kconfig_clear(k);
    for (unsigned i = 0; i < BOOLS; i++)
        kconfig_set(k, (int)i, bits >> i & 1 ? "y" : "n");
    for (unsigned i = 0; i < BOOLS; i++) {
        int value = kconfig_tri(k, (int)i);
        if (value != (bits >> i & 1 ? TRI_Y : TRI_N) || kconfig_unmet(k, (int)i))
            return false;
        if (value && !kconfig_dependencies(k, (int)i))
            return false;
    }
    vec_each (o, &c->options) {
        int from = kconfig_find(k, o->name);
        vec_each (clause, &o->selects) {
            if (kconfig_tri(k, from) && kconfig_evaluate_text(k, clause->condition) &&
                !kconfig_tri(k, kconfig_find(k, clause->value)))
                return false;
        }
    }
    return true;
}

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
