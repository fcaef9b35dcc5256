/* SPDX-License-Identifier: BSD-3-Clause */
#include "matcher/problem.h"
#include <stdlib.h>
#include <string.h>

/* ---- building ---- */

/* An application's options exist only in its own app folder: the loader's in binary mode, none
 * where the program's sources are the application. */
static void apply_mode(struct problem *p)
{
    if (p->options->mode != MODE_SOURCE)
        return;
    vec_each (it, &p->catalogue->repositories) {
        if (it->kind && strcmp(it->kind, "application") == 0)
            sat_unit(p->model.sat, -model_repository(&p->model, it->name));
    }
}

enum status problem_open(struct diag *d, struct arena *a, const struct profile *profile,
                         const struct catalogue *catalogue, const struct matcher_options *options,
                         struct problem *p)
{
    *p = (struct problem){d, a, profile, catalogue, options};
    enum status status = needs_collect(d, a, profile, catalogue, options, &p->needs);
    if (!status)
        status = model_build(d, a, catalogue, &p->needs.fixed, &p->model);
    if (status)
        return status;
    apply_mode(p);
    return needs_bind(&p->model, &p->needs);
}

void problem_close(struct problem *p)
{
    model_free(&p->model);
}

/* ---- costs ---- */

static int64_t layout_bytes(const struct layout *layout, const char *name)
{
    vec_each (it, &layout->libraries) {
        if (strcmp(it->name, name) == 0)
            return it->text + it->rodata + it->data + it->bss;
    }
    return -1;
}

