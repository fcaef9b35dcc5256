/* SPDX-License-Identifier: BSD-3-Clause
 * What a process is after it has executed a program: whose calls it makes from now on, where its
 * dynamic linker lies and when that hands over. */
#include "tracer/code.h"
#include "tracer/script.h"
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BREAKPOINT = 0xcc };

static bool executable_of(pid_t id, char *path, size_t size, struct stat *st)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/exe", (int)id);
    ssize_t n = readlink(link, path, size - 1);
    path[n > 0 ? n : 0] = '\0';
    return n > 0 && stat(link, st) == 0;
}

/* Base of the dynamic linker and the program's entry, from the auxiliary vector; false: not a
 * 64-bit program. */
static bool read_auxv(pid_t id, uint64_t *base, uint64_t *entry)
{
    char path[64];
    Elf64_auxv_t vector[64];
    snprintf(path, sizeof path, "/proc/%d/auxv", (int)id);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, vector, sizeof vector);
    if (fd >= 0)
        close(fd);
    *base = *entry = 0;
    bool program_headers = false;
    for (ssize_t i = 0; i < n / (ssize_t)sizeof vector[0]; i++) {
        if (vector[i].a_type == AT_BASE)
            *base = vector[i].a_un.a_val;
        if (vector[i].a_type == AT_ENTRY)
            *entry = vector[i].a_un.a_val;
        program_headers |= vector[i].a_type == AT_PHENT && vector[i].a_un.a_val == 56;
    }
    return program_headers;
}

/* The extent of the mappings of the file mapped at base, and its path. */
static const char *mapping_at(const mappings *maps, uint64_t base, uint64_t *end)
{
    const struct mapping *first = NULL;
    *end = 0;
    vec_each (m, maps) {
        if (m->start == base) {
            first = m;
            *end = m->end;
        } else if (first && m->start == *end && m->inode == first->inode) {
            *end = m->end;
        }
    }
    return first ? first->path : NULL;
}

static void set_mark(struct task *task, struct mark *mark, uint64_t address)
{
    *mark = (struct mark){0};
    if (memory_read(task->id, address, &mark->byte, 1) == 1 && mark->byte != BREAKPOINT &&
        code_set_byte(task, address, BREAKPOINT))
        mark->address = address;
}

static void find_loader(struct session *s, struct task *task, const mappings *maps)
{
    struct tracee *process = task->process;
    struct space *space = process->space;
    uint64_t base, entry;
    if (!read_auxv(task->id, &base, &entry)) {
        process->mode = MODE_PTRACE; /* a 32-bit program */
        return;
    }
    const char *path = base ? mapping_at(maps, base, &space->loader_end) : NULL;
    if (!path)
        return;
    space->loader = base;
    record_library(s, process, path);
    if (s->options->pid) /* it must be able to go on without us */
        return;
    set_mark(task, &space->entry, entry);
    process->entered = !space->entry.address;
}

static enum mode mode_for(const struct session *s, const struct tracee *process)
{
    if (s->engine == ENGINE_BREAKPOINT && !s->options->pid)
        return MODE_BREAKPOINT;
    if (!process->launch || !process->launch->filtered)
        return MODE_PTRACE;
    if (s->injection)
        return MODE_INJECT;
    return s->engine == ENGINE_SECCOMP ? MODE_SECCOMP : MODE_PTRACE;
}

static void start_recording(struct session *s, struct task *task)
{
    struct tracee *process = task->process;
    struct arena *own = arena_new();
    mappings maps = {0};
    process->mode = mode_for(s, process);
    mappings_read(own, task->id, &maps);
    find_loader(s, task, &maps);
    if (process->mode != MODE_INJECT && !s->options->pid)
        code_start(s, task, &maps);
    arena_free(own);
}

void exec_happened(struct session *s, struct task *task)
{
    struct tracee *process = task->process;
    char path[PATH_MAX];
    struct stat st;
    bool known = executable_of(task->id, path, sizeof path, &st);
    bool program = known && st.st_dev == s->device && st.st_ino == s->inode;
    if (program)
        process->recorded = true;
    struct unit *unit = NULL;
    if (process->recorded && known)
        unit = unit_for(s, program ? s->path : path, program);
    space_release(s, process->space);
    process->space = space_new(s, unit);
    process->space->generation = (s->executions += 1000);
    process->space->users = 1;
    process->space->plain = process->limited; /* filters stay */
    process->waited = process->leaving = process->traps = process->breeds = false;
    process->entered = true;
    process->mode = MODE_FOLLOW;
    if (unit)
        start_recording(s, task);
}

/* The program meets breakpoints of its own. Where one of ours is met while SIGTRAP is blocked its
 * handler is gone for a moment, in which another thread may need it: ours are taken away. */
static void leave_to_program(struct session *s, struct task *task)
{
    const struct tracee *process = task->process;
    if (!process->traps || process->mode != MODE_BREAKPOINT || process->space->plain)
        return;
    code_give_up(s, task, "the program has breakpoints of its own");
    code_lift(task);
}

bool trap_happened(struct session *s, struct task *task)
{
    struct tracee *process = task->process;
    struct mark *entry = &process->space->entry;
    struct user_regs_struct regs;
    unsigned char byte = 0;
    if (!process->space->unit || ptrace(PTRACE_GETREGS, task->id, NULL, &regs) != 0)
        return process->space->unit != NULL;
    uint64_t address = regs.rip - 1;
    if (process->space->exit_watch && regs.rip == process->space->exit_watch &&
        trap_is_watch(task)) {
        process->leaving = true;
        code_watch_exit(task);
        code_rearm(s, task);
        return true;
    }
    if (process->traps && code_knows(process->space->code, address))
        trap_action_restore(s, task);
    if (task->lost)
        return true;
    if (entry->address && address == entry->address) {
        code_set_byte(task, address, entry->byte);
        entry->address = 0;
        process->space->quiet = false;
        process->entered = true;
        code_rearm(s, task);
    } else if (code_hit(s, task, &regs)) {
        return true;
    } else if (!trap_is_instruction(task) || memory_read(task->id, address, &byte, 1) != 1 ||
               byte == BREAKPOINT) {
        leave_to_program(s, task);
        return false;
    }
    /* Lifted just now, or between this thread's trap and its stop. */
    regs.rip = address;
    ptrace(PTRACE_SETREGS, task->id, NULL, &regs);
    return true;
}
