/* SPDX-License-Identifier: BSD-3-Clause
 * From a profile to the list of needs. */
#include "matcher/needs.h"
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* A call seen in a run is worth more than one the static analysis cannot exclude, and one that
 * classification found required most of all: it decides where two needs exclude each other. */
enum { WEIGHT_STATIC = 1, WEIGHT_OBSERVED = 50, WEIGHT_REQUIRED = 500 };

struct collector {
    struct diag *diag;
    struct arena *arena;
    const struct profile *profile;
    const struct catalogue *catalogue;
    const struct matcher_options *options;
    struct needs *out;
};

static bool rule_is(const struct catalogue_rule *rule, const char *kind)
{
    return strcmp(rule->kind ? rule->kind : "need", kind) == 0;
}

const char *evidence_words(struct arena *a, const struct profile_syscall *call)
{
    const char *words = NULL;
    size_t count = call ? call->evidence.count : 0;
    for (size_t i = 0; i < count; i++) {
        const struct profile_step *step = &call->evidence.items[i];
        if (i > 1 && i + 2 < count) { /* both ends of a long path tell most */
            words = i == 2 ? arena_printf(a, "%s > ...", words) : words;
            continue;
        }
        const char *library = i + 1 == count && count > 1 ? step->library : NULL;
        words =
            arena_printf(a, "%s%s%s%s%s%s", words ? words : "", words ? " > " : "", step->function,
                         library ? " (" : "", library ? library : "", library ? ")" : "");
    }
    return words;
}

/* ---- calls ---- */

/* C libraries and dynamic linkers: what a source port leaves behind. */
static const char *const libc_patterns[] = {
    "libc.so*",  "libc-*",      "libc.musl*", "ld-*",        "libm.so*",   "libpthread*",
    "librt.so*", "libdl.so*",   "libresolv*", "libutil.so*", "libanl.so*", "libcrypt.so*",
    "libnss_*",  "linux-vdso*", "libnsl.so*", "libmvec*"};

static bool is_libc(const char *soname)
{
    for (size_t i = 0; soname && i < sizeof libc_patterns / sizeof libc_patterns[0]; i++)
        if (fnmatch(libc_patterns[i], soname, 0) == 0)
            return true;
    return false;
}

/* Whether a source port still makes this call: its instruction lies in code that is ported. */
static bool ported_code_makes(const struct collector *c, const struct profile_syscall *call)
{
    if (c->options->mode != MODE_SOURCE || c->out->calls_only)
        return true;
    return call->evidence.count && !is_libc(call->evidence.items[call->evidence.count - 1].library);
}

static void add_call(struct collector *c, const struct profile_syscall *call, const char *origin,
                     int64_t weight)
{
    const char *path = evidence_words(c->arena, call);
    const char *words = arena_printf(c->arena, "the system call %s (%s%s%s)", call->name, origin,
                                     path ? ": " : "", path ? path : "");
    vec_each (old, &c->out->list) {
        if (old->kind != NEED_CALL || strcmp(old->name, call->name) != 0)
            continue;
        if (weight > old->weight) { /* seen beats possible */
            old->weight = weight;
            old->words = words;
            old->call = call;
        }
        return;
    }
    struct need *need = vec_add(c->arena, &c->out->list);
    *need = (struct need){
        .kind = NEED_CALL, .name = call->name, .words = words, .weight = weight, .call = call};
}

static void add_static_calls(struct collector *c, const profile_syscalls *calls, const char *origin)
{
    unsigned when = c->options->when ? c->options->when : WHEN_NORMAL | WHEN_ABORT;
    vec_each (call, calls) {
        /* Circumstances are told of what follows the dynamic linker; its own calls always happen.
         */
        bool counts =
            ((call->when ? call->when : WHEN_NORMAL) & when) || (call->phases & PHASE_LOADER);
        if (c->options->phases && call->phases && !(call->phases & c->options->phases))
            counts = false;
        if (counts && ported_code_makes(c, call))
            add_call(c, call, origin, WEIGHT_STATIC);
    }
}

