/* SPDX-License-Identifier: BSD-3-Clause
 * A catalogue compiled for evaluation: names resolved, expressions parsed, selects and implies
 * turned round to those they reach. */
#include "common/kconfig_internal.h"
#include <string.h>

/* ---- names ---- */

int kconfig_find(const struct kconfig *k, const char *name)
{
    size_t index = 0;
    return name_table_find(&k->names, name, &index) ? (int)index : -1;
}

size_t kconfig_count(const struct kconfig *k)
{
    return k->options;
}

const struct catalogue_option *kconfig_option(const struct kconfig *k, int option)
{
    return k->nodes[option].option;
}

struct kexpr *kconfig_visible_expr(const struct kconfig *k, int option)
{
    const struct kconfig_node *n = &k->nodes[option];
    return n->prompt ? n->visible_expr : kexpr_const(k->arena, "n");
}

struct kexpr *kconfig_depends_expr(const struct kconfig *k, int option)
{
    return k->nodes[option].depends;
}

/* ---- compilation ---- */

struct compiler {
    struct kconfig *k;
    struct diag *diag;
    const char *name; /* option or choice under work, for messages */
    enum status status;
};

static void bind(struct kconfig *k, struct kexpr *e)
{
    for (; e; e = e->right) {
        if (e->kind == KEXPR_SYMBOL)
            e->symbol = kconfig_find(k, e->name);
        bind(k, e->left);
    }
}

static struct kexpr *parse(struct compiler *c, const char *what, const char *text)
{
    struct kexpr *e = NULL;
    if (c->status || !text)
        return NULL;
    char where[256];
    struct arena *a = c->k->arena;
    snprintf(where, sizeof where, "%s %s: %s of %s", c->k->catalogue->name,
             c->k->catalogue->version, what, c->name);
    c->status = kexpr_parse(c->diag, a, where, text, &e);
    bind(c->k, e);
    return e;
}

static void compile_defaults(struct compiler *c, struct kconfig_node *n,
                             const catalogue_clauses *defaults)
{
    vec_each (clause, defaults) {
        struct kconfig_default *def = vec_add(c->k->arena, &n->defaults);
        def->value = parse(c, "a default", clause->value);
        def->condition = parse(c, "a default's condition", clause->condition);
        if (!c->status && !def->value)
            c->status = diag_fail(c->diag, STATUS_INPUT, "%s %s: a default of %s has no value",
                                  c->k->catalogue->name, c->k->catalogue->version, c->name);
    }
}

static void compile_reverses(struct compiler *c, struct kconfig_node *n,
                             const catalogue_clauses *clauses, bool imply)
{
    vec_each (clause, clauses) {
        int target = kconfig_find(c->k, clause->value);
        if (target < 0)
            continue; /* nobody defines it: no effect, as in kconfig */
        struct kconfig_node *to = &c->k->nodes[target];
        struct kconfig_reverse *r =
            imply ? (struct kconfig_reverse *)vec_add(c->k->arena, &to->impliers)
                  : (struct kconfig_reverse *)vec_add(c->k->arena, &to->selectors);
        r->from = n;
        r->condition = parse(c, imply ? "an imply" : "a select", clause->condition);
    }
}

static struct kexpr *parse_bound(struct compiler *c, const char *text)
{
    struct kexpr *e = parse(c, "a range", text);
    if (!c->status && (!e || (e->kind != KEXPR_SYMBOL && e->kind != KEXPR_CONST)))
        c->status = diag_fail(c->diag, STATUS_INPUT,
                              "%s %s: a range of %s: a number or a name was expected",
                              c->k->catalogue->name, c->k->catalogue->version, c->name);
    return e;
}

static void compile_option(struct compiler *c, struct kconfig_node *n)
{
    const struct catalogue_option *o = n->option;
    c->name = o->name;
    n->prompt = o->visible != NULL;
    n->visible_expr = parse(c, "the visibility", o->visible);
    n->depends = parse(c, "the dependencies", o->depends);
    compile_defaults(c, n, &o->defaults);
    compile_reverses(c, n, &o->selects, false);
    compile_reverses(c, n, &o->implies, true);
    vec_each (range, &o->ranges) {
        struct kconfig_range *r = vec_add(c->k->arena, &n->ranges);
        r->low = parse_bound(c, range->low);
        r->high = parse_bound(c, range->high);
        r->condition = parse(c, "a range's condition", range->condition);
    }
}

static void compile_choice(struct compiler *c, struct kconfig_node *n,
                           const struct catalogue_choice *choice)
{
    c->name = choice->name;
    n->is_choice = true;
    n->type = choice->type;
    n->optional = choice->optional;
    n->prompt = choice->visible != NULL;
    n->visible_expr = parse(c, "the visibility", choice->visible);
    n->depends = parse(c, "the dependencies", choice->depends);
    compile_defaults(c, n, &choice->defaults);
    vec_each (name, &choice->members) {
        int member = kconfig_find(c->k, *name);
        if (member < 0 || c->k->nodes[member].choice)
            continue;
        c->k->nodes[member].choice = n;
        vec_push(c->k->arena, &n->members, &c->k->nodes[member]);
    }
}

enum status kconfig_new(struct diag *d, struct arena *a, const struct catalogue *catalogue,
                        struct kconfig **out)
{
    struct kconfig *k = ARENA_NEW(a, struct kconfig);
    k->arena = a;
    k->catalogue = catalogue;
    k->options = catalogue->options.count;
    k->count = k->options + catalogue->choices.count;
    k->nodes = arena_array(a, k->count + 1, sizeof *k->nodes);
    name_table_init(&k->names, a);
    for (size_t i = 0; i < k->options; i++) {
        k->nodes[i].option = &catalogue->options.items[i];
        k->nodes[i].type = k->nodes[i].option->type;
        bool added;
        name_table_add(&k->names, k->nodes[i].option->name, i, &added);
    }
    struct compiler c = {.k = k, .diag = d};
    for (size_t i = 0; i < k->options && !c.status; i++)
        compile_option(&c, &k->nodes[i]);
    for (size_t i = 0; i < catalogue->choices.count && !c.status; i++)
        compile_choice(&c, &k->nodes[k->options + i], &catalogue->choices.items[i]);
    if (c.status)
        return c.status;
    int modules = kconfig_find(k, "MODULES");
    k->modules_node = modules < 0 ? NULL : &k->nodes[modules];
    for (size_t i = 0; i < k->options; i++)
        kconfig_tri(k, (int)i);
    if (k->too_deep)
        return diag_fail(d, STATUS_INPUT,
                         "%s %s: options depend on each other in a chain of more than 500",
                         catalogue->name, catalogue->version);
    *out = k;
    return STATUS_OK;
}
