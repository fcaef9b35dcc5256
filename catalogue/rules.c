/* SPDX-License-Identifier: BSD-3-Clause */
#include "catalogue/rules.h"
#include "common/file.h"
#include <string.h>

/* The assembler takes the file in whole; the Makefile has the dependency. */
__asm__(".pushsection .rodata\n"
        ".global rules_unikraft_start, rules_unikraft_end\nrules_unikraft_start:\n"
        ".incbin \"catalogue/rules-unikraft.json\"\nrules_unikraft_end:\n"
        ".byte 0\n"
        ".popsection\n");
extern const char rules_unikraft_start[], rules_unikraft_end[];

struct rules {
    const char *schema, *core;
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

/* Takes the document over. */
static enum status take(struct diag *d, struct arena *a, const char *where, json_t *json,
                        struct catalogue *catalogue)
{
    struct rules rules = {0};
    enum status status = jm_decode(&rules_type, json, &rules, a, d, where);
    json_decref(json);
    if (status)
        return status;
    vec_each (rule, &rules.rules)
        vec_push(a, &catalogue->rules, *rule);
    return STATUS_OK;
}

enum status catalogue_read_rules(struct diag *d, struct arena *a, const char *path,
                                 struct catalogue *catalogue)
{
    json_t *json = NULL;
    enum status status = json_read(d, path, &json);
    return status ? status : take(d, a, path, json, catalogue);
}

enum status catalogue_add_rules(struct diag *d, struct arena *a, struct catalogue *catalogue)
{
    static const char where[] = "embedded rules";
    json_error_t error;
    if (strcmp(catalogue->name, "unikraft") != 0)
        return STATUS_OK;
    json_t *json = json_loadb(rules_unikraft_start,
                              (size_t)(rules_unikraft_end - rules_unikraft_start), 0, &error);
    if (!json)
        return diag_fail(d, STATUS_SYSTEM, "%s: line %d: %s", where, error.line, error.text);
    return take(d, a, where, json, catalogue);
}