static void add_observed_calls(struct collector *c, const profile_syscalls *calls)
{
    vec_each (call, calls) {
        bool tried = call->class_ >= 0;
        bool required = !tried || call->class_ == CLASS_REQUIRED || call->class_ == CLASS_FLAKY;
        if (c->options->need == NEED_REQUIRED && !required)
            continue;
        if (c->options->phases && call->phases && !(call->phases & c->options->phases))
            continue;
        if (!ported_code_makes(c, call))
            continue;
        add_call(c, call, tried && required ? "required" : "observed",
                 tried && required ? WEIGHT_REQUIRED : WEIGHT_OBSERVED);
    }
}

static bool call_offered(const struct collector *c, const char *name)
{
    vec_each (offer, &c->catalogue->syscalls)
        if (strcmp(offer->name, name) == 0)
            return true;
    return false;
}

/* Where calls are left out because the tests can do without them, the program makes others instead:
 * those are needed, unless only the former are to be had. */
static void add_fallbacks(struct collector *c)
{
    vec_each (fallback, &c->profile->dynamic_part.fallbacks) {
        bool removable = fallback->class_ && strcmp(fallback->class_, "required") != 0 &&
                         strcmp(fallback->class_, "flaky") != 0;
        if (removable)
            continue;
        struct profile_syscall *call = ARENA_NEW(c->arena, struct profile_syscall);
        *call = (struct profile_syscall){
            .name = fallback->name, .number = fallback->number, .class_ = CLASS_REQUIRED};
        const char *instead = fallback->instead_of;
        if (instead && !call_offered(c, call->name) && call_offered(c, instead))
            call->name = instead;
        if (ported_code_makes(c, call))
            add_call(c, call,
                     instead ? arena_printf(c->arena, "made instead of %s", instead) : "required",
                     WEIGHT_REQUIRED);
    }
}

static enum status collect_calls(struct collector *c)
{
    const struct profile *p = c->profile;
    const char *program = p->program.path ? p->program.path : "profile";
    if (c->options->need == NEED_STATIC && !p->static_part.present)
        return diag_fail(c->diag, STATUS_INPUT,
                         "%s: its profile has no static part: run --dep without --dynamic, or take "
                         "--need dynamic",
                         program);
    if (c->options->need != NEED_STATIC && !p->dynamic_part.present)
        return diag_fail(c->diag, STATUS_INPUT,
                         "%s: its profile has no dynamic part, which --need %s looks at: run --dep "
                         "with tests first, or take --need static",
                         program, c->options->need == NEED_DYNAMIC ? "dynamic" : "required");
    if (c->options->need == NEED_STATIC) {
        add_static_calls(c, &p->static_part.syscalls, "static");
        for (size_t i = 0; c->options->plugins && i < p->static_part.plugins.count; i++)
            add_static_calls(c, &p->static_part.plugins.items[i].syscalls, "plug-in");
    }
    if (p->dynamic_part.present)
        add_observed_calls(c, &p->dynamic_part.syscalls);
    if (c->options->need == NEED_REQUIRED)
        add_fallbacks(c);
    return STATUS_OK;
}

/* ---- symbols ---- */

/* The first "*" of pattern matches what name has there: "*64" and "open64" give "open". */
static const char *star_of(struct arena *a, const char *pattern, const char *name)
{
    const char *star = strchr(pattern, '*');
    size_t before = star ? (size_t)(star - pattern) : 0, after = star ? strlen(star + 1) : 0;
    size_t size = strlen(name);
    if (!star || size < before + after)
        return name;
    return arena_strndup(a, name + before, size - before - after);
}

static const char *substitute(struct arena *a, const char *into, const char *middle)
{
    const char *star = strchr(into, '*');
    return star ? arena_printf(a, "%.*s%s%s", (int)(star - into), into, middle, star + 1) : into;
}

void symbol_names(struct arena *a, const struct catalogue *catalogue, const char *name,
                  strings *out)
{
    vec_push(a, out, name);
    for (size_t i = 0; i < out->count && out->count < 16; i++) {
        vec_each (rule, &catalogue->rules) {
            if (!rule_is(rule, "alias"))
                continue;
            for (size_t k = 0; k < rule->symbols.count; k++) {
                const char *pattern = rule->symbols.items[k];
                if (fnmatch(pattern, out->items[i], 0) != 0)
                    continue;
                const char *middle = star_of(a, pattern, out->items[i]);
                vec_each (into, &rule->instead)
                    vec_push(a, out, substitute(a, *into, middle));
            }
        }
    }
}

