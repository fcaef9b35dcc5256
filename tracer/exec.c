/* SPDX-License-Identifier: BSD-3-Clause
 * What a process is after it has executed a program: whose calls it makes from now on, where its
 * dynamic linker lies and when that hands over. */
#include "tracer/script.h"
#include "tracer/session.h"
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
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
static bool mapping_at(pid_t id, uint64_t base, uint64_t *end, char *path, size_t size)
{
    char name[64], line[PATH_MAX + 128], wanted[64] = "";
    snprintf(name, sizeof name, "/proc/%d/maps", (int)id);
    FILE *file = fopen(name, "re");
    if (!file)
        return false;
    *end = 0;
    while (fgets(line, sizeof line, file)) {
        uint64_t from, to;
        char identity[64];
        int at = 0;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %63[^ ] %*s %n", &from, &to, identity,
                   &at) < 3)
            continue;
        char *inode = strstr(line, identity);
        snprintf(identity, sizeof identity, "%.60s", inode ? inode : "");
        if (from == base) {
            snprintf(wanted, sizeof wanted, "%s", identity);
            snprintf(path, size, "%.*s", (int)strcspn(line + at, "\n"), line + at);
            *end = to;
        } else if (*end == from && strncmp(wanted, identity, strcspn(identity, " ")) == 0) {
            *end = to;
        }
    }
    fclose(file);
    return *end != 0;
}

static void set_mark(pid_t id, struct mark *mark, uint64_t address)
{
    unsigned char breakpoint = BREAKPOINT;
    *mark = (struct mark){0};
    if (memory_read(id, address, &mark->byte, 1) == 1 && mark->byte != BREAKPOINT &&
        memory_write(id, address, &breakpoint, 1))
        mark->address = address;
}

static void find_loader(struct session *s, struct task *task)
{
    struct tracee *process = task->process;
    struct space *space = process->space;
    uint64_t base, entry;
    char path[PATH_MAX];
    process->entered = true;
    if (!read_auxv(task->id, &base, &entry)) {
        process->mode = MODE_PTRACE; /* a 32-bit program */
        return;
    }
    if (!base || !mapping_at(task->id, base, &space->loader_end, path, sizeof path))
        return;
    space->loader = base;
    record_library(s, process, path);
    set_mark(task->id, &space->entry, entry);
    process->entered = !space->entry.address;
}

static enum mode mode_for(const struct session *s, const struct tracee *process)
{
    if (s->engine == ENGINE_SECCOMP && process->launch && process->launch->filtered)
        return MODE_SECCOMP;
    return MODE_PTRACE;
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
    process->space->users = 1;
    process->waited = process->leaving = false;
    process->entered = true;
    process->mode = MODE_FOLLOW;
    if (unit) {
        process->mode = mode_for(s, process);
        find_loader(s, task);
    }
}

bool trap_happened(struct session *s, struct task *task)
{
    struct tracee *process = task->process;
    struct mark *entry = &process->space->entry;
    struct user_regs_struct regs;
    (void)s;
    if (!entry->address || ptrace(PTRACE_GETREGS, task->id, NULL, &regs) != 0 ||
        regs.rip - 1 != entry->address)
        return false;
    memory_write(task->id, entry->address, &entry->byte, 1);
    entry->address = 0;
    regs.rip--;
    ptrace(PTRACE_SETREGS, task->id, NULL, &regs);
    process->entered = true;
    return true;
}
