/* SPDX-License-Identifier: BSD-3-Clause
 * What a program absolutely needs: runs of its tests in which calls are not made. Private to
 * tracer/. */
#ifndef TRACER_CLASSIFY_H
#define TRACER_CLASSIFY_H

#include "tracer/session.h"

enum injected {
    INJECT_NOT,
    INJECT_ENOSYS, /* the call fails as on a system without it: stubbed */
    INJECT_ZERO,   /* the call succeeds and does nothing: faked */
};

/* Which calls of the program are not made in a run, and which of them it tried. */
struct injection {
    unsigned char how[SYSCALL_LIMIT];
    bool hit[SYSCALL_LIMIT];
    int16_t order[SYSCALL_LIMIT]; /* by first try */
    int count;
    int ready_ms;                           /* longest wait for a server; 0: the usual */
    const struct profile_dynamic *expected; /* results of an untouched run; NULL: not known */
    bool by_line;                           /* what one line brought is a matter of timing */
    int64_t ready_us;                       /* result: when it was ready, the longest */
    bool entered; /* the program was past its dynamic linker when it last tried one */
};

/* A task stands at a filtered call: replaces it where the injection says so. */
void injection_apply(struct session *s, struct task *task, const struct call *call);

/* The same outcome; with by_line, whatever output the step was found to have. */
bool same_status(const char *x, const char *y, bool by_line);

/* Fills class_ of out->syscalls: out holds a traced run with the same options. */
enum status classify(struct diag *d, struct arena *a, const char *path,
                     const struct tracer_options *options, struct profile_dynamic *out);

/* ---- trace.c ---- */
/* All runs that the options ask for, recorded into out; injection NULL: the options' engine. */
enum status trace_runs(struct diag *d, struct arena *a, const char *path,
                       const struct tracer_options *options, struct injection *injection,
                       struct profile_dynamic *out);

#endif
