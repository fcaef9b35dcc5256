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
    w->nodes = e->nodes.count;
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

static uint64_t place_of(const struct node *n)
{
    const struct object *o = graph_object(n);
    uint64_t address = n->kind == NODE_CONTEXT ? ((const struct context *)n)->function->address
                       : n->kind == NODE_SPAN  ? ((const struct span *)n)->start
                                               : n->id;
    return (o ? o->base : 0) + address;
}

/* Contexts of one function by their constants. */
static int by_key(const struct engine *e, const struct context *a, const struct context *b)
{
    if (a->key.count != b->key.count)
        return a->key.count < b->key.count ? -1 : 1;
    for (size_t i = 0; i < a->key.count; i++) {
        const struct value_data *x = value_get(&e->values, a->key.items[i].v),
                                *y = value_get(&e->values, b->key.items[i].v);
        if (a->key.items[i].input != b->key.items[i].input)
            return a->key.items[i].input < b->key.items[i].input ? -1 : 1;
        for (unsigned k = 0; k < x->count && k < y->count; k++)
            if (x->all[k] != y->all[k])
                return x->all[k] < y->all[k] ? -1 : 1;
        if (x->count != y->count)
            return x->count < y->count ? -1 : 1;
    }
    return 0;
}

/* What a node reaches, by where it does so: in which order code was met does not tell. */
static int by_place(const void *p, const void *q, void *walk)
{
    const struct walk *w = walk;
    const struct node *x = *(struct node *const *)p, *y = *(struct node *const *)q;
    const struct edge *a = w->via[x->id], *b = w->via[y->id];
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    uint64_t i = place_of(x), k = place_of(y);
    if (i != k || x->kind != NODE_CONTEXT)
        return i < k ? -1 : i > k;
    return by_key(w->engine, (const struct context *)x, (const struct context *)y);
}

/* Few as a rule, and nearly in order. */
static void sort_reached(struct walk *w, size_t first)
{
    enum { FEW = 24 };
    struct node **items = w->order.items;
    if (w->order.count - first > FEW) {
        qsort_r(&items[first], w->order.count - first, sizeof *items, by_place, w);
        return;
    }
    for (size_t i = first + 1; i < w->order.count; i++) {
        struct node *n = items[i];
        size_t at = i;
        for (; at > first && by_place(&n, &items[at - 1], w) < 0; at--)
            items[at] = items[at - 1];
        items[at] = n;
    }
}

void walk_run(struct walk *w)
{
    for (size_t done = 0; done < w->order.count; done++) {
        struct node *n = w->order.items[done];
        if (w->reached[n->id] == 2)
            continue;
        w->reached[n->id] = 2;
        size_t first = w->order.count;
        vec_each (edge, &n->edges) {
            uint32_t id = edge->to;
            if (w->reached[id] == 1 && w->parent[id] == n && edge->at < w->via[id]->at)
                w->via[id] = edge;
            if (w->reached[id] || (w->follow && !w->follow(w->context, n, edge)))
                continue;
            w->reached[id] = 1;
            w->parent[id] = n;
            w->via[id] = edge;
            vec_push(w->arena, &w->order, edge_to(w->engine, edge));
        }
        sort_reached(w, first);
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