static int by_value(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

static int64_t median_bytes(struct arena *a, const struct layout *layout)
{
    VEC(int64_t) sizes = {0};
    vec_each (it, &layout->libraries)
        vec_push(a, &sizes, it->text + it->rodata + it->data + it->bss);
    vec_sort(&sizes, by_value);
    return sizes.count ? sizes.items[sizes.count / 2] : 1;
}

int64_t library_weight(const struct problem *p, const struct catalogue_library *library)
{
    const struct layout *layout = p->options->weights;
    if (!layout)
        return 1;
    int64_t bytes = layout_bytes(layout, library->name);
    if (bytes < 0)
        bytes = median_bytes(p->arena, layout);
    return bytes > 0 ? bytes : 1;
}

int library_built(const struct problem *p, const struct catalogue_library *library)
{
    struct model *m = (struct model *)&p->model;
    int condition = sat_true(m->sat);
    const struct model_option *x = library->option ? model_find(m, library->option) : NULL;
    if (library->option && !x)
        return -sat_true(m->sat);
    if (library->condition && model_text(m, library->name, library->condition, &condition))
        return -sat_true(m->sat);
    return sat_and(m->sat,
                   (int[]){x ? x->literal : sat_true(m->sat), condition,
                           model_repository(m, library->repository)},
                   3);
}

/* ---- levels ---- */

static int64_t minimise(struct problem *p, const softs *level)
{
    return optimum(p->model.sat, p->arena, level);
}

static int64_t needs_level(struct problem *p, unsigned kinds)
{
    softs level = {0};
    vec_each (need, &p->needs.list) {
        if ((kinds & (1u << need->kind)) && !need->harmless)
            vec_push(p->arena, &level, ((struct soft){need->literal, need->weight}));
    }
    return minimise(p, &level);
}

static int64_t libraries_level(struct problem *p)
{
    softs level = {0};
    vec_each (library, &p->catalogue->libraries) {
        int built = library_built(p, library);
        if (built != -sat_true(p->model.sat))
            vec_push(p->arena, &level, ((struct soft){-built, library_weight(p, library)}));
    }
    return minimise(p, &level);
}

static int64_t deviations_level(struct problem *p)
{
    softs level = {0};
    struct sat *s = p->model.sat;
    for (size_t i = 0; i < p->model.option_count; i++) {
        const struct model_option *x = &p->model.options[i];
        if (x->visible == -sat_true(s) || x->choice)
            continue;
        int usual = sat_equal(s, x->literal, sat_or2(s, x->preset, x->selected));
        int as_usual = sat_or2(s, -x->visible, usual);
        if (as_usual != sat_true(s))
            vec_push(p->arena, &level, ((struct soft){as_usual, 1}));
    }
    vec_each (c, &p->model.choices) {
        int as_usual = sat_or2(s, -c->visible, c->preset);
        if (as_usual != sat_true(s))
            vec_push(p->arena, &level, ((struct soft){as_usual, 1}));
    }
    return minimise(p, &level);
}

static int64_t options_level(struct problem *p)
{
    softs level = {0};
    for (size_t i = 0; i < p->model.option_count; i++) {
        const struct model_option *x = &p->model.options[i];
        if (x->option->visible && !x->choice && x->literal != -sat_true(p->model.sat))
            vec_push(p->arena, &level, ((struct soft){-x->literal, 1}));
    }
    vec_each (it, &p->model.repositories) {
        if (!it->core)
            vec_push(p->arena, &level, ((struct soft){-it->literal, 1}));
    }
    return minimise(p, &level);
}

/* ---- the solution ---- */

static void read_solution(struct problem *p)
{
    struct model *m = &p->model;
    sat_solve(m->sat, NULL, 0);
    p->on = arena_array(p->arena, m->option_count, sizeof *p->on);
    p->with = arena_array(p->arena, m->repositories.count, sizeof *p->with);
    p->values = arena_array(p->arena, sat_variables(m->sat) + 1, sizeof *p->values);
    for (size_t i = 1; i <= sat_variables(m->sat); i++)
        p->values[i] = sat_value(m->sat, (int)i);
    for (size_t i = 0; i < m->option_count; i++)
        p->on[i] = sat_value(m->sat, m->options[i].literal);
    for (size_t i = 0; i < m->repositories.count; i++)
        p->with[i] = sat_value(m->sat, m->repositories.items[i].literal);
    vec_each (need, &p->needs.list)
        need->met = sat_value(m->sat, need->literal);
}

/* States the solution as a .config would and lets Kconfig's own evaluation have the last word. */
static enum status evaluate(struct problem *p)
{
    struct model *m = &p->model;
    enum status status = kconfig_new(p->diag, p->arena, p->catalogue, &p->kconfig);
    if (status)
        return status;
    for (size_t i = 0; i < m->repositories.count; i++)
        if (!p->with[i])
            kconfig_include(p->kconfig, m->repositories.items[i].name, false);
    for (size_t i = 0; i < m->option_count; i++) {
        const struct model_option *x = &m->options[i];
        if (x->option->type == OPTION_BOOL || x->option->type == OPTION_TRISTATE)
            kconfig_set(p->kconfig, (int)i, p->on[i] ? "y" : "n");
        else if (x->fixed)
            kconfig_set(p->kconfig, (int)i, x->fixed);
    }
    /* In a choice the member set last is the chosen one. */
    for (size_t i = 0; i < m->option_count; i++)
        if (m->options[i].choice && p->on[i])
            kconfig_set(p->kconfig, (int)i, "y");
    for (size_t i = 0; i < m->option_count; i++) {
        const struct catalogue_option *option = m->options[i].option;
        if (option->type != OPTION_BOOL && option->type != OPTION_TRISTATE)
            continue;
        bool value = kconfig_tri(p->kconfig, (int)i) != TRI_N;
        if (value == p->on[i])
            continue;
        const char *why = kconfig_why_not(p->kconfig, p->arena, option->name, p->on[i] ? "y" : "n");
        return diag_fail(
            p->diag, STATUS_SYSTEM,
            "internal error: the solver set %s to %s, but olddefconfig makes it %s%s%s; "
            "please report it with the profile and the catalogue",
            option->name, p->on[i] ? "y" : "n", value ? "y" : "n", why ? ": " : "", why ? why : "");
    }
    return STATUS_OK;
}

static enum status pins_conflict(struct problem *p, int extra)
{
    literals pins = {0};
    vec_each (need, &p->needs.list) {
        if (need->kind == NEED_PIN)
            vec_push(p->arena, &pins, need->literal);
    }
    if (extra)
        vec_push(p->arena, &pins, extra);
    if (sat_solve(p->model.sat, pins.items, pins.count)) {
        for (size_t i = 0; i < pins.count; i++)
            sat_unit(p->model.sat, pins.items[i]);
        return STATUS_OK;
    }
    if (!sat_solve(p->model.sat, NULL, 0))
        return diag_fail(p->diag, STATUS_INPUT, "catalogue %s %s: no configuration obeys its rules",
                         p->catalogue->name, p->catalogue->version);
    sat_minimal_core(p->model.sat, &pins);
    return diag_fail(
        p->diag, STATUS_INPUT,
        "these cannot hold together in %s %s, whatever else is chosen: %s. Leave one out",
        p->catalogue->name, p->catalogue->version, problem_words(p, &pins, extra));
}

enum status problem_solve(struct problem *p, int extra)
{
    enum status status = pins_conflict(p, extra);
    if (status)
        return status;
    p->lost_rules = needs_level(p, 1u << NEED_RULE);
    p->lost_needs = needs_level(p, 1u << NEED_CALL | 1u << NEED_SYMBOL);
    p->lost_wishes = needs_level(p, 1u << NEED_PREFER);
    p->library_cost = libraries_level(p);
    p->deviations = deviations_level(p);
    p->option_count = options_level(p);
    read_solution(p);
    p->solved = true;
    return evaluate(p);
}

void problem_requirements(const struct problem *p, literals *out)
{
    vec_each (need, &p->needs.list) {
        if (need->met && !need->harmless && need->kind != NEED_PREFER)
            vec_push(p->arena, out, need->literal);
    }
}

const char *problem_words(const struct problem *p, const literals *core, int except)
{
    const char *words = NULL;
    for (size_t i = 0; i < core->count; i++) {
        if (core->items[i] == except)
            continue;
        /* Several needs may share a literal: the user's own words come first, then rules. */
        const struct need *best = NULL;
        vec_each (need, &p->needs.list) {
            if (need->literal == core->items[i] && !need->harmless &&
                (!best || need->kind > best->kind) && need->kind != NEED_PREFER)
                best = need;
        }
        if (best)
            words = arena_printf(p->arena, "%s%s%s", words ? words : "", words ? "; " : "",
                                 best->words);
    }
    return words ? words : "";
}

/* ---- pins against needs ---- */

static void without_pins(struct matcher_options *options)
{
    options->pin.count = options->forbid.count = 0;
}

/* Needs met in free but not in p, by name; p->needs also holds the pins. */
static void lost(const struct problem *p, const struct problem *free_of_pins, literals *out,
                 const char **names, size_t *count)
{
    vec_each (need, &free_of_pins->needs.list) {
        if (!need->met || need->harmless || need->kind == NEED_PREFER)
            continue;
        vec_each (same, &p->needs.list) {
            if (same->kind != need->kind || strcmp(same->name, need->name) != 0 || same->met)
                continue;
            vec_push(p->arena, out, same->literal);
            if (++*count > 1 && *count < 10)
                *names = arena_printf(p->arena, "%s%s%s", *names ? *names : "", *names ? ", " : "",
                                      need->name);
        }
    }
}

static enum status report_lost(struct problem *p, struct problem *fresh, const literals *gone,
                               const char *others, size_t count)
{
    /* The first lost need, the pins, and all that is met without them. */
    literals core = {0};
    vec_push(p->arena, &core, gone->items[0]);
    vec_each (need, &fresh->needs.list) {
        if (need->kind == NEED_PIN)
            vec_push(p->arena, &core, need->literal);
    }
    if (sat_solve(fresh->model.sat, core.items, core.count))
        problem_requirements(p, &core);
    if (sat_solve(fresh->model.sat, core.items, core.count))
        return STATUS_OK; /* no contradiction: only the weighing of needs came out otherwise */
    sat_minimal_core(fresh->model.sat, &core);
    return diag_fail(p->diag, STATUS_INPUT,
                     "these cannot hold together: %s.%s%s%s%s Leave one out, or take --keep-going "
                     "to have what is then missing listed",
                     problem_words(p, &core, 0), others ? " The same goes for " : "",
                     others ? others : "", count > 9 ? ", ..." : "", others ? "." : "");
}

enum status problem_check_pins(struct problem *p)
{
    struct matcher_options options = *p->options;
    struct problem free_of_pins = {0}, fresh = {0};
    literals gone = {0};
    const char *names = NULL;
    size_t count = 0;
    if ((!p->lost_rules && !p->lost_needs) || (!options.pin.count && !options.forbid.count))
        return STATUS_OK;
    without_pins(&options);
    enum status status =
        problem_open(p->diag, p->arena, p->profile, p->catalogue, &options, &free_of_pins);
    if (!status)
        status = problem_solve(&free_of_pins, 0);
    if (!status &&
        (free_of_pins.lost_rules < p->lost_rules ||
         (free_of_pins.lost_rules == p->lost_rules && free_of_pins.lost_needs < p->lost_needs)))
        lost(p, &free_of_pins, &gone, &names, &count);
    problem_close(&free_of_pins);
    if (status || !gone.count)
        return status;
    /* The literals of p mean the same in a fresh problem: both are built from the same input. */
    status = problem_open(p->diag, p->arena, p->profile, p->catalogue, p->options, &fresh);
    if (!status)
        status = report_lost(p, &fresh, &gone, names, count);
    problem_close(&fresh);
    return status;
}
