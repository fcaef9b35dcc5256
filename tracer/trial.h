/* SPDX-License-Identifier: BSD-3-Clause
 * One run of the tests with some calls not made, judged against untouched runs. Private to
 * tracer/. */
#ifndef TRACER_TRIAL_H
#define TRACER_TRIAL_H

#include "tracer/classify.h"
#include <signal.h>

struct trial {
    const char *keep; /* set by the caller: an untouched run to its end: the file for what it finds;
                         NULL: a trial */
    int64_t took_us, ready_us, tail_us, end_us;
    unsigned char how[ITEM_LIMIT]; /* set by the caller */
    bool patient; /* set by the caller: allow it more time, it may only have been slow */
    bool passed;
    bool early; /* it failed in the dynamic linker, whose path is always the same */
    bool slow;  /* it failed because something took too long */
    bool fixed_port;
    bool broken; /* the tool could not make it; why */
    bool hit[ITEM_LIMIT];
    bool appeared[SYSCALL_LIMIT];
    int16_t instead[SYSCALL_LIMIT];
    int16_t order[ITEM_LIMIT];
    int count;
    struct difference difference; /* it failed */
    char why[120];
};

enum { BASELINES = 4, PARALLEL_LIMIT = 8 };

struct baseline {
    struct diag *diag;
    struct arena *arena;
    const char *path;
    struct tracer_options options; /* with limits fit for trials */
    struct feature features[FEATURE_LIMIT];
    size_t feature_count;
    bool known[SYSCALL_LIMIT]; /* calls of untouched runs */
    struct profile_dynamic runs[BASELINES];
    bool *stable; /* by result: its output is the same in all of them */
    struct expectation expected, patient;
    bool sound;           /* all of them have the same results */
    const char *unsound;  /* else where they differ */
    int parallel;         /* trials at once */
    const char *serial;   /* why it is 1; NULL: it need not be */
    bool private_network; /* each trial in a network namespace of its own */
    int64_t took_us;      /* an untouched run, the longest */
};

/* ---- pool.c: trials in processes of their own, several at once ---- */

struct worker {
    pid_t pid;
    int report; /* where its trial comes from when it is done */
    int64_t until_us;
    size_t got;
    struct trial *trial;
};

struct pool {
    struct baseline *baseline;
    struct worker workers[PARALLEL_LIMIT];
    int running;
    int signals; /* a signalfd */
    sigset_t kept;
    int interrupted; /* the signal that is to end the tool; 0: none */
    int trials;      /* made so far */
};

/* Signals that would end the tool are taken from here on until pool_close. */
enum status pool_open(struct pool *p, struct baseline *b);
bool pool_has_room(const struct pool *p);
enum status pool_start(struct pool *p, struct trial *trial);
/* Waits for one to be done, whichever. STATUS_SYSTEM also where a signal is to end the tool: then
 * all are gone. */
enum status pool_finish(struct pool *p, struct trial **trial);
/* Ends what still runs. */
void pool_close(struct pool *p);
/* The last step: a signal that came meanwhile ends the tool here. */
void pool_release_signals(struct pool *p);

/* ---- trial.c ---- */
/* Untouched runs; out: what a traced run with the same options found. The caller has set diag,
 * arena, path, options and features. */
enum status baseline_take(struct baseline *b, struct pool *pool, const struct profile_dynamic *out);
/* One more untouched run is done: learns what varies besides. *news: something did; false where the
 * run differed in more than its output. */
bool baseline_learn(struct baseline *b, const struct trial *trial, bool *news);
/* In the process of a trial. */
void trial_make(const struct baseline *b, struct trial *trial);

#endif
