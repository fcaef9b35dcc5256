/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CRAWLER_LIBRARY_FOLD_H
#define CRAWLER_LIBRARY_FOLD_H

#include "crawler/library_graph.h"

/* Nodes drawn as one box, as they have the same relations. */
struct fold_box {
    VEC(size_t) members; /* indices of nodes */
    strings marks;       /* names of hubs that they refer to, in place of edges */
    bool hub;            /* much used: others carry its name as a mark */
    bool joined;         /* has edges */
};
struct fold_edge {
    size_t from, to; /* boxes */
    const struct library_edge *edge;
};
struct fold {
    VEC(struct fold_box) boxes;
    VEC(struct fold_edge) edges;
    size_t *box_of; /* by node */
};

/* What to draw of a graph too crowded to be drawn whole. Exclusions are left out. */
void library_fold(struct arena *a, const struct library_graph *graph, struct fold *out);

#endif
