/* SPDX-License-Identifier: BSD-3-Clause */
#include "catalogue/rules.h"
#include "common/file.h"
#include <string.h>

#define SCHEMA "rules/1"

/* The assembler takes the file in whole; the Makefile has the dependency. */
#define EMBED(symbol, file)                                                                        \
    __asm__(".pushsection .rodata\n"                                                               \
            ".global " #symbol "_start, " #symbol "_end\n" #symbol "_start:\n"                     \
            ".incbin \"catalogue/" file "\"\n" #symbol "_end:\n"                                   \
            ".byte 0\n"                                                                            \
            ".popsection\n");                                                                      \
    extern const char symbol##_start[], symbol##_end[]

EMBED(rules_common, "rules-common.json");
EMBED(rules_unikraft, "rules-unikraft.json");

struct rules {
    const char *schema;
    const char *core; /* the name of the catalogues they are for, "*": all */
    VEC(struct catalogue_rule) rules;
};

#define S struct rules
static const struct jm_field fields[] = {
    JM_FIELD(S, "schema", schema, JM_STRING),
    JM_FIELD(S, "core", core, JM_STRING),
    JM_FIELD(S, "rules", rules, JM_ARRAY, .type = &catalogue_rule_type),
};
static const struct jm_type rules_type = JM_TYPE(S, "rules", "Rules of a core", fields);
#undef S

/* The first rule of a name counts: a core's own replace the common ones. */
static bool is_known(const struct catalogue *catalogue, const char *name)
{
    vec_each (rule, &catalogue->rules)
        if (strcmp(rule->name, name) == 0)
            return true;
    return false;
}

static enum status add(struct diag *d, struct arena *a, const char *where, json_t *json,
                       struct catalogue *catalogue)
{
    struct rules rules = {0};
    enum status status = jm_decode(&rules_type, json, &rules, a, d, where);
    json_decref(json);
    if (!status && strcmp(rules.schema, SCHEMA) != 0)
        status = diag_fail(d, STATUS_INPUT, "%s: .schema: \"%s\" was expected, \"%s\" found", where,
                           SCHEMA, rules.schema);
    if (status)
        return status;
    if (strcmp(rules.core, "*") != 0 && strcmp(rules.core, catalogue->name) != 0)
        return STATUS_OK;
    vec_each (rule, &rules.rules)
        if (!is_known(catalogue, rule->name))
            vec_push(a, &catalogue->rules, *rule);
    return STATUS_OK;
}

static enum status add_embedded(struct diag *d, struct arena *a, const char *start, const char *end,
                                struct catalogue *catalogue)
{
    json_error_t error;
    json_t *json = json_loadb(start, (size_t)(end - start), 0, &error);
    if (!json)
        return diag_fail(d, STATUS_SYSTEM, "embedded rules: line %d: %s", error.line, error.text);
    return add(d, a, "embedded rules", json, catalogue);
}

enum status catalogue_add_rules(struct diag *d, struct arena *a, struct catalogue *catalogue)
{
    enum status status = add_embedded(d, a, rules_unikraft_start, rules_unikraft_end, catalogue);
    return status ? status : add_embedded(d, a, rules_common_start, rules_common_end, catalogue);
}

enum status catalogue_read_rules(struct diag *d, struct arena *a, const char *path,
                                 struct catalogue *catalogue)
{
    json_t *json = NULL;
    enum status status = json_read(d, path, &json);
    return status ? status : add(d, a, path, json, catalogue);
}
