/* SPDX-License-Identifier: BSD-3-Clause
 * The configurations around a selection: which options are alternatives, and which combinations of
 * them are valid, both asked of the Kconfig model. */
#include "optimiser/knobs.h"
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* What kind of option makes a knob. An image works with any value of these; they say how it is
 * built and how much it sets aside, not what it can do. Ints are tried at the factors given. */
static const struct {
    const char *pattern;
    int rank; /* lower comes first where there are too many */
} patterns[] = {
    {"OPTIMIZE_*", 0}, {"*_LTO", 0},    {"*DEADELIM*", 0},   {"*BANNER*", 1}, {"*_PRINTK*", 1},
    {"*_PRINTD*", 1},  {"*ASSERT*", 1}, {"*MEMTEST*", 1},    {"*_HEAP_*", 2}, {"*STACK_*", 2},
    {"*_STACK*", 2},   {"*MEMORY*", 2}, {"*BUFFER*", 2},     {"*_POOL*", 2},  {"*POLL*", 3},
    {"*PAUSE*", 3},    {"*_NAMES", 3},  {"*_FLOAT", 3},      {"*DEBUG*", 3},  {"*STATS*", 3},
    {"*TRACE*", 4},    {"LWIP_*", 4},   {"LIBPARAM*", 4},    {"*_REPORT", 4}, {"*_VGA*", 4},
    {"*_CHECK*", 4},   {"*SANITY*", 4}, {"*INIT_ALLOC*", 5},
};
enum { PATTERNS = sizeof patterns / sizeof patterns[0], OTHER_CHOICE = 1, CHOICE_VALUES = 6 };

/* Options that decide on which machines the image runs, how strict the build is, or what lies
 * beside the image: no matter of how well it runs. */
static const char *const no_matter[] = {"ARCH_*",          "MARCH_*",     "MCPU_*",    "PLAT_*",
                                        "*_VMM_*",         "*WARNISERR*", "*_SYMFILE", "*_COMPRESS",
                                        "*DEBUG_SYMBOLS*", "*_BAUD_*"};

static int rank_of(const char *name)
{
    for (size_t i = 0; i < sizeof no_matter / sizeof no_matter[0]; i++)
        if (fnmatch(no_matter[i], name, 0) == 0)
            return -1;
    for (size_t i = 0; i < PATTERNS; i++)
        if (fnmatch(patterns[i].pattern, name, 0) == 0)
            return patterns[i].rank;
    return -1;
}

/* Of a choice: the best rank of its members; -1: it is none of our business. */
static int rank_of_choice(const struct catalogue_choice *choice)
{
    int best = OTHER_CHOICE;
    vec_each (member, &choice->members) {
        for (size_t i = 0; i < sizeof no_matter / sizeof no_matter[0]; i++)
            if (fnmatch(no_matter[i], *member, 0) == 0)
                return -1;
        int rank = rank_of(*member);
        if (rank >= 0 && rank < best)
            best = rank;
    }
    return best;
}

static const char *reason_of(const struct knob_space *s, const char *option)
{
    vec_each (pair, &s->selection->reasons)
        if (strcmp(pair->key, option) == 0)
            return pair->value;
    return "";
}

/* The program needs this very option: a rule or a call stands behind it. */
static bool is_need(const char *reason)
{
    return strstr(reason, "rule ") || strstr(reason, "provides ") || strstr(reason, "pinned");
}

/* On only because others select it: it goes when they go. */
static bool follows(const char *reason)
{
    return strncmp(reason, "selected by", 11) == 0 && !is_need(reason) &&
           !strstr(reason, "required by");
}

static void load(struct knob_space *s)
{
    kconfig_clear(s->model);
    vec_each (pair, &s->selection->config) {
        int option = kconfig_find(s->model, pair->key);
        if (option >= 0 && !follows(reason_of(s, pair->key)))
            kconfig_set(s->model, option, pair->value);
    }
}

static bool provides(struct knob_space *s, const char *call)
{
    vec_each (entry, &s->catalogue->syscalls) {
        if (strcmp(entry->name, call) != 0)
            continue;
        int option = entry->option ? kconfig_find(s->model, entry->option) : -1;
        if ((!entry->option || (option >= 0 && kconfig_tri(s->model, option) > 0)) &&
            (!entry->condition || kconfig_evaluate_text(s->model, entry->condition) > 0))
            return true;
    }
    return false;
}

