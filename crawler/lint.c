/* SPDX-License-Identifier: BSD-3-Clause */
#include "crawler/lint.h"
#include "common/kconfig_eval.h"
#include "crawler/scc.h"
#include <stdlib.h>
#include <string.h>

struct lint {
    struct diag *diag;
    struct arena *arena;
    const struct catalogue *catalogue;
    struct kconfig *k;
    strings *out;
    enum status status;
};

static void find(struct lint *l, const char *text)
{
    vec_push(l->arena, l->out, text);
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static struct kexpr *parse(struct lint *l, const char *text)
{
    struct kexpr *e = NULL;
    if (!l->status)
        l->status = kexpr_parse(l->diag, l->arena, l->catalogue->name, text, &e);
    return e;
}

static enum status begin(struct lint *l, struct diag *d, struct arena *a, const struct catalogue *c,
                         strings *out)
{
    *l = (struct lint){.diag = d, .arena = a, .catalogue = c, .out = out};
    return kconfig_new(d, a, c, &l->k);
}

static bool is_tri(const struct catalogue_option *o)
{
    return o->type == OPTION_BOOL || o->type == OPTION_TRISTATE;
}

/* ---- dead options ---- */

struct reach_clause {
    int target; /* of a select or imply; -1: a default */
    bool imply;
    struct kexpr *value, *condition;
};

struct reachable {
    struct lint *l;
    bool *on;                           /* can it be other than n? by option */
    VEC(struct reach_clause) * clauses; /* by option */
};

/* Whether an expression can be other than n, options able to be n whatever happens. */
static bool can_hold(const struct reachable *r, const struct kexpr *e)
{
    for (; e && e->kind == KEXPR_AND; e = e->right)
        if (!can_hold(r, e->left))
            return false;
    if (!e)
        return true;
    int option;
    switch (e->kind) {
    case KEXPR_SYMBOL:
        option = kconfig_find(r->l->k, e->name);
        return option >= 0 && r->on[option];
    case KEXPR_CONST:
        return strcmp(e->name, "y") == 0 || strcmp(e->name, "m") == 0;
    case KEXPR_NOT:
        return !kexpr_is_const(e->left, "y");
    case KEXPR_OR:
        for (; e->kind == KEXPR_OR; e = e->right)
            if (can_hold(r, e->left))
                return true;
        return can_hold(r, e);
    default:
        return true;
    }
}

static void read_clauses(struct reachable *r, size_t i)
{
    struct lint *l = r->l;
    const struct catalogue_option *o = &l->catalogue->options.items[i];
    vec_each (def, &o->defaults)
        vec_push(
            l->arena, &r->clauses[i],
            ((struct reach_clause){-1, false, parse(l, def->value), parse(l, def->condition)}));
    const catalogue_clauses *const lists[] = {&o->selects, &o->implies};
    for (int imply = 0; imply < 2; imply++)
        vec_each (clause, lists[imply]) {
            int target = kconfig_find(l->k, clause->value);
            if (target >= 0)
                vec_push(l->arena, &r->clauses[i],
                         ((struct reach_clause){target, imply, NULL, parse(l, clause->condition)}));
        }
}

/* By hand or by a default. */
static bool can_be_on(const struct reachable *r, size_t i)
{
    const struct catalogue_option *o = &r->l->catalogue->options.items[i];
    if (!is_tri(o))
        return false;
    if (o->visible && can_hold(r, kconfig_visible_expr(r->l->k, (int)i)))
        return true;
    if (!can_hold(r, kconfig_depends_expr(r->l->k, (int)i)))
        return false;
    vec_each (c, &r->clauses[i])
        if (c->target < 0 && can_hold(r, c->value) && can_hold(r, c->condition))
            return true;
    return false;
}

/* Turns on what a live option selects or implies. */
static bool spread(struct reachable *r, size_t i)
{
    bool changed = false;
    if (!can_hold(r, kconfig_depends_expr(r->l->k, (int)i)))
        return false;
    vec_each (c, &r->clauses[i]) {
        if (c->target < 0 || r->on[c->target] || !can_hold(r, c->condition))
            continue;
        if (c->imply && !can_hold(r, kconfig_depends_expr(r->l->k, c->target)))
            continue;
        r->on[c->target] = changed = true;
    }
    return changed;
}

static bool visit(struct reachable *r, size_t i)
{
    bool changed = !r->on[i] && can_be_on(r, i);
    r->on[i] |= changed;
    return (r->on[i] && spread(r, i)) || changed;
}

/* To the fixed point, forwards and backwards in turn so that chains take few passes. */
static void reach(struct reachable *r)
{
    size_t count = r->l->catalogue->options.count;
    r->on = arena_array(r->l->arena, count + 1, sizeof *r->on);
    r->clauses = arena_array(r->l->arena, count + 1, sizeof *r->clauses);
    for (size_t i = 0; i < count; i++)
        read_clauses(r, i);
    for (bool changed = true; changed && !r->l->status;) {
        changed = false;
        for (size_t i = 0; i < count; i++)
            changed |= visit(r, i);
        for (size_t i = count; i-- > 0;)
            changed |= visit(r, i);
    }
}

enum status lint_dead_options(struct diag *d, struct arena *a, const struct catalogue *c,
                              strings *out)
{
    struct lint l;
    enum status status = begin(&l, d, a, c, out);
    if (status)
        return status;
    struct reachable r = {.l = &l};
    reach(&r);
    for (size_t i = 0; i < c->options.count; i++)
        if (is_tri(&c->options.items[i]) && !r.on[i])
            find(&l, c->options.items[i].name);
    return l.status;
}

static void dead_options(struct lint *l)
{
    strings dead = {0};
    if (!l->status)
        l->status = lint_dead_options(l->diag, l->arena, l->catalogue, &dead);
    vec_each (name, &dead)
        find(l, arena_printf(l->arena, "dead option: nothing can turn %s on", *name));
}

/* ---- selects that override dependencies ---- */

struct wish {
    int option;
    bool on;
};
typedef VEC(struct wish) wishes;

/* Options an expression wants on or off. */
static void collect(struct lint *l, const struct kexpr *e, bool on, wishes *out)
{
    for (; e; e = e->right) {
        if (e->kind == KEXPR_SYMBOL) {
            int option = kconfig_find(l->k, e->name);
            if (option >= 0 && is_tri(kconfig_option(l->k, option)))
                vec_push(l->arena, out, ((struct wish){option, on}));
            return;
        }
        if (e->kind > KEXPR_OR)
            return;
        collect(l, e->left, e->kind == KEXPR_NOT ? !on : on, out);
    }
}

static void apply(struct lint *l, const wishes *list, bool reversed)
{
    vec_each (w, list)
        kconfig_set(l->k, w->option, w->on != reversed ? "y" : "n");
}

/* Tries to get the selecting option on with one dependency of the target off. */
static void unmet_select(struct lint *l, const struct catalogue_option *o,
                         const struct catalogue_clause *clause)
{
    int from = kconfig_find(l->k, o->name), to = kconfig_find(l->k, clause->value);
    const char *depends = to < 0 ? NULL : kconfig_option(l->k, to)->depends;
    if (!depends)
        return;
    wishes needed = {0}, against = {0};
    collect(l, parse(l, o->visible ? o->visible : o->depends), true, &needed);
    collect(l, parse(l, clause->condition), true, &needed);
    collect(l, parse(l, depends), true, &against);
    vec_push(l->arena, &needed, ((struct wish){from, true}));
    for (size_t i = 0; i <= against.count; i++) {
        wishes one = {0};
        if (i < against.count)
            vec_push(l->arena, &one, against.items[i]);
        kconfig_clear(l->k);
        apply(l, i < against.count ? &one : &against, true);
        apply(l, &needed, false);
        if (!kconfig_unmet(l->k, to) || kconfig_tri(l->k, from) == TRI_N ||
            !kconfig_evaluate_text(l->k, clause->condition ? clause->condition : "y"))
            continue;
        find(l, arena_printf(
                    l->arena, "unmet dependency: %s selects %s%s%s, which depends on %s%s%s%s",
                    o->name, clause->value, clause->condition ? " if " : "",
                    clause->condition ? clause->condition : "", depends,
                    i < against.count ? "; seen with " : "",
                    i < against.count ? kconfig_option(l->k, one.items[0].option)->name : "",
                    i < against.count ? (one.items[0].on ? " off" : " on") : ""));
        return;
    }
}

static void unmet_selects(struct lint *l)
{
    vec_each (r, &l->catalogue->repositories)
        if (strcmp(r->kind, "application") == 0)
            kconfig_include(l->k, r->name, false);
    vec_each (o, &l->catalogue->options)
        vec_each (clause, &o->selects)
            if (!l->status)
                unmet_select(l, o, clause);
    kconfig_clear(l->k);
}

/* ---- symbols exported twice ---- */

struct exported {
    const char *symbol;
    const struct catalogue_library *library;
};

static int by_symbol(const void *x, const void *y)
{
    const struct exported *a = x, *b = y;
    int order = strcmp(a->symbol, b->symbol);
    return order ? order : strcmp(a->library->name, b->library->name);
}

static bool turns_on(struct lint *l, const struct catalogue_library *library)
{
    int option = library->option ? kconfig_find(l->k, library->option) : -1;
    return !library->option || (option >= 0 && kconfig_tri(l->k, option) != TRI_N);
}

static bool together(struct lint *l, const struct catalogue_library *x,
                     const struct catalogue_library *y)
{
    wishes needed = {0};
    kconfig_clear(l->k);
    const struct catalogue_library *const both[] = {x, y};
    for (int i = 0; i < 2; i++) {
        int option = both[i]->option ? kconfig_find(l->k, both[i]->option) : -1;
        if (option >= 0) {
            collect(l, parse(l, kconfig_option(l->k, option)->visible), true, &needed);
            vec_push(l->arena, &needed, ((struct wish){option, true}));
        }
        collect(l, parse(l, both[i]->condition), true, &needed);
    }
    apply(l, &needed, false);
    bool on = turns_on(l, x) && turns_on(l, y);
    for (int i = 0; i < 2; i++)
        on = on && (!both[i]->condition || kconfig_evaluate_text(l->k, both[i]->condition));
    return on;
}

struct clash {
    const struct catalogue_library *x, *y;
    strings symbols;
};

static void export_clashes(struct lint *l)
{
    VEC(struct exported) all = {0};
    VEC(struct clash) clashes = {0};
    vec_each (library, &l->catalogue->libraries)
        vec_each (symbol, &library->symbols)
            vec_push(l->arena, &all, ((struct exported){*symbol, library}));
    vec_sort(&all, by_symbol);
    for (size_t i = 0; i < all.count; i++)
        for (size_t n = i + 1;
             n < all.count && strcmp(all.items[n].symbol, all.items[i].symbol) == 0; n++) {
            const struct catalogue_library *x = all.items[i].library, *y = all.items[n].library;
            if (strcmp(x->path, y->path) == 0 && strcmp(x->repository, y->repository) == 0)
                continue; /* one list for all of a folder */
            struct clash *found = NULL;
            vec_each (c, &clashes)
                if (c->x == x && c->y == y)
                    found = c;
            if (!found) {
                found = vec_add(l->arena, &clashes);
                found->x = x;
                found->y = y;
            }
            vec_push(l->arena, &found->symbols, all.items[i].symbol);
        }
    vec_each (c, &clashes) {
        if (!together(l, c->x, c->y))
            continue;
        const char *names = "";
        for (size_t i = 0; i < c->symbols.count && i < 4; i++)
            names = arena_printf(l->arena, "%s%s%s", names, i ? ", " : "", c->symbols.items[i]);
        find(l, arena_printf(l->arena,
                             "export clash: %s and %s can be on together and both export %s%s",
                             c->x->name, c->y->name, names, c->symbols.count > 4 ? ", ..." : ""));
    }
    kconfig_clear(l->k);
}

/* ---- circles ---- */

static void edges_of(struct lint *l, struct scc *s, size_t from, const char *text)
{
    strings names = {0};
    kexpr_names(l->arena, parse(l, text), &names);
    vec_each (name, &names) {
        int to = kconfig_find(l->k, *name);
        if (to >= 0)
            scc_edge(s, from, (size_t)to);
    }
}

static void reverse_edges(struct lint *l, struct scc *s, size_t from,
                          const struct catalogue_option *o, const catalogue_clauses *clauses)
{
    vec_each (clause, clauses) {
        int to = kconfig_find(l->k, clause->value);
        if (to < 0)
            continue;
        scc_edge(s, (size_t)to, from);
        edges_of(l, s, (size_t)to, clause->condition);
        edges_of(l, s, (size_t)to, o->depends);
    }
}

/* Edges lead from an option or choice to what its value is computed from. */
static void value_edges(struct lint *l, struct scc *s)
{
    const struct catalogue *c = l->catalogue;
    for (size_t i = 0; i < c->options.count; i++) {
        const struct catalogue_option *o = &c->options.items[i];
        edges_of(l, s, i, o->visible);
        edges_of(l, s, i, o->depends);
        vec_each (def, &o->defaults) {
            edges_of(l, s, i, def->value);
            edges_of(l, s, i, def->condition);
        }
        vec_each (range, &o->ranges) {
            edges_of(l, s, i, range->low);
            edges_of(l, s, i, range->high);
            edges_of(l, s, i, range->condition);
        }
        reverse_edges(l, s, i, o, &o->selects);
        reverse_edges(l, s, i, o, &o->implies);
    }
    for (size_t n = 0; n < c->choices.count; n++) {
        const struct catalogue_choice *choice = &c->choices.items[n];
        size_t node = c->options.count + n;
        edges_of(l, s, node, choice->visible);
        vec_each (def, &choice->defaults)
            edges_of(l, s, node, def->condition);
        vec_each (member, &choice->members) {
            int option = kconfig_find(l->k, *member);
            if (option < 0)
                continue;
            scc_edge(s, (size_t)option, node);
            edges_of(l, s, node, kconfig_option(l->k, option)->visible);
        }
    }
}

static void circles(struct lint *l)
{
    const struct catalogue *c = l->catalogue;
    size_t count = c->options.count + c->choices.count;
    struct scc s;
    scc_init(&s, l->arena, count);
    value_edges(l, &s);
    scc_run(&s);
    size_t *size = arena_array(l->arena, s.components + 1, sizeof *size);
    const char **names = arena_array(l->arena, s.components + 1, sizeof *names);
    bool *self = arena_array(l->arena, count + 1, sizeof *self);
    vec_each (e, &s.edges)
        self[e->from] |= e->from == e->to;
    for (size_t i = 0; i < count; i++) {
        size_t at = s.component[i];
        const char *name = i < c->options.count ? c->options.items[i].name
                                                : c->choices.items[i - c->options.count].name;
        if (i < c->options.count && self[i])
            find(l, arena_printf(l->arena, "circular dependency: %s depends on itself", name));
        size[at]++;
        if (size[at] <= 12)
            names[at] = names[at] ? arena_printf(l->arena, "%s, %s", names[at], name) : name;
    }
    for (size_t i = 0; i < s.components; i++)
        if (size[i] > 1)
            find(l, arena_printf(l->arena, "circular dependency: %s%s", names[i],
                                 size[i] > 12 ? ", ..." : ""));
}

enum status lint_catalogue(struct diag *d, struct arena *a, const struct catalogue *c, strings *out)
{
    struct lint l;
    strings found = {0};
    enum status status = begin(&l, d, a, c, &found);
    if (status)
        return status;
    unmet_selects(&l);
    export_clashes(&l);
    circles(&l);
    dead_options(&l);
    if (l.status)
        return l.status;
    vec_sort(&found, by_text);
    vec_each (problem, &c->problems)
        vec_push(a, out, *problem);
    for (size_t i = 0; i < found.count; i++)
        if (!i || strcmp(found.items[i], found.items[i - 1]) != 0)
            vec_push(a, out, found.items[i]);
    return STATUS_OK;
}
