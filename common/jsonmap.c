/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/jsonmap.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- encoding ---- */

/* jansson refuses strings that are not UTF-8; names in ELF files may hold any byte. Bytes outside
 * ASCII that do not form UTF-8 become '?'. */
static json_t *text(const char *s)
{
    json_t *value = json_string(s);
    if (value)
        return value;
    char *copy = strdup(s);
    if (!copy)
        return json_null();
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    value = json_string(copy);
    free(copy);
    return value;
}

static json_t *encode_flags(unsigned bits, const char *const *names)
{
    json_t *array = json_array();
    for (unsigned i = 0; names[i]; i++)
        if (bits & (1u << i))
            json_array_append_new(array, json_string(names[i]));
    return array;
}

static json_t *encode_array(const struct jm_type *type, const struct vec_any *v)
{
    json_t *array = json_array();
    for (size_t i = 0; i < v->count; i++)
        json_array_append_new(array, jm_encode(type, (const char *)v->items + i * type->size));
    return array;
}

static json_t *encode_field(const struct jm_field *f, const void *at)
{
    char hex[32];
    switch (f->kind) {
    case JM_STRING:
        return *(const char *const *)at ? text(*(const char *const *)at) : json_null();
    case JM_INT:
        return json_integer(*(const int64_t *)at);
    case JM_REAL:
        return json_real(*(const double *)at);
    case JM_BOOL:
        return json_boolean(*(const bool *)at);
    case JM_ADDRESS:
        snprintf(hex, sizeof hex, "0x%llx", (unsigned long long)*(const uint64_t *)at);
        return json_string(hex);
    case JM_ENUM:
        return *(const int *)at < 0 ? json_null() : json_string(f->names[*(const int *)at]);
    case JM_FLAGS:
        return encode_flags(*(const unsigned *)at, f->names);
    case JM_STRINGS: {
        const strings *list = at;
        json_t *array = json_array();
        for (size_t i = 0; i < list->count; i++)
            json_array_append_new(array, text(list->items[i]));
        return array;
    }
    case JM_OBJECT:
        return jm_encode(f->type, at);
    case JM_ARRAY:
        return encode_array(f->type, at);
    case JM_MAP: {
        const jm_pairs *pairs = at;
        json_t *object = json_object();
        for (size_t i = 0; i < pairs->count; i++)
            json_object_set_new(object, pairs->items[i].key, text(pairs->items[i].value));
        return object;
    }
    }
    return json_null();
}

bool jm_field_empty(const struct jm_field *f, const void *at)
{
    switch (f->kind) {
    case JM_STRING:
        return !*(const char *const *)at;
    case JM_INT:
        return !*(const int64_t *)at;
    case JM_REAL:
        return *(const double *)at == 0;
    case JM_BOOL:
        return !*(const bool *)at;
    case JM_ADDRESS:
        return !*(const uint64_t *)at;
    case JM_ENUM:
        return *(const int *)at < 0;
    case JM_FLAGS:
        return !*(const unsigned *)at;
    case JM_STRINGS:
    case JM_ARRAY:
    case JM_MAP:
        return !((const struct vec_any *)at)->count;
    case JM_OBJECT:
        return false;
    }
    return false;
}

json_t *jm_encode(const struct jm_type *type, const void *value)
{
    json_t *object = json_object();
    for (size_t i = 0; i < type->count; i++) {
        const struct jm_field *f = &type->fields[i];
        const void *at = (const char *)value + f->offset;
        if ((f->flags & JM_OPTIONAL) && jm_field_empty(f, at))
            continue;
        json_object_set_new(object, f->name, encode_field(f, at));
    }
    return object;
}

/* ---- decoding ---- */

struct decoder {
    struct arena *arena;
    struct diag *diag;
    const char *where;
    char path[512];
};

static enum status decode_type(struct decoder *dec, const struct jm_type *type, const json_t *json,
                               void *value);

static enum status wrong(struct decoder *dec, const char *expected)
{
    return diag_fail(dec->diag, STATUS_INPUT, "%s: %s: %s was expected", dec->where,
                     dec->path[0] ? dec->path : ".", expected);
}

