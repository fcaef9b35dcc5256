/* SPDX-License-Identifier: BSD-3-Clause
 * The allocator in use: one of the ukalloc* libraries, set up at boot. */
#ifndef CORE_ALLOC_H
#define CORE_ALLOC_H

#include <stddef.h>

struct uk_allocator {
    const char *name;
    void (*init)(void *base, size_t size);
    /* 16-byte aligned, or more where asked; NULL: no memory. */
    void *(*memalign)(size_t alignment, size_t size);
    void (*free)(void *p);
    /* Usable size of a block. */
    size_t (*size)(const void *p);
};

/* Hands the memory to an allocator; before that every allocation fails. */
void uk_alloc_register(const struct uk_allocator *allocator, void *base, size_t size);

void *uk_malloc(size_t size);
void *uk_memalign(size_t alignment, size_t size);
void *uk_realloc(void *p, size_t size);
void uk_free(void *p);
/* Bytes handed out now and at most, as asked for. */
size_t uk_alloc_peak(void);

#endif