/* Start-up glue of the Linux linking that no source mentions. */
static bool is_glue(const struct catalogue *catalogue, const struct profile_symbol *symbol)
{
    if (symbol->version && strcmp(symbol->version, "GLIBC_PRIVATE") == 0)
        return true;
    vec_each (rule, &catalogue->rules) {
        if (rule_is(rule, "harmless") && matches_any(&rule->symbols, symbol->name))
            return true;
    }
    return false;
}

static void add_symbol(struct collector *c, const struct profile_symbol *symbol, int64_t weight)
{
    if (is_glue(c->catalogue, symbol))
        return;
    vec_each (old, &c->out->list) {
        if (old->kind == NEED_SYMBOL && strcmp(old->name, symbol->name) == 0) {
            old->weight = weight > old->weight ? weight : old->weight;
            return;
        }
    }
    struct need *need = vec_add(c->arena, &c->out->list);
    *need = (struct need){
        .kind = NEED_SYMBOL, .name = symbol->name, .weight = weight, .symbol = symbol};
    need->words = arena_printf(c->arena, "the function %s%s%s%s", symbol->name,
                               symbol->library ? " (on Linux from " : "",
                               symbol->library ? symbol->library : "", symbol->library ? ")" : "");
}

static void collect_symbols(struct collector *c)
{
    const struct profile *p = c->profile;
    if (c->options->mode != MODE_SOURCE)
        return;
    bool observed = c->options->need != NEED_STATIC && p->dynamic_part.symbols.count;
    if (!observed) {
        vec_each (symbol, &p->static_part.symbols) {
            if (symbol->library) /* a weak one that nothing provides is not needed */
                add_symbol(c, symbol, WEIGHT_STATIC);
        }
    }
    if (!observed)
        return;
    vec_each (symbol, &p->dynamic_part.symbols)
        add_symbol(c, symbol, WEIGHT_OBSERVED);
}

/* ---- rules, pins, wishes ---- */

/* Harmless refusals are listed but not sought; what stands in for the call is sought instead. */
static enum status mark_harmless(struct collector *c)
{
    size_t calls = c->out->list.count;
    vec_each (rule, &c->catalogue->rules) {
        bool holds = false;
        if (!rule_is(rule, "harmless") || !rule->calls.count)
            continue;
        enum status status =
            condition_holds(c->diag, rule->name, rule->when, &c->out->facts, &holds);
        if (status)
            return status;
        for (size_t i = 0; holds && i < calls; i++) {
            struct need *need = &c->out->list.items[i];
            if (need->kind != NEED_CALL || !matches_any(&rule->calls, need->name))
                continue;
            need->harmless = true;
            need->rule = rule;
            int64_t weight = need->weight;
            const char *why = arena_printf(c->arena, "instead of %s", need->name);
            vec_each (name, &rule->instead) {
                struct profile_syscall *call = ARENA_NEW(c->arena, struct profile_syscall);
                *call = (struct profile_syscall){.name = *name, .number = -1, .class_ = -1};
                add_call(c, call, why, weight);
            }
        }
    }
    return STATUS_OK;
}

/* Conjuncts NAME = "value" of a rule that fix an option which is not bool. */
static void collect_fixed(struct collector *c, const struct kexpr *e)
{
    if (e && e->kind == KEXPR_AND) {
        collect_fixed(c, e->left);
        collect_fixed(c, e->right);
    }
    if (!e || e->kind != KEXPR_EQ || e->left->kind != KEXPR_SYMBOL || e->right->kind != KEXPR_CONST)
        return;
    vec_each (option, &c->catalogue->options) {
        if (strcmp(option->name, e->left->name) == 0 && option->type != OPTION_BOOL)
            vec_push(c->arena, &c->out->fixed,
                     ((struct model_fixed){option->name, e->right->name}));
    }
}

