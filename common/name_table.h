/* SPDX-License-Identifier: BSD-3-Clause
 * Names to indices, by hashing. */
#ifndef COMMON_NAME_TABLE_H
#define COMMON_NAME_TABLE_H

#include "common/vec.h"
#include <stdbool.h>

struct name_entry {
    const char *name;
    size_t value;
};

struct name_table {
    struct arena *arena;
    struct name_entry *slots;
    size_t capacity, count;
};

void name_table_init(struct name_table *t, struct arena *a);
/* The value kept for name; the given one is kept where there was none (*added). The name is not
 * copied. */
size_t name_table_add(struct name_table *t, const char *name, size_t value, bool *added);
/* value may be NULL. */
bool name_table_find(const struct name_table *t, const char *name, size_t *value);

#endif
