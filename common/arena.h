/* SPDX-License-Identifier: BSD-3-Clause
 * Region allocation: one arena per analysis, freed at once. Allocation never returns NULL: running
 * out of memory ends the program with a message, as no caller could do better. Not thread-safe. */
#ifndef COMMON_ARENA_H
#define COMMON_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct arena *arena_new(void);
/* Frees everything allocated from it. NULL is allowed. */
void arena_free(struct arena *a);
/* Zeroed memory, aligned for any type. size in bytes; 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t size);
/* count elements of size bytes, the product checked for overflow. */
void *arena_array(struct arena *a, size_t count, size_t size);
/* An arena block made larger: where it is, if it was allocated last, else a copy; the old block
 * then stays until the arena goes (see common/vec.h). */
void *arena_grow(struct arena *a, const void *old, size_t old_size, size_t new_size);
/* Has release(resource) called when the arena is freed, the latest first (a mapping, a handle). */
void arena_defer(struct arena *a, void (*release)(void *resource), void *resource);
char *arena_strdup(struct arena *a, const char *s);
/* The first n bytes of s, terminated. */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *format, va_list args);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))

#endif
