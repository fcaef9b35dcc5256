/* SPDX-License-Identifier: BSD-3-Clause
 * First fit over one list of free blocks, ordered by address so that neighbours melt together.
 * Compact, and slow once there are many holes. */
#include <core/alloc.h>
#include <stdint.h>

/* Stands before each block; size counts the bytes after it. */
struct block {
    size_t size;
    struct block *next; /* while free; the block's own header while in use */
};

static struct block *first;

static void init(void *base, size_t size)
{
    first = (struct block *)(((uintptr_t)base + 15) & ~(uintptr_t)15);
    first->size = (size - 16 - sizeof *first) & ~(size_t)15;
    first->next = NULL;
}

static void split(struct block *b, size_t size)
{
    if (b->size < size + sizeof *b + 16)
        return;
    struct block *rest = (struct block *)((char *)(b + 1) + size);
    rest->size = b->size - size - sizeof *b;
    rest->next = b->next;
    b->size = size;
    b->next = rest;
}

static void *take(size_t alignment, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    for (struct block **at = &first; *at; at = &(*at)->next) {
        struct block *b = *at;
        uintptr_t start = (uintptr_t)(b + 1);
        uintptr_t p = (start + alignment - 1) & ~(alignment - 1);
        if (p != start && p - start < 2 * sizeof *b)
            p += alignment > 2 * sizeof *b ? alignment : 2 * sizeof *b;
        if (b->size < p - start || b->size - (p - start) < size)
            continue;
        if (p != start) { /* the part before stays free */
            split(b, p - start - sizeof *b);
            at = &b->next;
            b = b->next;
        }
        split(b, size);
        *at = b->next;
        b->next = b;
        return b + 1;
    }
    return NULL;
}

static void melt(struct block *b)
{
    if (b->next && (char *)(b + 1) + b->size == (char *)b->next) {
        b->size += b->next->size + sizeof *b;
        b->next = b->next->next;
    }
}

static void give_back(void *p)
{
    struct block *b = (struct block *)p - 1, *before = NULL, *after = first;
    for (; after && after < b; after = after->next)
        before = after;
    b->next = after;
    if (!before) {
        first = b;
        melt(b);
        return;
    }
    before->next = b;
    melt(b);
    melt(before);
}

static size_t size_of(const void *p)
{
    return ((const struct block *)p - 1)->size;
}

const struct uk_allocator uk_alloclist = {"list", init, take, give_back, size_of};
