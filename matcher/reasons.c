/* SPDX-License-Identifier: BSD-3-Clause */
#include "matcher/reasons.h"
#include <stdlib.h>
#include <string.h>

bool solution_has(const struct problem *p, int literal)
{
    return p->values[abs(literal)] == (literal > 0);
}

static size_t index_of(const struct problem *p, const struct model_option *x)
{
    return (size_t)(x - p->model.options);
}

/* ---- evaluation with one option changed ---- */

struct changed {
    const struct problem *problem;
    const char *name;
};

static struct kexpr_value lookup(void *context, const struct kexpr *symbol)
{
    const struct changed *c = context;
    struct kconfig *k = c->problem->kconfig;
    int i = kconfig_find(k, symbol->name);
    if (i < 0)
        return (struct kexpr_value){TRI_N, symbol->name, -1};
    int type = kconfig_option(k, i)->type;
    if (strcmp(symbol->name, c->name) == 0)
        return (struct kexpr_value){TRI_N, "n", type};
    return (struct kexpr_value){kconfig_tri(k, i), kconfig_value(k, i), type};
}

/* Whether e, true in the solution, would be false if the option were off. */
static bool hangs_on(const struct problem *p, const struct kexpr *e, const char *name)
{
    struct changed c = {p, name};
    const struct kexpr_env env = {&c, lookup};
    return e && kexpr_evaluate(e, &env) == TRI_N;
}

/* ---- what speaks for an option ---- */

static const char *listed(struct arena *a, const char *verb, const strings *names, const char *what)
{
    const char *text = NULL;
    for (size_t i = 0; i < names->count && i < 4; i++)
        text = arena_printf(a, "%s%s%s", text ? text : verb, text ? ", " : " ", names->items[i]);
    if (names->count > 4)
        text = arena_printf(a, "%s and %zu more %s%s", text, names->count - 4, what,
                            names->count > 5 ? "s" : "");
    return text;
}

static bool provides(const struct problem *p, const struct need *need, const char *option)
{
    vec_each (it, &need->providers) {
        if (it->option && strcmp(it->option, option) == 0 && solution_has(p, it->literal))
            return true;
    }
    return false;
}

static void provided(const struct problem *p, const struct model_option *x, enum need_kind kind,
                     strings *out)
{
    strings names = {0};
    const struct need *only = NULL;
    vec_each (need, &p->needs.list) {
        bool gives = need->kind == kind && !need->harmless && provides(p, need, x->option->name);
        if (gives)
            vec_push(p->arena, &names, need->name);
        only = gives ? need : only;
    }
    /* A single call is worth its evidence. */
    const char *path = names.count == 1 ? evidence_words(p->arena, only->call) : NULL;
    if (path)
        names.items[0] = arena_printf(p->arena, "%s (%s)", only->name, path);
    if (names.count)
        vec_push(p->arena, out,
                 listed(p->arena, kind == NEED_CALL ? "provides" : "exports", &names,
                        kind == NEED_CALL ? "call" : "function"));
}

static void wanted(const struct problem *p, const struct model_option *x, strings *out)
{
    vec_each (need, &p->needs.list) {
        struct kexpr *e = NULL;
        if (need->kind < NEED_RULE || !need->met)
            continue;
        if (!need->rule && need->literal == x->literal)
            vec_push(p->arena, out, need->words);
        if (!need->rule ||
            kexpr_parse(p->diag, p->arena, need->name, need->rule->needs, &e) != STATUS_OK)
            continue;
        if (hangs_on(p, e, x->option->name))
            vec_push(p->arena, out,
                     arena_printf(p->arena, "rule %s%s%s%s", need->name,
                                  need->rule->symptom ? " (otherwise: " : "",
                                  need->rule->symptom ? need->rule->symptom : "",
                                  need->rule->symptom ? ")" : ""));
    }
}

static void selectors(const struct problem *p, const struct model_option *x, bool imply,
                      strings *out)
{
    strings names = {0};
    vec_each (edge, &p->model.edges) {
        if (edge->to == x && edge->imply == imply && solution_has(p, edge->condition))
            vec_push(p->arena, &names, edge->from->option->name);
    }
    if (names.count)
        vec_push(p->arena, out,
                 listed(p->arena, imply ? "implied by" : "selected by", &names, "option"));
}

