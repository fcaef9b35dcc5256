/* SPDX-License-Identifier: BSD-3-Clause
 * The graph as DOT text. */
#include "common/graph.h"
#include "crawler/library_graph.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_COLUMNS = 34, LABEL_LIMIT = 70 };

static const struct {
    const char *colour, *style, *arrow;
    bool back; /* does not push its target to the right */
} edge_looks[] = {
    [EDGE_SELECTS] = {"#1f2933", "solid", "normal", false},
    [EDGE_DEPENDS] = {"#1d6fb8", "solid", "vee", false},
    [EDGE_IMPLIES] = {"#2f8f4e", "dashed", "empty", false},
    [EDGE_EXCLUDES] = {"#c0392b", "dotted", "tee", true},
};

static const char *fill(const struct library_graph *g, const struct library_node *n)
{
    if (strcmp(n->kind, "undefined") == 0)
        return "#fee2e2";
    if (strcmp(n->kind, "option") == 0)
        return "#f3f4f6";
    if (strcmp(n->kind, "application") == 0)
        return "#fde68a";
    if (strcmp(n->kind, "platform") == 0)
        return "#ddd6fe";
    return n->repository && strcmp(n->repository, g->catalogue) == 0 ? "#dbeafe" : "#dcfce7";
}

static bool always(const struct library_edge *e)
{
    for (size_t i = 0; i < e->conditions.count; i++)
        if (!*e->conditions.items[i])
            return true;
    return !e->conditions.count;
}

static const char *all_conditions(struct arena *a, const struct library_edge *e)
{
    const char *text = "";
    for (size_t i = 0; i < e->conditions.count; i++)
        text = arena_printf(a, "%s%s%s", text, i ? "; or " : "", e->conditions.items[i]);
    return text;
}

/* Broken at && and || into lines, cut where it gets long: the tooltip has all of it. */
static const char *label(struct arena *a, const struct library_edge *e)
{
    const char *full = all_conditions(a, e);
    char *text = arena_alloc(a, 2 * LABEL_LIMIT + 16), *out = text;
    size_t column = 0, used = 0;
    for (const char *p = full; *p; p++, used++) {
        if (used >= LABEL_LIMIT) {
            strcpy(out, "...");
            return text;
        }
        *out++ = *p;
        if (++column > LABEL_COLUMNS / 2 && *p == ' ' && strchr("&|;", p[-1])) {
            *out++ = '\n';
            column = 0;
        }
    }
    return text;
}

static void print_node(FILE *f, struct arena *a, const struct library_graph *g,
                       const struct library_node *n)
{
    bool option = !n->repository;
    const char *tip = arena_printf(
        a, "%s%s%s%s: %lld options, %lld system calls, %lld %s, %lld with all it selects", n->name,
        n->option ? " (" : "", n->option ? n->option : "", n->option ? ")" : "",
        (long long)n->options, (long long)n->syscalls, (long long)n->cost, g->unit,
        (long long)n->closure);
    fprintf(f, "  %s [shape=%s, fillcolor=\"%s\", tooltip=%s%s%s];\n", graph_quote(a, n->name),
            option ? "ellipse" : "box", fill(g, n), graph_quote(a, tip),
            n->cycle ? ", color=\"#c0392b\", penwidth=2" : "",
            n->dead ? ", fontcolor=\"#9aa0a6\"" : "");
}

static void print_edge(FILE *f, struct arena *a, const struct library_graph *g,
                       const struct library_edge *e)
{
    const char *from = g->nodes.items[e->from].name, *to = g->nodes.items[e->to].name;
    const char *tip = arena_printf(a, "%s %s %s%s%s", from, library_edge_names[e->kind], to,
                                   always(e) ? "" : " if ", always(e) ? "" : all_conditions(a, e));
    fprintf(f,
            "  %s -> %s [color=\"%s\", fontcolor=\"%s\", style=%s, arrowhead=%s%s, edgetooltip=%s",
            graph_quote(a, from), graph_quote(a, to), edge_looks[e->kind].colour,
            edge_looks[e->kind].colour, edge_looks[e->kind].style, edge_looks[e->kind].arrow,
            edge_looks[e->kind].back ? ", constraint=false" : "", graph_quote(a, tip));
    /* On a crowded graph the labels would cover it; the tooltips stay. */
    if (!always(e) && g->edges.count <= 150)
        fprintf(f, ", label=%s", graph_quote(a, label(a, e)));
    fputs("];\n", f);
}

const char *library_graph_dot(struct arena *a, const struct library_graph *graph)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return "digraph {}\n";
    fprintf(f,
            "digraph %s {\n"
            "  rankdir=LR; nodesep=0.15; ranksep=0.6;\n"
            "  node [style=filled, fontname=\"Helvetica\", fontsize=10, height=0.25, "
            "margin=\"0.08,0.03\", "
            "color=\"#6b7280\"];\n"
            "  edge [fontname=\"Helvetica\", fontsize=7, arrowsize=0.6];\n"
            "  label=\"%s %s: black selects, blue depends on, dashed green implies, dotted red "
            "excludes; labels are conditions\"; labelloc=b; fontname=\"Helvetica\"; fontsize=10;\n",
            graph_quote(a, graph->catalogue), graph->catalogue, graph->version);
    vec_each (n, &graph->nodes)
        print_node(f, a, graph, n);
    vec_each (e, &graph->edges)
        print_edge(f, a, graph, e);
    fputs("}\n", f);
    if (fclose(f) != 0 || !text)
        return "digraph {}\n";
    const char *copy = arena_strdup(a, text);
    free(text);
    return copy;
}
