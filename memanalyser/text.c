/* SPDX-License-Identifier: BSD-3-Clause */
#include "memanalyser/text.h"
#include <string.h>

static void add_bytes(struct text *t, const char *s, size_t n)
{
    if (t->used + n + 1 > t->capacity) {
        size_t capacity = (t->used + n + 1) * 2;
        t->bytes = arena_grow(t->arena, t->bytes, t->used, capacity);
        t->capacity = capacity;
    }
    memcpy(t->bytes + t->used, s, n);
    t->used += n;
    t->bytes[t->used] = '\0';
}

void text_add(struct text *t, const char *s)
{
    add_bytes(t, s, strlen(s));
}

void text_addf(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    text_add(t, arena_vprintf(t->arena, format, args));
    va_end(args);
}

void text_add_xml(struct text *t, const char *s)
{
    static const struct {
        char c;
        const char *entity;
    } entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}};
    for (; *s; s++) {
        const char *entity = NULL;
        for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
            if (entities[i].c == *s)
                entity = entities[i].entity;
        if (entity)
            text_add(t, entity);
        else
            add_bytes(t, (unsigned char)*s < 0x20 || *s == 0x7f ? "?" : s, 1);
    }
}
