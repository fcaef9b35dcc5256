/* SPDX-License-Identifier: BSD-3-Clause
 * The smallest and fastest allocator: a pointer that moves up. Memory given back is lost. */
#include <core/alloc.h>
#include <stdint.h>

static uintptr_t next, limit;

static void init(void *base, size_t size)
{
    next = (uintptr_t)base;
    limit = next + size;
}

static void *take(size_t alignment, size_t size)
{
    uintptr_t p = (next + sizeof(size_t) + alignment - 1) & ~(alignment - 1);
    if (p > limit || size > limit - p)
        return NULL;
    ((size_t *)p)[-1] = size;
    next = p + size;
    return (void *)p;
}

static void give_back(void *p)
{
    (void)p;
}

static size_t size_of(const void *p)
{
    return ((const size_t *)p)[-1];
}

const struct uk_allocator uk_allocbump = {"bump", init, take, give_back, size_of};
