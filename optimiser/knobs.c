/* SPDX-License-Identifier: BSD-3-Clause */
#include "optimiser/knobs.h"
#include "common/file.h"
#include <string.h>

#define S struct perf_knob
static const struct jm_field knob_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "values", values, JM_STRINGS, .description = "the first is where to begin"),
    JM_FIELD(S, "ordered", ordered, JM_BOOL, .flags = JM_OPTIONAL,
             .description = "neighbouring values have similar effects"),
};
static const struct jm_type knob_type = JM_TYPE(S, "knob", NULL, knob_fields);
#undef S
#define S struct perf_objective
static const struct jm_field objective_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "maximise", maximise, JM_BOOL, .flags = JM_OPTIONAL),
};
static const struct jm_type objective_type = JM_TYPE(S, "objective", NULL, objective_fields);
#undef S
#define S struct knobs_excluded
static const struct jm_field excluded_fields[] = {
    JM_FIELD(S, "values", values, JM_MAP),
};
static const struct jm_type excluded_type = JM_TYPE(S, "excluded", NULL, excluded_fields);
#undef S
#define S struct knobs_file
static const struct jm_field file_fields[] = {
    JM_FIELD(S, "knobs", knobs, JM_ARRAY, .type = &knob_type),
    JM_FIELD(S, "objectives", objectives, JM_ARRAY, .type = &objective_type, .flags = JM_OPTIONAL),
    JM_FIELD(S, "excluded", excluded, JM_ARRAY, .type = &excluded_type, .flags = JM_OPTIONAL,
             .description = "combinations that are not valid"),
};
const struct jm_type knobs_file_type =
    JM_TYPE(S, "knobs", "A search space for --perf", file_fields);
#undef S

enum status knobs_read(struct diag *d, struct arena *a, const char *path, struct knobs_file *out)
{
    json_t *json = NULL;
    enum status status = json_read(d, path, &json);
    if (status)
        return status;
    memset(out, 0, sizeof *out);
    status = jm_decode(&knobs_file_type, json, out, a, d, path);
    json_decref(json);
    vec_each (knob, &out->knobs)
        if (!status && !knob->values.count)
            status = diag_fail(d, STATUS_INPUT, "%s: knob %s has no values", path, knob->name);
    return status;
}

enum status knob_parse(struct diag *d, struct arena *a, const char *text, struct perf_knob *out)
{
    size_t n = strcspn(text, "=");
    if (!n || text[n] != '=' || !text[n + 1])
        return diag_fail(d, STATUS_INPUT, "--knob: NAME=VALUE,VALUE was expected, not '%s'", text);
    *out = (struct perf_knob){.name = arena_strndup(a, text, n)};
    for (const char *p = text + n + 1;;) {
        size_t length = strcspn(p, ",");
        vec_push(a, &out->values, arena_strndup(a, p, length));
        if (!p[length])
            return STATUS_OK;
        p += length + 1;
    }
}

static const char *value_of(const struct perf_knob *knobs, size_t count, const int *choice,
                            const char *name)
{
    for (size_t k = 0; k < count; k++)
        if (strcmp(knobs[k].name, name) == 0)
            return knobs[k].values.items[choice[k]];
    return NULL;
}

bool knobs_excluded(const struct knobs_file *file, const struct perf_knob *knobs, size_t count,
                    const int *choice)
{
    vec_each (excluded, &file->excluded) {
        bool all = excluded->values.count > 0;
        vec_each (pair, &excluded->values) {
            const char *value = value_of(knobs, count, choice, pair->key);
            all &= value && strcmp(value, pair->value) == 0;
        }
        if (all)
            return true;
    }
    return false;
}
