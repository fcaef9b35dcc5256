/* SPDX-License-Identifier: BSD-3-Clause
 * The text of a document straight from its struct, byte for byte what jansson writes of
 * jm_encode()'s tree with an indentation of two: for documents written at the end of runs that
 * take a few milliseconds in all. */
#include "common/jsonmap.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 32 * 1024 };

struct text {
    struct arena *arena;
    char *data;
    size_t used, room;
    unsigned depth;
};

static void put(struct text *t, const char *bytes, size_t size)
{
    if (t->room - t->used < size) {
        t->room = (t->used + size) * 2;
        t->data = arena_grow(t->arena, t->data, t->used, t->room);
    }
    memcpy(t->data + t->used, bytes, size);
    t->used += size;
}

static void put_text(struct text *t, const char *text)
{
    put(t, text, strlen(text));
}

static void new_line(struct text *t)
{
    static const char spaces[] = "\n                                                            ";
    put(t, spaces, 1);
    for (size_t left = 2 * (size_t)t->depth, part; left; left -= part) {
        part = left < sizeof spaces - 2 ? left : sizeof spaces - 2;
        put(t, spaces + 1, part);
    }
}

/* Before a member of a list; first: it has none before it. */
static void next(struct text *t, bool first)
{
    if (!first)
        put(t, ",", 1);
    new_line(t);
}

static void open_list(struct text *t, const char *bracket)
{
    put(t, bracket, 1);
    t->depth++;
}

static void close_list(struct text *t, bool empty, const char *bracket)
{
    t->depth--;
    if (!empty)
        new_line(t);
    put(t, bracket, 1);
}

/* ---- strings ---- */

/* How many bytes the character at p takes; 0: it is not UTF-8 (RFC 3629). */
static size_t character(const unsigned char *p)
{
    size_t size = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;
    for (size_t i = 1; i < size; i++)
        if ((p[i] & 0xc0) != 0x80) /* so the string's end is never passed */
            return 0;
    if (size == 3 && ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f)))
        return 0;
    if (size == 4 && ((*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f)))
        return 0;
    return size;
}

static bool is_utf8(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        size_t size = character(p);
        if (!size)
            return false;
        p += size;
    }
    return true;
}

static void put_escaped(struct text *t, unsigned char c)
{
    static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    char code[8];
    for (const char *l = letters; *l; l += 2)
        if ((unsigned char)l[0] == c) {
            code[0] = '\\';
            code[1] = l[1];
            put(t, code, 2);
            return;
        }
    snprintf(code, sizeof code, "\\u%04X", c);
    put_text(t, code);
}

static void put_string(struct text *t, const char *text)
{
    bool good = is_utf8(text);
    put(t, "\"", 1);
    while (*text) {
        size_t plain = 0;
        while ((unsigned char)text[plain] >= 0x20 && text[plain] != '"' && text[plain] != '\\' &&
               (good || (unsigned char)text[plain] < 0x80))
            plain++;
        put(t, text, plain);
        text += plain;
        if (!*text)
            break;
        if ((unsigned char)*text >= 0x80)
            put(t, "?", 1);
        else
            put_escaped(t, (unsigned char)*text);
        text++;
    }
    put(t, "\"", 1);
}

/* ---- values ---- */

static void put_object(struct text *t, const struct jm_type *type, const void *value);

/* Rare, and jansson has rules of its own for them. */
static void put_real(struct text *t, double value)
{
    json_t *json = json_real(value);
    char *text = json ? json_dumps(json, JSON_ENCODE_ANY) : NULL;
    put_text(t, text ? text : "null");
    free(text);
    json_decref(json);
}

