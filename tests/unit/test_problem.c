/* SPDX-License-Identifier: BSD-3-Clause
 * The whole objective, level by level, against enumeration: needs lost, libraries, deviations from
 * defaults, options. The judge of values and defaults is common/kconfig_eval.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "matcher/problem.h"
#include "tests/unit/random_catalogue.h"

enum { CATALOGUES = 300, CALLS = 4, LEVELS = 4 };

static const char *const calls[CALLS] = {"open", "read", "socket", "clone"};

static void add_offers(struct arena *a, struct catalogue *c)
{
    for (unsigned i = 0; i < BOOLS; i++) {
        if (draw(2))
            vec_push(a, &c->libraries,
                     ((struct catalogue_library){.name = arena_printf(a, "lib%u", i),
                                                 .option = names[i],
                                                 .repository = c->options.items[i].repository}));
        if (draw(2))
            vec_push(
                a, &c->syscalls,
                ((struct catalogue_syscall){.name = calls[draw(CALLS)],
                                            .option = names[i],
                                            .condition = draw(3) ? NULL : names[draw(BOOLS)]}));
    }
}

static void add_needs(struct arena *a, struct profile *p)
{
    *p = (struct profile){.schema = PROFILE_SCHEMA};
    p->program = (struct profile_program){.path = "/x", .arch = "x86_64", .type = "static-pie"};
    p->static_part.present = true;
    for (int i = 0; i < CALLS; i++)
        if (draw(3))
            vec_push(a, &p->static_part.syscalls,
                     ((struct profile_syscall){.name = calls[i], .number = i, .class_ = -1}));
}

static bool provided(struct kconfig *k, const struct catalogue *c, const char *call)
{
    vec_each (it, &c->syscalls)
        if (strcmp(it->name, call) == 0 && kconfig_tri(k, kconfig_find(k, it->option)) &&
            kconfig_evaluate_text(k, it->condition))
            return true;
    return false;
}

/* What an option, or a choice by its members, would be were it not stated. */
static bool deviates(struct kconfig *k, const struct catalogue *c, unsigned bits, unsigned i)
{
    if (c->options.items[i].choice || !kconfig_visibility(k, (int)i))
        return false;
    kconfig_unset(k, (int)i);
    bool usual = kconfig_tri(k, (int)i);
    kconfig_set(k, (int)i, bits >> i & 1 ? "y" : "n");
    return usual != (bits >> i & 1);
}

static bool choice_deviates(struct kconfig *k, const struct catalogue *c, unsigned bits)
{
    if (!c->choices.count)
        return false;
    bool optional = c->choices.items[0].optional;
    int chosen = kconfig_chosen(k, 0);
    if (chosen < 0)
        return false;
    /* An optional choice without a word is off: its default is what it would be once on. */
    for (unsigned i = 3; i < 6; i++)
        kconfig_unset(k, (int)i);
    int usual = -1;
    if (!optional)
        usual = kconfig_chosen(k, 0);
    for (unsigned i = 0; optional && i < c->choices.items[0].defaults.count; i++) {
        const struct catalogue_clause *d = &c->choices.items[0].defaults.items[i];
        int member = kconfig_find(k, d->value);
        kconfig_set(k, chosen, "y");
        if (usual < 0 && kconfig_evaluate_text(k, d->condition) && kconfig_visibility(k, member))
            usual = member;
    }
    kconfig_set(k, chosen, "y");
    for (unsigned i = 3; i < 6 && usual < 0; i++)
        if (kconfig_visibility(k, (int)i))
            usual = (int)i;
    for (unsigned i = 3; i < 6; i++)
        kconfig_set(k, (int)i, "n");
    kconfig_set(k, chosen, "y");
    (void)bits;
    return usual != chosen;
}

static void cost(struct kconfig *k, const struct catalogue *c, const struct profile *p,
                 unsigned bits, bool included, int64_t *levels)
{
    memset(levels, 0, LEVELS * sizeof *levels);
    vec_each (call, &p->static_part.syscalls)
        levels[0] += !provided(k, c, call->name);
    vec_each (library, &c->libraries)
        levels[1] += kconfig_tri(k, kconfig_find(k, library->option)) != TRI_N;
    for (unsigned i = 0; i < BOOLS; i++) {
        levels[2] += deviates(k, c, bits, i);
        levels[3] += (bits >> i & 1) && c->options.items[i].visible && !c->options.items[i].choice;
    }
    levels[2] += choice_deviates(k, c, bits);
    bool external = false;
    for (unsigned i = 0; i < BOOLS; i++)
        external |= strcmp(c->options.items[i].repository, "lib-other") == 0;
    levels[3] += external && included;
}

static int order(const int64_t *x, const int64_t *y)
{
    for (int i = 0; i < LEVELS; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

static bool enumerate(struct kconfig *k, const struct catalogue *c, const struct profile *p,
                      int64_t *best)
{
    bool found = false;
    for (unsigned bits = 0; bits < 1u << (BOOLS + 1); bits++) {
        int64_t levels[LEVELS];
        bool included = bits >> BOOLS & 1;
        unsigned assignment = bits & ((1u << BOOLS) - 1);
        kconfig_include(k, "lib-other", included);
        if (!is_configuration(k, c, assignment))
            continue;
        cost(k, c, p, assignment, included, levels);
        if (!found || order(levels, best) < 0)
            memcpy(best, levels, sizeof levels);
        found = true;
    }
    return found;
}

static void optimum_of_all_levels(void **unused)
{
    (void)unused;
    state_of_random = 5;
    struct diag d;
    diag_init(&d, -1);
    int solved = 0;
    for (int n = 0; n < CATALOGUES; n++) {
        struct arena *a = arena_new();
        struct catalogue c;
        struct profile profile;
        struct problem p;
        struct kconfig *k;
        const struct matcher_options options = {.need = NEED_STATIC};
        int64_t best[LEVELS] = {0};
        random_catalogue(a, &c);
        add_offers(a, &c);
        add_needs(a, &profile);
        assert_int_equal(kconfig_new(&d, a, &c, &k), STATUS_OK);
        bool possible = enumerate(k, &c, &profile, best);
        assert_int_equal(problem_open(&d, a, &profile, &c, &options, &p), STATUS_OK);
        enum status status = problem_solve(&p, 0);
        assert_int_equal(status, possible ? STATUS_OK : STATUS_INPUT);
        if (possible) {
            assert_int_equal(p.lost_needs, best[0]);
            assert_int_equal(p.library_cost, best[1]);
            assert_int_equal(p.deviations, best[2]);
            assert_int_equal(p.option_count, best[3]);
            solved++;
        }
        problem_close(&p);
        arena_free(a);
    }
    assert_true(solved > CATALOGUES / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(optimum_of_all_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
