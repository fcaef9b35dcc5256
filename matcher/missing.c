/* SPDX-License-Identifier: BSD-3-Clause */
#include "matcher/missing.h"
#include "common/syscalls.h"
#include "matcher/reasons.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- entries that come close ---- */

/* The stem of a call's name: "openat2" and "open" share theirs, so do "preadv2" and "pread64". */
static const char *stem(struct arena *a, const char *name)
{
    static const char *const endings[] = {"_time64", "64", "32", "at", "v", "_info", NULL};
    char *text = arena_strdup(a, name);
    for (bool changed = true; changed;) {
        changed = false;
        size_t size = strlen(text);
        while (size > 3 && isdigit((unsigned char)text[size - 1]))
            text[--size] = '\0';
        for (size_t i = 0; endings[i]; i++) {
            size_t length = strlen(endings[i]);
            if (size > length + 3 && strcmp(text + size - length, endings[i]) == 0) {
                text[size - length] = '\0';
                changed = true;
                break;
            }
        }
    }
    return text;
}

/* Calls of the catalogue with the same stem, and options that offer the call itself but cannot be
 * had here. */
void near_calls(const struct problem *p, const struct need *need, strings *near)
{
    const char *own = stem(p->arena, need->name);
    vec_each (it, &need->providers) {
        if (it->option)
            vec_push(p->arena, near,
                     arena_printf(p->arena,
                                  "%s offers it, but cannot be had together with the rest",
                                  it->option));
    }
    vec_each (call, &p->catalogue->syscalls) {
        if (near->count >= 4)
            return;
        if (strcmp(call->name, need->name) == 0 || strcmp(stem(p->arena, call->name), own) != 0)
            continue;
        const char *text = arena_printf(p->arena, "%s (%s)", call->name,
                                        call->option ? call->option : call->library);
        bool known = false;
        vec_each (old, near)
            known |= strcmp(*old, text) == 0;
        if (!known)
            vec_push(p->arena, near, text);
    }
}

static void near_symbols(const struct problem *p, const struct need *need, strings *near)
{
    vec_each (it, &need->providers) {
        const char *from = it->library ? it->library : it->option;
        if (from && near->count < 3)
            vec_push(p->arena, near,
                     arena_printf(p->arena,
                                  "%s offers it, but cannot be had together with the rest", from));
    }
    vec_each (library, &p->catalogue->libraries) {
        if (!library->exports_all || library->symbols.count || near->count >= 3 ||
            library->kind == LIBRARY_APPLICATION)
            continue;
        /* A library without an export list may have it: only its name can tell. */
        const char *bare =
            strncmp(library->name, "lib", 3) == 0 ? library->name + 3 : library->name;
        const char *from = need->symbol ? need->symbol->library : NULL;
        if (*bare && from && strncmp(from, "lib", 3) == 0 &&
            strncmp(from + 3, bare, strlen(bare)) == 0 &&
            !isalpha((unsigned char)from[3 + strlen(bare)]))
            vec_push(
                p->arena, near,
                arena_printf(p->arena, "%s may have it (it has no export list)", library->name));
    }
}

/* ---- calls, functions, rules ---- */

static const char *class_of(const struct problem *p, const char *name)
{
    vec_each (call, &p->profile->dynamic_part.syscalls) {
        if (strcmp(call->name, name) == 0 && call->class_ >= 0)
            return class_names[call->class_];
    }
    return NULL;
}

/* A refusal is harmless where all that stands in for the call is there. */
static bool stands_in(const struct problem *p, const struct catalogue_rule *rule)
{
    vec_each (name, &rule->instead) {
        bool there = false;
        vec_each (need, &p->needs.list) {
            if (need->kind == NEED_CALL && strcmp(need->name, *name) == 0)
                there |= need->met;
        }
        if (!there)
            return false;
    }
    return true;
}

static bool missing_call(struct problem *p, const struct need *need, struct selection *out)
{
    struct selection_missing_call *call = vec_add(p->arena, &out->missing.syscalls);
    call->name = need->name;
    call->number =
        need->call && need->call->number >= 0 ? need->call->number : syscall_number(need->name);
    call->class_ = class_of(p, need->name);
    call->needed_by = need->call ? evidence_words(p->arena, need->call) : NULL;
    call->prototype = syscall_prototype(p->arena, need->name);
    if (need->harmless && stands_in(p, need->rule))
        call->harmless = need->rule->symptom ? need->rule->symptom : need->rule->name;
    near_calls(p, need, &call->near);
    return !call->harmless;
}

static bool missing_rule(struct problem *p, const struct need *need, struct selection *out)
{
    vec_push(p->arena, &out->unmet,
             ((struct selection_unmet){need->name, need->rule->needs, need->rule->symptom}));
    return true;
}

static bool missing_symbol(struct problem *p, const struct need *need, struct selection *out)
{
    vec_push(p->arena, &out->missing.symbols, need->name);
    struct selection_missing_symbol *more = vec_add(p->arena, &out->missing.details);
    *more = (struct selection_missing_symbol){
        .name = need->name, .library = need->symbol ? need->symbol->library : NULL};
    near_symbols(p, need, &more->near);
    return true;
}

/* ---- clashes ---- */

struct offer {
    const char *symbol, *library;
    const char *list; /* the folder of its export list: some build two libraries from one */
};

static int by_symbol(const void *x, const void *y)
{
    const struct offer *a = x, *b = y;
    int order = strcmp(a->symbol, b->symbol);
    return order ? order : strcmp(a->library, b->library);
}

/* Two selected libraries that export one symbol: the linker may take either, or refuse. */
static void clashes(struct problem *p, struct selection *out)
{
    VEC(struct offer) list = {0};
    vec_each (chosen, &out->libraries) {
        vec_each (library, &p->catalogue->libraries) {
            if (strcmp(library->name, chosen->name) != 0)
                continue;
            for (size_t i = 0; i < library->symbols.count; i++)
                vec_push(p->arena, &list,
                         ((struct offer){library->symbols.items[i], library->name,
                                         library->path ? library->path : library->name}));
        }
    }
    vec_sort(&list, by_symbol);
    for (size_t i = 1; i < list.count; i++) {
        const struct offer *a = &list.items[i - 1], *b = &list.items[i];
        if (strcmp(a->symbol, b->symbol) == 0 && strcmp(a->library, b->library) != 0 &&
            strcmp(a->list, b->list) != 0)
            vec_push(p->arena, &out->clashes,
                     arena_printf(p->arena, "%s: %s, %s", a->symbol, a->library, b->library));
    }
}

bool missing_fill(struct problem *p, struct selection *out)
{
    bool matters = false;
    vec_each (need, &p->needs.list) {
        if (need->met)
            continue;
        if (need->kind == NEED_CALL)
            matters |= missing_call(p, need, out);
        else if (need->kind == NEED_SYMBOL)
            matters |= missing_symbol(p, need, out);
        else if (need->kind == NEED_RULE)
            matters |= missing_rule(p, need, out);
    }
    if (p->options->mode == MODE_SOURCE) /* an unmodified program links with none of them */
        clashes(p, out);
    return matters;
}
