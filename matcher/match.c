/* SPDX-License-Identifier: BSD-3-Clause
 * The solved problem as a selection document. */
#include "matcher/facts.h"
#include "matcher/missing.h"
#include "matcher/reasons.h"
#include <stdlib.h>
#include <string.h>

static int pair_order(const void *x, const void *y)
{
    return strcmp(((const struct jm_pair *)x)->key, ((const struct jm_pair *)y)->key);
}

static const char *joined(struct arena *a, const strings *list)
{
    const char *text = "";
    for (size_t i = 0; i < list->count; i++)
        text = arena_printf(a, "%s%s%s", text, i ? "; " : "", list->items[i]);
    return text;
}

static void fill_config(const struct problem *p, struct selection *out)
{
    for (size_t i = 0; i < p->model.option_count; i++) {
        const struct model_option *x = &p->model.options[i];
        if (!kconfig_written(p->kconfig, (int)i))
            continue;
        const char *value = kconfig_value(p->kconfig, (int)i);
        if (strstr(value, "$("))
            continue; /* the build's own variables, filled in by the tree */
        if (x->option->type == OPTION_STRING)
            value = kconfig_quote(p->arena, value);
        vec_push(p->arena, &out->config,
                 ((struct jm_pair){x->option->name, arena_strdup(p->arena, value)}));
        if (!p->on[i])
            continue;
        strings reasons = {0};
        reasons_of(p, x, &reasons);
        vec_push(p->arena, &out->reasons,
                 ((struct jm_pair){x->option->name, joined(p->arena, &reasons)}));
    }
    vec_sort(&out->config, pair_order);
    vec_sort(&out->reasons, pair_order);
}

static bool built(const struct problem *p, const struct catalogue_library *library)
{
    int i = library->option ? kconfig_find(p->kconfig, library->option) : -1;
    bool on = library->option ? i >= 0 && kconfig_tri(p->kconfig, i) != TRI_N : true;
    if (on && library->condition)
        on = kconfig_evaluate_text(p->kconfig, library->condition) != TRI_N;
    vec_each (it, &p->model.repositories) {
        size_t index = (size_t)(it - p->model.repositories.items);
        if (library->repository && strcmp(it->name, library->repository) == 0)
            on = on && p->with[index];
    }
    return on;
}

static int library_order(const void *x, const void *y)
{
    return strcmp(((const struct selection_library *)x)->name,
                  ((const struct selection_library *)y)->name);
}

static void fill_libraries(const struct problem *p, struct selection *out)
{
    vec_each (library, &p->catalogue->libraries) {
        if (!built(p, library))
            continue;
        struct selection_library *chosen = vec_add(p->arena, &out->libraries);
        *chosen = (struct selection_library){library->name, library->option, library->repository};
        const struct model_option *x =
            library->option ? model_find(&p->model, library->option) : NULL;
        if (x)
            reasons_of(p, x, &chosen->reasons);
        else
            vec_push(p->arena, &chosen->reasons, "always built");
        const char *chain = x ? reason_chain(p, x) : NULL;
        if (chain && (!chosen->reasons.count || strcmp(chain, chosen->reasons.items[0]) != 0))
            vec_push(p->arena, &chosen->reasons, chain);
        if (p->options->weights)
            chosen->bytes = library_weight(p, library);
    }
    vec_sort(&out->libraries, library_order);
}

static void fill_provides(const struct problem *p, struct selection *out)
{
    vec_each (need, &p->needs.list) {
        jm_pairs *list = need->kind == NEED_CALL ? &out->provides : &out->exports;
        if ((need->kind != NEED_CALL && need->kind != NEED_SYMBOL) || !need->met)
            continue;
        vec_each (it, &need->providers) {
            if (!solution_has(p, it->literal))
                continue;
            const char *from = it->option ? it->option : it->library;
            vec_push(p->arena, list, ((struct jm_pair){need->name, from ? from : ""}));
            break;
        }
    }
    vec_sort(&out->provides, pair_order);
    vec_sort(&out->exports, pair_order);
}

/* Facts that say something of this program; the catalogue's own names are left out. */
static void fill_facts(const struct problem *p, struct selection *out)
{
    vec_each (fact, &p->needs.facts) {
        bool catalogue_own =
            strncmp(*fact, "option=", 7) == 0 || strncmp(*fact, "library=", 8) == 0;
        bool listed = strncmp(*fact, "call=", 5) == 0 || strncmp(*fact, "symbol=", 7) == 0 ||
                      strncmp(*fact, "seen=", 5) == 0;
        if (!catalogue_own && !listed)
            vec_push(p->arena, &out->facts, *fact);
    }
}

