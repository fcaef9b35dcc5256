/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/kconfig_eval.h"
#include "common/kconfig_internal.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Evaluation recurses along dependencies; a chain longer than this is no real catalogue. */
enum { DEPTH_LIMIT = 500 };

static void calculate(struct kconfig *k, struct kconfig_node *n);

static struct kconfig_node *node_of(const struct kconfig *k, const char *name)
{
    int i = kconfig_find(k, name);
    return i < 0 ? NULL : &k->nodes[i];
}

static bool is_tri(const struct kconfig_node *n)
{
    return n->type == OPTION_BOOL || n->type == OPTION_TRISTATE;
}

/* Without modules a tristate is a bool, and so is a member of a choice in its y mode. */
static bool acts_as_bool(const struct kconfig *k, const struct kconfig_node *n)
{
    return n->type == OPTION_BOOL || k->modules == TRI_N || (n->choice && n->visible == TRI_Y);
}

static struct kexpr_value lookup(void *context, const struct kexpr *symbol)
{
    struct kconfig *k = context;
    struct kconfig_node *n =
        symbol->symbol >= 0 ? &k->nodes[symbol->symbol] : node_of(k, symbol->name);
    if (!n)
        return (struct kexpr_value){TRI_N, symbol->name, -1};
    calculate(k, n);
    return (struct kexpr_value){n->tri, n->text, n->excluded ? -1 : n->type};
}

static int evaluate(struct kconfig *k, const struct kexpr *e)
{
    if (!e)
        return TRI_Y;
    const struct kexpr_env env = {k, lookup};
    return kexpr_evaluate(e, &env);
}

static int min(int x, int y)
{
    return x < y ? x : y;
}

static int max(int x, int y)
{
    return x > y ? x : y;
}

static int promote(int tri, bool to_bool)
{
    return tri == TRI_M && to_bool ? TRI_Y : tri;
}

/* The dependencies of everything a node says: its own, and its choice being on. */
static int own_dependencies(struct kconfig *k, struct kconfig_node *n)
{
    int value = evaluate(k, n->depends);
    if (n->choice && value) {
        calculate(k, n->choice);
        value = min(value, n->choice->tri);
    }
    return value;
}

/* What the selects or implies of others ask for. */
static int reverse(struct kconfig *k, const kconfig_reverses *list)
{
    int value = TRI_N;
    for (size_t i = 0; i < list->count && value < TRI_Y; i++) {
        const struct kconfig_reverse *r = &list->items[i];
        calculate(k, r->from);
        int asked = r->from->tri;
        if (asked > value)
            asked = min(asked, evaluate(k, r->condition));
        if (asked > value)
            asked = min(asked, own_dependencies(k, r->from));
        value = max(value, asked);
    }
    return value;
}

static void calculate_visibility(struct kconfig *k, struct kconfig_node *n)
{
    int value = n->prompt && !n->excluded ? evaluate(k, n->visible_expr) : TRI_N;
    if (n->choice && value) {
        calculate(k, n->choice);
        value = min(value, n->choice->tri);
        if (n->type == OPTION_TRISTATE && value == TRI_M && n->choice->tri == TRI_Y)
            value = TRI_N;
    }
    n->visible = promote(value, n->type != OPTION_TRISTATE || k->modules == TRI_N);
    n->dependencies = n->selected = n->implied = TRI_N;
    if (n->choice)
        return; /* a choice's member is ruled by the choice alone */
    bool to_bool = acts_as_bool(k, n);
    n->dependencies = promote(evaluate(k, n->depends), to_bool);
    n->selected = promote(reverse(k, &n->selectors), to_bool);
    if (n->dependencies)
        n->implied = promote(reverse(k, &n->impliers), to_bool);
}

/* The first default whose condition holds; *condition gets that condition's value. */
static const struct kconfig_default *active_default(struct kconfig *k, struct kconfig_node *n,
                                                    int *condition)
{
    if (!n->defaults.count || !own_dependencies(k, n))
        return NULL;
    int dependencies = own_dependencies(k, n);
    for (size_t i = 0; i < n->defaults.count; i++) {
        *condition = min(dependencies, evaluate(k, n->defaults.items[i].condition));
        if (*condition)
            return &n->defaults.items[i];
    }
    return NULL;
}

static int calculate_tri(struct kconfig *k, struct kconfig_node *n)
{
    if (n->choice && n->visible == TRI_Y)
        return n->choice->chosen == n ? TRI_Y : TRI_N;
    int value = TRI_N;
    if (n->visible && n->has_user) {
        value = min(n->user_tri, n->visible);
    } else {
        int condition = TRI_N;
        const struct kconfig_default *found = active_default(k, n, &condition);
        if (found)
            value = min(evaluate(k, found->value), condition);
        value = max(value, n->implied);
        n->written |= value != TRI_N;
    }
    n->written |= n->selected != TRI_N;
    n->unmet = n->dependencies < n->selected;
    value = max(value, n->selected);
    return promote(value, acts_as_bool(k, n) || n->implied == TRI_Y);
}

