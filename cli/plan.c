/* SPDX-License-Identifier: BSD-3-Clause
 * --build --plan PROFILE...: what to implement first, over a set of programs. */
#include "cli/build.h"
#include "common/file.h"
#include <stdio.h>
#include <string.h>

static json_t *names(const strings *list)
{
    json_t *array = json_array();
    vec_each (name, list)
        json_array_append_new(array, json_string(*name));
    return array;
}

static enum status print_json(struct cli *cli, const plan *steps)
{
    json_t *array = json_array();
    vec_each (step, steps) {
        json_t *object = json_pack("{s:s}", "syscall", step->call);
        if (step->class_)
            json_object_set_new(object, "class", json_string(step->class_));
        json_object_set_new(object, "programs", names(&step->programs));
        json_object_set_new(object, "unlocks", names(&step->unlocks));
        json_array_append_new(array, object);
    }
    json_t *document = json_pack("{s:s,s:o}", "schema", "plan/1", "steps", array);
    enum status status = json_print(&cli->diag, document);
    json_decref(document);
    return status;
}

static const char *joined(struct arena *a, const strings *list)
{
    const char *text = "";
    vec_each (name, list)
        text = arena_printf(a, "%s%s%s", text, *text ? ", " : "", *name);
    return text;
}

static void print_table(struct cli *cli, const plan *steps, size_t programs, size_t ready)
{
    size_t number = 0, unlocked = ready;
    printf("%zu of %zu programs miss nothing.\n", ready, programs);
    if (steps->count)
        printf("\n%4s  %-24s %-12s %8s  %s\n", "", "implement", "class", "used by", "then run");
    vec_each (step, steps) {
        unlocked += step->unlocks.count;
        printf("%4zu  %-24s %-12s %8zu  %s%s\n", ++number, step->call,
               step->class_ ? step->class_ : "-", step->programs.count,
               joined(cli->arena, &step->unlocks),
               step->unlocks.count ? arena_printf(cli->arena, " (%zu)", unlocked) : "");
    }
}

static bool misses_calls(const struct selection *s)
{
    vec_each (call, &s->missing.syscalls)
        if (!call->harmless)
            return true;
    return false;
}

enum status plan_run(struct build_options *o)
{
    struct cli *cli = o->cli;
    struct catalogue catalogue;
    VEC(struct selection) selections = {0};
    strings files = {0};
    size_t ready = 0;
    plan steps = {0};
    if (cli->program)
        vec_push(cli->arena, &files, cli->program);
    vec_each (file, &cli->operands)
        vec_push(cli->arena, &files, *file);
    if (!files.count)
        return diag_fail(&cli->diag, STATUS_INPUT, "--plan: no profile given (see --help)");
    enum status status = build_catalogue(o, &catalogue);
    vec_each (file, &files) {
        struct profile *profile = ARENA_NEW(cli->arena, struct profile);
        struct selection *selection = vec_add(cli->arena, &selections);
        if (!status)
            status = profile_read(&cli->diag, cli->arena, *file, profile);
        if (!status)
            status = match(&cli->diag, cli->arena, profile, &catalogue, &o->matcher, selection);
        if (status == STATUS_FOUND)
            status = STATUS_OK;
        if (status)
            return status;
        ready += !misses_calls(selection);
    }
    if (status)
        return status;
    match_plan(cli->arena, selections.items, selections.count, &steps);
    if (cli->json)
        return print_json(cli, &steps);
    print_table(cli, &steps, selections.count, ready);
    return STATUS_OK;
}
