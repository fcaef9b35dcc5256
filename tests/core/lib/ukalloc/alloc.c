/* SPDX-License-Identifier: BSD-3-Clause */
#include <core/alloc.h>
#include <string.h>

static const struct uk_allocator *allocator;
static size_t in_use, peak;

void uk_alloc_register(const struct uk_allocator *chosen, void *base, size_t size)
{
    chosen->init(base, size);
    allocator = chosen;
}

void *uk_memalign(size_t alignment, size_t size)
{
    if (!allocator || size > (size_t)1 << 46)
        return NULL;
    void *p = allocator->memalign(alignment < 16 ? 16 : alignment, size ? size : 1);
    if (p) {
        in_use += allocator->size(p);
        peak = in_use > peak ? in_use : peak;
    }
    return p;
}

void *uk_malloc(size_t size)
{
    return uk_memalign(16, size);
}

void uk_free(void *p)
{
    if (p) {
        in_use -= allocator->size(p);
        allocator->free(p);
    }
}

void *uk_realloc(void *p, size_t size)
{
    if (!p)
        return uk_malloc(size);
    size_t old = allocator->size(p);
    if (size <= old)
        return p;
    void *fresh = uk_malloc(size);
    if (fresh) {
        memcpy(fresh, p, old);
        uk_free(p);
    }
    return fresh;
}

size_t uk_alloc_peak(void)
{
    return peak;
}