enum status knob_space_open(struct diag *d, struct arena *a, const struct catalogue *catalogue,
                            const struct selection *selection, const strings *calls,
                            struct knob_space *out)
{
    *out = (struct knob_space){.a = a, .catalogue = catalogue, .selection = selection};
    enum status status = kconfig_new(d, a, catalogue, &out->model);
    if (status)
        return status;
    load(out);
    vec_each (call, calls)
        if (provides(out, *call))
            vec_push(a, &out->needed, *call);
    vec_each (rule, &catalogue->rules)
        if (rule->kind && strcmp(rule->kind, "need") == 0 && rule->needs &&
            kconfig_evaluate_text(out->model, rule->needs) > 0)
            vec_push(a, &out->rules, rule->needs);
    vec_each (pair, &selection->reasons) {
        int option = kconfig_find(out->model, pair->key);
        if (option >= 0 && is_need(pair->value) && kconfig_tri(out->model, option) > 0)
            vec_push(a, &out->kept, pair->key);
    }
    return STATUS_OK;
}

/* ---- finding knobs ---- */

static bool known(const struct perf_search *search, const char *name)
{
    vec_each (knob, &search->knobs)
        if (strcmp(knob->name, name) == 0)
            return true;
    return false;
}

static const char *chosen_member(struct knob_space *s, size_t choice)
{
    int option = kconfig_chosen(s->model, (int)choice);
    return option >= 0 ? s->catalogue->options.items[option].name : NULL;
}

/* A choice: its members are the values, the present one first. */
static void choice_knob(struct knob_space *s, size_t index, struct perf_search *search)
{
    const struct catalogue_choice *choice = &s->catalogue->choices.items[index];
    const char *now = chosen_member(s, index);
    if (!now || known(search, choice->name) || is_need(reason_of(s, now)))
        return;
    struct perf_knob knob = {.name = choice->name, .choice = true};
    vec_push(s->a, &knob.values, now);
    vec_each (member, &choice->members) {
        int option = kconfig_find(s->model, *member);
        if (option >= 0 && strcmp(*member, now) != 0 && knob.values.count < CHOICE_VALUES &&
            kconfig_visibility(s->model, option) > 0)
            vec_push(s->a, &knob.values, *member);
    }
    if (knob.values.count > 1)
        vec_push(s->a, &search->knobs, knob);
}

static void bool_knob(struct knob_space *s, int option, const char *name,
                      struct perf_search *search)
{
    bool on = kconfig_tri(s->model, option) > 0;
    if (kconfig_selected(s->model, option) > 0 || is_need(reason_of(s, name)))
        return;
    struct perf_knob knob = {.name = name};
    vec_push(s->a, &knob.values, on ? "y" : "n");
    vec_push(s->a, &knob.values, on ? "n" : "y");
    vec_push(s->a, &search->knobs, knob);
}

static void int_knob(struct knob_space *s, int option, const struct catalogue_option *o,
                     struct perf_search *search)
{
    static const double factors[] = {0.25, 0.5, 2, 4};
    static const int steps[] = {-2, -1, 1, 2}; /* of an order of magnitude, base 2 */
    bool order = fnmatch("*_ORDER", o->name, 0) == 0;
    char *end;
    const char *text = kconfig_value(s->model, option);
    long long now = strtoll(text, &end, 10);
    if (end == text || *end || now <= 0)
        return;
    long long low = 0, high = INT32_MAX;
    if (o->ranges.count) {
        low = strtoll(o->ranges.items[0].low, NULL, 10);
        high = strtoll(o->ranges.items[0].high, NULL, 10);
    }
    struct perf_knob knob = {.name = o->name, .ordered = false};
    vec_push(s->a, &knob.values, arena_strdup(s->a, text));
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++) {
        long long value = order ? now + steps[i] : (long long)((double)now * factors[i]);
        value = value < low ? low : value > high ? high : value;
        const char *word = arena_printf(s->a, "%lld", value);
        bool there = false;
        vec_each (v, &knob.values)
            there |= strcmp(*v, word) == 0;
        if (!there && value >= 0)
            vec_push(s->a, &knob.values, word);
    }
    if (knob.values.count > 1)
        vec_push(s->a, &search->knobs, knob);
}

void knob_space_find(struct knob_space *s, size_t limit, struct perf_search *search)
{
    load(s);
    for (int rank = 0; rank < 6; rank++) {
        for (size_t c = 0; c < s->catalogue->choices.count; c++)
            if (search->knobs.count < limit &&
                rank_of_choice(&s->catalogue->choices.items[c]) == rank)
                choice_knob(s, c, search);
        for (size_t i = 0; i < s->catalogue->options.count; i++) {
            const struct catalogue_option *o = &s->catalogue->options.items[i];
            if (search->knobs.count >= limit || o->choice || rank_of(o->name) != rank ||
                known(search, o->name) || kconfig_visibility(s->model, (int)i) == 0)
                continue;
            if (o->type == OPTION_BOOL)
                bool_knob(s, (int)i, o->name, search);
            else if (o->type == OPTION_INT)
                int_knob(s, (int)i, o, search);
        }
    }
}

