/* SPDX-License-Identifier: BSD-3-Clause
 * From calls to the rules of a filter: with --filter-args, a call whose selecting arguments are
 * known to be among a few constants is allowed with those only. */
#include "cli/filter.h"
#include "common/selectors.h"
#include "common/syscalls.h"
#include <stdlib.h>
#include <string.h>

enum { COMBINATION_LIMIT = 64 };

typedef VEC(uint32_t) argument_values;

/* What is known of one selector: its values, or that it may be anything. */
struct known {
    const struct selector *selector;
    bool any;
    argument_values values;
};

struct gathering {
    struct arena *arena;
    const struct profile *profile;
    const struct filter_options *options;
};

static void add_values(struct gathering *g, struct known *k, const profile_selectors *list,
                       const char *call)
{
    vec_each (s, list) {
        if (strcmp(s->syscall, call) != 0 || strcmp(s->argument, k->selector->name) != 0)
            continue;
        bool there = false;
        vec_each (v, &k->values)
            there = there || *v == (uint32_t)s->value;
        if (!there)
            vec_push(g->arena, &k->values, (uint32_t)s->value);
    }
}

static void add_unbounded(struct known *k, const profile_unbounded_list *list, const char *call)
{
    vec_each (u, list)
        k->any = k->any ||
                 (strcmp(u->syscall, call) == 0 && strcmp(u->argument, k->selector->name) == 0);
}

/* Calls that executed programs make are theirs: nothing is known of their arguments. */
static bool made_elsewhere(const struct gathering *g, int64_t number)
{
    vec_each (e, &g->profile->dynamic_part.execs)
        if (profile_syscalls_find(&e->syscalls, number))
            return true;
    return false;
}

static struct known gather(struct gathering *g, const struct selector *selector, const char *call)
{
    const struct profile_static *s = &g->profile->static_part;
    const struct profile_dynamic *dyn = &g->profile->dynamic_part;
    bool want_static = strcmp(g->options->from, "dynamic") != 0 && s->present;
    bool want_dynamic = strcmp(g->options->from, "static") != 0 && dyn->present;
    struct known k = {.selector = selector, .any = selector->in_memory};
    if (want_static) {
        add_values(g, &k, &s->selectors, call);
        add_unbounded(&k, &s->unbounded, call);
        vec_each (plugin, &s->plugins) {
            add_values(g, &k, &plugin->selectors, call);
            add_unbounded(&k, &plugin->unbounded, call);
        }
    }
    if (want_dynamic) {
        add_values(g, &k, &dyn->selectors, call);
        k.any = k.any || made_elsewhere(g, selector->number);
        /* Seen in a run, but with arguments that were not looked at. */
        if (!selector->traced && profile_syscalls_find(&dyn->syscalls, selector->number))
            k.any = k.any || !want_static;
    }
    k.any = k.any || !k.values.count;
    return k;
}

static int by_value(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return (a > b) - (a < b);
}

/* Every combination of values, a rule each. */
static void combine(struct arena *a, const struct profile_syscall *call, struct known *known,
                    unsigned count, filter_rules *out)
{
    size_t total = 1;
    for (unsigned i = 0; i < count; i++)
        total *= known[i].values.count;
    for (size_t n = 0; n < total; n++) {
        struct filter_rule *rule = vec_add(a, out);
        size_t left = n;
        rule->name = call->name;
        rule->number = call->number;
        for (unsigned i = count; i-- > 0;) {
            const argument_values *values = &known[i].values;
            rule->conditions[rule->count++] =
                (struct filter_condition){known[i].selector->argument, known[i].selector->mask,
                                          values->items[left % values->count]};
            left /= values->count;
        }
    }
}

static void add_rules(struct gathering *g, const struct profile_syscall *call, filter_rules *out)
{
    struct known known[FILTER_CONDITIONS];
    unsigned count = 0;
    size_t total = 1;
    const struct selector *of =
        g->options->arguments ? selector_of(syscall_number(call->name), NULL) : NULL;
    for (; of && count < FILTER_CONDITIONS; of = selector_of(of->number, of)) {
        struct known k = gather(g, of, call->name);
        if (k.any || total * k.values.count > COMBINATION_LIMIT)
            continue;
        total *= k.values.count;
        vec_sort(&k.values, by_value);
        known[count++] = k;
    }
    combine(g->arena, call, known, count, out);
}

void filter_rules_make(struct arena *a, const struct profile *profile,
                       const struct filter_options *options, const profile_syscalls *calls,
                       filter_rules *out)
{
    struct gathering g = {a, profile, options};
    vec_each (call, calls)
        add_rules(&g, call, out);
}
