/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/kconfig_eval.h"
#include "crawler/lint.h"
#include "crawler/scc.h"
#include <string.h>

struct order {
    struct diag *diag;
    struct arena *arena;
    const struct catalogue *catalogue;
    struct kconfig *k;
    struct scc graph;   /* from a repository to those it needs */
    strings *selectors; /* by option: repositories whose options select it */
    enum status status;
};

static const char *repository(const struct order *o, const struct catalogue_option *option)
{
    return option->repository ? option->repository : o->catalogue->name;
}

static size_t index_of(const struct order *o, const char *name)
{
    size_t i = 0;
    for (; i < o->catalogue->repositories.count; i++)
        if (strcmp(o->catalogue->repositories.items[i].name, name) == 0)
            break;
    return i;
}

static void need(struct order *o, const char *from, const char *to)
{
    size_t x = index_of(o, from), y = index_of(o, to);
    size_t count = o->catalogue->repositories.count;
    if (x != y && x < count && y < count)
        scc_edge(&o->graph, x, y);
}

/* from needs whoever defines the option, and, where that is the core, the repositories that turn it
 * on (HAVE_LIBC). */
static void need_option(struct order *o, const char *from, const char *name)
{
    int option = kconfig_find(o->k, name);
    if (option < 0)
        return;
    need(o, from, repository(o, kconfig_option(o->k, option)));
    vec_each (provider, &o->selectors[option])
        need(o, from, *provider);
}

static void need_names(struct order *o, const char *from, const char *text)
{
    struct kexpr *e = NULL;
    strings names = {0};
    if (!o->status)
        o->status = kexpr_parse(o->diag, o->arena, o->catalogue->name, text, &e);
    kexpr_names(o->arena, e, &names);
    vec_each (name, &names)
        need_option(o, from, *name);
}

/* Options of the core that only external repositories turn on: what they stand for. */
static void find_selectors(struct order *o)
{
    o->selectors = arena_array(o->arena, o->catalogue->options.count + 1, sizeof *o->selectors);
    vec_each (option, &o->catalogue->options)
        vec_each (clause, &option->selects) {
            int target = kconfig_find(o->k, clause->value);
            if (!option->repository || target < 0 || kconfig_option(o->k, target)->visible)
                continue;
            vec_push(o->arena, &o->selectors[target], option->repository);
        }
}

/* The first by name of those whose needs are placed, needs within a circle left aside. */
static size_t next(const struct order *o, const bool *placed)
{
    size_t count = o->catalogue->repositories.count, best = count;
    for (size_t i = 1; i < count; i++) {
        const char *name = o->catalogue->repositories.items[i].name;
        bool ready = !placed[i];
        vec_each (e, &o->graph.edges)
            if (e->from == i && !placed[e->to] &&
                o->graph.component[e->to] != o->graph.component[i])
                ready = false;
        if (ready &&
            (best == count || strcmp(name, o->catalogue->repositories.items[best].name) < 0))
            best = i;
    }
    return best;
}

enum status lint_repository_order(struct diag *d, struct arena *a, const struct catalogue *c,
                                  strings *out)
{
    struct order o = {.diag = d, .arena = a, .catalogue = c};
    enum status status = kconfig_new(d, a, c, &o.k);
    if (status || !c->repositories.count)
        return status;
    scc_init(&o.graph, a, c->repositories.count);
    find_selectors(&o);
    vec_each (option, &c->options) {
        if (!option->repository)
            continue;
        need_names(&o, option->repository, option->depends);
        vec_each (clause, &option->selects) {
            int target = kconfig_find(o.k, clause->value);
            if (target >= 0)
                need(&o, option->repository, repository(&o, kconfig_option(o.k, target)));
            need_names(&o, option->repository, clause->condition);
        }
        vec_each (clause, &option->implies) {
            int target = kconfig_find(o.k, clause->value);
            if (target >= 0)
                need(&o, option->repository, repository(&o, kconfig_option(o.k, target)));
        }
    }
    scc_run(&o.graph);
    bool *placed = arena_array(a, c->repositories.count + 1, sizeof *placed);
    placed[0] = true;
    for (size_t i; (i = next(&o, placed)) < c->repositories.count;) {
        placed[i] = true;
        if (strcmp(c->repositories.items[i].kind, "library") == 0)
            vec_push(a, out, c->repositories.items[i].name);
    }
    return o.status;
}