/* In base 10 or 16, without the detour over a format. */
static void put_number(struct text *t, uint64_t value, unsigned base)
{
    char digits[24], *p = digits + sizeof digits;
    do {
        *--p = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    put(t, p, (size_t)(digits + sizeof digits - p));
}

static void put_integer(struct text *t, int64_t value)
{
    if (value < 0)
        put(t, "-", 1);
    put_number(t, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10);
}

static void put_address(struct text *t, uint64_t value)
{
    put(t, "\"0x", 3);
    put_number(t, value, 16);
    put(t, "\"", 1);
}

static void put_flags(struct text *t, unsigned bits, const char *const *names)
{
    bool first = true;
    open_list(t, "[");
    for (unsigned i = 0; names[i]; i++) {
        if (!(bits & (1u << i)))
            continue;
        next(t, first);
        first = false;
        put_string(t, names[i]);
    }
    close_list(t, first, "]");
}

static void put_strings(struct text *t, const strings *list)
{
    open_list(t, "[");
    for (size_t i = 0; i < list->count; i++) {
        next(t, i == 0);
        put_string(t, list->items[i]);
    }
    close_list(t, !list->count, "]");
}

static void put_array(struct text *t, const struct jm_type *type, const struct vec_any *v)
{
    open_list(t, "[");
    for (size_t i = 0; i < v->count; i++) {
        next(t, i == 0);
        put_object(t, type, (const char *)v->items + i * type->size);
    }
    close_list(t, !v->count, "]");
}

/* A key that comes again has its last value, in its first place. Those that are not UTF-8 are left
 * out. */
static void put_map(struct text *t, const jm_pairs *pairs)
{
    bool first = true;
    open_list(t, "{");
    for (size_t i = 0; i < pairs->count; i++) {
        const char *key = pairs->items[i].key, *value = pairs->items[i].value;
        bool before = false;
        for (size_t k = 0; k < i && !before; k++)
            before = strcmp(pairs->items[k].key, key) == 0;
        if (before || !is_utf8(key))
            continue;
        for (size_t k = i + 1; k < pairs->count; k++)
            if (strcmp(pairs->items[k].key, key) == 0)
                value = pairs->items[k].value;
        next(t, first);
        first = false;
        put_string(t, key);
        put(t, ": ", 2);
        put_string(t, value);
    }
    close_list(t, first, "}");
}

static void put_field(struct text *t, const struct jm_field *f, const void *at)
{
    switch (f->kind) {
    case JM_STRING:
        if (*(const char *const *)at)
            put_string(t, *(const char *const *)at);
        else
            put_text(t, "null");
        break;
    case JM_INT:
        put_integer(t, *(const int64_t *)at);
        break;
    case JM_REAL:
        put_real(t, *(const double *)at);
        break;
    case JM_BOOL:
        put_text(t, *(const bool *)at ? "true" : "false");
        break;
    case JM_ADDRESS:
        put_address(t, *(const uint64_t *)at);
        break;
    case JM_ENUM:
        if (*(const int *)at < 0)
            put_text(t, "null");
        else
            put_string(t, f->names[*(const int *)at]);
        break;
    case JM_FLAGS:
        put_flags(t, *(const unsigned *)at, f->names);
        break;
    case JM_STRINGS:
        put_strings(t, at);
        break;
    case JM_OBJECT:
        put_object(t, f->type, at);
        break;
    case JM_ARRAY:
        put_array(t, f->type, at);
        break;
    case JM_MAP:
        put_map(t, at);
        break;
    }
}

static void put_object(struct text *t, const struct jm_type *type, const void *value)
{
    bool first = true;
    open_list(t, "{");
    for (size_t i = 0; i < type->count; i++) {
        const struct jm_field *f = &type->fields[i];
        const void *at = (const char *)value + f->offset;
        if ((f->flags & JM_OPTIONAL) && jm_field_empty(f, at))
            continue;
        if (f->kind == JM_REAL && !isfinite(*(const double *)at)) /* JSON has no such numbers */
            continue;
        next(t, first);
        first = false;
        put_string(t, f->name);
        put(t, ": ", 2);
        put_field(t, f, at);
    }
    close_list(t, first, "}");
}

char *jm_text(struct arena *a, const struct jm_type *type, const void *value, size_t *size)
{
    struct text t = {.arena = a, .data = arena_alloc(a, FIRST_ROOM), .room = FIRST_ROOM};
    put_object(&t, type, value);
    put(&t, "\n", 2); /* and the NUL */
    *size = t.used - 1;
    return t.data;
}