static int name_index(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static enum status wrong_name(struct decoder *dec, const char *const *names)
{
    char list[512] = "one of";
    for (int i = 0; names[i]; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, " \"%s\"", names[i]);
    }
    return wrong(dec, list);
}

static enum status decode_flags(struct decoder *dec, const struct jm_field *f, const json_t *json,
                                unsigned *bits)
{
    if (!json_is_array(json))
        return wrong(dec, "an array of names");
    for (size_t i = 0; i < json_array_size(json); i++) {
        const char *name = json_string_value(json_array_get(json, i));
        int index = name ? name_index(f->names, name) : -1;
        if (index < 0)
            return wrong_name(dec, f->names);
        *bits |= 1u << index;
    }
    return STATUS_OK;
}

static enum status decode_array(struct decoder *dec, const struct jm_field *f, const json_t *json,
                                struct vec_any *v)
{
    if (!json_is_array(json))
        return wrong(dec, "an array");
    size_t length = strlen(dec->path);
    for (size_t i = 0; i < json_array_size(json); i++) {
        void *item = vec_extend(dec->arena, v, f->type->size);
        snprintf(dec->path + length, sizeof dec->path - length, "[%zu]", i);
        enum status status = decode_type(dec, f->type, json_array_get(json, i), item);
        if (status)
            return status;
    }
    dec->path[length] = '\0';
    return STATUS_OK;
}

static enum status decode_strings(struct decoder *dec, const json_t *json, strings *list)
{
    if (!json_is_array(json))
        return wrong(dec, "an array of strings");
    size_t length = strlen(dec->path);
    for (size_t i = 0; i < json_array_size(json); i++) {
        const char *s = json_string_value(json_array_get(json, i));
        if (!s) {
            snprintf(dec->path + length, sizeof dec->path - length, "[%zu]", i);
            return wrong(dec, "a string");
        }
        vec_push(dec->arena, list, arena_strdup(dec->arena, s));
    }
    return STATUS_OK;
}

static enum status decode_map(struct decoder *dec, const json_t *json, jm_pairs *pairs)
{
    if (!json_is_object(json))
        return wrong(dec, "an object of strings");
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)json, key, value) {
        if (!json_is_string(value))
            return wrong(dec, "an object of strings");
        struct jm_pair *pair = vec_add(dec->arena, pairs);
        pair->key = arena_strdup(dec->arena, key);
        pair->value = arena_strdup(dec->arena, json_string_value(value));
    }
    return STATUS_OK;
}

static enum status decode_address(struct decoder *dec, const json_t *json, uint64_t *out)
{
    const char *s = json_string_value(json);
    char *end = NULL;
    errno = 0;
    if (s && strncmp(s, "0x", 2) == 0)
        *out = strtoull(s, &end, 16);
    if (!end || *end || end == s || errno)
        return wrong(dec, "an address (\"0x...\")");
    return STATUS_OK;
}

static enum status decode_field(struct decoder *dec, const struct jm_field *f, const json_t *json,
                                void *at)
{
    switch (f->kind) {
    case JM_STRING:
        if (!json_is_string(json))
            return wrong(dec, "a string");
        *(const char **)at = arena_strdup(dec->arena, json_string_value(json));
        return STATUS_OK;
    case JM_INT:
        if (!json_is_integer(json))
            return wrong(dec, "an integer");
        *(int64_t *)at = json_integer_value(json);
        return STATUS_OK;
    case JM_REAL:
        if (!json_is_number(json))
            return wrong(dec, "a number");
        *(double *)at = json_number_value(json);
        return STATUS_OK;
    case JM_BOOL:
        if (!json_is_boolean(json))
            return wrong(dec, "true or false");
        *(bool *)at = json_is_true(json);
        return STATUS_OK;
    case JM_ADDRESS:
        return decode_address(dec, json, at);
    case JM_ENUM: {
        const char *name = json_string_value(json);
        *(int *)at = name ? name_index(f->names, name) : -1;
        return *(int *)at < 0 ? wrong_name(dec, f->names) : STATUS_OK;
    }
    case JM_FLAGS:
        return decode_flags(dec, f, json, at);
    case JM_STRINGS:
        return decode_strings(dec, json, at);
    case JM_OBJECT:
        return decode_type(dec, f->type, json, at);
    case JM_ARRAY:
        return decode_array(dec, f, json, at);
    case JM_MAP:
        return decode_map(dec, json, at);
    }
    return wrong(dec, "something else");
}