/* C files of rules whose facts hold and whose options are chosen. */
static enum status fill_sources(const struct problem *p, struct selection *out)
{
    vec_each (rule, &p->catalogue->rules) {
        bool holds = false;
        if (!rule->kind || strcmp(rule->kind, "source") != 0)
            continue;
        enum status status =
            condition_holds(p->diag, rule->name, rule->when, &p->needs.facts, &holds);
        if (status)
            return status;
        if (holds && rule->needs)
            holds = kconfig_evaluate_text(p->kconfig, rule->needs) != TRI_N;
        if (holds)
            vec_push(
                p->arena, &out->sources,
                ((struct selection_source){rule->name, rule->symptom, rule->source, rule->wrap}));
    }
    return STATUS_OK;
}

/* Whether a choice has to do with libraries at all. */
static bool reaches_library(const struct problem *p, const struct model_choice *c)
{
    vec_each (edge, &p->model.edges) {
        bool library = false;
        if (edge->imply || edge->from->choice != c)
            continue;
        vec_each (it, &p->catalogue->libraries)
            library |= it->option && strcmp(it->option, edge->to->option->name) == 0;
        if (library)
            return true;
    }
    return false;
}

static int alternative_order(const void *x, const void *y)
{
    const struct selection_alternative *a = x, *b = y;
    if (a->bytes != b->bytes)
        return (a->bytes > b->bytes) - (a->bytes < b->bytes);
    if (a->libraries != b->libraries)
        return (a->libraries > b->libraries) - (a->libraries < b->libraries);
    return strcmp(a->change, b->change);
}

static int64_t library_count(const struct problem *p)
{
    int64_t count = 0;
    vec_each (library, &p->catalogue->libraries)
        count += built(p, library);
    return count;
}

static enum status add_alternative(struct problem *p, const struct model_option *chosen,
                                   const struct model_option *x, struct selection *out)
{
    struct problem other;
    enum status status =
        problem_open(p->diag, p->arena, p->profile, p->catalogue, p->options, &other);
    if (!status)
        status = problem_solve(&other, x->literal);
    if (status == STATUS_INPUT) { /* pins exclude it */
        p->diag->message[0] = '\0';
        status = STATUS_OK;
    } else if (!status && other.lost_rules <= p->lost_rules && other.lost_needs <= p->lost_needs) {
        const char *change =
            arena_printf(p->arena, "%s instead of %s", x->option->name, chosen->option->name);
        vec_push(p->arena, &out->alternatives,
                 ((struct selection_alternative){
                     chosen->option->name, change, library_count(&other) - library_count(p),
                     p->options->weights ? other.library_cost - p->library_cost : 0}));
    }
    problem_close(&other);
    return status;
}

static const char *base_name(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path ? path : "";
}

/* What every other member of a choice would cost, the rest chosen anew around it. */
static enum status alternatives_fill(struct problem *p, struct selection *out)
{
    enum { MOST = 40 };
    size_t tried = 0;
    vec_each (c, &p->model.choices) {
        const struct model_option *chosen = NULL;
        vec_each (x, &c->members)
            if (p->on[*x - p->model.options])
                chosen = *x;
        if (!chosen || !reaches_library(p, c))
            continue;
        for (size_t i = 0; i < c->members.count && tried < MOST; i++) {
            const struct model_option *x = c->members.items[i];
            if (x == chosen)
                continue;
            tried++;
            enum status status = add_alternative(p, chosen, x, out);
            if (status)
                return status;
        }
    }
    vec_sort(&out->alternatives, alternative_order);
    return STATUS_OK;
}

static enum status fill(struct problem *p, struct selection *out)
{
    static const char *const needs[] = {"static", "dynamic", "required"};
    enum status status = STATUS_OK;
    *out = (struct selection){.schema = SELECTION_SCHEMA};
    out->catalogue.name = p->catalogue->name;
    out->catalogue.version = p->catalogue->version;
    out->program = base_name(p->profile->program.path);
    out->mode = p->options->mode == MODE_SOURCE ? "source" : "binary";
    out->need = needs[p->options->need];
    fill_libraries(p, out);
    fill_config(p, out);
    fill_provides(p, out);
    fill_facts(p, out);
    out->optimal = true;
    out->cost = (double)p->library_cost;
    out->objective = p->options->weights
                         ? "bytes of the libraries as measured, then fewest deviations from "
                           "defaults, then fewest options"
                         : "number of libraries, then fewest deviations from defaults, then fewest "
                           "options";
    if ((status = fill_sources(p, out)))
        return status;
    bool missing = missing_fill(p, out);
    if (p->options->alternatives && (status = alternatives_fill(p, out)))
        return status;
    return missing ? STATUS_FOUND : STATUS_OK;
}

enum status match(struct diag *d, struct arena *a, const struct profile *profile,
                  const struct catalogue *catalogue, const struct matcher_options *options,
                  struct selection *out)
{
    struct problem p;
    enum status status = problem_open(d, a, profile, catalogue, options, &p);
    if (!status)
        status = problem_solve(&p, 0);
    if (!status && !options->keep_going)
        status = problem_check_pins(&p);
    if (!status)
        status = fill(&p, out);
    problem_close(&p);
    return status;
}
