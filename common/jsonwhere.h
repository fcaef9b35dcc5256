/* SPDX-License-Identifier: BSD-3-Clause
 * Where in a JSON text a value stands, for messages about documents that people write by hand. */
#ifndef COMMON_JSONWHERE_H
#define COMMON_JSONWHERE_H

#include <stdbool.h>
#include <stddef.h>

struct json_place {
    int line, column; /* both from 1; columns count bytes */
};

/* Finds the value at path (".listCommands[2]", ".a.b") in text, which must be valid JSON. A path
 * whose last key is absent gives false and the place of the object that lacks it. */
bool json_where(const char *text, size_t size, const char *path, struct json_place *place);

/* Calls visit for each key of the outermost object; stops when it returns false. */
void json_keys(const char *text, size_t size,
               bool (*visit)(void *context, const char *key, size_t length,
                             struct json_place place),
               void *context);

#endif
