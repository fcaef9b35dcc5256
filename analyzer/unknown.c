/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/unknown.h"
#include <elf.h>
#include <string.h>

struct search {
    const struct walk *walk;
    const bool *inside;
    bool *numbers;
    bool *visited; /* by node id */
    enum unknown_kind kind;
};

static bool is_exported(const struct object *o, uint64_t address)
{
    for (size_t i = 1; i < o->elf->symbols.count; i++) {
        const struct elf_symbol *s = &o->elf->symbols.items[i];
        if (s->section != SHN_UNDEF && s->value == address)
            return true;
    }
    return false;
}

/* The most that was found so far counts. */
static void settle_for(struct search *s, enum unknown_kind kind)
{
    if (kind == UNKNOWN_ANY || s->kind == UNKNOWN_REPEATED)
        s->kind = kind;
}

/* A number made up in this very context. */
static void made_here(struct search *s, const struct context *c)
{
    const struct object *o = c->function->object;
    bool library = s->inside && s->inside[o->elf->index] && !is_exported(o, c->function->address);
    settle_for(s, library ? UNKNOWN_REPEATED : UNKNOWN_ANY);
}

/* A function that takes a number and is called through pointers. Where nothing but its own object
 * can have the pointer, that object's indirect calls pass the number. */
static void called_through_pointer(struct search *s, const struct function *f)
{
    const struct object *o = f->object;
    uint32_t left = f->numbers;
    for (unsigned k = 0; k < PASSED_ARGUMENTS; k++) {
        if (!(left >> o->arguments[k] & 1) || o->passed_unknown[k])
            continue;
        left &= ~(1u << o->arguments[k]);
        for (unsigned n = 0; n < PASSED_NUMBERS; n++)
            s->numbers[n] = s->numbers[n] || o->passed[k][n];
    }
    settle_for(s, left || is_exported(o, f->address) ? UNKNOWN_ANY : UNKNOWN_POINTER);
}

static void search_callers(struct search *s, const struct context *c)
{
    if (s->visited[c->node.id] || s->kind == UNKNOWN_ANY)
        return;
    s->visited[c->node.id] = true;
    if (c->loose || !c->function->numbers) {
        made_here(s, c);
        return;
    }
    vec_each (node, &s->walk->order) {
        vec_each (edge, &(*node)->edges) {
            if (edge->to != c->node.id)
                continue;
            if ((*node)->kind == NODE_CONTEXT && edge->kind <= EDGE_VALUE)
                search_callers(s, (const struct context *)*node);
            else
                called_through_pointer(s, c->function);
        }
    }
}

enum unknown_kind unknown_origin(const struct walk *w, const struct context *c, const bool *inside,
                                 bool numbers[PASSED_NUMBERS])
{
    struct search s = {.walk = w, .inside = inside, .numbers = numbers, .kind = UNKNOWN_REPEATED};
    s.visited = arena_array(w->engine->arena, w->engine->nodes.count + 1, sizeof *s.visited);
    memset(numbers, 0, PASSED_NUMBERS * sizeof *numbers);
    search_callers(&s, c);
    return s.kind;
}

const char *unknown_reason(enum unknown_kind kind)
{
    static const char *const reasons[] = {
        [UNKNOWN_ANY] = "the system-call number is not known: every call is listed as unknown",
        [UNKNOWN_POINTER] = "a system-call number comes through a pointer, taken as what indirect "
                            "calls of its library pass",
        [UNKNOWN_REPEATED] = "the system-call number is not known: the C library repeats in other "
                             "threads what set*id() functions call",
    };
    return reasons[kind];
}
