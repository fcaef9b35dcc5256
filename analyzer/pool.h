/* SPDX-License-Identifier: BSD-3-Clause
 * Private to the analyzer: memory of an arena that is given back and used again, by size. */
#ifndef ANALYZER_POOL_H
#define ANALYZER_POOL_H

#include "common/arena.h"

enum { POOL_STEP = 16, POOL_SMALL = 64, POOL_CLASSES = POOL_SMALL + 64 };

struct pool {
    struct arena *arena;
    void *free[POOL_CLASSES]; /* linked through their first word */
    size_t used, most;        /* bytes */
};

/* size bytes with any contents; never NULL. */
void *pool_get(struct pool *p, size_t size);
/* Gives back what pool_get() gave for the same size; NULL is allowed. */
void pool_put(struct pool *p, void *item, size_t size);

#endif
