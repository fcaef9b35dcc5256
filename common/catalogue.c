/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/catalogue.h"
#include "catalogue/embedded.h"
#include "catalogue/rules.h"
#include "common/file.h"
#include <string.h>

static const char *const type_names[] = {"bool", "tristate", "string", "int", "hex", NULL};
static const char *const kind_names[] = {"library", "platform", "application", NULL};

#define S struct catalogue_clause
static const struct jm_field clause_fields[] = {
    JM_FIELD(S, "value", value, JM_STRING),
    JM_FIELD(S, "condition", condition, JM_STRING, .flags = JM_OPTIONAL | JM_NULLABLE),
};
static const struct jm_type clause_type =
    JM_TYPE(S, "clause", "select, imply or default: value if condition", clause_fields);
#undef S

#define S struct catalogue_range
static const struct jm_field range_fields[] = {
    JM_FIELD(S, "low", low, JM_STRING),
    JM_FIELD(S, "high", high, JM_STRING),
    JM_FIELD(S, "condition", condition, JM_STRING, .flags = JM_OPTIONAL | JM_NULLABLE),
};
static const struct jm_type range_type = JM_TYPE(S, "range", NULL, range_fields);
#undef S

#define S struct catalogue_option
static const struct jm_field option_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING, .description = "without CONFIG_"),
    JM_FIELD(S, "type", type, JM_ENUM, .names = type_names, .flags = JM_NULLABLE),
    JM_FIELD(S, "visible", visible, JM_STRING, .flags = JM_NULLABLE,
             .description = "when it can be set by hand; null: it has no prompt"),
    JM_FIELD(S, "depends", depends, JM_STRING, .flags = JM_OPTIONAL | JM_NULLABLE),
    JM_FIELD(S, "selects", selects, JM_ARRAY, .type = &clause_type, .flags = JM_OPTIONAL),
    JM_FIELD(S, "implies", implies, JM_ARRAY, .type = &clause_type, .flags = JM_OPTIONAL),
    JM_FIELD(S, "defaults", defaults, JM_ARRAY, .type = &clause_type, .flags = JM_OPTIONAL),
    JM_FIELD(S, "ranges", ranges, JM_ARRAY, .type = &range_type, .flags = JM_OPTIONAL),
    JM_FIELD(S, "choice", choice, JM_STRING, .flags = JM_OPTIONAL | JM_NULLABLE),
    JM_FIELD(S, "library", library, JM_STRING, .flags = JM_OPTIONAL | JM_NULLABLE),
    JM_FIELD(S, "repository", repository, JM_STRING, .flags = JM_OPTIONAL | JM_NULLABLE,
             .description = "absent: the core"),
};
static const struct jm_type option_type = JM_TYPE(S, "option", NULL, option_fields);
#undef S

#define S struct catalogue_choice
static const struct jm_field choice_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "type", type, JM_ENUM, .names = type_names, .flags = JM_NULLABLE),
    JM_FIELD(S, "visible", visible, JM_STRING, .flags = JM_NULLABLE),
    JM_FIELD(S, "depends", depends, JM_STRING, .flags = JM_OPTIONAL | JM_NULLABLE),
    JM_FIELD(S, "defaults", defaults, JM_ARRAY, .type = &clause_type, .flags = JM_OPTIONAL),
    JM_FIELD(S, "optional", optional, JM_BOOL, .flags = JM_OPTIONAL),
    JM_FIELD(S, "members", members, JM_STRINGS),
};
static const struct jm_type choice_type = JM_TYPE(S, "choice", NULL, choice_fields);
#undef S

#define S struct catalogue_source
static const struct jm_field source_fields[] = {
    JM_FIELD(S, "file", file, JM_STRING),
    JM_FIELD(S, "condition", condition, JM_STRING, .flags = JM_OPTIONAL | JM_NULLABLE),
};
static const struct jm_type source_type = JM_TYPE(S, "source", NULL, source_fields);
#undef S

