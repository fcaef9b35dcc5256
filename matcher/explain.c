/* SPDX-License-Identifier: BSD-3-Clause
 * Why an option is in or out, and what would have to change. */
#include "matcher/missing.h"
#include "matcher/reasons.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct explainer {
    struct problem *solved; /* the answer */
    struct problem *free;   /* the same problem before solving: to try things on */
    const struct model_option *option;
    const char *text;
};

static void say(struct explainer *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct explainer *e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *line = arena_vprintf(e->solved->arena, format, args);
    va_end(args);
    e->text = arena_printf(e->solved->arena, "%s%s\n", e->text, line);
}

/* ---- another solution, compared ---- */

static bool has_library(const struct problem *p, const struct catalogue_library *library)
{
    int i = library->option ? kconfig_find(p->kconfig, library->option) : -1;
    return i >= 0 && kconfig_tri(p->kconfig, i) != TRI_N;
}

static const char *difference(const struct problem *from, const struct problem *to)
{
    const char *more = NULL, *less = NULL;
    struct arena *a = from->arena;
    vec_each (library, &from->catalogue->libraries) {
        bool before = has_library(from, library), after = has_library(to, library);
        if (after && !before)
            more = arena_printf(a, "%s%s%s", more ? more : "", more ? ", " : "", library->name);
        if (before && !after)
            less = arena_printf(a, "%s%s%s", less ? less : "", less ? ", " : "", library->name);
    }
    if (!more && !less)
        return "the same libraries";
    return arena_printf(a, "%s%s%s%s%s", more ? "with " : "", more ? more : "",
                        more && less ? ", " : "", less ? "without " : "", less ? less : "");
}

/* Solves anew with the option turned the other way; NULL-terminated difference in words. */
static void other_way(struct explainer *e, int literal, const char *verb)
{
    struct problem *p = e->solved, other;
    enum status status =
        problem_open(p->diag, p->arena, p->profile, p->catalogue, p->options, &other);
    if (!status)
        status = problem_solve(&other, literal);
    if (!status)
        say(e, "  %s, the best would be %s (cost %lld instead of %lld).", verb,
            difference(p, &other), (long long)other.library_cost, (long long)p->library_cost);
    problem_close(&other);
}

/* Everything that keeps an option as it is: smallest sets of requirements, one after the other,
 * each found without the members of those before. */
static void stays_for(struct explainer *e, const literals *requirements, int turned)
{
    enum { MOST = 4 };
    struct problem *p = e->solved;
    struct sat *s = e->free->model.sat;
    literals left = {0};
    for (size_t i = 0; i < requirements->count; i++)
        vec_push(p->arena, &left, requirements->items[i]);
    for (int found = 0; found < MOST && !sat_solve(s, left.items, left.count); found++) {
        literals core = {0}, rest = {0};
        for (size_t i = 0; i < left.count; i++)
            vec_push(p->arena, &core, left.items[i]);
        sat_minimal_core(s, &core);
        const char *words = problem_words(p, &core, turned);
        if (!*words) {
            say(e, "%s", found ? "" : "It stays so whatever is needed: the catalogue's own rules.");
            return;
        }
        if (!found)
            say(e, "It stays as long as one of these holds:");
        say(e, "  %s", words);
        for (size_t i = 0; i < left.count; i++) {
            bool used = false;
            for (size_t k = 0; k < core.count; k++)
                used |= core.items[k] == left.items[i] && left.items[i] != turned;
            if (!used)
                vec_push(p->arena, &rest, left.items[i]);
        }
        left = rest;
    }
}

/* ---- in ---- */

static void explain_in(struct explainer *e)
{
    struct problem *p = e->solved;
    const struct model_option *x = e->option;
    strings reasons = {0};
    literals core = {0};
    reasons_of(p, x, &reasons);
    say(e, "%s is in:", x->option->name);
    vec_each (reason, &reasons)
        say(e, "  %s", *reason);
    const char *chain = reason_chain(p, x);
    if (chain && (!reasons.count || strcmp(chain, reasons.items[0]) != 0))
        say(e, "  chain: %s", chain);
    problem_requirements(p, &core);
    vec_push(p->arena, &core, -x->literal);
    struct sat *s = e->free->model.sat;
    if (sat_solve(s, core.items, core.count)) {
        say(e, "Nothing forces it.");
        other_way(e, -x->literal, "Without it");
        return;
    }
    stays_for(e, &core, -x->literal);
}

