/* SPDX-License-Identifier: BSD-3-Clause
 * Where the two threads of a run meet. The tracing thread sleeps in waitpid, which only a child's
 * change or a signal ends; a signal that comes just before is lost, so a request is signalled again
 * until it has been taken. */
#include "tracer/script.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { AGAIN_MS = 1 };

static void woken(int signal)
{
    (void)signal;
}

enum status meeting_open(struct session *s, struct meeting *m)
{
    memset(m, 0, sizeof *m);
    pthread_mutex_init(&m->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&m->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    m->tracer = pthread_self();
    m->session = s;
    m->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (m->wake < 0)
        return diag_fail(s->diag, STATUS_SYSTEM, "cannot create an eventfd: %s", strerror(errno));
    struct sigaction wake = {.sa_handler = woken};
    if (sigaction(MEETING_WAKE, &wake, NULL) != 0)
        return diag_fail(s->diag, STATUS_SYSTEM, "cannot set a signal handler: %s",
                         strerror(errno));
    s->meeting = m;
    return STATUS_OK;
}

void meeting_close(struct meeting *m)
{
    pthread_mutex_destroy(&m->lock);
    pthread_cond_destroy(&m->changed);
    if (m->wake >= 0)
        close(m->wake);
}

struct launch *meeting_launch(struct meeting *m, pid_t pid)
{
    pthread_mutex_lock(&m->lock);
    struct launch *launch = m->launches;
    while (launch && (launch->pid != pid || launch->ended))
        launch = launch->next;
    pthread_mutex_unlock(&m->lock);
    return launch;
}

/* With the lock held: tells the script what it may be waiting for. */
static void tell(struct meeting *m)
{
    const uint64_t once = 1;
    pthread_cond_broadcast(&m->changed);
    ssize_t written = write(m->wake, &once, sizeof once);
    (void)written; /* full: it has been told */
}

void meeting_member(struct meeting *m, struct launch *launch, int change)
{
    pthread_mutex_lock(&m->lock);
    launch->members += change;
    if (!launch->members)
        tell(m);
    pthread_mutex_unlock(&m->lock);
}

void meeting_ended(struct meeting *m, struct launch *launch, int status)
{
    pthread_mutex_lock(&m->lock);
    launch->ended = true;
    launch->status = status;
    tell(m);
    pthread_mutex_unlock(&m->lock);
}

bool meeting_wait(struct meeting *m)
{
    pthread_mutex_lock(&m->lock);
    for (;;) {
        bool alive = false;
        for (struct launch *l = m->launches; l; l = l->next)
            alive |= !l->ended;
        if (alive || m->over || m->request)
            break;
        pthread_cond_wait(&m->changed, &m->lock);
    }
    bool go_on = !m->over || m->request;
    pthread_mutex_unlock(&m->lock);
    return go_on;
}

static void signal_launch(struct session *s, const struct launch *launch, int signal)
{
    struct tracee *process = NULL, *next = NULL;
    bool first = !launch->ended && signal != SIGKILL;
    HASH_ITER (hh, s->processes, process, next) {
        if (process->launch == launch && (!first || process->id == launch->pid))
            kill(process->id, signal);
    }
    /* Not yet seized, or just being started. */
    if (signal == SIGKILL && !launch->ended && launch->pid > 0)
        kill(launch->pid, SIGKILL);
}

void meeting_serve(struct session *s, struct meeting *m)
{
    pthread_mutex_lock(&m->lock);
    enum request request = m->request;
    struct launch *about = m->about, *launches = m->launches;
    int signal = m->signal;
    pthread_mutex_unlock(&m->lock);
    if (!request)
        return;
    if (request == ASK_SIGNAL)
        signal_launch(s, about, signal);
    if (request == ASK_KILL) {
        about->killed = true;
        signal_launch(s, about, SIGKILL);
    }
    if (request == ASK_END) {
        loop_end(s);
        for (struct launch *l = launches; l; l = l->next)
            signal_launch(s, l, SIGKILL);
    }
    if (request == ASK_RUNNING)
        record_running(s);
    pthread_mutex_lock(&m->lock);
    m->request = ASK_NOTHING;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
}

void meeting_ask(struct meeting *m, enum request request, struct launch *about, int signal)
{
    pthread_mutex_lock(&m->lock);
    while (m->request)
        pthread_cond_wait(&m->changed, &m->lock);
    m->request = request;
    m->about = about;
    m->signal = signal;
    pthread_cond_broadcast(&m->changed);
    if (pthread_equal(pthread_self(), m->tracer)) {
        pthread_mutex_unlock(&m->lock);
        meeting_serve(m->session, m);
        return;
    }
    while (m->request) {
        pthread_kill(m->tracer, MEETING_WAKE);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += AGAIN_MS * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&m->changed, &m->lock, &until);
    }
    pthread_mutex_unlock(&m->lock);
}

void meeting_over(struct meeting *m)
{
    /* Also where all have ended: of some the birth may never have been announced. */
    meeting_ask(m, ASK_END, NULL, 0);
    pthread_mutex_lock(&m->lock);
    m->over = true;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
}

bool meeting_gone(struct meeting *m, struct launch *launch)
{
    pthread_mutex_lock(&m->lock);
    bool gone = launch->ended && !launch->members;
    pthread_mutex_unlock(&m->lock);
    return gone;
}
