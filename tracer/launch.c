/* SPDX-License-Identifier: BSD-3-Clause
 * Starting a process for the tracing thread to seize. The child runs in a session of its own (no
 * controlling terminal), dies with the tool from its first instruction on, and stops itself before
 * it becomes the program. */
#include "tracer/script.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK = 16 * 1024 }; /* fits in what the arena has */

/* Why the child could not become the program. */
struct failure {
    int error;
    enum { FAILED_SETUP, FAILED_FILTER, FAILED_EXEC } step;
};

static void reset_signals(void)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int i = 1; i < 65; i++)
        if (i != SIGKILL && i != SIGSTOP)
            sigaction(i, &standard, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

struct birth {
    const struct start *start;
    pid_t parent;
    int report;
};

/* In the memory of the tool itself, whose calling thread waits (vfork): only what is
 * async-signal-safe, and nothing that looks at the thread's own id. Never returns. */
static int child(void *context)
{
    const struct birth *birth = context;
    const struct start *start = birth->start;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != birth->parent)
        _exit(127);
    setsid();
    reset_signals();
    struct failure failure = {0, FAILED_SETUP};
    bool good = dup2(start->in, 0) >= 0 && dup2(start->out, 1) >= 0 && dup2(start->err, 2) >= 0 &&
                (!start->directory || chdir(start->directory) == 0);
    if (good) {
        kill(getpid(), SIGSTOP); /* until seized */
        failure.step = FAILED_FILTER;
        errno = start->filter ? filter_install(start->filter) : 0;
        good = errno == 0;
    }
    if (good) {
        failure.step = FAILED_EXEC;
        execve(start->path, (char *const *)start->argv, (char *const *)start->env);
    }
    failure.error = errno;
    ssize_t ignored = write(birth->report, &failure, sizeof failure);
    (void)ignored;
    _exit(127);
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

enum status launch_start(struct diag *d, struct arena *a, struct meeting *m,
                         const struct start *start, bool program, struct launch **out)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0)
        return diag_fail(d, STATUS_SYSTEM, "cannot create a pipe: %s", strerror(errno));
    struct launch *launch = ARENA_NEW(a, struct launch);
    launch->program = program;
    launch->filtered = start->filter != NULL;
    struct birth birth = {start, getpid(), report[1]};
    char *stack = arena_alloc(a, STACK);
    /* In the list before it lives, so that the tracing thread knows it: the kernel fills in its id.
     * A copy of the tool's memory would cost more than all the rest. */
    pthread_mutex_lock(&m->lock);
    launch->next = m->launches;
    m->launches = launch;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
    int pid = clone(child, stack + STACK, CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | SIGCHLD,
                    &birth, &launch->pid);
    int error = errno;
    if (pid < 0)
        launch_forget(m, launch);
    close(report[1]);
    struct failure failure;
    enum status status = STATUS_OK;
    if (pid < 0)
        status = diag_fail(d, STATUS_SYSTEM, "cannot start a process: %s", strerror(error));
    else if (read(report[0], &failure, sizeof failure) == sizeof failure)
        status = explain(d, start->path, &failure);
    close(report[0]);
    *out = launch;
    return status;
}
