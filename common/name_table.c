/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/name_table.h"
#include <string.h>

static size_t hash(const char *name)
{
    size_t h = 1469598103934665603u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 1099511628211u;
    return h;
}

void name_table_init(struct name_table *t, struct arena *a)
{
    *t = (struct name_table){.arena = a, .capacity = 64};
    t->slots = arena_array(a, t->capacity, sizeof *t->slots);
}

static struct name_entry *slot(const struct name_table *t, const char *name)
{
    size_t i = hash(name) & (t->capacity - 1);
    while (t->slots[i].name && strcmp(t->slots[i].name, name) != 0)
        i = (i + 1) & (t->capacity - 1);
    return &t->slots[i];
}

static void grow(struct name_table *t)
{
    struct name_table larger = {.arena = t->arena, .capacity = t->capacity * 2, .count = t->count};
    larger.slots = arena_array(t->arena, larger.capacity, sizeof *larger.slots);
    for (size_t i = 0; i < t->capacity; i++)
        if (t->slots[i].name)
            *slot(&larger, t->slots[i].name) = t->slots[i];
    *t = larger;
}

size_t name_table_add(struct name_table *t, const char *name, size_t value, bool *added)
{
    if (2 * t->count >= t->capacity)
        grow(t);
    struct name_entry *e = slot(t, name);
    *added = !e->name;
    if (*added) {
        *e = (struct name_entry){name, value};
        t->count++;
    }
    return e->value;
}

bool name_table_find(const struct name_table *t, const char *name, size_t *value)
{
    const struct name_entry *e = slot(t, name);
    if (e->name && value)
        *value = e->value;
    return e->name != NULL;
}
