/* SPDX-License-Identifier: BSD-3-Clause
 * Structs to JSON and back by table. A struct jm_type lists the fields of a C struct; from that one
 * table come the encoder, the checking decoder and the JSON Schema. Every document of the toolchain
 * is described this way (common/profile.c and its siblings). */
#ifndef COMMON_JSONMAP_H
#define COMMON_JSONMAP_H

#include "common/arena.h"
#include "common/diag.h"
#include "common/vec.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum jm_kind {
    JM_STRING,  /* const char *; NULL is written as null (and read back so) if JM_NULLABLE */
    JM_INT,     /* int64_t */
    JM_REAL,    /* double */
    JM_BOOL,    /* bool */
    JM_ADDRESS, /* uint64_t, written as "0x1f00" */
    JM_ENUM,    /* int, an index into names; negative: absent (written as null or left out) */
    JM_FLAGS,   /* unsigned, bit i set <-> names[i] in the array */
    JM_STRINGS, /* strings (common/vec.h) */
    JM_OBJECT,  /* an embedded struct of .type */
    JM_ARRAY,   /* VEC of structs of .type */
    JM_MAP,     /* VEC(struct jm_pair), an object of string values */
};

enum {
    JM_NULLABLE = 1, /* null allowed: a NULL string or negative enum */
    JM_OPTIONAL = 2, /* may be absent; left out when NULL, negative, zero or empty */
};

struct jm_pair {
    const char *key, *value;
};
typedef VEC(struct jm_pair) jm_pairs;

struct jm_type;

struct jm_field {
    const char *name;
    enum jm_kind kind;
    unsigned flags;
    size_t offset;
    const struct jm_type *type; /* JM_OBJECT, JM_ARRAY */
    const char *const *names;   /* JM_ENUM, JM_FLAGS: NULL-terminated */
    const char *description;    /* for the schema */
};

struct jm_type {
    const char *name; /* "profile" */
    const char *description;
    size_t size; /* sizeof the struct */
    const struct jm_field *fields;
    size_t count;
};

/* JM_FIELD(struct foo, "json_name", member, JM_STRING, .flags = JM_NULLABLE) */
#define JM_FIELD(struct_type, name_, member, kind_, ...)                                           \
    {                                                                                              \
        .name = (name_), .kind = (kind_), .offset = offsetof(struct_type, member), __VA_ARGS__     \
    }
#define JM_TYPE(struct_type, name_, description_, fields_)                                         \
    {                                                                                              \
        .name = (name_), .description = (description_), .size = sizeof(struct_type),               \
        .fields = (fields_), .count = sizeof(fields_) / sizeof((fields_)[0])                       \
    }

/* A new JSON object; the caller owns it. Strings that are not UTF-8 have their bad bytes replaced.
 */
json_t *jm_encode(const struct jm_type *type, const void *value);
/* The same as text, indented by two, with a newline at its end (which size counts, not the NUL
 * behind it); in the arena. */
char *jm_text(struct arena *a, const struct jm_type *type, const void *value, size_t *size);
/* Whether a field is left out where it may be. */
bool jm_field_empty(const struct jm_field *f, const void *at);
/* Fills *value (zeroed by the caller, type->size bytes) from JSON; strings are copied into the
 * arena. A missing, mistyped or unknown-valued field fails with STATUS_INPUT and its path
 * ("FILE: .static.syscalls[3].number: an integer was expected"). Unknown keys are ignored, so that
 * newer documents stay readable. where: what the message calls the source. */
enum status jm_decode(const struct jm_type *type, const json_t *json, void *value, struct arena *a,
                      struct diag *d, const char *where);
/* The JSON Schema (draft 2020-12) of a document; the caller owns it. */
json_t *jm_schema(const struct jm_type *type);

#endif
