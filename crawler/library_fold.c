/* SPDX-License-Identifier: BSD-3-Clause
 * A crowded graph made readable: what nearly everything refers to becomes a remark, what other
 * relations already say is left out, and what has the same relations shares a box. */
#include "crawler/library_fold.h"
#include <stdlib.h>
#include <string.h>

enum { HUB = 9 }; /* users from which a node is a remark at each of them */

struct work {
    struct arena *a;
    const struct library_graph *g;
    size_t n;
    bool *hub;
    bool *kept;             /* edges */
    unsigned char *reaches; /* n x n, by kept edges that pull in */
};

static bool pulls(const struct library_edge *e)
{
    return e->kind == EDGE_SELECTS || e->kind == EDGE_DEPENDS;
}

static void find_hubs(struct work *w)
{
    size_t *users = arena_array(w->a, w->n, sizeof *users);
    vec_each (e, &w->g->edges)
        users[e->to] += e->kind != EDGE_EXCLUDES;
    for (size_t i = 0; i < w->n; i++)
        w->hub[i] = users[i] > HUB;
}

static void reach_from(struct work *w, size_t start, size_t at)
{
    for (size_t k = 0; k < w->g->edges.count; k++) {
        const struct library_edge *e = &w->g->edges.items[k];
        size_t to = (size_t)e->to;
        if ((size_t)e->from != at || !w->kept[k] || !pulls(e) || w->reaches[start * w->n + to])
            continue;
        w->reaches[start * w->n + to] = 1;
        reach_from(w, start, to);
    }
}

/* Leaves out what a longer way says too, and what a stronger edge between the same two says. */
static void reduce(struct work *w)
{
    const struct library_graph *g = w->g;
    for (size_t i = 0; i < w->n; i++)
        reach_from(w, i, i);
    for (size_t k = 0; k < g->edges.count; k++) {
        const struct library_edge *e = &g->edges.items[k];
        for (size_t m = 0; w->kept[k] && e->kind != EDGE_EXCLUDES && m < g->edges.count; m++) {
            const struct library_edge *x = &g->edges.items[m];
            if (m == k || !w->kept[m] || x->from != e->from || x->kind == EDGE_EXCLUDES)
                continue;
            bool same = x->to == e->to && x->kind < e->kind;
            /* By way of a third cycle or node: then no way leads back through this edge. */
            size_t from = (size_t)e->from, to = (size_t)e->to, by = (size_t)x->to;
            bool longer = by != to && pulls(x) && w->reaches[by * w->n + to] &&
                          !w->reaches[to * w->n + by] && !w->reaches[by * w->n + from];
            w->kept[k] = !same && !longer;
        }
    }
}

/* Everything the picture says of a node, as a text: equal texts share a box. */
static const char *signature(struct work *w, size_t i)
{
    const struct library_node *n = &w->g->nodes.items[i];
    bool core = n->repository && strcmp(n->repository, w->g->catalogue) == 0;
    const char *text = arena_printf(w->a, "%s %d %d %d:", n->kind, core, n->dead, n->cycle > 0);
    for (size_t k = 0; k < w->g->edges.count; k++) {
        const struct library_edge *e = &w->g->edges.items[k];
        if (!w->kept[k] || ((size_t)e->from != i && (size_t)e->to != i))
            continue;
        bool out = (size_t)e->from == i;
        text = arena_printf(w->a, "%s %c%d.%lld", text, out ? '>' : '<', e->kind,
                            (long long)(out ? e->to : e->from));
    }
    return text;
}

static void add_marks(struct work *w, size_t i, struct fold_box *box)
{
    for (size_t k = 0; k < w->g->edges.count; k++) {
        const struct library_edge *e = &w->g->edges.items[k];
        if ((size_t)e->from != i || !w->hub[e->to] || e->kind == EDGE_EXCLUDES)
            continue;
        const char *name = w->g->nodes.items[e->to].name;
        bool known = false;
        vec_each (mark, &box->marks)
            known = known || strcmp(*mark, name) == 0;
        if (!known)
            vec_push(w->a, &box->marks, name);
    }
}

static void make_boxes(struct work *w, struct fold *out)
{
    const char **signatures = arena_array(w->a, w->n, sizeof *signatures);
    out->box_of = arena_array(w->a, w->n, sizeof *out->box_of);
    for (size_t i = 0; i < w->n; i++) {
        size_t box = SIZE_MAX;
        signatures[i] = signature(w, i);
        for (size_t k = 0; k < i && box == SIZE_MAX && !w->hub[i]; k++)
            if (!w->hub[k] && strcmp(signatures[k], signatures[i]) == 0)
                box = out->box_of[k];
        if (box == SIZE_MAX) {
            vec_push(w->a, &out->boxes, ((struct fold_box){.hub = w->hub[i]}));
            box = out->boxes.count - 1;
        }
        out->box_of[i] = box;
        vec_push(w->a, &out->boxes.items[box].members, i);
        add_marks(w, i, &out->boxes.items[box]);
    }
}

static void make_edges(struct work *w, struct fold *out)
{
    for (size_t k = 0; k < w->g->edges.count; k++) {
        const struct library_edge *e = &w->g->edges.items[k];
        if (!w->kept[k])
            continue;
        struct fold_edge edge = {out->box_of[e->from], out->box_of[e->to], e};
        bool known = false;
        vec_each (x, &out->edges)
            known = known ||
                    (x->from == edge.from && x->to == edge.to && x->edge->kind == edge.edge->kind);
        if (known)
            continue;
        vec_push(w->a, &out->edges, edge);
        out->boxes.items[edge.from].joined = out->boxes.items[edge.to].joined = true;
    }
}

void library_fold(struct arena *a, const struct library_graph *graph, struct fold *out)
{
    struct work w = {.a = a, .g = graph, .n = graph->nodes.count};
    memset(out, 0, sizeof *out);
    w.hub = arena_array(a, w.n, sizeof *w.hub);
    w.kept = arena_array(a, graph->edges.count, sizeof *w.kept);
    w.reaches = arena_array(a, w.n, w.n);
    find_hubs(&w);
    for (size_t k = 0; k < graph->edges.count; k++) {
        const struct library_edge *e = &graph->edges.items[k];
        w.kept[k] = !w.hub[e->to] && e->kind != EDGE_EXCLUDES;
    }
    reduce(&w);
    make_boxes(&w, out);
    make_edges(&w, out);
}
