/* SPDX-License-Identifier: BSD-3-Clause
 * Cells of power-of-two sizes, carved from the top of memory in slabs, kept in a list per size.
 * Large blocks too are powers of two. A header of 16 bytes stands before each cell. */
#include <core/alloc.h>
#include <stdint.h>

enum { SIZES = 48, SMALLEST = 5, SLAB = 16384, HEADER = 16 };

struct cell {
    struct cell *next;
};
static struct cell *cells[SIZES];
static uintptr_t next, limit;

static void init(void *base, size_t size)
{
    next = ((uintptr_t)base + HEADER - 1) & ~(uintptr_t)(HEADER - 1);
    limit = (uintptr_t)base + size;
}

/* More cells of a size; a whole slab of small ones at a time. */
static int refill(unsigned kind)
{
    size_t cell = (size_t)1 << kind, size = cell < SLAB ? SLAB : cell;
    if (size > limit - next)
        size = cell;
    if (size > limit - next)
        return -1;
    for (uintptr_t p = next; p < next + size; p += cell) {
        struct cell *c = (struct cell *)p;
        c->next = cells[kind];
        cells[kind] = c;
    }
    next += size;
    return 0;
}

static void *take(size_t alignment, size_t size)
{
    unsigned kind = SMALLEST;
    size_t whole = size + HEADER + (alignment > 16 ? alignment : 0);
    while (((size_t)1 << kind) < whole)
        kind++;
    if (kind >= SIZES || (!cells[kind] && refill(kind) < 0))
        return NULL;
    struct cell *c = cells[kind];
    cells[kind] = c->next;
    uintptr_t p = ((uintptr_t)c + HEADER + alignment - 1) & ~(alignment - 1);
    ((uintptr_t *)p)[-1] = (uintptr_t)c;
    ((uintptr_t *)p)[-2] = kind;
    return (void *)p;
}

static void give_back(void *p)
{
    struct cell *c = (struct cell *)((uintptr_t *)p)[-1];
    unsigned kind = (unsigned)((uintptr_t *)p)[-2];
    c->next = cells[kind];
    cells[kind] = c;
}

static size_t size_of(const void *p)
{
    const uintptr_t *words = p;
    return ((size_t)1 << words[-2]) - ((uintptr_t)p - words[-1]);
}

extern const struct uk_allocator slab_allocator;
const struct uk_allocator slab_allocator = {"slab", init, take, give_back, size_of};
