/* SPDX-License-Identifier: BSD-3-Clause
 * A reader that only keeps count of where it is: the text has been accepted by a real parser
 * before, so that nothing but the end of the text needs checking. Grammar: RFC 8259. */
#include "common/jsonwhere.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct cursor {
    const char *text;
    size_t size, at;
};

static char peek(const struct cursor *c)
{
    return c->at < c->size ? c->text[c->at] : '\0';
}

static void skip_space(struct cursor *c)
{
    while (c->at < c->size && strchr(" \t\r\n", c->text[c->at]))
        c->at++;
}

/* The string under the cursor; the quotes are left out of *length bytes at the result. */
static const char *skip_string(struct cursor *c, size_t *length)
{
    size_t from = ++c->at;
    while (c->at < c->size && c->text[c->at] != '"')
        c->at += c->text[c->at] == '\\' ? 2 : 1;
    if (c->at > c->size)
        c->at = c->size;
    *length = c->at - from;
    if (c->at < c->size)
        c->at++;
    return c->text + from;
}

/* Strings may hold brackets, so they are skipped as such; brackets are then counted. */
static void skip_value(struct cursor *c)
{
    int depth = 0;
    size_t length;
    skip_space(c);
    do {
        char now = peek(c);
        if (now == '"') {
            skip_string(c, &length);
        } else if (now == '{' || now == '[') {
            depth++;
            c->at++;
        } else if (now == '}' || now == ']') {
            depth--;
            c->at++;
        } else if (depth || strchr(", \t\r\n", now)) {
            c->at++;
        } else {
            while (c->at < c->size && !strchr(",]} \t\r\n", c->text[c->at]))
                c->at++;
        }
    } while (depth > 0 && c->at < c->size);
}

/* Moves into the member of the object under the cursor; false: not there. */
static bool enter_key(struct cursor *c, const char *key, size_t key_length)
{
    if (peek(c) != '{')
        return false;
    c->at++;
    for (skip_space(c); peek(c) == '"'; skip_space(c)) {
        size_t length;
        const char *name = skip_string(c, &length);
        skip_space(c);
        c->at++; /* ':' */
        skip_space(c);
        if (length == key_length && memcmp(name, key, length) == 0)
            return true;
        skip_value(c);
        skip_space(c);
        if (peek(c) == ',')
            c->at++;
    }
    return false;
}

static bool enter_index(struct cursor *c, unsigned long index)
{
    if (peek(c) != '[')
        return false;
    c->at++;
    for (skip_space(c); c->at < c->size && peek(c) != ']'; skip_space(c)) {
        if (index-- == 0)
            return true;
        skip_value(c);
        skip_space(c);
        if (peek(c) == ',')
            c->at++;
    }
    return false;
}

static struct json_place place_of(const struct cursor *c)
{
    struct json_place place = {.line = 1, .column = 1};
    for (size_t i = 0; i < c->at && i < c->size; i++) {
        place.column++;
        if (c->text[i] == '\n') {
            place.line++;
            place.column = 1;
        }
    }
    return place;
}

bool json_where(const char *text, size_t size, const char *path, struct json_place *place)
{
    struct cursor c = {text, size, 0};
    bool found = true;
    skip_space(&c);
    while (found && *path) {
        struct cursor before = c;
        if (*path == '[') {
            char *end;
            found = enter_index(&c, strtoul(path + 1, &end, 10));
            path = *end == ']' ? end + 1 : end;
        } else {
            size_t length = strcspn(++path, ".[");
            found = enter_key(&c, path, length);
            path += length;
        }
        if (!found)
            c = before;
    }
    *place = place_of(&c);
    return found;
}

void json_keys(const char *text, size_t size,
               bool (*visit)(void *context, const char *key, size_t length,
                             struct json_place place),
               void *context)
{
    struct cursor c = {text, size, 0};
    skip_space(&c);
    if (peek(&c) != '{')
        return;
    c.at++;
    for (skip_space(&c); peek(&c) == '"'; skip_space(&c)) {
        struct json_place place = place_of(&c);
        size_t length;
        const char *name = skip_string(&c, &length);
        if (!visit(context, name, length, place))
            return;
        skip_space(&c);
        c.at++;
        skip_value(&c);
        skip_space(&c);
        if (peek(&c) == ',')
            c.at++;
    }
}
