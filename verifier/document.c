/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/file.h"
#include "verifier/verifier.h"
#include <string.h>

#define S struct verif_check
static const struct jm_field check_fields[] = {
    JM_FIELD(S, "aspect", aspect, JM_STRING,
             .description = "output, start, end, exit, file: what was compared"),
    JM_FIELD(S, "subject", subject, JM_STRING, .flags = JM_OPTIONAL,
             .description = "the command, or the file's name"),
    JM_FIELD(S, "verdict", verdict, JM_ENUM, .names = verdict_names),
    JM_FIELD(S, "reason", reason, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(S, "native", native, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(S, "image", image, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(S, "diff", diff, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(S, "native_us", native_us, JM_INT, .flags = JM_OPTIONAL),
    JM_FIELD(S, "image_us", image_us, JM_INT, .flags = JM_OPTIONAL),
};
static const struct jm_type check_type = JM_TYPE(S, "check", "One aspect compared", check_fields);
#undef S

#define S struct verif_run
static const struct jm_field run_fields[] = {
    JM_FIELD(S, "arguments", arguments, JM_STRING),
    JM_FIELD(S, "verdict", verdict, JM_ENUM, .names = verdict_names),
    JM_FIELD(S, "checks", checks, JM_ARRAY, .type = &check_type),
    JM_FIELD(S, "native_calls", native_calls, JM_INT, .flags = JM_OPTIONAL,
             .description = "system calls recorded on Linux"),
    JM_FIELD(S, "image_calls", image_calls, JM_INT, .flags = JM_OPTIONAL,
             .description = "as the core's own trace has them"),
    JM_FIELD(S, "calls_differ", calls_differ, JM_STRINGS, .flags = JM_OPTIONAL,
             .description = "those with another outcome"),
    JM_FIELD(S, "native_peak_kb", native_peak_kb, JM_INT, .flags = JM_OPTIONAL,
             .description = "the program's memory high-water mark"),
    JM_FIELD(S, "image_peak_kb", image_peak_kb, JM_INT, .flags = JM_OPTIONAL,
             .description = "of the process that is or runs the image"),
};
static const struct jm_type run_type = JM_TYPE(S, "run", NULL, run_fields);
#undef S

#define S struct verif_normaliser
static const struct jm_field normaliser_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "what", what, JM_STRING),
    JM_FIELD(S, "native_count", native_count, JM_INT),
    JM_FIELD(S, "image_count", image_count, JM_INT),
    JM_FIELD(S, "examples", examples, JM_STRINGS, .flags = JM_OPTIONAL),
};
static const struct jm_type normaliser_type = JM_TYPE(
    S, "normaliser", "What was left out of the comparison, and how often", normaliser_fields);
#undef S

#define S struct verif_candidate
static const struct jm_field candidate_fields[] = {
    JM_FIELD(S, "option", option, JM_STRING),
    JM_FIELD(S, "library", library, JM_STRING, .flags = JM_NULLABLE),
    JM_FIELD(S, "why", why, JM_STRING),
};
static const struct jm_type candidate_type = JM_TYPE(S, "candidate", NULL, candidate_fields);
#undef S

#define S struct verif_divergence
static const struct jm_field divergence_fields[] = {
    JM_FIELD(S, "present", present, JM_BOOL),
    JM_FIELD(S, "kind", kind, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(S, "where", where, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(S, "call", call, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(S, "native_result", native_result, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(S, "image_result", image_result, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(S, "library", library, JM_STRING, .flags = JM_OPTIONAL,
             .description = "the micro-library at fault, where it is in the image"),
    JM_FIELD(S, "explanation", explanation, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(S, "candidates", candidates, JM_ARRAY, .type = &candidate_type, .flags = JM_OPTIONAL,
             .description = "what to turn on, best first"),
    JM_FIELD(S, "evidence", evidence, JM_STRINGS, .flags = JM_OPTIONAL),
};
static const struct jm_type divergence_type =
    JM_TYPE(S, "divergence", "Where the image first parted from the program", divergence_fields);
#undef S

#define S struct verif_fix
static const struct jm_field fix_fields[] = {
    JM_FIELD(S, "pinned", pinned, JM_STRINGS),
    JM_FIELD(S, "verdict", verdict, JM_ENUM, .names = verdict_names),
    JM_FIELD(S, "explanation", explanation, JM_STRING, .flags = JM_OPTIONAL),
};
static const struct jm_type fix_type = JM_TYPE(S, "fix", NULL, fix_fields);
#undef S

#define S struct verif
static const struct jm_field runner_fields[] = {
    {.name = "name", .kind = JM_STRING, .offset = offsetof(S, runner.name) - offsetof(S, runner)},
    {.name = "command",
     .kind = JM_STRINGS,
     .offset = offsetof(S, runner.command) - offsetof(S, runner)},
};
static const struct jm_type runner_type = {
    .name = "runner", .size = sizeof(((S *)0)->runner), .fields = runner_fields, .count = 2};
static const struct jm_field verif_fields[] = {
    JM_FIELD(S, "schema", schema, JM_STRING),
    JM_FIELD(S, "program", program, JM_STRING),
    JM_FIELD(S, "image", image, JM_STRING),
    JM_FIELD(S, "runner", runner, JM_OBJECT, .type = &runner_type),
    JM_FIELD(S, "verdict", verdict, JM_ENUM, .names = verdict_names),
    JM_FIELD(S, "same", same, JM_INT),
    JM_FIELD(S, "different", different, JM_INT),
    JM_FIELD(S, "not_comparable", not_comparable, JM_INT),
    JM_FIELD(S, "environment", environment, JM_STRINGS, .flags = JM_OPTIONAL,
             .description = "variables given to both sides"),
    JM_FIELD(S, "normalisers", normalisers, JM_ARRAY, .type = &normaliser_type),
    JM_FIELD(S, "runs", runs, JM_ARRAY, .type = &run_type),
    JM_FIELD(S, "divergence", divergence, JM_OBJECT, .type = &divergence_type),
    JM_FIELD(S, "fixes", fixes, JM_ARRAY, .type = &fix_type, .flags = JM_OPTIONAL),
};
const struct jm_type verif_type =
    JM_TYPE(S, "verif", "The same tests on Linux and on the image, compared", verif_fields);
#undef S

enum status verif_read(struct diag *d, struct arena *a, const char *path, struct verif *out)
{
    json_t *json = NULL;
    enum status status = json_read(d, path, &json);
    if (status)
        return status;
    memset(out, 0, sizeof *out);
    status = jm_decode(&verif_type, json, out, a, d, path);
    json_decref(json);
    if (!status && strcmp(out->schema, VERIF_SCHEMA) != 0)
        status = diag_fail(d, STATUS_INPUT, "%s: .schema: \"%s\" was expected, \"%s\" found", path,
                           VERIF_SCHEMA, out->schema);
    return status;
}
