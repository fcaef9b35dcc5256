/* SPDX-License-Identifier: BSD-3-Clause
 * The clauses follow sym_calc_value and sym_calc_choice of the kernel's scripts/kconfig/symbol.c,
 * which Unikraft carries too. .config states every visible option, so for one that
 *   is visible:      value = (what .config says) or selected
 *   is not visible:  value = default or implied or selected
 * with the dependencies part of defaults and implies. A select against unmet dependencies, which
 * Kconfig only warns of, is forbidden here. */
#include "matcher/model.h"
#include <stdlib.h>
#include <string.h>

struct name_index {
    struct model_option **sorted;
    size_t count;
};

/* A text that an operand of a comparison has while a literal holds. */
struct valued {
    int when;
    const char *text;
    int type;
};
typedef VEC(struct valued) valued_list;

static int by_name(const void *x, const void *y)
{
    return strcmp((*(struct model_option *const *)x)->option->name,
                  (*(struct model_option *const *)y)->option->name);
}

static int name_order(const void *key, const void *element)
{
    return strcmp(key, (*(struct model_option *const *)element)->option->name);
}

struct model_option *model_find(const struct model *m, const char *name)
{
    struct model_option **found = m->names->count ? bsearch(name, m->names->sorted, m->names->count,
                                                            sizeof *m->names->sorted, name_order)
                                                  : NULL;
    return found ? *found : NULL;
}

int model_repository(const struct model *m, const char *name)
{
    vec_each (it, &m->repositories) {
        if (name && strcmp(it->name, name) == 0)
            return it->literal;
    }
    return sat_true(m->sat);
}

static bool is_bool(const struct catalogue_option *option)
{
    return option->type == OPTION_BOOL || option->type == OPTION_TRISTATE;
}

/* ---- expressions ---- */

static void values_of(struct model *m, const struct kexpr *e, int when, valued_list *out);

/* The texts a non-bool option can have: its fixed value where visible, else its defaults, the
 * first whose condition holds. */
static enum status text_values(struct model *m, struct model_option *x, int when, valued_list *out)
{
    const struct catalogue_option *option = x->option;
    int rest = when;
    if (x->fixed) {
        vec_push(m->arena, out,
                 ((struct valued){sat_and2(m->sat, rest, x->visible), x->fixed, option->type}));
        rest = sat_and2(m->sat, rest, -x->visible);
    }
    rest = sat_and2(m->sat, rest, x->depends);
    if (x->compiling)
        return STATUS_OK;
    x->compiling = true;
    vec_each (clause, &option->defaults) {
        struct kexpr *condition = NULL, *value = NULL;
        if (kexpr_parse(m->diag, m->arena, option->name, clause->condition, &condition) ||
            kexpr_parse(m->diag, m->arena, option->name, clause->value, &value))
            return STATUS_INPUT;
        int holds = model_expression(m, condition);
        if (value)
            values_of(m, value, sat_and2(m->sat, rest, holds), out);
        rest = sat_and2(m->sat, rest, -holds);
    }
    x->compiling = false;
    vec_push(m->arena, out, ((struct valued){rest, "", option->type}));
    return STATUS_OK;
}

static void values_of(struct model *m, const struct kexpr *e, int when, valued_list *out)
{
    struct model_option *x = e->kind == KEXPR_SYMBOL ? model_find(m, e->name) : NULL;
    if (!x) {
        vec_push(m->arena, out, ((struct valued){when, e->name, -1}));
        return;
    }
    /* Where its repository takes no part, nobody defines it. */
    vec_push(m->arena, out, ((struct valued){sat_and2(m->sat, when, -x->repository), e->name, -1}));
    when = sat_and2(m->sat, when, x->repository);
    if (is_bool(x->option)) {
        vec_push(m->arena, out,
                 ((struct valued){sat_and2(m->sat, when, x->literal), "y", x->option->type}));
        vec_push(m->arena, out,
                 ((struct valued){sat_and2(m->sat, when, -x->literal), "n", x->option->type}));
    } else {
        text_values(m, x, when, out);
    }
}