/* ---- points ---- */

static int choice_index(const struct knob_space *s, const char *name)
{
    for (size_t i = 0; i < s->catalogue->choices.count; i++)
        if (strcmp(s->catalogue->choices.items[i].name, name) == 0)
            return (int)i;
    return -1;
}

static void assign(struct knob_space *s, const struct perf_knob *knobs, size_t count,
                   const int *choice)
{
    load(s);
    for (size_t k = 0; k < count; k++) {
        const char *value = knobs[k].values.items[choice[k]];
        int index = choice_index(s, knobs[k].name);
        if (index < 0) {
            int option = kconfig_find(s->model, knobs[k].name);
            if (option >= 0)
                kconfig_set(s->model, option, value);
            continue;
        }
        vec_each (member, &s->catalogue->choices.items[index].members) {
            int option = kconfig_find(s->model, *member);
            if (option >= 0)
                kconfig_set(s->model, option, strcmp(*member, value) == 0 ? "y" : "n");
        }
    }
}

/* The knob has the value asked for; or it has nothing to say in this configuration, and then only
 * its first value counts, so that equal configurations are one point. */
static bool took(struct knob_space *s, const struct perf_knob *knob, int choice)
{
    const char *value = knob->values.items[choice];
    int index = choice_index(s, knob->name);
    if (index >= 0) {
        const char *now = chosen_member(s, (size_t)index);
        return now ? strcmp(now, value) == 0 : choice == 0;
    }
    int option = kconfig_find(s->model, knob->name);
    if (option < 0 || kconfig_visibility(s->model, option) == 0)
        return choice == 0;
    return strcmp(kconfig_value(s->model, option), value) == 0;
}

bool knob_space_valid(struct knob_space *s, const struct perf_knob *knobs, size_t count,
                      const int *choice)
{
    assign(s, knobs, count, choice);
    for (size_t k = 0; k < count; k++)
        if (!took(s, &knobs[k], choice[k]))
            return false;
    vec_each (name, &s->kept)
        if (kconfig_tri(s->model, kconfig_find(s->model, *name)) == 0)
            return false;
    vec_each (call, &s->needed)
        if (!provides(s, *call))
            return false;
    vec_each (rule, &s->rules)
        if (kconfig_evaluate_text(s->model, *rule) == 0)
            return false;
    for (size_t i = 0; i < kconfig_count(s->model); i++)
        if (kconfig_unmet(s->model, (int)i))
            return false;
    return true;
}

static const char *value_in(const struct selection *selection, const char *option)
{
    vec_each (pair, &selection->config)
        if (strcmp(pair->key, option) == 0)
            return pair->value;
    return NULL;
}

const int *knob_space_point(const struct knob_space *s, const struct perf_knob *knobs, size_t count,
                            const struct selection *like)
{
    int *x = arena_array(s->a, count + 1, sizeof *x);
    for (size_t k = 0; k < count; k++)
        for (size_t v = 1; v < knobs[k].values.count; v++) {
            const char *value = knobs[k].values.items[v];
            const char *there = value_in(like, knobs[k].choice ? value : knobs[k].name);
            /* An option that is not written is off. */
            if (!there && !knobs[k].choice)
                there = "n";
            if (there && strcmp(there, knobs[k].choice ? "y" : value) == 0)
                x[k] = (int)v;
        }
    return x;
}

static int by_key(const void *x, const void *y)
{
    return strcmp(((const struct jm_pair *)x)->key, ((const struct jm_pair *)y)->key);
}

void knob_space_apply(struct knob_space *s, const struct perf_knob *knobs, size_t count,
                      const int *choice, struct selection *out)
{
    assign(s, knobs, count, choice);
    *out = *s->selection;
    memset(&out->config, 0, sizeof out->config);
    for (size_t i = 0; i < kconfig_count(s->model); i++) {
        const struct catalogue_option *o = kconfig_option(s->model, (int)i);
        /* What cannot be set by hand follows from the rest. */
        if (!o->visible || kconfig_visibility(s->model, (int)i) == 0 ||
            !kconfig_written(s->model, (int)i))
            continue;
        const char *value = kconfig_value(s->model, (int)i);
        vec_push(s->a, &out->config, ((struct jm_pair){o->name, arena_strdup(s->a, value)}));
    }
    vec_sort(&out->config, by_key);
    memset(&out->libraries, 0, sizeof out->libraries);
    vec_each (library, &s->catalogue->libraries) {
        int option = library->option ? kconfig_find(s->model, library->option) : -1;
        if (library->option && (option < 0 || kconfig_tri(s->model, option) == 0))
            continue;
        vec_push(s->a, &out->libraries,
                 ((struct selection_library){.name = library->name,
                                             .option = library->option,
                                             .repository = library->repository}));
    }
}
