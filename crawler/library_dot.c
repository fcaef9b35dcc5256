/* SPDX-License-Identifier: BSD-3-Clause
 * The graph as DOT text. */
#include "common/graph.h"
#include "crawler/library_fold.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_COLUMNS = 34, LABEL_LIMIT = 70, CROWDED = 150, MOST_NAMES = 12, ALONE_ROWS = 24 };

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
    if (!always(e) && g->edges.count <= CROWDED)
        fprintf(f, ", label=%s", graph_quote(a, label(a, e)));
    fputs("];\n", f);
}

/* ---- a crowded graph, folded ---- */

static const char *joined_names(struct arena *a, const struct library_graph *g,
                                const struct fold_box *box, const char *between, size_t most)
{
    const char *text = "";
    for (size_t i = 0; i < box->members.count; i++) {
        if (i == most)
            return arena_printf(a, "%s%sand %zu more", text, between, box->members.count - most);
        text = arena_printf(a, "%s%s%s", text, i ? between : "",
                            g->nodes.items[box->members.items[i]].name);
    }
    return text;
}

static const char *joined_marks(struct arena *a, const struct fold_box *box)
{
    const char *text = "";
    size_t column = 0;
    vec_each (mark, &box->marks) {
        column += strlen(*mark) + 2;
        text = arena_printf(a, "%s%s%s", text,
                            !*text                   ? "+ "
                            : column > LABEL_COLUMNS ? "\n  "
                                                     : ", ",
                            *mark);
        column = column > LABEL_COLUMNS ? strlen(*mark) : column;
    }
    return text;
}

static void print_box(FILE *f, struct arena *a, const struct library_graph *g,
                      const struct fold_box *box)
{
    const struct library_node *first = &g->nodes.items[box->members.items[0]];
    const char *names = joined_names(a, g, box, "\n", MOST_NAMES), *marks = joined_marks(a, box);
    fprintf(f, "  %s [label=%s, shape=%s, fillcolor=\"%s\", tooltip=%s%s%s%s];\n",
            graph_quote(a, joined_names(a, g, box, ",", SIZE_MAX)),
            graph_quote(a, arena_printf(a, "%s%s%s", names, *marks ? "\n" : "", marks)),
            first->repository ? "box" : "ellipse", fill(g, first),
            graph_quote(a, joined_names(a, g, box, ", ", SIZE_MAX)),
            first->cycle ? ", color=\"#c0392b\", penwidth=2" : "",
            first->dead ? ", fontcolor=\"#9aa0a6\"" : "",
            box->hub ? ", penwidth=3, fontsize=13" : "");
}

/* Boxes without edges stand in columns beside the rest instead of one long line. */
static void print_alone(FILE *f, struct arena *a, const struct library_graph *g,
                        const struct fold *fold)
{
    const char *previous = NULL;
    size_t row = 0;
    fprintf(f, "  subgraph cluster_alone { label=\"only related to what is much used\"; "
               "color=\"#d9dee5\";\n");
    vec_each (box, &fold->boxes) {
        if (box->joined || box->hub)
            continue;
        const char *name = graph_quote(a, joined_names(a, g, box, ",", SIZE_MAX));
        print_box(f, a, g, box);
        if (previous && row % ALONE_ROWS)
            fprintf(f, "  { rank=same; %s -> %s [style=invis]; }\n", previous, name);
        else if (previous)
            fprintf(f, "  %s -> %s [style=invis];\n", previous, name);
        previous = name;
        row++;
    }
    fputs("  }\n", f);
}

static void print_folded(FILE *f, struct arena *a, const struct library_graph *g)
{
    struct fold fold;
    library_fold(a, g, &fold);
    fprintf(f, "  subgraph cluster_hubs { label=\"much used: named after a + where it is asked "
               "for\"; color=\"#d9dee5\";\n");
    vec_each (box, &fold.boxes)
        if (box->hub && !box->joined)
            print_box(f, a, g, box);
    fputs("  }\n", f);
    vec_each (box, &fold.boxes)
        if (box->joined)
            print_box(f, a, g, box);
    print_alone(f, a, g, &fold);
    vec_each (e, &fold.edges) {
        const struct library_edge *x = e->edge;
        fprintf(f, "  %s -> %s [color=\"%s\", style=%s, arrowhead=%s, edgetooltip=%s];\n",
                graph_quote(a, joined_names(a, g, &fold.boxes.items[e->from], ",", SIZE_MAX)),
                graph_quote(a, joined_names(a, g, &fold.boxes.items[e->to], ",", SIZE_MAX)),
                edge_looks[x->kind].colour, edge_looks[x->kind].style, edge_looks[x->kind].arrow,
                graph_quote(a, arena_printf(a, "%s %s %s%s%s", g->nodes.items[x->from].name,
                                            library_edge_names[x->kind], g->nodes.items[x->to].name,
                                            always(x) ? "" : " if ",
                                            always(x) ? "" : all_conditions(a, x))));
    }
}

const char *library_graph_dot(struct arena *a, const struct library_graph *graph)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return "digraph {}\n";
    bool crowded = graph->edges.count > CROWDED;
    fprintf(
        f,
        "digraph %s {\n"
        "  rankdir=LR; nodesep=0.15; ranksep=0.6;\n"
        "  node [style=filled, fontname=\"Helvetica\", fontsize=10, height=0.25, "
        "margin=\"0.08,0.03\", "
        "color=\"#6b7280\"];\n"
        "  edge [fontname=\"Helvetica\", fontsize=7, arrowsize=0.6];\n"
        "  label=\"%s %s: black selects, blue depends on, dashed green implies, dotted red "
        "excludes; labels are conditions%s\"; labelloc=b; fontname=\"Helvetica\"; fontsize=10;\n",
        graph_quote(a, graph->catalogue), graph->catalogue, graph->version,
        crowded ? "; folded: equal relations share a box, what follows from others is left out, "
                  "exclusions too"
                : "");
    if (crowded)
        print_folded(f, a, graph);
    vec_each (n, &graph->nodes)
        if (!crowded)
            print_node(f, a, graph, n);
    vec_each (e, &graph->edges)
        if (!crowded)
            print_edge(f, a, graph, e);
    fputs("}\n", f);
    if (fclose(f) != 0 || !text)
        return "digraph {}\n";
    const char *copy = arena_strdup(a, text);
    free(text);
    return copy;
}
