/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/arena.h"
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Blocks double in size: large ones come from the kernel as zeroed pages, which calloc() knows. */
enum { BLOCK_SIZE = 64 * 1024, LARGEST_BLOCK = 4 << 20 };

struct block {
    struct block *next;
    size_t used, size;
    bool zeroed;
    alignas(max_align_t) unsigned char data[];
};

struct deferred {
    struct deferred *next;
    void (*release)(void *resource);
    void *resource;
};

struct arena {
    struct block *head;
    size_t next;               /* bytes of the next block */
    struct deferred *deferred; /* in the arena's own blocks */
};

static void out_of_memory(size_t size)
{
    fprintf(stderr, "toolchain: out of memory (%zu bytes asked for)\n", size);
    abort();
}

struct arena *arena_new(void)
{
    struct arena *a = calloc(1, sizeof *a);
    if (!a)
        out_of_memory(sizeof *a);
    a->next = BLOCK_SIZE;
    return a;
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    for (struct deferred *r = a->deferred; r; r = r->next)
        r->release(r->resource);
    for (struct block *b = a->head, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(a);
}

static size_t aligned(size_t size)
{
    return (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > SIZE_MAX / 2)
        out_of_memory(size);
    size = aligned(size);
    struct block *b = a->head;
    if (!b || b->size - b->used < size) {
        size_t room = size > a->next / 4 ? size : a->next;
        /* Most first blocks are never filled: their pages stay untouched. */
        bool zeroed = room != BLOCK_SIZE;
        struct block *fresh =
            zeroed ? calloc(1, sizeof *fresh + room) : malloc(sizeof *fresh + room);
        if (!fresh)
            out_of_memory(room);
        fresh->used = 0;
        fresh->size = room;
        fresh->zeroed = zeroed;
        if (room == a->next && room < LARGEST_BLOCK)
            a->next *= 2;
        if (room == size && b) { /* a block of its own, behind the one still being filled */
            fresh->next = b->next;
            b->next = fresh;
        } else {
            fresh->next = b;
            a->head = fresh;
        }
        b = fresh;
    }
    void *p = b->data + b->used;
    b->used += size;
    if (!b->zeroed)
        memset(p, 0, size);
    return p;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        out_of_memory(SIZE_MAX);
    return arena_alloc(a, total);
}

/* What was allocated last grows where it is. */
static bool grow_in_place(struct arena *a, const void *old, size_t old_size, size_t new_size)
{
    struct block *b = a->head;
    size_t size = aligned(old_size), more = aligned(new_size) - size;
    if (!b || !size || (const unsigned char *)old + size != b->data + b->used ||
        b->size - b->used < more || new_size < old_size)
        return false;
    if (!b->zeroed)
        memset(b->data + b->used, 0, more);
    b->used += more;
    return true;
}

void *arena_grow(struct arena *a, const void *old, size_t old_size, size_t new_size)
{
    if (new_size < SIZE_MAX / 2 && grow_in_place(a, old, old_size, new_size))
        return (void *)(uintptr_t)old;
    void *p = arena_alloc(a, new_size);
    if (old_size)
        memcpy(p, old, old_size);
    return p;
}

void arena_defer(struct arena *a, void (*release)(void *resource), void *resource)
{
    struct deferred *r = ARENA_NEW(a, struct deferred);
    *r = (struct deferred){a->deferred, release, resource};
    a->deferred = r;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    size_t length = strnlen(s, n);
    char *p = arena_alloc(a, length + 1);
    memcpy(p, s, length);
    return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *p = arena_alloc(a, (size_t)length + 1);
    vsnprintf(p, (size_t)length + 1, format, args);
    return p;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *p = arena_vprintf(a, format, args);
    va_end(args);
    return p;
}
