/* SPDX-License-Identifier: BSD-3-Clause
 * The solved problem as a selection document. */
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
        if (need->kind != NEED_CALL || !need->met)
            continue;
        vec_each (it, &need->providers) {
            if (!solution_has(p, it->literal))
                continue;
            vec_push(p->arena, &out->provides,
                     ((struct jm_pair){need->name, it->option ? it->option : ""}));
            break;
        }
    }
    vec_sort(&out->provides, pair_order);
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

static const char *base_name(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path ? path : "";
}

static enum status fill(struct problem *p, struct selection *out)
{
    static const char *const needs[] = {"static", "dynamic", "required"};
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
    bool missing = missing_fill(p, out);
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
