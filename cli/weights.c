/* SPDX-License-Identifier: BSD-3-Clause
 * --weights with what --perf found: the options that served an objective best, set on a selection.
 */
#include "cli/build.h"
#include "common/file.h"
#include "optimiser/knobs.h"
#include <string.h>

bool weights_are_choices(const char *path)
{
    struct diag quiet;
    json_t *json = NULL;
    diag_init(&quiet, -1);
    if (json_read(&quiet, path, &json) != STATUS_OK)
        return false;
    const char *schema = json_string_value(json_object_get(json, "schema"));
    bool choices = schema && strcmp(schema, WEIGHTS_SCHEMA) == 0;
    json_decref(json);
    return choices;
}

/* The objective that --objective names among the facts; NULL: none. */
static const char *objective_of(const struct matcher_options *o)
{
    static const char key[] = "objective=";
    vec_each (fact, &o->facts)
        if (strncmp(*fact, key, sizeof key - 1) == 0)
            return *fact + sizeof key - 1;
    return NULL;
}

static enum status read_knobs(struct build_options *o, const char *objective,
                              struct knobs_file *out)
{
    struct cli *cli = o->cli;
    json_t *json = NULL;
    enum status status = json_read(&cli->diag, o->weights_file, &json);
    if (status)
        return status;
    json_t *all = json_object_get(json, "objectives");
    json_t *one =
        objective ? json_object_get(all, objective) : json_object_iter_value(json_object_iter(all));
    json_t *config = json_object_get(one, "config");
    const char *name;
    json_t *value;
    if (!json_is_object(config))
        status = diag_fail(&cli->diag, STATUS_INPUT, "%s: nothing in it for the objective '%s'",
                           o->weights_file, objective ? objective : "(any)");
    json_object_foreach (config, name, value) {
        struct perf_knob *knob = vec_add(cli->arena, &out->knobs);
        knob->name = arena_strdup(cli->arena, name);
        if (json_is_string(value))
            vec_push(cli->arena, &knob->values, arena_strdup(cli->arena, json_string_value(value)));
        else
            status = diag_fail(&cli->diag, STATUS_INPUT, "%s: %s: a string was expected",
                               o->weights_file, name);
    }
    json_decref(json);
    return status;
}

enum status weights_apply(struct build_options *o, const struct profile *profile,
                          const struct catalogue *catalogue, struct selection *selection)
{
    struct cli *cli = o->cli;
    struct knobs_file file = {0};
    struct knob_space space;
    strings calls = {0};
    enum status status = read_knobs(o, objective_of(&o->matcher), &file);
    if (status || !file.knobs.count)
        return status;
    vec_each (call, &profile->static_part.syscalls)
        vec_push(cli->arena, &calls, call->name);
    status = knob_space_open(&cli->diag, cli->arena, catalogue, selection, &calls, &space);
    if (status)
        return status;
    int *choice = arena_array(cli->arena, file.knobs.count, sizeof *choice);
    if (!knob_space_valid(&space, file.knobs.items, file.knobs.count, choice))
        return diag_fail(
            &cli->diag, STATUS_INPUT,
            "%s: its values do not fit this selection (another program, core or set of "
            "pins?): run --perf again",
            o->weights_file);
    struct selection *chosen = ARENA_NEW(cli->arena, struct selection);
    knob_space_apply(&space, file.knobs.items, file.knobs.count, choice, chosen);
    *selection = *chosen;
    selection->optimal = false; /* measured, not proved */
    return STATUS_OK;
}
