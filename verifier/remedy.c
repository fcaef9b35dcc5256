/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/kconfig_eval.h"
#include "verifier/cause.h"
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

enum { CANDIDATES = 12, SYMPTOM_MIN = 8 };

struct remedy {
    struct bench *b;
    const struct catalogue *catalogue; /* NULL: not known */
    const struct selection *selection, *wanted;
    struct kconfig *model; /* NULL: not usable */
};

struct remedy *remedy_new(struct bench *b)
{
    struct remedy *r = ARENA_NEW(b->a, struct remedy);
    *r = (struct remedy){.b = b,
                         .catalogue = b->options->catalogue,
                         .selection = b->options->selection,
                         .wanted = b->options->wanted};
    if (!r->catalogue || !r->selection)
        return r;
    struct diag quiet = *b->d;
    if (kconfig_new(&quiet, b->a, r->catalogue, &r->model) != STATUS_OK) {
        r->model = NULL;
        return r;
    }
    vec_each (pair, &r->selection->config) {
        int option = kconfig_find(r->model, pair->key);
        if (option >= 0)
            kconfig_set(r->model, option, pair->value);
    }
    return r;
}

static const char *configured(const struct selection *s, const char *option)
{
    vec_each (pair, &s->config)
        if (strcmp(pair->key, option) == 0)
            return pair->value;
    return NULL;
}

static bool is_on(struct remedy *r, const char *option)
{
    const char *value = r->selection ? configured(r->selection, option) : NULL;
    if (value)
        return strcmp(value, "n") != 0;
    int index = r->model ? kconfig_find(r->model, option) : -1;
    return index >= 0 && kconfig_tri(r->model, index) > 0;
}

bool remedy_harmless(void *remedy, const char *call)
{
    struct remedy *r = remedy;
    if (!r->catalogue)
        return false;
    vec_each (rule, &r->catalogue->rules) {
        if (!rule->kind || strcmp(rule->kind, "harmless") != 0)
            continue;
        vec_each (pattern, &rule->calls)
            if (fnmatch(*pattern, call, 0) == 0)
                return true;
    }
    return false;
}

/* The library whose option encloses this one: its own, or the longest that it begins with. */
static const char *library_of(const struct remedy *r, const char *option)
{
    const char *best = NULL;
    size_t length = 0;
    vec_each (library, &r->catalogue->libraries) {
        if (!library->option)
            continue;
        size_t n = strlen(library->option);
        if (n > length && strncmp(library->option, option, n) == 0 &&
            (option[n] == '\0' || option[n] == '_')) {
            best = library->name;
            length = n;
        }
    }
    return best;
}

bool remedy_provided(struct remedy *r, const char *call, const char **library)
{
    *library = NULL;
    if (!r->catalogue)
        return false;
    vec_each (entry, &r->catalogue->syscalls) {
        if (strcmp(entry->name, call) != 0 || (entry->option && !is_on(r, entry->option)))
            continue;
        if (entry->condition && r->model && kconfig_evaluate_text(r->model, entry->condition) == 0)
            continue;
        *library = entry->option ? library_of(r, entry->option) : "the core";
        return true;
    }
    return false;
}

static void add(struct remedy *r, const char *option, const char *why, struct verif_divergence *out)
{
    if (out->candidates.count >= CANDIDATES)
        return;
    vec_each (c, &out->candidates)
        if (strcmp(c->option, option) == 0)
            return;
    vec_push(r->b->a, &out->candidates,
             ((struct verif_candidate){option, r->catalogue ? library_of(r, option) : NULL, why}));
}

/* Names in an expression that stand for themselves being on. */
static void add_names(struct remedy *r, const char *expression, const char *why,
                      struct verif_divergence *out)
{
    bool negated = false;
    for (const char *p = expression; p && *p;) {
        size_t n = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_abcdefghijklmnopqrstuvwxyz");
        if (!n) {
            negated = *p == '!' && p[1] != '=';
            p++;
            continue;
        }
        const char *name = arena_strndup(r->b->a, p, n);
        if (!negated && r->model && kconfig_find(r->model, name) >= 0 && !is_on(r, name))
            add(r, name, why, out);
        negated = false;
        p += n;
    }
}

void remedy_for_call(struct remedy *r, const char *call, struct verif_divergence *out)
{
    if (!r->catalogue)
        return;
    vec_each (entry, &r->catalogue->syscalls) {
        if (strcmp(entry->name, call) != 0)
            continue;
        const char *why = arena_printf(r->b->a, "provides %s", call);
        if (entry->option && !is_on(r, entry->option))
            add(r, entry->option, why, out);
        if (entry->condition)
            add_names(r, entry->condition, why, out);
    }
}

/* It has a prompt: a user can turn it on. */
static bool settable(const struct remedy *r, const char *option)
{
    int index = r->model ? kconfig_find(r->model, option) : -1;
    return index < 0 || kconfig_option(r->model, index)->visible;
}

void remedy_withheld(struct remedy *r, const char *word, struct verif_divergence *out)
{
    if (!r->wanted || !r->selection)
        return;
    for (int named = word ? 1 : 0; named >= 0; named--)
        vec_each (pair, &r->wanted->config) {
            if (strcmp(pair->value, "y") != 0 || is_on(r, pair->key) || !settable(r, pair->key))
                continue;
            const char *reason = "";
            vec_each (why, &r->wanted->reasons)
                if (strcmp(why->key, pair->key) == 0)
                    reason = why->value;
            if (!named || strstr(reason, word))
                add(r, pair->key,
                    *reason ? arena_printf(r->b->a, "left out although: %s", reason)
                            : "left out, though the needs ask for it",
                    out);
        }
}

/* Whether a piece of the symptom, one that stands in quotes of any kind, is on the console. */
static bool symptom_seen(struct arena *a, const char *symptom, const char *console)
{
    static const char quotes[] = "`'\"";
    for (const char *p = symptom; *p; p++) {
        if (!strchr(quotes, *p))
            continue;
        const char *end = strchr(p + 1, *p);
        if (!end)
            continue;
        size_t n = (size_t)(end - p - 1);
        if (n >= SYMPTOM_MIN && strstr(console, arena_strndup(a, p + 1, n)))
            return true;
        p = end;
    }
    return strlen(symptom) >= SYMPTOM_MIN && strstr(console, symptom);
}

void remedy_for_symptom(struct remedy *r, const char *console, struct verif_divergence *out)
{
    if (!r->catalogue || !r->model)
        return;
    vec_each (rule, &r->catalogue->rules) {
        if (!rule->symptom || !rule->needs || (rule->kind && strcmp(rule->kind, "need") != 0))
            continue;
        if (kconfig_evaluate_text(r->model, rule->needs) == 0 &&
            symptom_seen(r->b->a, rule->symptom, console))
            add_names(r, rule->needs,
                      arena_printf(r->b->a, "rule %s: %s", rule->name, rule->symptom), out);
    }
}
