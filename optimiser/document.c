/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/file.h"
#include "optimiser/optimiser.h"
#include <string.h>

#define S struct perf_knob
static const struct jm_field knob_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "values", values, JM_STRINGS, .description = "the first is where the search began"),
    JM_FIELD(S, "ordered", ordered, JM_BOOL, .flags = JM_OPTIONAL),
    JM_FIELD(S, "choice", choice, JM_BOOL, .flags = JM_OPTIONAL,
             .description = "values are options of which one is y; the name is only a label"),
};
static const struct jm_type knob_type = JM_TYPE(S, "knob", NULL, knob_fields);
#undef S

#define S struct perf_metric
static const struct jm_field metric_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "median", median, JM_REAL),
    JM_FIELD(S, "mad", mad, JM_REAL, .description = "median absolute deviation"),
    JM_FIELD(S, "samples", samples, JM_INT),
};
static const struct jm_type metric_type = JM_TYPE(S, "metric", NULL, metric_fields);
#undef S

#define S struct perf_point
static const struct jm_field point_fields[] = {
    JM_FIELD(S, "values", values, JM_MAP,
             .description = "knobs that differ from where the search began"),
    JM_FIELD(S, "works", works, JM_BOOL),
    JM_FIELD(S, "verified", verified, JM_BOOL),
    JM_FIELD(S, "failure", failure, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(S, "metrics", metrics, JM_ARRAY, .type = &metric_type),
    JM_FIELD(S, "front", front, JM_BOOL, .description = "on the Pareto front"),
    JM_FIELD(S, "cost_s", cost_s, JM_REAL, .flags = JM_OPTIONAL),
};
static const struct jm_type point_type = JM_TYPE(S, "point", NULL, point_fields);
#undef S

#define S struct perf_objective
static const struct jm_field objective_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "maximise", maximise, JM_BOOL),
};
static const struct jm_type objective_type = JM_TYPE(S, "objective", NULL, objective_fields);
#undef S

#define S struct perf_effect
static const struct jm_field effect_fields[] = {
    JM_FIELD(S, "knob", knob, JM_STRING),
    JM_FIELD(S, "value", value, JM_STRING),
    JM_FIELD(S, "metric", metric, JM_STRING),
    JM_FIELD(S, "change", change, JM_REAL, .description = "0.1: ten per cent more"),
    JM_FIELD(S, "certain", certain, JM_BOOL, .description = "beyond the noise"),
};
static const struct jm_type effect_type =
    JM_TYPE(S, "effect", "What changing one knob alone does", effect_fields);
#undef S

#define S struct perf
static const struct jm_field perf_fields[] = {
    JM_FIELD(S, "schema", schema, JM_STRING),
    JM_FIELD(S, "program", program, JM_STRING),
    JM_FIELD(S, "objective", objective, JM_STRING, .flags = JM_NULLABLE),
    JM_FIELD(S, "stopped", stopped, JM_STRING,
             .description = "converged, measurements, budget, exhausted, interrupted"),
    JM_FIELD(S, "space", space, JM_INT, .description = "valid configurations"),
    JM_FIELD(S, "measured", measured, JM_INT),
    JM_FIELD(S, "remembered", remembered, JM_INT, .description = "of them out of the journal"),
    JM_FIELD(S, "spent_s", spent_s, JM_REAL),
    JM_FIELD(S, "knobs", knobs, JM_ARRAY, .type = &knob_type),
    JM_FIELD(S, "objectives", objectives, JM_ARRAY, .type = &objective_type),
    JM_FIELD(S, "points", points, JM_ARRAY, .type = &point_type),
    JM_FIELD(S, "best", best, JM_INT, .description = "index of a point, -1: none"),
    JM_FIELD(S, "effects", effects, JM_ARRAY, .type = &effect_type),
};
const struct jm_type perf_type =
    JM_TYPE(S, "perf", "Configurations measured, and the best of them", perf_fields);
#undef S

enum status perf_read(struct diag *d, struct arena *a, const char *path, struct perf *out)
{
    json_t *json = NULL;
    enum status status = json_read(d, path, &json);
    if (status)
        return status;
    memset(out, 0, sizeof *out);
    status = jm_decode(&perf_type, json, out, a, d, path);
    json_decref(json);
    if (!status && strcmp(out->schema, PERF_SCHEMA) != 0)
        status = diag_fail(d, STATUS_INPUT, "%s: .schema: \"%s\" was expected, \"%s\" found", path,
                           PERF_SCHEMA, out->schema);
    return status;
}

/* The best point of the front for one objective; NULL: none. */
/* The knob of that name; NULL: none. */
static const struct perf_knob *knob_of(const struct perf *p, const char *name)
{
    vec_each (knob, &p->knobs)
        if (strcmp(knob->name, name) == 0)
            return knob;
    return NULL;
}

bool perf_is_choice(const struct perf *p, const char *name)
{
    const struct perf_knob *knob = knob_of(p, name);
    return knob && knob->choice;
}

static const struct perf_point *best_for(const struct perf *p, size_t objective)
{
    const struct perf_point *best = NULL;
    if (objective == 0 && p->best >= 0 && p->best < (int64_t)p->points.count)
        return &p->points.items[p->best];
    vec_each (point, &p->points) {
        if (!point->front || point->metrics.count <= objective)
            continue;
        double mine = point->metrics.items[objective].median;
        double other = best ? best->metrics.items[objective].median : mine;
        if (!best || (p->objectives.items[objective].maximise ? mine > other : mine < other))
            best = point;
    }
    return best;
}

json_t *perf_weights(const struct perf *p)
{
    json_t *objectives = json_object();
    for (size_t o = 0; o < p->objectives.count; o++) {
        const struct perf_point *best = best_for(p, o);
        if (!best)
            continue;
        json_t *config = json_object();
        vec_each (pair, &best->values)
            if (perf_is_choice(p, pair->key))
                json_object_set_new(config, pair->value, json_string("y"));
            else
                json_object_set_new(config, pair->key, json_string(pair->value));
        json_object_set_new(objectives, p->objectives.items[o].name,
                            json_pack("{s:o}", "config", config));
    }
    json_t *effects = json_array();
    vec_each (e, &p->effects) {
        bool choice = perf_is_choice(p, e->knob);
        json_array_append_new(effects, json_pack("{s:s,s:s,s:s,s:f,s:b}", "option",
                                                 choice ? e->value : e->knob, "value",
                                                 choice ? "y" : e->value, "metric", e->metric,
                                                 "change", e->change, "certain", e->certain));
    }
    return json_pack("{s:s,s:s,s:o,s:o}", "schema", WEIGHTS_SCHEMA, "program", p->program,
                     "objectives", objectives, "effects", effects);
}
