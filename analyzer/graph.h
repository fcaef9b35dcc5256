/* SPDX-License-Identifier: BSD-3-Clause
 * Reading the engine's graph: what is reached from where, and by which path. */
#ifndef ANALYZER_GRAPH_H
#define ANALYZER_GRAPH_H

#include "analyzer/engine.h"
#include "common/profile.h"

/* A breadth-first walk. Marks and parents are indexed by node id. */
struct walk {
    struct engine *engine;
    struct arena *arena; /* of what follows: the engine's, unless the walk is soon over */
    size_t nodes;        /* there were when it began */
    unsigned char *reached;
    struct node **parent;     /* NULL for a root */
    const struct edge **via;  /* the parent's edge */
    VEC(struct node *) order; /* nodes in the order reached */
    /* Whether to follow an edge; NULL: all. */
    bool (*follow)(void *context, const struct node *from, const struct edge *edge);
    void *context;
};

void walk_init(struct walk *w, struct engine *e);
void walk_init_in(struct walk *w, struct engine *e, struct arena *a);
void walk_from(struct walk *w, struct node *root);
/* Follows everything not yet followed. */
void walk_run(struct walk *w);

/* The object a node is in; NULL for a root. */
struct object *graph_object(const struct node *n);
/* Name of a function: its symbol, or "fn_<hex>". In the arena or the symbol table. */
const char *graph_function_name(struct engine *e, const struct object *o, uint64_t address);
/* The path from a root to the instruction at `at` of a node. */
void graph_evidence(const struct walk *w, const struct node *n, uint64_t at,
                    struct profile_syscall *out);
/* The same, one step per line with how each was bound. */
void graph_print(const struct walk *w, const struct node *n, uint64_t at);

#endif