static enum status decode_type(struct decoder *dec, const struct jm_type *type, const json_t *json,
                               void *value)
{
    if (!json_is_object(json))
        return wrong(dec, "an object");
    size_t length = strlen(dec->path);
    for (size_t i = 0; i < type->count; i++) {
        const struct jm_field *f = &type->fields[i];
        void *at = (char *)value + f->offset;
        const json_t *member = json_object_get(json, f->name);
        snprintf(dec->path + length, sizeof dec->path - length, ".%s", f->name);
        if (f->kind == JM_ENUM)
            *(int *)at = -1;
        enum status status = STATUS_OK;
        if (!member && !(f->flags & JM_OPTIONAL))
            status = wrong(dec, "this key is missing; it");
        else if (member && !(json_is_null(member) && (f->flags & (JM_NULLABLE | JM_OPTIONAL))))
            status = decode_field(dec, f, member, at);
        if (status)
            return status;
    }
    dec->path[length] = '\0';
    return STATUS_OK;
}

enum status jm_decode(const struct jm_type *type, const json_t *json, void *value, struct arena *a,
                      struct diag *d, const char *where)
{
    struct decoder dec = {.arena = a, .diag = d, .where = where};
    return decode_type(&dec, type, json, value);
}

/* ---- schema ---- */

static json_t *schema_object(const struct jm_type *type);

static json_t *simple(const char *type)
{
    return json_pack("{s:s}", "type", type);
}

static json_t *name_list(const struct jm_field *f)
{
    json_t *names = json_array();
    for (int i = 0; f->names[i]; i++)
        json_array_append_new(names, json_string(f->names[i]));
    return json_pack("{s:o}", "enum", names);
}

static json_t *list_of(json_t *items)
{
    return json_pack("{s:s,s:o}", "type", "array", "items", items);
}

static json_t *schema_field(const struct jm_field *f)
{
    switch (f->kind) {
    case JM_STRING:
        return simple("string");
    case JM_INT:
        return simple("integer");
    case JM_REAL:
        return simple("number");
    case JM_BOOL:
        return simple("boolean");
    case JM_ADDRESS:
        return json_pack("{s:s,s:s}", "type", "string", "pattern", "^0x[0-9a-f]+$");
    case JM_ENUM:
        return name_list(f);
    case JM_FLAGS:
        return list_of(name_list(f));
    case JM_STRINGS:
        return list_of(simple("string"));
    case JM_OBJECT:
        return schema_object(f->type);
    case JM_ARRAY:
        return list_of(schema_object(f->type));
    case JM_MAP:
        return json_pack("{s:s,s:o}", "type", "object", "additionalProperties", simple("string"));
    }
    return json_object();
}

static json_t *schema_object(const struct jm_type *type)
{
    json_t *properties = json_object();
    json_t *required = json_array();
    for (size_t i = 0; i < type->count; i++) {
        const struct jm_field *f = &type->fields[i];
        json_t *schema = schema_field(f);
        if (f->flags & JM_NULLABLE)
            schema = json_pack("{s:[o,o]}", "anyOf", schema, simple("null"));
        if (f->description)
            json_object_set_new(schema, "description", json_string(f->description));
        json_object_set_new(properties, f->name, schema);
        if (!(f->flags & JM_OPTIONAL))
            json_array_append_new(required, json_string(f->name));
    }
    json_t *object = json_pack("{s:s,s:o,s:o}", "type", "object", "properties", properties,
                               "required", required);
    if (type->description)
        json_object_set_new(object, "description", json_string(type->description));
    return object;
}

json_t *jm_schema(const struct jm_type *type)
{
    json_t *schema = json_pack("{s:s,s:s}", "$schema",
                               "https://json-schema.org/draft/2020-12/schema", "title", type->name);
    json_t *body = schema_object(type);
    json_object_update(schema, body);
    json_decref(body);
    return schema;
}
