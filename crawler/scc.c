/* SPDX-License-Identifier: BSD-3-Clause */
#include "crawler/scc.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void scc_init(struct scc *s, struct arena *a, size_t nodes)
{
    *s = (struct scc){.arena = a, .nodes = nodes};
    s->component = arena_array(a, nodes + 1, sizeof *s->component);
}

void scc_edge(struct scc *s, size_t from, size_t to)
{
    vec_push(s->arena, &s->edges, ((struct scc_edge){from, to}));
}

static int by_from(const void *x, const void *y)
{
    const struct scc_edge *a = x, *b = y;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return (a->to > b->to) - (a->to < b->to);
}

struct search {
    size_t *index, *low, *next, *stack, *path;
    bool *on_stack;
    size_t counter, stacked, depth;
};

static void enter(struct search *t, const size_t *first, size_t node)
{
    t->index[node] = t->low[node] = ++t->counter;
    t->next[node] = first[node];
    t->stack[t->stacked++] = node;
    t->on_stack[node] = true;
    t->path[t->depth++] = node;
}

static void leave(struct scc *s, struct search *t, size_t node)
{
    t->depth--;
    if (t->depth && t->low[node] < t->low[t->path[t->depth - 1]])
        t->low[t->path[t->depth - 1]] = t->low[node];
    if (t->low[node] != t->index[node])
        return;
    size_t member;
    do {
        member = t->stack[--t->stacked];
        t->on_stack[member] = false;
        s->component[member] = s->components;
    } while (member != node);
    s->components++;
}

void scc_run(struct scc *s)
{
    size_t n = s->nodes;
    vec_sort(&s->edges, by_from);
    size_t *first = arena_array(s->arena, n + 2, sizeof *first);
    for (size_t i = 0; i < s->edges.count; i++)
        first[s->edges.items[i].from + 1]++;
    for (size_t i = 0; i < n; i++)
        first[i + 1] += first[i];
    struct search t = {.index = arena_array(s->arena, n + 1, sizeof(size_t)),
                       .low = arena_array(s->arena, n + 1, sizeof(size_t)),
                       .next = arena_array(s->arena, n + 1, sizeof(size_t)),
                       .stack = arena_array(s->arena, n + 1, sizeof(size_t)),
                       .path = arena_array(s->arena, n + 1, sizeof(size_t)),
                       .on_stack = arena_array(s->arena, n + 1, sizeof(bool))};
    s->components = 0;
    for (size_t root = 0; root < n; root++) {
        if (t.index[root])
            continue;
        enter(&t, first, root);
        while (t.depth) {
            size_t node = t.path[t.depth - 1];
            if (t.next[node] == first[node + 1]) {
                leave(s, &t, node);
                continue;
            }
            size_t to = s->edges.items[t.next[node]++].to;
            if (!t.index[to])
                enter(&t, first, to);
            else if (t.on_stack[to] && t.index[to] < t.low[node])
                t.low[node] = t.index[to];
        }
    }
}
