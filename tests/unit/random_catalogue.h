/* SPDX-License-Identifier: BSD-3-Clause
 * Small random catalogues for the tests of the matcher, and what a configuration of one is. */
#ifndef TESTS_RANDOM_CATALOGUE_H
#define TESTS_RANDOM_CATALOGUE_H

#include "common/kconfig_eval.h"
#include <string.h>

enum { BOOLS = 7 };

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

#endif
