/* SPDX-License-Identifier: BSD-3-Clause
 * The signals that end the tool. They are blocked in all threads of a run; a thread of its own
 * waits for them, so that they are heard whatever the others wait for. A run without tests begins
 * without it: most of those are over before it would have been started, and such a signal waits
 * until then.
 */
#include "tracer/script.h"
#include <errno.h>

/* Those that would end the tool; what the caller of the tool has it ignore (nohup) stays ignored.
 */
void ending_signals(sigset_t *set)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction action;
        if (sigaction(signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(set, signals[i]);
    }
}

/* Waits for a signal that is to end the tool: everything traced goes first. */
static void *guard(void *context)
{
    struct meeting *m = context;
    sigset_t set;
    int signal = 0;
    sigemptyset(&set);
    ending_signals(&set);
    sigaddset(&set, MEETING_WAKE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (sigwait(&set, &signal) == 0 && signal != MEETING_WAKE) {
        pthread_mutex_lock(&m->lock);
        m->interrupted = signal;
        pthread_mutex_unlock(&m->lock);
        meeting_ask(m, ASK_END, NULL, 0);
    }
    return NULL;
}

void guard_start(struct script *script)
{
    sigset_t set, kept;
    if (script->guarded)
        return;
    sigemptyset(&set); /* it may be told to end before it has blocked what tells it */
    sigaddset(&set, MEETING_WAKE);
    pthread_sigmask(SIG_BLOCK, &set, &kept);
    script->guarded = pthread_create(&script->guard, NULL, guard, script->meeting) == 0;
    pthread_sigmask(SIG_SETMASK, &kept, NULL);
}

void guard_end(struct script *script)
{
    if (!script->guarded)
        return;
    /* Not by pthread_cancel: glibc loads a library for that. */
    pthread_kill(script->guard, MEETING_WAKE);
    pthread_join(script->guard, NULL);
    script->guarded = false;
}
