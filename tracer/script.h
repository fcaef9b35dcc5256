/* SPDX-License-Identifier: BSD-3-Clause
 * The script of a run (set up, start the program, drive its tests, end it, clean up) and where the
 * thread that plays it meets the tracing thread. Private to tracer/. */
#ifndef TRACER_SCRIPT_H
#define TRACER_SCRIPT_H

#include "common/drive.h"
#include "common/sandbox.h"
#include "tracer/session.h"
#include <pthread.h>
#include <signal.h>

/* Ends the tracing thread's waitpid, and the guard's wait. */
enum { MEETING_WAKE = SIGUSR1 };

enum request {
    ASK_NOTHING,
    ASK_SIGNAL,  /* to every process of a launch (of its first one, while that lives) */
    ASK_KILL,    /* a launch */
    ASK_END,     /* everything, now and whatever is still to be born */
    ASK_RUNNING, /* the tests begin */
};

struct meeting {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t tracer;
    struct session *session;
    struct launch *launches;
    int wake;        /* an eventfd: some launch has ended */
    bool over;       /* the script has nothing more to start */
    int interrupted; /* the signal that is to end the tool; 0: none */
    enum request request;
    struct launch *about;
    int signal;
};

enum status meeting_open(struct session *s, struct meeting *m);
void meeting_close(struct meeting *m);
/* ---- tracing thread ---- */
/* The launch that pid belongs to as its first process; NULL: none. */
struct launch *meeting_launch(struct meeting *m, pid_t pid);
void meeting_member(struct meeting *m, struct launch *launch, int change);
void meeting_ended(struct meeting *m, struct launch *launch, int status);
/* Sleeps until there is something to wait for; false: there never will be. */
bool meeting_wait(struct meeting *m);
/* Does what the script asked for, if anything. */
void meeting_serve(struct session *s, struct meeting *m);
/* ---- script thread ---- */
/* Asks and returns once it is done. */
void meeting_ask(struct meeting *m, enum request request, struct launch *about, int signal);
bool meeting_gone(struct meeting *m, struct launch *launch);
/* Nothing more is to be started: what is left is ended. */
void meeting_over(struct meeting *m);

/* How a process is started. */
struct start {
    const char *path;
    const char *const *argv;
    const char *const *env; /* the whole environment */
    const char *directory;  /* NULL: the present one */
    int in, out, err;
    const struct sock_fprog *filter; /* NULL: none */
};
/* Starts a process that waits, stopped, for the tracing thread to seize it. launch and what start
 * points to must live until launch_result(). */
enum status launch_begin(struct diag *d, struct arena *a, struct meeting *m,
                         const struct start *start, bool program, struct launch **launch);
/* Waits until it has become the program. One that cannot be executed: STATUS_INPUT names it. */
enum status launch_result(struct diag *d, struct launch *launch);
/* Both. */
enum status launch_start(struct diag *d, struct arena *a, struct meeting *m,
                         const struct start *start, bool program, struct launch **launch);

/* Everything about one run. */
struct script {
    struct session *session;
    struct meeting *meeting;
    struct arena *arena;     /* the script thread's own */
    struct diag diag;        /* likewise */
    const char *const *line; /* arguments of a configuration line, NULL-terminated; NULL: none */
    /* results */
    enum status status;
    VEC(struct profile_test) results; /* the program's own end comes last */
    int exit_status, signal;          /* of the program; -1 and 0: the tool ended it */
    bool timed_out;
    /* private */
    struct sandbox box;
    struct drive drive;
    struct process process; /* the program, as the drive sees it */
    bool opened, begun;     /* the box; the program */
    struct launch *program;
    int64_t deadline_us; /* of the whole test */
    pthread_t guard;
    bool guarded;
};
/* ---- loop.c ---- */
/* Handles events while there is no script thread: until all of a launch has ended (true), or for so
 * many milliseconds. */
bool loop_briefly(struct session *s, struct launch *launch, int ms);

/* ---- guard.c ---- */
/* Adds those that would end the tool, but not what its caller has it ignore (nohup). */
void ending_signals(sigset_t *set);
/* From here on such a signal ends everything traced, then the tool. On the script thread. */
void guard_start(struct script *script);
/* Once the script thread has ended. */
void guard_end(struct script *script);

/* The script thread: a struct script. */
void *script_play(void *script);
/* What is done of it before there is such a thread: starts a program that has no tests, which may
 * be over soon. On the tracing thread; false: nothing runs. */
bool script_begin(struct script *script);

#endif
