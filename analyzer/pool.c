/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/pool.h"
#include <string.h>

/* Small sizes in steps, large ones by powers of two. Sets size to what the class really takes. */
static unsigned class_of(size_t *size)
{
    size_t steps = (*size + POOL_STEP - 1) / POOL_STEP;
    if (!steps)
        steps = 1;
    if (steps <= POOL_SMALL) {
        *size = steps * POOL_STEP;
        return (unsigned)steps - 1;
    }
    unsigned bits = 64 - (unsigned)__builtin_clzll(*size - 1);
    *size = (size_t)1 << bits;
    return POOL_SMALL + bits;
}

void *pool_get(struct pool *p, size_t size)
{
    unsigned class = class_of(&size);
    void *item = p->free[class];
    p->used += size;
    if (p->used > p->most)
        p->most = p->used;
    if (!item)
        return arena_alloc(p->arena, size);
    memcpy(&p->free[class], item, sizeof(void *));
    return item;
}

void pool_put(struct pool *p, void *item, size_t size)
{
    if (!item)
        return;
    unsigned class = class_of(&size);
    p->used -= size;
    memcpy(item, &p->free[class], sizeof(void *));
    p->free[class] = item;
}
