/* SPDX-License-Identifier: BSD-3-Clause
 * Starting a process for the tracing thread to seize. The child runs in a process group of its own
 * and has no controlling terminal, dies with the tool from its first instruction on, and stops
 * itself before it becomes the program. */
#include "tracer/raw.h"
#include "tracer/script.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK = 16 * 1024 }; /* fits in what the arena has */

/* Why the child could not become the program. */
struct failure {
    int error;
    enum { FAILED_SETUP, FAILED_FILTER, FAILED_EXEC } step;
};

struct birth {
    struct start start;
    pid_t parent;
    int report;
};

/* As the kernel has it. */
struct kernel_action {
    uint64_t handler, flags, restorer, mask;
};

static void reset_signals(void)
{
    const struct kernel_action standard = {0};
    const uint64_t none = 0;
    for (int i = 1; i < 65; i++)
        if (i != SIGKILL && i != SIGSTOP)
            raw_call(SYS_rt_sigaction, i, (intptr_t)&standard, 0, sizeof none, 0);
    raw_call(SYS_rt_sigprocmask, SIG_SETMASK, (intptr_t)&none, 0, sizeof none, 0);
}

/* As in a session of its own, but in the tool's: Linux schedules each session as one
 * (CONFIG_SCHED_AUTOGROUP), and two that wait for each other at every stop, in two sessions, wait
 * for all others as well: twice as long on a busy machine. */
static void leave_terminal(void)
{
    raw_call(SYS_setpgid, 0, 0, 0, 0, 0);
    long terminal = raw_call(SYS_open, (intptr_t) "/dev/tty", O_RDWR | O_NOCTTY, 0, 0, 0);
    if (terminal < 0)
        return;
    raw_call(SYS_ioctl, terminal, TIOCNOTTY, 0, 0, 0);
    raw_call(SYS_close, terminal, 0, 0, 0, 0);
}

static bool done(long result)
{
    return result >= 0;
}

/* In the memory of the tool itself, which goes on meanwhile: nothing of the C library that has
 * state. Never returns. */
static int child(void *context)
{
    const struct birth *birth = context;
    const struct start *start = &birth->start;
    raw_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (raw_call(SYS_getppid, 0, 0, 0, 0, 0) != birth->parent)
        raw_call(SYS_exit, 127, 0, 0, 0, 0);
    leave_terminal();
    reset_signals();
    struct failure failure = {0, FAILED_SETUP};
    long result = raw_call(SYS_dup2, start->in, 0, 0, 0, 0);
    result = done(result) ? raw_call(SYS_dup2, start->out, 1, 0, 0, 0) : result;
    result = done(result) ? raw_call(SYS_dup2, start->err, 2, 0, 0, 0) : result;
    if (done(result) && start->directory)
        result = raw_call(SYS_chdir, (intptr_t)start->directory, 0, 0, 0, 0);
    if (done(result)) { /* until seized */
        raw_call(SYS_kill, raw_call(SYS_getpid, 0, 0, 0, 0, 0), SIGSTOP, 0, 0, 0);
        failure.step = FAILED_FILTER;
        result = start->filter ? -filter_install(start->filter) : 0;
    }
    if (done(result)) {
        failure.step = FAILED_EXEC;
        result = raw_call(SYS_execve, (intptr_t)start->path, (intptr_t)start->argv,
                          (intptr_t)start->env, 0, 0);
    }
    failure.error = (int)-result;
    raw_call(SYS_write, birth->report, (intptr_t)&failure, sizeof failure, 0, 0);
    raw_call(SYS_exit, 127, 0, 0, 0, 0);
    return 127;
}

static enum status explain(struct diag *d, const char *path, const struct failure *failure)
{
    const char *what = strerror(failure->error);
    if (failure->step == FAILED_EXEC && failure->error == ENOENT)
        return diag_fail(d, STATUS_INPUT,
                         "%s: cannot be executed: the file or the interpreter it names is missing",
                         path);
    if (failure->step == FAILED_EXEC)
        return diag_fail(d, STATUS_INPUT, "%s: cannot be executed: %s", path, what);
    if (failure->step == FAILED_FILTER)
        return diag_fail(d, STATUS_SYSTEM,
                         "cannot install a seccomp filter: %s (try --engine ptrace)", what);
    return diag_fail(d, STATUS_SYSTEM, "%s: cannot prepare its start: %s", path, what);
}

static void launch_forget(struct meeting *m, struct launch *launch)
{
    pthread_mutex_lock(&m->lock);
    launch->pid = -1;
    launch->ended = true;
    pthread_mutex_unlock(&m->lock);
}

enum status launch_begin(struct diag *d, struct arena *a, struct meeting *m,
                         const struct start *start, bool program, struct launch **out)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0)
        return diag_fail(d, STATUS_SYSTEM, "cannot create a pipe: %s", strerror(errno));
    struct launch *launch = ARENA_NEW(a, struct launch);
    launch->program = program;
    launch->filtered = start->filter != NULL;
    launch->path = start->path;
    launch->report = report[0];
    struct birth *birth = ARENA_NEW(a, struct birth);
    *birth = (struct birth){*start, getpid(), report[1]};
    char *stack = arena_alloc(a, STACK);
    /* In the list before it lives, so that the tracing thread knows it: the kernel fills in its id.
     * A copy of the tool's memory would cost more than all the rest. */
    pthread_mutex_lock(&m->lock);
    launch->next = m->launches;
    m->launches = launch;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
    *out = launch;
    int pid =
        clone(child, stack + STACK, CLONE_VM | CLONE_PARENT_SETTID | SIGCHLD, birth, &launch->pid);
    int error = errno;
    close(report[1]);
    if (pid >= 0)
        return STATUS_OK;
    launch_forget(m, launch);
    close(report[0]);
    launch->report = -1;
    return diag_fail(d, STATUS_SYSTEM, "cannot start a process: %s", strerror(error));
}

enum status launch_result(struct diag *d, struct launch *launch)
{
    struct failure failure;
    enum status status = STATUS_OK;
    ssize_t n = -1;
    while (launch->report >= 0 && n < 0) {
        n = read(launch->report, &failure, sizeof failure);
        if (n < 0 && errno != EINTR)
            break;
    }
    if (n == sizeof failure)
        status = explain(d, launch->path, &failure);
    if (launch->report >= 0)
        close(launch->report);
    launch->report = -1;
    return status;
}

enum status launch_start(struct diag *d, struct arena *a, struct meeting *m,
                         const struct start *start, bool program, struct launch **out)
{
    enum status status = launch_begin(d, a, m, start, program, out);
    return status ? status : launch_result(d, *out);
}