#define S struct catalogue_library
static const struct jm_field library_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "option", option, JM_STRING, .flags = JM_NULLABLE,
             .description = "null: built always"),
    JM_FIELD(S, "repository", repository, JM_STRING),
    JM_FIELD(S, "kind", kind, JM_ENUM, .names = kind_names),
    JM_FIELD(S, "path", path, JM_STRING, .flags = JM_OPTIONAL | JM_NULLABLE),
    JM_FIELD(S, "condition", condition, JM_STRING, .flags = JM_OPTIONAL | JM_NULLABLE),
    JM_FIELD(S, "symbols", symbols, JM_STRINGS),
    JM_FIELD(S, "exports_all", exports_all, JM_BOOL, .flags = JM_OPTIONAL,
             .description = "it has no export list: every global symbol is exported"),
    JM_FIELD(S, "sources", sources, JM_ARRAY, .type = &source_type, .flags = JM_OPTIONAL),
    JM_FIELD(S, "origin_files", origin_files, JM_INT, .flags = JM_OPTIONAL,
             .description = "number of sources that come out of a downloaded archive"),
};
static const struct jm_type library_type = JM_TYPE(S, "library", NULL, library_fields);
#undef S

#define S struct catalogue_syscall
static const struct jm_field syscall_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "arguments", arguments, JM_INT),
    JM_FIELD(S, "option", option, JM_STRING, .flags = JM_NULLABLE),
    JM_FIELD(S, "condition", condition, JM_STRING, .flags = JM_OPTIONAL | JM_NULLABLE),
    JM_FIELD(S, "library", library, JM_STRING, .flags = JM_OPTIONAL | JM_NULLABLE),
    JM_FIELD(S, "context", context, JM_BOOL, .flags = JM_OPTIONAL,
             .description = "its handler takes the caller's registers"),
    JM_FIELD(S, "constant", constant, JM_STRING, .flags = JM_OPTIONAL | JM_NULLABLE,
             .description = "its handler does nothing but return this"),
};
static const struct jm_type syscall_type = JM_TYPE(S, "syscall", NULL, syscall_fields);
#undef S

#define S struct catalogue_rule
static const struct jm_field rule_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "kind", kind, JM_STRING, .flags = JM_OPTIONAL | JM_NULLABLE),
    JM_FIELD(S, "when", when, JM_STRING, .flags = JM_OPTIONAL | JM_NULLABLE),
    JM_FIELD(S, "needs", needs, JM_STRING, .flags = JM_OPTIONAL | JM_NULLABLE),
    JM_FIELD(S, "symptom", symptom, JM_STRING, .flags = JM_OPTIONAL | JM_NULLABLE),
    JM_FIELD(S, "calls", calls, JM_STRINGS, .flags = JM_OPTIONAL),
    JM_FIELD(S, "symbols", symbols, JM_STRINGS, .flags = JM_OPTIONAL),
    JM_FIELD(S, "instead", instead, JM_STRINGS, .flags = JM_OPTIONAL),
    JM_FIELD(S, "source", source, JM_STRINGS, .flags = JM_OPTIONAL,
             .description = "lines of a C file to build along"),
    JM_FIELD(S, "wrap", wrap, JM_STRINGS, .flags = JM_OPTIONAL,
             .description = "functions whose calls that file takes over"),
};
const struct jm_type catalogue_rule_type =
    JM_TYPE(S, "rule", "A need that no system call shows", rule_fields);
#undef S

#define S struct catalogue_repository
static const struct jm_field repository_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "version", version, JM_STRING, .flags = JM_OPTIONAL | JM_NULLABLE),
    JM_FIELD(S, "kind", kind, JM_STRING),
};
static const struct jm_type repository_type = JM_TYPE(S, "repository", NULL, repository_fields);
#undef S

