/* SPDX-License-Identifier: BSD-3-Clause
 * The dependency graph of a catalogue's micro-libraries: who selects, needs, suggests or excludes
 * whom, and under which condition. JSON form: docs/schema/graph.json. */
#ifndef CRAWLER_LIBRARY_GRAPH_H
#define CRAWLER_LIBRARY_GRAPH_H

#include "common/catalogue.h"
#include "common/layout.h"
#include "crawler/difference.h"

#define LIBRARY_GRAPH_SCHEMA "graph/1"

enum library_edge_kind { EDGE_SELECTS, EDGE_DEPENDS, EDGE_IMPLIES, EDGE_EXCLUDES };

struct library_node {
    const char *name;       /* the micro-library's, or an option's that belongs to none */
    const char *option;     /* what turns it on; NULL: built always */
    const char *repository; /* NULL for an option that belongs to no micro-library */
    const char *kind;       /* "library", "platform", "application", "option", "undefined" */
    strings parts;          /* further micro-libraries of the same folder and option */
    int64_t options, syscalls, files;
    int64_t cost;     /* files, or bytes of text and data where a layout was given */
    int64_t closure;  /* the same, with everything it selects without condition */
    bool dead;        /* nothing can turn it on */
    int64_t cycle;    /* number of the cycle it is in; 0: none */
    strings provides; /* names of the system calls it registers */
};

struct library_edge {
    int64_t from, to;   /* indices into nodes */
    int kind;           /* enum library_edge_kind */
    strings conditions; /* any of them; "" : always */
};

struct library_graph {
    const char *schema, *catalogue, *version;
    const char *unit;                                      /* of cost: "files" or "bytes" */
    VEC(struct library_node) nodes;                        /* by name */
    VEC(struct library_edge) edges;                        /* by from, to, kind */
    VEC(struct library_cycle { strings members; }) cycles; /* by selects and depends */
};

extern const struct jm_type library_graph_type;
extern const char *const library_edge_names[];

/* Builds the whole graph. layout: sizes to weigh with, NULL: source files are counted. */
enum status library_graph_build(struct diag *d, struct arena *a, const struct catalogue *c,
                                const struct layout *layout, struct library_graph *out);

struct library_graph_view {
    strings roots;  /* names of nodes, libraries' options too; empty: everything */
    bool reverse;   /* who needs the roots, instead of what they need */
    int depth;      /* steps from the roots; 0: all */
    unsigned kinds; /* 1 << enum library_edge_kind; 0: all */
};

/* Keeps what the view asks for. STATUS_INPUT: a root that does not exist (near names are given). */
enum status library_graph_select(struct diag *d, struct arena *a, const struct library_graph *graph,
                                 const struct library_graph_view *view, struct library_graph *out);

/* DOT text. */
const char *library_graph_dot(struct arena *a, const struct library_graph *graph);
/* A self-contained page: search, fold, follow, paths. picture: the graph as SVG, NULL for none.
 * difference: from an earlier catalogue to the graph's own, NULL for none. */
const char *library_graph_page(struct arena *a, const struct library_graph *graph,
                               const char *picture, const struct catalogue_difference *difference);

#endif