static bool compare(enum kexpr_kind kind, int order)
{
    switch (kind) {
    case KEXPR_EQ:
        return order == 0;
    case KEXPR_NE:
        return order != 0;
    case KEXPR_LT:
        return order < 0;
    case KEXPR_LE:
        return order <= 0;
    case KEXPR_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

static struct kexpr_value as_value(const struct valued *v)
{
    return (struct kexpr_value){
        .tri = strcmp(v->text, "y") == 0 ? TRI_Y : TRI_N, .text = v->text, .type = v->type};
}

static int comparison(struct model *m, const struct kexpr *e)
{
    valued_list left = {0}, right = {0};
    literals cases = {0};
    values_of(m, e->left, sat_true(m->sat), &left);
    values_of(m, e->right, sat_true(m->sat), &right);
    vec_each (x, &left) {
        vec_each (y, &right) {
            if (compare(e->kind, kexpr_order(as_value(x), as_value(y))))
                vec_push(m->arena, &cases, sat_and2(m->sat, x->when, y->when));
        }
    }
    return sat_or(m->sat, cases.items, cases.count);
}

int model_expression(struct model *m, const struct kexpr *e)
{
    if (!e)
        return sat_true(m->sat);
    switch (e->kind) {
    case KEXPR_CONST:
        return strcmp(e->name, "y") == 0 ? sat_true(m->sat) : -sat_true(m->sat);
    case KEXPR_SYMBOL: {
        const struct model_option *x = model_find(m, e->name);
        return x ? x->literal : -sat_true(m->sat);
    }
    case KEXPR_NOT:
        return -model_expression(m, e->left);
    case KEXPR_AND:
        return sat_and2(m->sat, model_expression(m, e->left), model_expression(m, e->right));
    case KEXPR_OR:
        return sat_or2(m->sat, model_expression(m, e->left), model_expression(m, e->right));
    default:
        return comparison(m, e);
    }
}

enum status model_text(struct model *m, const char *where, const char *text, int *literal)
{
    struct kexpr *e = NULL;
    enum status status = kexpr_parse(m->diag, m->arena, where, text, &e);
    if (!status)
        *literal = model_expression(m, e);
    return status;
}

/* ---- options ---- */

static enum status parse_depends(struct model *m, struct model_option *x)
{
    return kexpr_parse(m->diag, m->arena, x->option->name, x->option->depends, &x->depends_expr);
}

/* The default of a bool option: the first whose condition holds. */
static enum status bool_default(struct model *m, struct model_option *x, int *out)
{
    const struct catalogue_option *option = x->option;
    int rest = sat_true(m->sat);
    literals cases = {0};
    vec_each (clause, &option->defaults) {
        int holds, value;
        if (model_text(m, option->name, clause->condition, &holds) ||
            model_text(m, option->name, clause->value, &value))
            return STATUS_INPUT;
        if (strcmp(clause->value, "m") == 0) /* a bool has no m: it becomes y */
            value = sat_true(m->sat);
        vec_push(m->arena, &cases, sat_and(m->sat, (int[]){rest, holds, value}, 3));
        rest = sat_and2(m->sat, rest, -holds);
    }
    *out = sat_or(m->sat, cases.items, cases.count);
    return STATUS_OK;
}

static enum status add_edges(struct model *m, struct model_option *from,
                             const catalogue_clauses *clauses, bool imply)
{
    vec_each (clause, clauses) {
        struct model_option *to = model_find(m, clause->value);
        int condition;
        if (model_text(m, from->option->name, clause->condition, &condition))
            return STATUS_INPUT;
        if (to && is_bool(to->option))
            vec_push(
                m->arena, &m->edges,
                ((struct model_edge){from, to, sat_and2(m->sat, from->literal, condition), imply}));
    }
    return STATUS_OK;
}

/* Disjunction of the conditions under which x is selected, or implied. */
static int reverse(struct model *m, const struct model_option *x, bool imply)
{
    literals cases = {0};
    vec_each (edge, &m->edges) {
        if (edge->to == x && edge->imply == imply)
            vec_push(m->arena, &cases, edge->condition);
    }
    return sat_or(m->sat, cases.items, cases.count);
}

static enum status conditions(struct model *m, struct model_option *x)
{
    int visible = -sat_true(m->sat);
    if (x->option->visible && model_text(m, x->option->name, x->option->visible, &visible))
        return STATUS_INPUT;
    x->depends = sat_and2(m->sat, model_expression(m, x->depends_expr), x->repository);
    if (x->choice)
        x->depends = sat_and2(m->sat, x->depends, x->choice->visible);
    x->visible = sat_and2(m->sat, visible, x->depends);
    return STATUS_OK;
}

/* A member of a choice is ruled by the choice alone: selects and implies do not reach it. That a
 * select is not honoured is forbidden all the same. */
static enum status rules_of(struct model *m, struct model_option *x)
{
    struct sat *s = m->sat;
    int preset, forced;
    if (bool_default(m, x, &preset))
        return STATUS_INPUT;
    x->selected = reverse(m, x, false);
    if (x->choice) {
        x->preset = sat_and(s, (int[]){x->depends, x->choice->some, preset}, 3);
        forced = -sat_true(s);
    } else {
        x->preset = sat_and2(s, x->depends, sat_or2(s, preset, reverse(m, x, true)));
        forced = x->selected;
    }
    sat_imply(s, x->literal, x->depends);
    sat_imply(s, x->selected, x->literal);
    sat_clause(s, (int[]){x->visible, -x->preset, x->literal}, 3);
    sat_clause(s, (int[]){-x->literal, x->visible, forced, x->preset}, 4);
    return STATUS_OK;
}

/* ---- choices ---- */

static enum status add_choice(struct model *m, const struct catalogue_choice *choice)
{
    struct model_choice *c = vec_add(m->arena, &m->choices);
    c->choice = choice;
    vec_each (name, &choice->members) {
        struct model_option *x = model_find(m, *name);
        if (x && is_bool(x->option))
            vec_push(m->arena, &c->members, x);
    }
    return STATUS_OK;
}

static enum status choice_visible(struct model *m, struct model_choice *c)
{
    int visible = -sat_true(m->sat), depends = sat_true(m->sat);
    if (c->choice->visible && model_text(m, c->choice->name, c->choice->visible, &visible))
        return STATUS_INPUT;
    if (model_text(m, c->choice->name, c->choice->depends, &depends))
        return STATUS_INPUT;
    c->visible = sat_and2(m->sat, visible, depends);
    if (c->choice->optional) {
        /* It may be left without a member: whether it takes part is free. */
        int taken = sat_variable(m->sat);
        c->visible = sat_and2(m->sat, c->visible, taken);
    }
    vec_each (x, &c->members) {
        (*x)->choice = c;
    }
    return STATUS_OK;
}

static void member_visible(struct model *m, struct model_choice *c)
{
    literals any = {0};
    vec_each (x, &c->members)
        vec_push(m->arena, &any, (*x)->visible);
    c->some = sat_or(m->sat, any.items, any.count);
}

static enum status choice_rules(struct model *m, struct model_choice *c)
{
    struct sat *s = m->sat;
    literals chosen = {0}, any = {0}, preset = {0};
    vec_each (x, &c->members) {
        vec_push(m->arena, &any, (*x)->visible);
        vec_push(m->arena, &chosen, sat_and2(s, (*x)->visible, (*x)->literal));
    }
    int some = sat_or(s, any.items, any.count);
    sat_imply(s, some, sat_or(s, chosen.items, chosen.count));
    for (size_t i = 0; i < chosen.count; i++)
        for (size_t k = 0; k < i; k++)
            sat_clause(s, (int[]){-chosen.items[i], -chosen.items[k]}, 2);
    int rest = sat_true(s);
    vec_each (clause, &c->choice->defaults) {
        const struct model_option *x = model_find(m, clause->value);
        int holds;
        if (model_text(m, c->choice->name, clause->condition, &holds))
            return STATUS_INPUT;
        if (!x)
            continue;
        int usable = sat_and(s, (int[]){rest, holds, x->visible}, 3);
        vec_push(m->arena, &preset, sat_and2(s, usable, x->literal));
        rest = sat_and2(s, rest, -usable);
    }
    vec_each (x, &c->members) {
        vec_push(m->arena, &preset, sat_and(s, (int[]){rest, (*x)->visible, (*x)->literal}, 3));
        rest = sat_and2(s, rest, -(*x)->visible);
    }
    vec_push(m->arena, &preset, -c->some);
    c->preset = sat_or(s, preset.items, preset.count);
    return STATUS_OK;
}

/* ---- the whole ---- */

static void index_names(struct model *m)
{
    m->names = ARENA_NEW(m->arena, struct name_index);
    m->names->sorted = arena_array(m->arena, m->option_count, sizeof *m->names->sorted);
    m->names->count = m->option_count;
    for (size_t i = 0; i < m->option_count; i++)
        m->names->sorted[i] = &m->options[i];
    if (m->option_count)
        qsort(m->names->sorted, m->option_count, sizeof *m->names->sorted, by_name);
}

/* External repositories take part or not, as the solver likes; the core always does. */
static void add_repositories(struct model *m)
{
    vec_each (option, &m->catalogue->options) {
        bool known = !option->repository;
        vec_each (it, &m->repositories)
            known |= known || !strcmp(it->name, option->repository);
        if (known)
            continue;
        bool core = strcmp(option->repository, m->catalogue->name) == 0;
        vec_push(m->arena, &m->repositories,
                 ((struct model_repository){option->repository,
                                            core ? sat_true(m->sat) : sat_variable(m->sat), core}));
    }
}

static enum status define_options(struct model *m)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; !status && i < m->option_count; i++)
        status = parse_depends(m, &m->options[i]);
    vec_each (choice, &m->catalogue->choices) {
        if (!status)
            status = add_choice(m, choice);
    }
    /* Comparisons look at the visibility of options, so dependencies come first, and those of
     * choices before those of their members. */
    for (int pass = 0; !status && pass < 2; pass++) {
        vec_each (c, &m->choices) {
            if (!status)
                status = pass ? choice_visible(m, c) : STATUS_OK;
        }
        for (size_t i = 0; !status && i < m->option_count; i++)
            status = conditions(m, &m->options[i]);
    }
    vec_each (c, &m->choices)
        member_visible(m, c);
    for (size_t i = 0; !status && i < m->option_count; i++) {
        status = add_edges(m, &m->options[i], &m->options[i].option->selects, false);
        if (!status)
            status = add_edges(m, &m->options[i], &m->options[i].option->implies, true);
    }
    for (size_t i = 0; !status && i < m->option_count; i++)
        if (is_bool(m->options[i].option))
            status = rules_of(m, &m->options[i]);
    vec_each (c, &m->choices) {
        if (!status)
            status = choice_rules(m, c);
    }
    return status;
}

enum status model_build(struct diag *d, struct arena *a, const struct catalogue *catalogue,
                        const model_values *fixed, struct model *m)
{
    *m = (struct model){.arena = a, .diag = d, .sat = sat_new(a), .catalogue = catalogue};
    m->option_count = catalogue->options.count;
    m->options = arena_array(a, m->option_count, sizeof *m->options);
    int never = -sat_true(m->sat);
    for (size_t i = 0; i < m->option_count; i++) {
        const struct catalogue_option *option = &catalogue->options.items[i];
        m->options[i] = (struct model_option){
            .option = option,
            .literal = is_bool(option) ? sat_variable(m->sat) : never,
            .visible = never,
            .depends = sat_true(m->sat),
            .selected = never,
            .preset = never,
        };
    }
    index_names(m);
    add_repositories(m);
    for (size_t i = 0; i < m->option_count; i++)
        m->options[i].repository = model_repository(m, m->options[i].option->repository);
    for (size_t i = 0; fixed && i < fixed->count; i++) {
        struct model_option *x = model_find(m, fixed->items[i].option);
        if (x)
            x->fixed = fixed->items[i].value;
    }
    return define_options(m);
}

void model_free(struct model *m)
{
    sat_free(m->sat);
    m->sat = NULL;
}