#define S struct catalogue
static const struct jm_field catalogue_fields[] = {
    JM_FIELD(S, "schema", schema, JM_STRING),
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "version", version, JM_STRING),
    JM_FIELD(S, "repositories", repositories, JM_ARRAY, .type = &repository_type,
             .flags = JM_OPTIONAL),
    JM_FIELD(S, "libraries", libraries, JM_ARRAY, .type = &library_type),
    JM_FIELD(S, "options", options, JM_ARRAY, .type = &option_type),
    JM_FIELD(S, "choices", choices, JM_ARRAY, .type = &choice_type),
    JM_FIELD(S, "syscalls", syscalls, JM_ARRAY, .type = &syscall_type),
    JM_FIELD(S, "rules", rules, JM_ARRAY, .type = &catalogue_rule_type, .flags = JM_OPTIONAL),
    JM_FIELD(S, "problems", problems, JM_STRINGS, .flags = JM_OPTIONAL),
};
const struct jm_type catalogue_type = JM_TYPE(
    S, "catalogue", "What the micro-libraries of a core offer and require", catalogue_fields);
#undef S

static enum status decode(struct diag *d, struct arena *a, const char *where, json_t *json,
                          struct catalogue *out)
{
    memset(out, 0, sizeof *out);
    enum status status = jm_decode(&catalogue_type, json, out, a, d, where);
    json_decref(json);
    if (!status && strcmp(out->schema, CATALOGUE_SCHEMA) != 0)
        status = diag_fail(d, STATUS_INPUT, "%s: .schema: \"%s\" was expected, \"%s\" found", where,
                           CATALOGUE_SCHEMA, out->schema);
    if (!status)
        status = catalogue_add_rules(d, a, out);
    return status;
}

enum status catalogue_read(struct diag *d, struct arena *a, const char *path, struct catalogue *out)
{
    json_t *json = NULL;
    enum status status = json_read(d, path, &json);
    return status ? status : decode(d, a, path, json, out);
}

const char *const *catalogue_embedded_names(void)
{
    return embedded_catalogue_names;
}

enum status catalogue_open(struct diag *d, struct arena *a, const char *name_or_path,
                           struct catalogue *out)
{
    if (!name_or_path)
        name_or_path = embedded_catalogue_names[0];
    if (!name_or_path)
        return diag_fail(d, STATUS_SYSTEM, "no catalogue is embedded: name a file");
    for (size_t i = 0; embedded_catalogue_names[i]; i++) {
        if (strcmp(embedded_catalogue_names[i], name_or_path) != 0)
            continue;
        const struct embedded_catalogue *e = &embedded_catalogues[i];
        json_error_t error;
        json_t *json = json_loadb(e->start, (size_t)(e->end - e->start), 0, &error);
        if (!json)
            return diag_fail(d, STATUS_SYSTEM, "embedded catalogue %s: line %d: %s", name_or_path,
                             error.line, error.text);
        return decode(d, a, name_or_path, json, out);
    }
    if (!strchr(name_or_path, '/') && !file_exists(name_or_path)) {
        const char *names = "";
        for (size_t i = 0; embedded_catalogue_names[i]; i++)
            names = arena_printf(a, "%s%s%s", names, i ? ", " : "", embedded_catalogue_names[i]);
        return diag_fail(d, STATUS_INPUT,
                         "%s: no catalogue of that name (%s) and no file of that name either",
                         name_or_path, names);
    }
    return catalogue_read(d, a, name_or_path, out);
}

static const char *substitute(struct arena *a, const char *text, const struct jm_pair *v)
{
    const char *pattern = arena_printf(a, "$(%s)", v->key);
    size_t length = strlen(pattern);
    for (const char *at = text; (at = strstr(at, pattern));) {
        size_t before = (size_t)(at - text) + strlen(v->value);
        const char *head = arena_strndup(a, text, (size_t)(at - text));
        text = arena_printf(a, "%s%s%s", head, v->value, at + length);
        at = text + before;
    }
    return text;
}

void catalogue_define(struct arena *a, struct catalogue *c, const jm_pairs *variables)
{
    vec_each (v, variables)
        for (size_t i = 0; i < c->options.count; i++)
            vec_each (def, &c->options.items[i].defaults)
                def->value = substitute(a, def->value, v);
}
