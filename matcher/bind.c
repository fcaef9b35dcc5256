/* SPDX-License-Identifier: BSD-3-Clause
 * Needs meet the model: who provides what, as literals. */
#include "matcher/needs.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int library_literal(const struct model *m, const struct catalogue_library *library)
{
    int repository = model_repository(m, library->repository);
    const struct model_option *x = library->option ? model_find(m, library->option) : NULL;
    if (library->option && !x)
        return -sat_true(m->sat);
    return x ? x->literal : repository;
}

static void add_provider(struct model *m, struct need *need, const char *option,
                         const char *library, int literal)
{
    if (literal != -sat_true(m->sat))
        vec_push(m->arena, &need->providers, ((struct provider){option, library, literal}));
}

/* A C library's function that is little more than a system call works only where something
 * provides that call: the literal that says so, true for other functions. */
static int call_behind(struct model *m, const char *name)
{
    literals list = {0};
    bool is_call = false;
    vec_each (it, &m->catalogue->syscalls) {
        const struct model_option *x = it->option ? model_find(m, it->option) : NULL;
        int condition;
        if (strcmp(it->name, name) != 0 || (it->option && !x) ||
            model_text(m, name, it->condition, &condition))
            continue;
        is_call = true;
        vec_push(m->arena, &list, x ? sat_and2(m->sat, x->literal, condition) : condition);
    }
    return is_call ? sat_or(m->sat, list.items, list.count) : sat_true(m->sat);
}

/* Rules of kind "provides": what an option gives beyond what its build files say. */
static enum status ruled_providers(struct model *m, const struct needs *needs, struct need *need,
                                   const char *name, bool call)
{
    vec_each (rule, &m->catalogue->rules) {
        bool holds = false;
        int literal = 0;
        if (!rule->kind || strcmp(rule->kind, "provides") != 0 || !rule->needs ||
            !matches_any(call ? &rule->calls : &rule->symbols, name))
            continue;
        enum status status =
            condition_holds(m->diag, rule->name, rule->when, &needs->facts, &holds);
        if (!status && holds)
            status = model_text(m, rule->name, rule->needs, &literal);
        if (status)
            return status;
        if (holds && !call)
            literal = sat_and2(m->sat, literal, call_behind(m, name));
        if (holds)
            add_provider(m, need, rule->needs, NULL, literal);
    }
    return STATUS_OK;
}

static enum status call_providers(struct model *m, const struct needs *needs, struct need *need)
{
    vec_each (it, &m->catalogue->syscalls) {
        if (strcmp(it->name, need->name) != 0)
            continue;
        const struct model_option *x = it->option ? model_find(m, it->option) : NULL;
        int condition;
        if (it->option && !x)
            continue;
        enum status status = model_text(m, it->name, it->condition, &condition);
        if (status)
            return status;
        int literal = x ? sat_and2(m->sat, x->literal, condition) : condition;
        add_provider(m, need, it->option, NULL, literal);
    }
    return ruled_providers(m, needs, need, need->name, true);
}

static enum status symbol_providers(struct model *m, const struct needs *needs, struct need *need)
{
    strings names = {0};
    symbol_names(m->arena, m->catalogue, need->name, &names);
    vec_each (name, &names) {
        vec_each (library, &m->catalogue->libraries) {
            for (size_t i = 0; i < library->symbols.count; i++) {
                if (strcmp(library->symbols.items[i], *name) != 0)
                    continue;
                add_provider(m, need, library->option, library->name, library_literal(m, library));
                break;
            }
        }
        enum status status = ruled_providers(m, needs, need, *name, false);
        if (status)
            return status;
    }
    return STATUS_OK;
}

static void any_provider(struct model *m, struct need *need)
{
    literals list = {0};
    vec_each (it, &need->providers)
        vec_push(m->arena, &list, it->literal);
    need->literal = sat_or(m->sat, list.items, list.count);
}

/* ---- options named by the user ---- */

static size_t distance(const char *x, const char *y)
{
    enum { MOST = 64 };
    size_t row[MOST + 1], n = strlen(x), k = strlen(y);
    if (n > MOST || k > MOST)
        return MOST;
    for (size_t j = 0; j <= k; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= k; j++) {
            size_t above = row[j], best = diagonal + (x[i - 1] != y[j - 1]);
            best = above + 1 < best ? above + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[k];
}

struct scored {
    const char *name;
    size_t score;
};

static int by_score(const void *x, const void *y)
{
    const struct scored *a = x, *b = y;
    int order = (a->score > b->score) - (a->score < b->score);
    return order ? order : strcmp(a->name, b->name);
}

void near_options(struct arena *a, const struct catalogue *catalogue, const char *word,
                  size_t limit, strings *out)
{
    VEC(struct scored) scores = {0};
    char *upper = arena_strdup(a, word);
    for (char *p = upper; *p; p++)
        *p = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p == '-' ? '_' : *p;
    vec_each (option, &catalogue->options) {
        size_t score = distance(upper, option->name);
        if (strstr(option->name, upper))
            score = score > 2 ? 2 : score;
        if (score <= strlen(upper) / 3 + 1)
            vec_push(a, &scores, ((struct scored){option->name, score}));
    }
    vec_sort(&scores, by_score);
    for (size_t i = 0; i < scores.count && i < limit; i++)
        vec_push(a, out, scores.items[i].name);
}

/* "LIBVFSCORE", "CONFIG_LIBVFSCORE", "vfscore" and "libvfscore" all mean the option. */
static const struct model_option *find_named(struct model *m, const char *name)
{
    const char *bare = strncmp(name, "CONFIG_", 7) == 0 ? name + 7 : name;
    const struct model_option *x = model_find(m, bare);
    if (x)
        return x;
    vec_each (library, &m->catalogue->libraries) {
        bool same =
            strcasecmp(library->name, name) == 0 ||
            (strncmp(library->name, "lib", 3) == 0 && strcasecmp(library->name + 3, name) == 0);
        if (same && library->option)
            return model_find(m, library->option);
    }
    return NULL;
}

static enum status bind_option(struct model *m, struct need *need)
{
    const struct model_option *x = find_named(m, need->name);
    if (!x || (x->option->type != OPTION_BOOL && x->option->type != OPTION_TRISTATE)) {
        strings near = {0};
        near_options(m->arena, m->catalogue, need->name, 3, &near);
        return diag_fail(m->diag, STATUS_INPUT, "%s: catalogue %s %s has no %s of that name%s%s",
                         need->words, m->catalogue->name, m->catalogue->version,
                         x ? "option that is on or off" : "option or library",
                         near.count ? "; near it: " : "", near.count ? near.items[0] : "");
    }
    need->name = x->option->name;
    need->literal = need->forbid ? -x->literal : x->literal;
    return STATUS_OK;
}

enum status needs_bind(struct model *m, struct needs *needs)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; !status && i < needs->list.count; i++) {
        struct need *need = &needs->list.items[i];
        need->providers.count = 0;
        if (need->kind == NEED_CALL)
            status = call_providers(m, needs, need);
        else if (need->kind == NEED_SYMBOL)
            status = symbol_providers(m, needs, need);
        else if (need->rule)
            status = model_text(m, need->rule->name, need->rule->needs, &need->literal);
        else
            status = bind_option(m, need);
        if (need->kind == NEED_CALL || need->kind == NEED_SYMBOL)
            any_provider(m, need);
    }
    return status;
}
