/* SPDX-License-Identifier: BSD-3-Clause
 * Operations submitted through io_uring: calls that no system call shows. The kernel lists the
 * entries that wait in a ring under /proc/PID/fdinfo (io_uring/fdinfo.c); the ring itself, which is
 * mapped in the process, holds the last ones of a ring that a kernel thread polls. */
#include "common/selectors.h"
#include "tracer/code.h"
#include "tracer/sets.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    ENTRY = 64,              /* bytes of struct io_uring_sqe; its first is the operation */
    ENTRIES_AT = 0x10000000, /* IORING_OFF_SQES: where they are mapped from */
    ENTRIES_LIMIT = 32768,
    REGISTERED = 1 << 4, /* IORING_ENTER_REGISTERED_RING: no descriptor */
    POLLED = 1 << 1,     /* IORING_SETUP_SQPOLL */
};

/* enum io_uring_op: the kernel's binary interface. */
static const char *const operations[] = {
    "NOP",
    "READV",
    "WRITEV",
    "FSYNC",
    "READ_FIXED",
    "WRITE_FIXED",
    "POLL_ADD",
    "POLL_REMOVE",
    "SYNC_FILE_RANGE",
    "SENDMSG",
    "RECVMSG",
    "TIMEOUT",
    "TIMEOUT_REMOVE",
    "ACCEPT",
    "ASYNC_CANCEL",
    "LINK_TIMEOUT",
    "CONNECT",
    "FALLOCATE",
    "OPENAT",
    "CLOSE",
    "FILES_UPDATE",
    "STATX",
    "READ",
    "WRITE",
    "FADVISE",
    "MADVISE",
    "SEND",
    "RECV",
    "OPENAT2",
    "EPOLL_CTL",
    "SPLICE",
    "PROVIDE_BUFFERS",
    "REMOVE_BUFFERS",
    "TEE",
    "SHUTDOWN",
    "RENAMEAT",
    "UNLINKAT",
    "MKDIRAT",
    "SYMLINKAT",
    "LINKAT",
    "MSG_RING",
    "FSETXATTR",
    "SETXATTR",
    "FGETXATTR",
    "GETXATTR",
    "SOCKET",
    "URING_CMD",
    "SEND_ZC",
    "SENDMSG_ZC",
    "READ_MULTISHOT",
    "WAITID",
    "FUTEX_WAIT",
    "FUTEX_WAKE",
    "FUTEX_WAITV",
    "FIXED_FD_INSTALL",
    "FTRUNCATE",
    "BIND",
    "LISTEN",
    "RECV_ZC",
    "EPOLL_WAIT",
    "READV_FIXED",
    "WRITEV_FIXED",
    "PIPE",
};
enum { OPERATIONS = sizeof operations / sizeof operations[0] };

/* Not among the common ones: no argument of the call holds it. */
static const struct value_name no_names[] = {{0, NULL}};
static const struct selector operation = {
    SYS_io_uring_enter, 0, "operation", ~0u, false, false, true, false, no_names};

const char *ring_operation_name(struct arena *a, const struct selector *selector, int64_t value)
{
    if (selector != &operation)
        return NULL;
    return value >= 0 && value < OPERATIONS ? arena_printf(a, "IORING_OP_%s", operations[value])
                                            : NULL;
}

/* "    0: opcode:WRITE, fd:4, ..." */
static bool see_waiting(struct session *s, const char *path)
{
    char line[256], name[64];
    bool news = false;
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        const char *at = strstr(line, "opcode:");
        if (!at || sscanf(at, "opcode:%63[A-Z0-9_]", name) != 1)
            continue;
        for (int64_t i = 0; i < OPERATIONS; i++)
            if (strcmp(operations[i], name) == 0)
                news |= selectors_add(s, &operation, i);
    }
    if (file)
        fclose(file);
    return news;
}

/* Every ring of the process. */
static bool see_all_waiting(struct session *s, pid_t id)
{
    char path[300], link[64];
    bool news = false;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)id);
    DIR *folder = opendir(path);
    for (struct dirent *e; folder && (e = readdir(folder));) {
        snprintf(path, sizeof path, "/proc/%d/fd/%s", (int)id, e->d_name);
        ssize_t n = readlink(path, link, sizeof link - 1);
        link[n > 0 ? n : 0] = '\0';
        if (strcmp(link, "anon_inode:[io_uring]") != 0)
            continue;
        snprintf(path, sizeof path, "/proc/%d/fdinfo/%s", (int)id, e->d_name);
        news |= see_waiting(s, path);
    }
    if (folder)
        closedir(folder);
    return news;
}

/* Entries that have been filled in: none of an operation is all zero but NOP's. */
static bool see_entries(struct session *s, pid_t id, uint64_t start, uint64_t end)
{
    static const unsigned char empty[ENTRY];
    unsigned char entry[ENTRY];
    bool news = false;
    for (size_t i = 0; i < ENTRIES_LIMIT && start + ENTRY <= end; i++, start += ENTRY)
        if (memory_read(id, start, entry, sizeof entry) == sizeof entry &&
            memcmp(entry, empty, sizeof entry) != 0)
            news |= selectors_add(s, &operation, entry[0]);
    return news;
}

static bool see_polled(struct session *s, pid_t id)
{
    struct arena *own = arena_new();
    mappings maps = {0};
    bool news = false;
    mappings_read(own, id, &maps);
    vec_each (m, &maps)
        if (m->offset == ENTRIES_AT && strcmp(m->path, "anon_inode:[io_uring]") == 0)
            news |= see_entries(s, id, m->start, m->end);
    arena_free(own);
    return news;
}

bool rings_record(struct session *s, const struct task *task, const struct call *call)
{
    struct tracee *process = task->process;
    char path[64];
    if (call->number == SYS_io_uring_setup) {
        uint32_t flags = 0; /* struct io_uring_params: after two counts */
        memory_read(task->id, call->args[1] + 8, &flags, sizeof flags);
        process->polled |= (flags & POLLED) != 0;
        return false;
    }
    bool enters = call->number == SYS_io_uring_enter;
    bool news =
        process->polled && (enters || call->number == SYS_exit_group) && see_polled(s, task->id);
    if (!enters)
        return news;
    if (call->args[3] & REGISTERED)
        return see_all_waiting(s, task->id) || news;
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)task->id, (int)call->args[0]);
    return see_waiting(s, path) || news;
}
