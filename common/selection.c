/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/selection.h"
#include "common/file.h"
#include <stdlib.h>
#include <string.h>

#define S struct selection_library
static const struct jm_field library_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "option", option, JM_STRING, .flags = JM_NULLABLE),
    JM_FIELD(S, "repository", repository, JM_STRING, .flags = JM_NULLABLE),
    JM_FIELD(S, "reasons", reasons, JM_STRINGS),
    JM_FIELD(S, "bytes", bytes, JM_INT, .flags = JM_OPTIONAL),
};
static const struct jm_type library_type = JM_TYPE(S, "library", NULL, library_fields);
#undef S

#define S struct selection_missing_call
static const struct jm_field call_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "number", number, JM_INT),
    JM_FIELD(S, "class", class_, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(S, "near", near, JM_STRINGS, .flags = JM_OPTIONAL),
    JM_FIELD(S, "harmless", harmless, JM_STRING, .flags = JM_OPTIONAL,
             .description = "why programs live with its refusal"),
    JM_FIELD(S, "needed_by", needed_by, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(S, "prototype", prototype, JM_STRING, .flags = JM_OPTIONAL),
};
static const struct jm_type call_type = JM_TYPE(S, "missing_syscall", NULL, call_fields);
#undef S

#define S struct selection_missing_symbol
static const struct jm_field symbol_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "library", library, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(S, "near", near, JM_STRINGS, .flags = JM_OPTIONAL),
};
static const struct jm_type symbol_type = JM_TYPE(S, "missing_symbol", NULL, symbol_fields);
#undef S

#define S struct selection_unmet
static const struct jm_field unmet_fields[] = {
    JM_FIELD(S, "rule", rule, JM_STRING),
    JM_FIELD(S, "needs", needs, JM_STRING),
    JM_FIELD(S, "symptom", symptom, JM_STRING, .flags = JM_OPTIONAL),
};
static const struct jm_type unmet_type = JM_TYPE(S, "unmet_rule", NULL, unmet_fields);
#undef S

#define S struct selection_source
static const struct jm_field source_fields[] = {
    JM_FIELD(S, "rule", rule, JM_STRING),
    JM_FIELD(S, "why", why, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(S, "lines", lines, JM_STRINGS),
    JM_FIELD(S, "wrap", wrap, JM_STRINGS, .flags = JM_OPTIONAL,
             .description = "functions whose calls it takes over"),
};
static const struct jm_type source_type = JM_TYPE(S, "built_along", NULL, source_fields);
#undef S

#define S struct selection_alternative
static const struct jm_field alternative_fields[] = {
    JM_FIELD(S, "instead", instead, JM_STRING),
    JM_FIELD(S, "change", change, JM_STRING),
    JM_FIELD(S, "libraries", libraries, JM_INT),
    JM_FIELD(S, "bytes", bytes, JM_INT, .flags = JM_OPTIONAL),
};
static const struct jm_type alternative_type = JM_TYPE(S, "alternative", NULL, alternative_fields);
#undef S

#define S struct selection
static const struct jm_field catalogue_fields[] = {
    JM_FIELD(S, "name", catalogue.name, JM_STRING),
    JM_FIELD(S, "version", catalogue.version, JM_STRING),
};
/* Offsets of these two count from the selection itself, hence the embedding at offset 0. */
static const struct jm_type catalogue_part = JM_TYPE(S, "catalogue_name", NULL, catalogue_fields);

static const struct jm_field missing_fields[] = {
    JM_FIELD(S, "syscalls", missing.syscalls, JM_ARRAY, .type = &call_type),
    JM_FIELD(S, "symbols", missing.symbols, JM_STRINGS),
    JM_FIELD(S, "details", missing.details, JM_ARRAY, .type = &symbol_type, .flags = JM_OPTIONAL),
};
static const struct jm_type missing_part = JM_TYPE(S, "missing", NULL, missing_fields);

static const struct jm_field selection_fields[] = {
    JM_FIELD(S, "schema", schema, JM_STRING),
    {.name = "catalogue", .kind = JM_OBJECT, .offset = 0, .type = &catalogue_part},
    JM_FIELD(S, "program", program, JM_STRING),
    JM_FIELD(S, "mode", mode, JM_STRING, .description = "source or binary"),
    JM_FIELD(S, "need", need, JM_STRING, .description = "which calls count"),
    JM_FIELD(S, "libraries", libraries, JM_ARRAY, .type = &library_type),
    JM_FIELD(S, "config", config, JM_MAP, .description = "option -> value"),
    JM_FIELD(S, "reasons", reasons, JM_MAP, .description = "option -> why it is on"),
    JM_FIELD(S, "provides", provides, JM_MAP, .flags = JM_OPTIONAL,
             .description = "needed call -> the option that gives it"),
    JM_FIELD(S, "exports", exports, JM_MAP, .flags = JM_OPTIONAL,
             .description = "source port: needed function -> the option or library that gives it"),
    {.name = "missing", .kind = JM_OBJECT, .offset = 0, .type = &missing_part},
    JM_FIELD(S, "unmet", unmet, JM_ARRAY, .type = &unmet_type, .flags = JM_OPTIONAL,
             .description = "rules of the catalogue that cannot be met"),
    JM_FIELD(S, "sources", sources, JM_ARRAY, .type = &source_type, .flags = JM_OPTIONAL,
             .description = "C files built along, for what no option gives"),
    JM_FIELD(S, "facts", facts, JM_STRINGS, .flags = JM_OPTIONAL),
    JM_FIELD(S, "clashes", clashes, JM_STRINGS, .flags = JM_OPTIONAL,
             .description = "symbols that two selected libraries export"),
    JM_FIELD(S, "alternatives", alternatives, JM_ARRAY, .type = &alternative_type,
             .flags = JM_OPTIONAL),
    JM_FIELD(S, "optimal", optimal, JM_BOOL, .description = "the solver proved it"),
    JM_FIELD(S, "cost", cost, JM_REAL),
    JM_FIELD(S, "objective", objective, JM_STRING, .description = "what cost counts"),
};
const struct jm_type selection_type =
    JM_TYPE(S, "selection", "Chosen micro-libraries and option values", selection_fields);
#undef S

enum status selection_read(struct diag *d, struct arena *a, const char *path, struct selection *out)
{
    json_t *json = NULL;
    enum status status = json_read(d, path, &json);
    if (status)
        return status;
    memset(out, 0, sizeof *out);
    status = jm_decode(&selection_type, json, out, a, d, path);
    json_decref(json);
    if (!status && strcmp(out->schema, SELECTION_SCHEMA) != 0)
        status = diag_fail(d, STATUS_INPUT, "%s: .schema: \"%s\" was expected, \"%s\" found", path,
                           SELECTION_SCHEMA, out->schema);
    return status;
}

static int by_key(const void *key, const void *element)
{
    return strcmp(key, ((const struct jm_pair *)element)->key);
}

const char *selection_value(const struct selection *s, const char *option)
{
    if (!s->config.count)
        return NULL;
    const struct jm_pair *pair =
        bsearch(option, s->config.items, s->config.count, sizeof *s->config.items, by_key);
    return pair ? pair->value : NULL;
}
