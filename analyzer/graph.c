/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/graph.h"
#include "common/profile.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void walk_init_in(struct walk *w, struct engine *e, struct arena *a)
{
    memset(w, 0, sizeof *w);
    w->engine = e;
    w->arena = a;
    w->reached = arena_array(a, e->nodes.count + 1, 1);
    w->parent = arena_array(a, e->nodes.count + 1, sizeof *w->parent);
    w->via = arena_array(a, e->nodes.count + 1, sizeof *w->via);
}

void walk_init(struct walk *w, struct engine *e)
{
    walk_init_in(w, e, e->arena);
}

void walk_from(struct walk *w, struct node *root)
{
    if (w->reached[root->id])
        return;
    w->reached[root->id] = 1;
    vec_push(w->arena, &w->order, root);
}

void walk_run(struct walk *w)
{
    for (size_t done = 0; done < w->order.count; done++) {
        struct node *n = w->order.items[done];
        if (w->reached[n->id] == 2)
            continue;
        w->reached[n->id] = 2;
        vec_each (edge, &n->edges) {
            if (w->reached[edge->to->id] || (w->follow && !w->follow(w->context, n, edge)))
                continue;
            w->reached[edge->to->id] = 1;
            w->parent[edge->to->id] = n;
            w->via[edge->to->id] = edge;
            vec_push(w->arena, &w->order, edge->to);
        }
    }
}

static const struct elf_symbol *symbol_of(const struct object *o, uint64_t address)
{
    const struct elf_symbol *s = elf_nearest(o->elf, address);
    if (!s || !*s->name || address < s->value)
        return NULL;
    return address == s->value || address - s->value < s->size ? s : NULL;
}

struct object *graph_object(const struct node *n)
{
    if (n->kind == NODE_CONTEXT)
        return ((const struct context *)n)->function->object;
    return n->kind == NODE_SPAN ? ((const struct span *)n)->object : NULL;
}

const char *graph_function_name(struct engine *e, const struct object *o, uint64_t address)
{
    const struct elf_symbol *s = symbol_of(o, address);
    return s ? s->name : arena_printf(e->arena, "fn_%llx", (unsigned long long)address);
}

static const struct object *node_place(struct engine *e, const struct node *n, const char **name)
{
    if (n->kind == NODE_CONTEXT) {
        const struct context *c = (const struct context *)n;
        *name = graph_function_name(e, c->function->object, c->function->address);
        return c->function->object;
    }
    if (n->kind == NODE_SPAN) {
        const struct span *s = (const struct span *)n;
        const struct elf_symbol *symbol = symbol_of(s->object, s->start);
        *name = symbol ? symbol->name
                       : arena_printf(e->arena, "data_%llx", (unsigned long long)s->start);
        return s->object;
    }
    *name = ((const struct root *)n)->name;
    return NULL;
}

/* The path as nodes, root first. */
static size_t path_to(const struct walk *w, const struct node *n, const struct node ***path)
{
    size_t length = 0;
    for (const struct node *at = n; at; at = w->parent[at->id])
        length++;
    *path = arena_array(w->engine->arena, length + 1, sizeof **path);
    size_t i = length;
    for (const struct node *at = n; at; at = w->parent[at->id])
        (*path)[--i] = at;
    return length;
}

static const char *const bound_as[] = {
    [EDGE_CALL] = "call",       [EDGE_SLOT] = "slot",     [EDGE_VALUE] = "constant",
    [EDGE_ADDRESS] = "address", [EDGE_STORED] = "stored", [EDGE_DATA] = "data",
    [EDGE_SYMBOL] = "name",     [EDGE_ROOT] = "root",
};

void graph_evidence(const struct walk *w, const struct node *n, uint64_t at,
                    struct profile_syscall *out)
{
    const struct node **path;
    size_t length = path_to(w, n, &path);
    for (size_t i = 0; i < length; i++) {
        const char *name = NULL;
        const struct object *o = node_place(w->engine, path[i], &name);
        if (!o) {
            out->root = name;
            continue;
        }
        struct profile_step *step = vec_add(w->engine->arena, &out->evidence);
        step->library = o->elf->name;
        step->function = name;
        step->address = i + 1 < length ? w->via[path[i + 1]->id]->at : at;
        step->bound = i + 1 < length ? bound_as[w->via[path[i + 1]->id]->kind] : NULL;
    }
}

static const char *const bound_by[] = {
    [EDGE_CALL] = "calls",
    [EDGE_SLOT] = "calls, through its relocated slot,",
    [EDGE_VALUE] = "calls, through a pointer known to be constant,",
    [EDGE_ADDRESS] = "forms the address of",
    [EDGE_STORED] = "stores the address of",
    [EDGE_DATA] = "refers to",
    [EDGE_SYMBOL] = "looks up by name",
    [EDGE_ROOT] = "enters",
};

void graph_print(const struct walk *w, const struct node *n, uint64_t at)
{
    const struct node **path;
    size_t length = path_to(w, n, &path);
    for (size_t i = 0; i < length; i++) {
        const char *name = NULL;
        const struct object *o = node_place(w->engine, path[i], &name);
        const struct edge *next = i + 1 < length ? w->via[path[i + 1]->id] : NULL;
        if (o)
            fprintf(stderr, "  %s: %s", o->elf->name, name);
        else
            fprintf(stderr, "  %s", name);
        if (next && o)
            fprintf(stderr, ", at 0x%llx, %s", (unsigned long long)next->at, bound_by[next->kind]);
        else if (next)
            fprintf(stderr, " %s", bound_by[next->kind]);
        else
            fprintf(stderr, ", at 0x%llx, enters the kernel", (unsigned long long)at);
        fputc('\n', stderr);
    }
}
