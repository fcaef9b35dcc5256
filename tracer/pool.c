/* SPDX-License-Identifier: BSD-3-Clause
 * Trials run in child processes: several at once, and nothing one does to the tracer reaches
 * another. They die with the tool; when a signal ends the tool, they end what they started and
 * clean up first. */
#include "common/process.h"
#include "tracer/script.h"
#include "tracer/trial.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLEANUP_MS = 3000, TRIAL_SLACK_MS = 20000 };

enum status pool_open(struct pool *p, struct baseline *b)
{
    *p = (struct pool){.baseline = b};
    sigset_t endings;
    sigemptyset(&endings);
    ending_signals(&endings);
    sigprocmask(SIG_BLOCK, &endings, &p->kept);
    p->signals = signalfd(-1, &endings, SFD_CLOEXEC | SFD_NONBLOCK);
    if (p->signals < 0) {
        sigprocmask(SIG_SETMASK, &p->kept, NULL);
        return diag_fail(b->diag, STATUS_SYSTEM, "cannot create a signalfd: %s", strerror(errno));
    }
    return STATUS_OK;
}

bool pool_has_room(const struct pool *p)
{
    return p->running < p->baseline->parallel;
}

/* In the child: never returns. */
static void work(const struct baseline *b, struct trial *trial, int report)
{
    trial_make(b, trial);
    const char *from = (const char *)trial;
    for (size_t left = sizeof *trial; left;) {
        ssize_t n = write(report, from, left);
        if (n <= 0)
            _exit(1);
        from += n;
        left -= (size_t)n;
    }
    _exit(0);
}

/* Longer than any of its own limits allow. */
static int64_t longest_us(const struct baseline *b, bool patient)
{
    const struct expectation *e = patient ? &b->patient : &b->expected;
    int64_t ms = TRIAL_SLACK_MS;
    if (!e->step_ms)
        return INT64_MAX / 4;
    for (size_t i = 0; i < e->run->tests.count; i++)
        ms += e->step_ms[i];
    return (ms + e->ready_ms + 2 * e->end_ms) * 1000;
}

enum status pool_start(struct pool *p, struct trial *trial)
{
    struct diag *d = p->baseline->diag;
    struct worker *w = &p->workers[p->running];
    int ends[2];
    pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return diag_fail(d, STATUS_SYSTEM, "cannot create a pipe: %s", strerror(errno));
    *w = (struct worker){.report = ends[0], .trial = trial};
    w->until_us = now_us() + longest_us(p->baseline, trial->patient);
    w->pid = fork();
    if (w->pid == 0) {
        close(ends[0]);
        fcntl(ends[1], F_SETFL, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        work(p->baseline, trial, ends[1]);
    }
    int error = errno;
    close(ends[1]);
    if (w->pid < 0) {
        close(ends[0]);
        return diag_fail(d, STATUS_SYSTEM, "cannot start a process: %s", strerror(error));
    }
    p->running++;
    return STATUS_OK;
}

static void reap(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
}

/* Asks all to end and clean up; kills those that do not. */
static void end_all(struct pool *p)
{
    int64_t until = now_us() + (int64_t)CLEANUP_MS * 1000;
    for (int i = 0; i < p->running; i++)
        kill(p->workers[i].pid, SIGTERM);
    for (int i = 0; i < p->running; i++) {
        struct worker *w = &p->workers[i];
        siginfo_t info = {0};
        while (now_us() < until && !info.si_pid &&
               waitid(P_PID, (id_t)w->pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0)
            poll(NULL, 0, info.si_pid ? 0 : 5);
        kill(w->pid, SIGKILL);
        reap(w->pid);
        close(w->report);
    }
    p->running = 0;
}

/* Takes in a part of its report; true: there is no more to come. */
static bool receive(struct worker *w)
{
    char *to = (char *)w->trial;
    ssize_t n = read(w->report, to + w->got, sizeof *w->trial - w->got);
    if (n > 0)
        w->got += (size_t)n;
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) || w->got == sizeof *w->trial;
}

static enum status take_report(struct pool *p, int index, struct trial **trial)
{
    struct worker w = p->workers[index];
    p->workers[index] = p->workers[--p->running];
    *trial = w.trial;
    p->trials++;
    kill(w.pid, w.got == sizeof *w.trial ? 0 : SIGKILL);
    reap(w.pid);
    close(w.report);
    bool whole = w.got == sizeof *w.trial;
    if (!whole && now_us() >= w.until_us) { /* it outlived all its limits */
        w.trial->passed = w.trial->early = w.trial->broken = false;
        w.trial->slow = true;
        return STATUS_OK;
    }
    return whole && !w.trial->broken ? STATUS_OK
                                     : diag_fail(p->baseline->diag, STATUS_SYSTEM,
                                                 "a run of the classification broke off%s%s",
                                                 whole ? ": " : "", whole ? w.trial->why : "");
}

enum status pool_finish(struct pool *p, struct trial **trial)
{
    for (;;) {
        struct pollfd fds[PARALLEL_LIMIT + 1] = {{.fd = p->signals, .events = POLLIN}};
        int64_t now = now_us(), next = INT64_MAX;
        for (int i = 0; i < p->running; i++) {
            fds[i + 1] = (struct pollfd){.fd = p->workers[i].report, .events = POLLIN};
            if (p->workers[i].until_us < next)
                next = p->workers[i].until_us;
        }
        int wait_ms = next <= now            ? 0
                      : next - now > 1000000 ? 1000
                                             : (int)((next - now) / 1000) + 1;
        poll(fds, (nfds_t)p->running + 1, wait_ms);
        struct signalfd_siginfo info;
        if (fds[0].revents && read(p->signals, &info, sizeof info) == sizeof info) {
            p->interrupted = (int)info.ssi_signo;
            end_all(p);
            return diag_fail(p->baseline->diag, STATUS_SYSTEM, "interrupted by signal %d",
                             p->interrupted);
        }
        for (int i = 0; i < p->running; i++)
            if ((fds[i + 1].revents && receive(&p->workers[i])) ||
                now_us() >= p->workers[i].until_us)
                return take_report(p, i, trial);
    }
}

void pool_close(struct pool *p)
{
    end_all(p);
    if (p->signals >= 0)
        close(p->signals);
    p->signals = -1;
}

void pool_release_signals(struct pool *p)
{
    sigprocmask(SIG_SETMASK, &p->kept, NULL);
    if (p->interrupted)
        raise(p->interrupted);
}