static long long number(const struct kconfig_node *n, const char *text)
{
    return strtoll(text ? text : "", NULL, n->type == OPTION_HEX ? 16 : 10);
}

/* The text a symbol or constant stands for as a value. */
static const char *text_of(struct kconfig *k, const struct kexpr *e)
{
    return e->kind == KEXPR_SYMBOL ? lookup(k, e).text : e->name;
}

static bool active_range(struct kconfig *k, struct kconfig_node *n, long long *low, long long *high)
{
    if (!n->ranges.count || !own_dependencies(k, n))
        return false;
    for (size_t i = 0; i < n->ranges.count; i++) {
        const struct kconfig_range *r = &n->ranges.items[i];
        if (!evaluate(k, r->condition))
            continue;
        *low = number(n, text_of(k, r->low));
        *high = number(n, text_of(k, r->high));
        return true;
    }
    return false;
}

static void calculate_text(struct kconfig *k, struct kconfig_node *n)
{
    long long low = 0, high = 0;
    bool ranged = active_range(k, n, &low, &high);
    if (n->visible && n->has_user) {
        long long value = ranged ? number(n, n->user_text) : 0;
        if (!ranged || (value >= low && value <= high)) {
            n->text = n->user_text;
            return;
        }
    }
    int condition = TRI_N;
    const struct kconfig_default *found = active_default(k, n, &condition);
    if (found && (found->value->kind == KEXPR_SYMBOL || found->value->kind == KEXPR_CONST)) {
        n->written = true;
        n->text = text_of(k, found->value);
    }
    long long value = ranged ? number(n, n->text) : 0;
    if (ranged && (value < low || value > high)) {
        snprintf(n->clamped, sizeof n->clamped, n->type == OPTION_HEX ? "0x%llx" : "%lld",
                 value < low ? low : high);
        n->text = n->clamped;
    }
}

static struct kconfig_node *choose(struct kconfig *k, struct kconfig_node *choice)
{
    for (size_t i = 0; i < choice->members.count; i++)
        calculate_visibility(k, choice->members.items[i]);
    if (choice->user_member && choice->user_member->visible)
        return choice->user_member;
    int dependencies = own_dependencies(k, choice);
    for (size_t i = 0; i < choice->defaults.count && dependencies; i++) {
        const struct kconfig_default *def = &choice->defaults.items[i];
        if (def->value->kind != KEXPR_SYMBOL || !evaluate(k, def->condition))
            continue;
        struct kconfig_node *member = node_of(k, def->value->name);
        if (member && member->visible)
            return member;
    }
    for (size_t i = 0; i < choice->members.count; i++)
        if (choice->members.items[i]->visible)
            return choice->members.items[i];
    return NULL;
}

/* A choice that is not optional is on wherever it is visible; an optional one once a member was
 * asked for. In m mode its members are independent. */
static void calculate_choice(struct kconfig *k, struct kconfig_node *n)
{
    int value = n->prompt ? evaluate(k, n->visible_expr) : TRI_N;
    bool to_bool = n->type != OPTION_TRISTATE || k->modules == TRI_N;
    n->visible = promote(value, to_bool);
    value = min(n->user_tri, n->visible);
    if (!n->optional)
        value = max(value, min(n->visible, TRI_M));
    n->tri = promote(value, to_bool);
    if (n->tri == TRI_Y) {
        n->chosen = choose(k, n);
        if (!n->chosen)
            n->tri = TRI_N;
    }
}

/* Marked as known before it is: whoever asks for it meanwhile sees n or the empty text. */
static void calculate(struct kconfig *k, struct kconfig_node *n)
{
    static const char *const texts[] = {"n", "m", "y"};
    if (n->valid)
        return;
    n->valid = true;
    n->tri = TRI_N;
    n->written = n->unmet = false;
    n->chosen = NULL;
    n->text = is_tri(n) ? "n" : "";
    if (k->depth >= DEPTH_LIMIT) {
        k->too_deep = true;
        return;
    }
    k->depth++;
    if (n->is_choice) {
        calculate_choice(k, n);
    } else if (n->type < 0 || n->excluded) {
        n->tri = n->visible = n->dependencies = n->selected = TRI_N;
        n->text = n->option->name;
    } else {
        calculate_visibility(k, n);
        n->written = n->visible != TRI_N;
        if (is_tri(n)) {
            n->tri = calculate_tri(k, n);
            n->text = texts[n->tri];
        } else {
            calculate_text(k, n);
        }
    }
    k->depth--;
}

/* Without modules "m" means y, so whether there are modules is found out first. */
static void begin(struct kconfig *k)
{
    if (k->begun)
        return;
    k->begun = true;
    k->modules = TRI_N;
    if (!k->modules_node)
        return;
    calculate(k, k->modules_node);
    int modules = k->modules_node->tri;
    if (modules == TRI_N)
        return;
    kconfig_invalidate(k);
    k->begun = true;
    k->modules = modules;
}

