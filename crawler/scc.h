/* SPDX-License-Identifier: BSD-3-Clause
 * Private to crawler/: strongly connected components (Tarjan 1972), without recursion. */
#ifndef CRAWLER_SCC_H
#define CRAWLER_SCC_H

#include "common/vec.h"

struct scc_edge {
    size_t from, to;
};

struct scc {
    struct arena *arena;
    size_t nodes, components;
    VEC(struct scc_edge) edges;
    size_t *component; /* of each node; components are numbered so that edges lead to lower ones */
};

void scc_init(struct scc *s, struct arena *a, size_t nodes);
void scc_edge(struct scc *s, size_t from, size_t to);
void scc_run(struct scc *s);

#endif