/* ---- out ---- */

/* Names in an unmet dependency with their values, as far as they are off. */
static void unmet_dependency(struct explainer *e)
{
    struct problem *p = e->solved;
    strings names = {0};
    kexpr_names(p->arena, e->option->depends_expr, &names);
    say(e, "  it depends on %s", e->option->option->depends);
    vec_each (name, &names) {
        int i = kconfig_find(p->kconfig, *name);
        say(e, "    %s = %s", *name, i < 0 ? "(not defined here)" : kconfig_value(p->kconfig, i));
    }
}

static void explain_out(struct explainer *e)
{
    struct problem *p = e->solved;
    const struct model_option *x = e->option;
    struct sat *s = e->free->model.sat;
    literals core = {0};
    say(e, "%s is out: nothing needs it.", x->option->name);
    problem_requirements(p, &core);
    vec_push(p->arena, &core, x->literal);
    if (sat_solve(s, core.items, core.count)) {
        other_way(e, x->literal, "With it");
        if (solution_has(p, x->visible))
            say(e, "  --pin %s brings it in.", x->option->name);
        else
            say(e,
                "  It has no prompt that could be answered now; --pin %s makes its conditions "
                "hold.",
                x->option->name);
        return;
    }
    stays_for(e, &core, x->literal);
    if (x->depends_expr && !solution_has(p, x->depends))
        unmet_dependency(e);
}

/* ---- names ---- */

static const struct model_option *named(const struct problem *p, const char *name)
{
    const struct model_option *x =
        model_find(&p->model, strncmp(name, "CONFIG_", 7) == 0 ? name + 7 : name);
    vec_each (library, &p->catalogue->libraries) {
        bool same = strcmp(library->name, name) == 0 ||
                    (strncmp(library->name, "lib", 3) == 0 && strcmp(library->name + 3, name) == 0);
        if (!x && same && library->option)
            x = model_find(&p->model, library->option);
    }
    return x;
}

static bool explain_need(struct explainer *e, const char *name)
{
    bool found = false;
    vec_each (need, &e->solved->needs.list) {
        if (strcmp(need->name, name) != 0 || need->kind > NEED_RULE)
            continue;
        found = true;
        say(e, "%s: %s.", need->words,
            need->met        ? "provided"
            : need->harmless ? "not provided; programs live with that"
                             : "not provided");
        vec_each (it, &need->providers)
            say(e, "  %s by %s", solution_has(e->solved, it->literal) ? "given" : "would be given",
                it->option ? it->option : it->library);
        strings near = {0};
        if (!need->met && need->kind == NEED_CALL)
            near_calls(e->solved, need, &near);
        vec_each (it, &near)
            say(e, "  near it: %s", *it);
        if (!need->met && need->rule && need->rule->symptom)
            say(e, "  %s", need->rule->symptom);
    }
    return found;
}

static enum status explain(struct explainer *e, const char *name)
{
    struct problem *p = e->solved;
    strings near = {0};
    e->option = named(p, name);
    bool need = explain_need(e, name);
    if (e->option) {
        if (p->on[e->option - p->model.options])
            explain_in(e);
        else
            explain_out(e);
        return STATUS_OK;
    }
    if (need)
        return STATUS_OK;
    near_options(p->arena, p->catalogue, name, 1, &near);
    return diag_fail(p->diag, STATUS_INPUT,
                     "--explain %s: neither an option or library of catalogue %s %s nor a call, "
                     "function or rule that this program needs%s%s",
                     name, p->catalogue->name, p->catalogue->version,
                     near.count ? "; near it: " : "", near.count ? near.items[0] : "");
}

enum status match_explain(struct diag *d, struct arena *a, const struct profile *profile,
                          const struct catalogue *catalogue, const struct matcher_options *options,
                          const char *name, const char **text)
{
    struct problem solved, free_problem;
    struct explainer e = {.solved = &solved, .free = &free_problem, .text = ""};
    memset(&free_problem, 0, sizeof free_problem);
    enum status status = problem_open(d, a, profile, catalogue, options, &solved);
    if (!status)
        status = problem_solve(&solved, 0);
    if (!status)
        status = problem_open(d, a, profile, catalogue, options, &free_problem);
    if (!status)
        status = explain(&e, name);
    problem_close(&solved);
    problem_close(&free_problem);
    *text = e.text;
    return status;
}
