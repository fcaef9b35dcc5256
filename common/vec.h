/* SPDX-License-Identifier: BSD-3-Clause
 * Growable arrays in an arena. VEC(type) declares one; an all-zero one is empty. All VECs have the
 * same memory layout (struct vec_any), which common/jsonmap.h relies on. */
#ifndef COMMON_VEC_H
#define COMMON_VEC_H

#include "common/arena.h"

#define VEC(type)                                                                                  \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t count, capacity;                                                                    \
    }

/* may_alias: the compiler must not assume that a store through it leaves the real VEC alone. */
struct __attribute__((may_alias)) vec_any {
    void *items;
    size_t count, capacity;
};

/* Makes room for one more element of size bytes and returns its (zeroed) place. */
static inline void *vec_extend(struct arena *a, void *vec, size_t size)
{
    struct vec_any *v = vec;
    if (v->count == v->capacity) {
        size_t capacity = v->capacity ? v->capacity * 2 : 2;
        v->items = arena_grow(a, v->items, v->count * size, capacity * size);
        v->capacity = capacity;
    }
    return (char *)v->items + v->count++ * size;
}

/* Appends a zeroed element and gives its address: struct foo *f = vec_add(arena, &v); */
#ifdef __cppcheck__ /* which cannot parse typeof of an expression */
#define vec_add(arena, v) vec_extend((arena), (v), sizeof *(v)->items)
#else
#define vec_add(arena, v) ((__typeof__((v)->items))vec_extend((arena), (v), sizeof *(v)->items))
#endif
/* Appends a copy of value. */
#define vec_push(a, v, value)                                                                      \
    do {                                                                                           \
        vec_extend((a), (v), sizeof *(v)->items);                                                  \
        (v)->items[(v)->count - 1] = (value);                                                      \
    } while (0)
/* for (each pointer in the vector) */
#ifdef __cppcheck__
#define vec_each(item, v)                                                                          \
    for (__auto_type item = (v)->items; item != (v)->items + (v)->count; item++)
#else
#define vec_each(item, v)                                                                          \
    for (__typeof__((v)->items + 0) item = (v)->items, item##_end = item + (v)->count;             \
         item != item##_end; item++)
#endif
/* Sorts with a qsort comparator. */
#define vec_sort(v, compare)                                                                       \
    do {                                                                                           \
        if ((v)->count > 1)                                                                        \
            qsort((v)->items, (v)->count, sizeof *(v)->items, (compare));                          \
    } while (0)

typedef VEC(const char *) strings;

#endif