void kconfig_invalidate(struct kconfig *k)
{
    if (!k->begun)
        return; /* nothing was computed since */
    for (size_t i = 0; i < k->count; i++)
        k->nodes[i].valid = false;
    k->begun = false;
}

static struct kconfig_node *known(struct kconfig *k, int option)
{
    begin(k);
    calculate(k, &k->nodes[option]);
    return &k->nodes[option];
}

int kconfig_tri(struct kconfig *k, int option)
{
    return known(k, option)->tri;
}

const char *kconfig_value(struct kconfig *k, int option)
{
    return known(k, option)->text;
}

int kconfig_visibility(struct kconfig *k, int option)
{
    return known(k, option)->visible;
}

int kconfig_dependencies(struct kconfig *k, int option)
{
    return own_dependencies(k, known(k, option));
}

int kconfig_selected(struct kconfig *k, int option)
{
    return known(k, option)->selected;
}

bool kconfig_written(struct kconfig *k, int option)
{
    return known(k, option)->written;
}

bool kconfig_unmet(struct kconfig *k, int option)
{
    return known(k, option)->unmet;
}

int kconfig_chosen(struct kconfig *k, int choice)
{
    const struct kconfig_node *n = known(k, (int)k->options + choice);
    return n->chosen ? (int)(n->chosen - k->nodes) : -1;
}

int kconfig_evaluate(struct kconfig *k, const struct kexpr *e)
{
    begin(k);
    return evaluate(k, e);
}

/* ---- assignments ---- */

void kconfig_include(struct kconfig *k, const char *repository, bool included)
{
    for (size_t i = 0; i < k->options; i++) {
        const char *from = k->nodes[i].option->repository;
        if (from && strcmp(from, repository) == 0)
            k->nodes[i].excluded = !included;
    }
    kconfig_invalidate(k);
}

void kconfig_clear(struct kconfig *k)
{
    for (size_t i = 0; i < k->count; i++) {
        k->nodes[i].has_user = false;
        k->nodes[i].user_tri = TRI_N;
        k->nodes[i].user_member = NULL;
    }
    kconfig_invalidate(k);
}

static bool valid_number(const char *s, bool hex)
{
    if (hex) {
        if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
            s += 2;
        return *s && !s[strspn(s, "0123456789abcdefABCDEF")];
    }
    s += *s == '-';
    return isdigit((unsigned char)*s) && !(s[0] == '0' && s[1]) && !s[strspn(s, "0123456789")];
}

/* After an assignment to a member: what its choice is asked to be. */
static void update_choice(struct kconfig_node *member)
{
    struct kconfig_node *choice = member->choice;
    if (member->user_tri == TRI_Y)
        choice->user_member = member;
    choice->user_tri = max(choice->user_tri, member->user_tri);
}

bool kconfig_set(struct kconfig *k, int option, const char *value)
{
    struct kconfig_node *n = &k->nodes[option];
    if (n->type < 0)
        return false;
    if (is_tri(n)) {
        static const char letters[] = "nmy";
        const char *at = *value && !value[1] ? strchr(letters, *value) : NULL;
        if (!at || (*at == 'm' && n->type == OPTION_BOOL))
            return false;
        n->user_tri = (int)(at - letters);
        if (n->choice)
            update_choice(n);
    } else if (n->type != OPTION_STRING && !valid_number(value, n->type == OPTION_HEX)) {
        return false;
    }
    static const char *const texts[] = {"n", "m", "y"};
    if (is_tri(n))
        n->user_text = texts[n->user_tri];
    else if (!n->user_text || strcmp(n->user_text, value) != 0)
        n->user_text = arena_strdup(k->arena, value);
    n->has_user = true;
    kconfig_invalidate(k);
    return true;
}

void kconfig_unset(struct kconfig *k, int option)
{
    struct kconfig_node *n = &k->nodes[option];
    n->has_user = false;
    n->user_tri = TRI_N;
    kconfig_invalidate(k);
    if (!n->choice)
        return;
    if (n->choice->user_member == n)
        n->choice->user_member = NULL;
    n->choice->user_tri = TRI_N;
    for (size_t i = 0; i < n->choice->members.count; i++)
        n->choice->user_tri = max(n->choice->user_tri, n->choice->members.items[i]->user_tri);
}

const char *kconfig_assigned(const struct kconfig *k, int option)
{
    return k->nodes[option].has_user ? k->nodes[option].user_text : NULL;
}

int kconfig_evaluate_text(struct kconfig *k, const char *text)
{
    struct diag d;
    diag_init(&d, -1);
    struct kexpr *e = NULL;
    if (kexpr_parse(&d, k->arena, "expression", text, &e))
        return TRI_N;
    return kconfig_evaluate(k, e);
}