static enum status collect_rules(struct collector *c)
{
    vec_each (rule, &c->catalogue->rules) {
        bool holds = false, wish = rule_is(rule, "prefer");
        struct kexpr *e = NULL;
        if ((!rule_is(rule, "need") && !wish) || !rule->needs)
            continue;
        enum status status =
            condition_holds(c->diag, rule->name, rule->when, &c->out->facts, &holds);
        if (!status)
            status = kexpr_parse(c->diag, c->arena, rule->name, rule->needs, &e);
        if (status)
            return status;
        if (!holds)
            continue;
        collect_fixed(c, e);
        struct need *need = vec_add(c->arena, &c->out->list);
        *need = (struct need){
            .kind = wish ? NEED_PREFER : NEED_RULE, .name = rule->name, .weight = 1, .rule = rule};
        need->words = arena_printf(c->arena, "the rule %s (otherwise: %s)", rule->name,
                                   rule->symptom ? rule->symptom : rule->needs);
    }
    return STATUS_OK;
}

/* Things that can never run are refused before anything else is done. */
static enum status refuse(struct collector *c)
{
    vec_each (rule, &c->catalogue->rules) {
        bool holds = false;
        if (!rule_is(rule, "refuse"))
            continue;
        enum status status =
            condition_holds(c->diag, rule->name, rule->when, &c->out->facts, &holds);
        if (status)
            return status;
        if (holds)
            return diag_fail(c->diag, STATUS_INPUT, "%s: %s", c->profile->program.path,
                             rule->symptom ? rule->symptom : rule->name);
    }
    return STATUS_OK;
}

static void add_wishes(struct collector *c, const strings *names, enum need_kind kind, bool forbid)
{
    vec_each (name, names) {
        struct need *need = vec_add(c->arena, &c->out->list);
        *need = (struct need){.kind = kind, .name = *name, .weight = 1, .forbid = forbid};
        need->words = arena_printf(c->arena, "--%s %s",
                                   kind == NEED_PREFER ? "prefer"
                                   : forbid            ? "forbid"
                                                       : "pin",
                                   *name);
    }
}

enum status match_suits(struct diag *d, struct arena *a, const struct catalogue *catalogue,
                        const struct matcher_options *options, bool *suits)
{
    const struct profile nobody = {0};
    const strings none = {0};
    strings facts = {0};
    *suits = true;
    enum status status = facts_collect(d, a, &nobody, catalogue, options, &none, &none, &facts);
    for (size_t i = 0; !status && i < catalogue->rules.count; i++) {
        const struct catalogue_rule *rule = &catalogue->rules.items[i];
        bool holds = false;
        if (rule_is(rule, "refuse"))
            status = condition_holds(d, rule->name, rule->when, &facts, &holds);
        *suits = *suits && !holds;
    }
    return status;
}

static int by_kind_and_name(const void *x, const void *y)
{
    const struct need *a = x, *b = y;
    if (a->kind != b->kind)
        return (a->kind > b->kind) - (a->kind < b->kind);
    return strcmp(a->name, b->name);
}

static void names_of(struct collector *c, enum need_kind kind, strings *out)
{
    vec_each (need, &c->out->list) {
        if (need->kind == kind)
            vec_push(c->arena, out, need->name);
    }
}

enum status needs_collect(struct diag *d, struct arena *a, const struct profile *profile,
                          const struct catalogue *catalogue, const struct matcher_options *options,
                          struct needs *out)
{
    struct collector c = {d, a, profile, catalogue, options, out};
    strings calls = {0}, symbols = {0};
    *out = (struct needs){0};
    out->calls_only = options->mode == MODE_SOURCE && !profile->static_part.symbols.count &&
                      !profile->dynamic_part.symbols.count;
    enum status status =
        facts_collect(d, a, profile, catalogue, options, &calls, &symbols, &out->facts);
    if (!status)
        status = refuse(&c);
    if (!status)
        status = collect_calls(&c);
    if (status)
        return status;
    collect_symbols(&c);
    names_of(&c, NEED_CALL, &calls);
    names_of(&c, NEED_SYMBOL, &symbols);
    status = facts_collect(d, a, profile, catalogue, options, &calls, &symbols, &out->facts);
    if (!status)
        status = refuse(&c); /* what its calls and functions show it to be */
    if (!status)
        status = mark_harmless(&c);
    if (!status)
        status = collect_rules(&c);
    if (status)
        return status;
    add_wishes(&c, &options->pin, NEED_PIN, false);
    add_wishes(&c, &options->forbid, NEED_PIN, true);
    add_wishes(&c, &options->prefer, NEED_PREFER, false);
    vec_sort(&out->list, by_kind_and_name);
    return STATUS_OK;
}
