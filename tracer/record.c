/* SPDX-License-Identifier: BSD-3-Clause
 * What is learned from a call, and how it becomes the dynamic part of the profile. */
#include "tracer/binary.h"
#include "tracer/code.h"
#include "tracer/sets.h"
#include "tracer/stack.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct sets *sets_new(struct arena *a)
{
    return ARENA_NEW(a, struct sets);
}

unsigned process_phase(const struct tracee *process)
{
    if (process->leaving)
        return PHASE_EXIT;
    return process->waited ? PHASE_RUN : PHASE_INIT;
}

static unsigned phase_of(const struct tracee *process, const struct call *call)
{
    const struct space *space = process->space;
    if (!process->entered && call->ip >= space->loader && call->ip < space->loader_end)
        return PHASE_LOADER;
    return process_phase(process);
}

bool record_call(struct session *s, struct task *task, const struct call *call)
{
    struct tracee *process = task->process;
    struct unit *unit = process->space->unit;
    if (!unit || call->number < 0 || call->number >= SYSCALL_LIMIT)
        return false;
    /* The kernel's own way to go on with a call that a stop interrupted. */
    if (call->number == SYS_restart_syscall)
        return false;
    /* Other threads may wait before the first one has finished setting up. */
    bool first_wait = !process->waited && task->id == process->id && call_waits(call);
    if (first_wait) {
        process->waited = true;
        code_rearm(s, task);
    }
    struct fact *fact = &unit->calls[call->abi][call->number];
    unsigned phase = phase_of(process, call);
    bool news = first_wait || !(fact->phases & phase);
    if (s->options->evidence && unit->program && !fact->phases)
        fact->first = stack_take(s, task, call);
    fact->phases |= phase;
    fact->count++;
    if (unit->program && call->abi == ABI_NATIVE) {
        news |= selectors_record(s, task, call);
        news |= files_record(s, task, call);
        news |= rings_record(s, task, call);
    }
    return news;
}

void record_running(struct session *s)
{
    struct tracee *process = NULL, *next = NULL;
    HASH_ITER (hh, s->processes, process, next) {
        if (process->recorded && process->launch && process->launch->program)
            process->waited = true;
    }
}

void record_library(struct session *s, const struct tracee *process, const char *path)
{
    const struct unit *unit = process->space->unit;
    if (!unit || !unit->program || strcmp(path, unit->path) == 0)
        return;
    struct library_seen *seen;
    HASH_FIND_STR(s->sets->libraries, path, seen);
    if (seen)
        return;
    seen = ARENA_NEW(s->arena, struct library_seen);
    seen->path = arena_strdup(s->arena, path);
    HASH_ADD_KEYPTR(hh, s->sets->libraries, seen->path, strlen(seen->path), seen);
}

/* ---- into the profile ---- */

static int by_soname(const void *x, const void *y)
{
    const struct profile_library *a = x, *b = y;
    int order = strcmp(a->soname, b->soname);
    return order ? order : strcmp(a->path, b->path);
}

static void libraries_finish(struct session *s, struct arena *a, struct profile_dynamic *out)
{
    struct library_seen *seen = NULL, *next = NULL;
    HASH_ITER (hh, s->sets->libraries, seen, next) {
        struct profile_library *library = vec_add(a, &out->libraries);
        library->path = arena_strdup(a, seen->path);
        const char *slash = strrchr(library->path, '/');
        struct binary *binary = binary_named(s->arena, &s->binaries, library->path);
        const char *soname = binary ? binary_soname(binary) : NULL;
        library->soname = soname ? arena_strdup(a, soname) : slash ? slash + 1 : library->path;
        HASH_DEL(s->sets->libraries, seen);
    }
    vec_sort(&out->libraries, by_soname);
}

/* From the outermost caller to the instruction. */
static void evidence(struct arena *a, const struct stack *stack, struct profile_syscall *call)
{
    for (size_t i = stack ? stack->steps.count : 0; i-- > 0;) {
        const struct profile_step *from = &stack->steps.items[i];
        struct profile_step *to = vec_add(a, &call->evidence);
        *to = *from;
        to->library = arena_strdup(a, from->library);
        to->function = arena_strdup(a, from->function);
        to->source = from->source ? arena_strdup(a, from->source) : NULL;
    }
}

static void calls_finish(struct session *s, struct arena *a, const struct unit *unit,
                         profile_syscalls *out)
{
    for (int abi = 0; abi < ABI_COUNT; abi++)
        for (int number = 0; number < SYSCALL_LIMIT; number++) {
            const struct fact *fact = &unit->calls[abi][number];
            if (!fact->phases)
                continue;
            struct profile_syscall *call = vec_add(a, out);
            call->name = call_name(a, abi, number);
            call->number = number;
            call->phases = fact->phases;
            call->count = s->options->count ? fact->count : 0;
            call->runs = fact->runs < s->options->repeat ? fact->runs : 0;
            evidence(a, fact->first, call);
            call->class_ = -1;
        }
    profile_syscalls_sort(out);
}

static int by_path(const void *x, const void *y)
{
    return strcmp(((const struct profile_exec *)x)->path, ((const struct profile_exec *)y)->path);
}

void record_finish(struct session *s, struct arena *a, struct profile_dynamic *out)
{
    for (const struct unit *unit = s->units; unit; unit = unit->next) {
        if (unit->program) {
            calls_finish(s, a, unit, &out->syscalls);
            continue;
        }
        struct profile_exec *exec = vec_add(a, &out->execs);
        exec->path = arena_strdup(a, unit->path);
        calls_finish(s, a, unit, &exec->syscalls);
    }
    vec_sort(&out->execs, by_path);
    libraries_finish(s, a, out);
    functions_finish(s, a, out);
    selectors_finish(s, a, out);
    files_finish(s, a, out);
}