static void dependants(const struct problem *p, const struct model_option *x, strings *out)
{
    strings names = {0};
    for (size_t i = 0; i < p->model.option_count; i++) {
        const struct model_option *y = &p->model.options[i];
        if (p->on[i] && y != x && !y->choice && hangs_on(p, y->depends_expr, x->option->name))
            vec_push(p->arena, &names, y->option->name);
    }
    if (names.count)
        vec_push(p->arena, out, listed(p->arena, "required by", &names, "option"));
}

void reasons_of(const struct problem *p, const struct model_option *x, strings *out)
{
    provided(p, x, NEED_CALL, out);
    provided(p, x, NEED_SYMBOL, out);
    wanted(p, x, out);
    selectors(p, x, false, out);
    dependants(p, x, out);
    if (x->choice && solution_has(p, x->visible))
        vec_push(p->arena, out,
                 solution_has(p, x->choice->preset)
                     ? "the usual member of a choice that needs one"
                     : "the cheapest member of a choice that needs one");
    if (out->count)
        return;
    selectors(p, x, true, out);
    if (solution_has(p, x->preset))
        vec_push(p->arena, out,
                 solution_has(p, x->visible) ? "on by default"
                                             : "follows from other options (it has no prompt)");
    if (!out->count)
        vec_push(p->arena, out, "costs nothing more");
}

/* ---- chains ---- */

struct link {
    const struct model_option *from; /* the next option towards the root; NULL: x is a root */
    const char *verb;
    bool seen;
};

static const char *root_reason(const struct problem *p, const struct model_option *x)
{
    strings list = {0};
    provided(p, x, NEED_CALL, &list);
    provided(p, x, NEED_SYMBOL, &list);
    wanted(p, x, &list);
    return list.count ? list.items[0] : NULL;
}

typedef VEC(const struct model_option *) option_list;

static void reach(const struct problem *p, struct link *links, option_list *queue,
                  const struct model_option *from, const struct model_option *to, const char *verb)
{
    struct link *link = &links[index_of(p, to)];
    if (link->seen)
        return;
    *link = (struct link){from, verb, true};
    vec_push(p->arena, queue, to);
}

/* Breadth first from the option towards what asks for it. */
static void neighbours(const struct problem *p, struct link *links, option_list *queue,
                       const struct model_option *x)
{
    vec_each (edge, &p->model.edges) {
        if (edge->to == x && !edge->imply && solution_has(p, edge->condition))
            reach(p, links, queue, x, edge->from, "selected by");
    }
    for (size_t i = 0; i < p->model.option_count; i++) {
        const struct model_option *y = &p->model.options[i];
        if (p->on[i] && y != x && hangs_on(p, y->depends_expr, x->option->name))
            reach(p, links, queue, x, y, "required by");
    }
}

/* A root's reason as the end of a sentence that starts with "which". */
static const char *which(struct arena *a, const char *reason)
{
    if (strncmp(reason, "rule ", 5) == 0)
        return arena_printf(a, "is wanted by the %s", reason);
    if (strncmp(reason, "--", 2) == 0)
        return arena_printf(a, "is asked for by %s", reason);
    return reason;
}

const char *reason_chain(const struct problem *p, const struct model_option *x)
{
    struct link *links = arena_array(p->arena, p->model.option_count, sizeof *links);
    option_list queue = {0};
    links[index_of(p, x)].seen = true;
    vec_push(p->arena, &queue, x);
    for (size_t i = 0; i < queue.count; i++) {
        const struct model_option *root = queue.items[i];
        const char *reason = root_reason(p, root);
        if (!reason) {
            neighbours(p, links, &queue, root);
            continue;
        }
        const char *text = which(p->arena, reason);
        for (const struct model_option *y = root; y != x; y = links[index_of(p, y)].from)
            text = arena_printf(p->arena, "%s %s, which %s", links[index_of(p, y)].verb,
                                y->option->name,
                                y == root ? text : arena_printf(p->arena, "is %s", text));
        return root == x ? reason : text;
    }
    return NULL;
}
