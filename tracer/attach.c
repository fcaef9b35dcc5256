/* SPDX-License-Identifier: BSD-3-Clause
 * Watching a process that runs already. Nothing in it is changed (no breakpoint, no filter), so
 * that it goes on as before when the tool ends, however that happens. */
#include "tracer/attach.h"
#include "common/process.h"
#include "tracer/script.h"
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
              PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC,
    ROUND_MS = 50,
};

static bool seize(struct session *s, struct tracee *process, pid_t id)
{
    if (task_find(s, id))
        return true;
    if (ptrace(PTRACE_SEIZE, id, NULL, (void *)(uintptr_t)OPTIONS) != 0)
        return false;
    task_add(s, id, process);
    ptrace(PTRACE_INTERRUPT, id, NULL, NULL); /* so that it goes on stopping at calls */
    return true;
}

/* All threads: listed again until no new one turns up. */
static bool seize_all(struct session *s, struct tracee *process)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)process->id);
    unsigned before;
    do {
        DIR *folder = opendir(path);
        before = HASH_COUNT(s->tasks);
        for (struct dirent *e; folder && (e = readdir(folder));)
            if (e->d_name[0] != '.' && !seize(s, process, (pid_t)atoi(e->d_name)) &&
                atoi(e->d_name) == process->id) {
                closedir(folder);
                return false;
            }
        if (folder)
            closedir(folder);
    } while (HASH_COUNT(s->tasks) != before);
    return true;
}

static void detach_all(struct session *s)
{
    struct task *task = NULL, *next = NULL;
    HASH_ITER (hh, s->tasks, task, next) {
        int status = 0;
        if (ptrace(PTRACE_INTERRUPT, task->id, NULL, NULL) == 0 &&
            waitpid(task->id, &status, __WALL) == task->id && WIFSTOPPED(status)) {
            int signal = WSTOPSIG(status);
            bool delivers = !(status >> 16) && signal != (SIGTRAP | 0x80);
            ptrace(PTRACE_DETACH, task->id, NULL, (void *)(uintptr_t)(delivers ? signal : 0));
        }
        task_remove(s, task);
    }
}

/* Until the time is up, all of it has ended, or a signal asks for the end. */
static void watch(struct session *s, const sigset_t *signals)
{
    int64_t until =
        s->options->wait_ms ? now_us() + (int64_t)s->options->wait_ms * 1000 : INT64_MAX;
    while (s->tasks && now_us() < until) {
        int status;
        pid_t pid = waitpid(-1, &status, __WALL | WNOHANG);
        if (pid > 0) {
            loop_event(s, pid, status);
            continue;
        }
        struct timespec round = {0, ROUND_MS * 1000000};
        int signal = sigtimedwait(signals, NULL, &round);
        if (signal > 0 && signal != SIGCHLD)
            return;
    }
}

static enum status check(struct session *s)
{
    char path[64];
    struct stat st;
    int pid = s->options->pid;
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    if (stat(path, &st) != 0)
        return diag_fail(s->diag, STATUS_INPUT, "--pid %d: %s", pid,
                         errno == ENOENT ? "no such process" : strerror(errno));
    if (st.st_dev != s->device || st.st_ino != s->inode)
        return diag_fail(s->diag, STATUS_INPUT,
                         "--pid %d: that process does not run %s (see /proc/%d/exe)", pid, s->path,
                         pid);
    return STATUS_OK;
}

enum status attach_run(struct session *s)
{
    struct meeting meeting;
    sigset_t signals, kept;
    enum status status = check(s);
    if (!status)
        status = meeting_open(s, &meeting);
    if (status)
        return status;
    s->engine = ENGINE_PTRACE;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, &kept);
    struct tracee *process = process_add(s, s->options->pid, space_new(s, s->units), NULL);
    process->mode = MODE_PTRACE;
    process->recorded = process->entered = process->waited = true;
    if (seize_all(s, process))
        watch(s, &signals);
    else
        status = diag_fail(s->diag, STATUS_SYSTEM, "--pid %d: cannot trace it: %s", process->id,
                           strerror(errno));
    detach_all(s);
    sigprocmask(SIG_SETMASK, &kept, NULL);
    meeting_close(&meeting);
    return status;
}
