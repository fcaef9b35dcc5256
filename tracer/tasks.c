/* SPDX-License-Identifier: BSD-3-Clause
 * Threads, processes and address spaces alive. A program may create and end millions of them: what
 * is freed here is kept for the next one, as the arena frees nothing before the session ends. */
#include "tracer/code.h"
#include "tracer/script.h"
#include <string.h>

static void *take(struct session *s, struct spare **list, size_t size)
{
    struct spare *got = *list;
    if (!got)
        return arena_alloc(s->arena, size);
    *list = got->next;
    memset(got, 0, size);
    return got;
}

static void give(struct spare **list, void *unused)
{
    struct spare *spare = unused;
    spare->next = *list;
    *list = spare;
}

struct task *task_find(struct session *s, pid_t id)
{
    struct task *task;
    HASH_FIND_INT(s->tasks, &id, task);
    return task;
}

struct task *task_add(struct session *s, pid_t id, struct tracee *process)
{
    struct task *task = task_find(s, id);
    if (!task) {
        task = take(s, &s->spare_tasks, sizeof *task);
        task->id = id;
        HASH_ADD_INT(s->tasks, id, task);
    }
    if (process && !task->process) {
        task->process = process;
        process->threads++;
    }
    return task;
}

struct tracee *process_add(struct session *s, pid_t id, struct space *space,
                           const struct tracee *parent)
{
    struct tracee *process = take(s, &s->spare_processes, sizeof *process);
    if (parent)
        *process = *parent;
    process->id = id;
    process->threads = 0;
    process->breeds = false;
    process->space = space;
    space->users++;
    if (process->launch)
        meeting_member(s->meeting, process->launch, 1);
    HASH_ADD_INT(s->processes, id, process);
    return process;
}

static void process_remove(struct session *s, struct tracee *process)
{
    HASH_DEL(s->processes, process);
    space_release(s, process->space);
    if (process->launch)
        meeting_member(s->meeting, process->launch, -1);
    give(&s->spare_processes, process);
}

void task_remove(struct session *s, struct task *task)
{
    struct tracee *process = task->process;
    HASH_DEL(s->tasks, task);
    give(&s->spare_tasks, task);
    if (process && --process->threads == 0)
        process_remove(s, process);
}

struct space *space_new(struct session *s, struct unit *unit)
{
    struct space *space = take(s, &s->spare_spaces, sizeof *space);
    space->unit = unit;
    return space;
}

struct space *space_copy(struct session *s, const struct space *from)
{
    struct space *space = take(s, &s->spare_spaces, sizeof *space);
    *space = *from;
    space->users = 0;
    space->code = code_copy(from->code);
    return space;
}

void space_release(struct session *s, struct space *space)
{
    if (--space->users > 0)
        return;
    code_free(space->code);
    give(&s->spare_spaces, space);
}

struct unit *unit_for(struct session *s, const char *path, bool program)
{
    struct unit **at = &s->units;
    for (; *at; at = &(*at)->next)
        if ((*at)->program == program && strcmp((*at)->path, path) == 0)
            return *at;
    *at = ARENA_NEW(s->arena, struct unit);
    (*at)->path = arena_strdup(s->arena, path);
    (*at)->program = program;
    return *at;
}
