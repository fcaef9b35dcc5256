/* SPDX-License-Identifier: BSD-3-Clause
 * Records a program's system calls with their results. Plain PTRACE_SYSCALL: each call costs two
 * stops, which is nothing beside running the test in a machine; what is needed here, and what a
 * faster engine does not see, is every result in order. */
#include "common/syscalls.h"
#include "verifier/calls.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 1024, PATH_SHOWN = 200, CALLS_LIMIT = 1000000 };

/* A call under way in one thread. */
struct pending {
    pid_t tid; /* 0: free */
    uint64_t number, arguments[6];
    char path[PATH_SHOWN];
};

struct recorder {
    FILE *log;
    pid_t program;
    size_t written;
    struct pending *threads; /* THREADS, by hash of the id */
};

/* Which argument of a call is a path. */
static int path_argument(const char *name)
{
    static const char *const first[] = {"open",     "stat",   "lstat", "access",   "unlink",
                                        "mkdir",    "rmdir",  "chdir", "readlink", "creat",
                                        "truncate", "execve", "chmod", "statfs",   "rename"};
    static const char *const second[] = {"openat",     "newfstatat", "unlinkat",   "mkdirat",
                                         "readlinkat", "faccessat",  "faccessat2", "statx",
                                         "openat2",    "fchmodat",   "renameat2"};
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++)
        if (strcmp(name, first[i]) == 0)
            return 0;
    for (size_t i = 0; i < sizeof second / sizeof second[0]; i++)
        if (strcmp(name, second[i]) == 0)
            return 1;
    return -1;
}

static void read_path(pid_t tid, uint64_t address, char *out)
{
    /* Up to the end of the page first: what follows may not be mapped. */
    size_t left = 4096 - (address & 4095), want = PATH_SHOWN - 1;
    size_t size = want < left ? want : left;
    struct iovec local = {out, size}, remote = {.iov_len = size};
    memcpy(&remote.iov_base, &address, sizeof remote.iov_base); /* the other process's */
    ssize_t n = process_vm_readv(tid, &local, 1, &remote, 1, 0);
    out[n > 0 ? n : 0] = '\0';
    for (char *p = out; *p; p++)
        if (*p < ' ' || *p == '"' || *p > '~')
            *p = '?';
}

static struct pending *pending_of(struct recorder *r, pid_t tid, bool add)
{
    struct pending *empty = NULL;
    for (size_t i = 0; i < THREADS; i++) {
        struct pending *p = &r->threads[((size_t)tid + i) % THREADS];
        if (p->tid == tid)
            return p;
        if (!p->tid && !empty)
            empty = p;
        if (!p->tid && i > 64)
            break;
    }
    if (add && empty)
        empty->tid = tid;
    return add ? empty : NULL;
}

static void write_call(struct recorder *r, const struct pending *p, bool returned, int64_t result)
{
    /* The kernel's own sign that a signal came in between and the call is made again. */
    enum { RESTART_FIRST = -516, RESTART_LAST = -512 };
    const char *name = syscall_name((int64_t)p->number);
    if (returned && result >= RESTART_FIRST && result <= RESTART_LAST)
        return;
    if (!name || r->written++ > CALLS_LIMIT)
        return;
    int path = path_argument(name);
    fprintf(r->log, "%s(", name);
    for (int i = 0; i < 6; i++) {
        if (i == path)
            fprintf(r->log, "%s\"%s\"", i ? ", " : "", p->path);
        else
            fprintf(r->log, "%s0x%" PRIx64, i ? ", " : "", p->arguments[i]);
    }
    if (returned)
        fprintf(r->log, ") = %" PRId64 "\n", result);
    else
        fprintf(r->log, ")\n");
}

static void on_syscall_stop(struct recorder *r, pid_t tid)
{
    struct __ptrace_syscall_info info;
    memset(&info, 0, sizeof info);
    if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) <= 0)
        return;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        struct pending *p = pending_of(r, tid, true);
        if (!p)
            return;
        p->number = info.entry.nr;
        memcpy(p->arguments, info.entry.args, sizeof p->arguments);
        const char *name = syscall_name((int64_t)p->number);
        int path = name ? path_argument(name) : -1;
        if (path >= 0)
            read_path(tid, p->arguments[path], p->path);
        if (name && strncmp(name, "exit", 4) == 0)
            write_call(r, p, false, 0);
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
        struct pending *p = pending_of(r, tid, false);
        if (!p)
            return;
        write_call(r, p, true, info.exit.rval);
        p->tid = 0;
    }
}

static void child(const char *program, const char *const *argv)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    execv(program, (char *const *)argv);
    fprintf(stderr, "%s: cannot run: %s\n", program, strerror(errno));
    _exit(127);
}

/* Ends this process as the program ended. */
static _Noreturn void end_alike(struct recorder *r, int status)
{
    fclose(r->log);
    if (WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        prctl(PR_SET_DUMPABLE, 0);
        raise(WTERMSIG(status));
    }
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 127);
}

/* One stop of one thread: what to deliver when it goes on. */
static int on_stop(struct recorder *r, pid_t tid, int status, bool *started)
{
    int signal = WSTOPSIG(status), event = status >> 16;
    if (signal == (SIGTRAP | 0x80)) {
        if (*started)
            on_syscall_stop(r, tid);
        return 0;
    }
    if (event == PTRACE_EVENT_EXEC && tid == r->program)
        *started = true;
    if (event || signal == SIGTRAP)
        return 0;
    siginfo_t info;
    /* A new thread begins with a stop that is not its own; nobody else stops the program here. */
    bool fresh = signal == SIGSTOP;
    bool group = ptrace(PTRACE_GETSIGINFO, tid, NULL, &info) != 0;
    return fresh || group ? 0 : signal;
}

static void forward(int signal)
{
    (void)signal; /* the program is in the same group and gets it itself */
}

void calls_record(void *recording, const char *const *argv)
{
    const struct calls_recording *what = recording;
    struct recorder r = {.log = fopen(what->file, "we")};
    r.threads = calloc(THREADS, sizeof *r.threads);
    r.program = r.log && r.threads ? fork() : -1;
    if (r.program < 0)
        _exit(127);
    if (r.program == 0)
        child(what->program, argv);
    signal(SIGTERM, forward);
    signal(SIGINT, forward);
    int status;
    bool started = false;
    close(0);
    close(1);
    if (waitpid(r.program, &status, __WALL) != r.program || !WIFSTOPPED(status))
        _exit(127);
    ptrace(PTRACE_SETOPTIONS, r.program, NULL,
           PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
               PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC);
    ptrace(PTRACE_SYSCALL, r.program, NULL, NULL);
    for (;;) {
        pid_t tid = waitpid(-1, &status, __WALL);
        if (tid < 0 && errno == EINTR)
            continue;
        if (tid < 0)
            _exit(127);
        if (WIFSTOPPED(status)) {
            int deliver = on_stop(&r, tid, status, &started);
            ptrace(PTRACE_SYSCALL, tid, 0L, (long)deliver);
        } else if (tid == r.program) {
            end_alike(&r, status);
        } else {
            struct pending *p = pending_of(&r, tid, false);
            if (p)
                p->tid = 0;
        }
    }
}
