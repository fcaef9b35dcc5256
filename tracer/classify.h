/* SPDX-License-Identifier: BSD-3-Clause
 * What a program absolutely needs: runs of its tests in which calls are not made. Private to
 * tracer/. */
#ifndef TRACER_CLASSIFY_H
#define TRACER_CLASSIFY_H

#include "tracer/session.h"

/* What may be taken from the program: a system call (its number), or what a call does for one value
 * of an argument that selects that (SYSCALL_LIMIT and up). */
enum { FEATURE_LIMIT = 256, ITEM_LIMIT = SYSCALL_LIMIT + FEATURE_LIMIT };

struct feature {
    int number;                      /* the call */
    const struct selector *selector; /* its selecting argument */
    int64_t value;
};

enum injected {
    INJECT_NOT,
    INJECT_ENOSYS, /* the call fails as on a system without it: stubbed */
    INJECT_ZERO,   /* the call succeeds and does nothing: faked */
};

/* What untouched runs look like. */
struct expectation {
    const struct profile_dynamic *run; /* results of one */
    const bool *stable;                /* by test: its output is the same in all of them */
    const strings *ignore;             /* what the test file says to mask; NULL: nothing */
    const int *step_ms;                /* by command, and for the end: longest wait for it */
    int ready_ms, end_ms;              /* longest wait for a server; for its end after SIGTERM */
    bool by_line;                      /* what one line brought is a matter of timing */
};

/* Where a run first differs from untouched ones. */
struct difference {
    bool found;
    size_t index; /* of the result */
    bool output;  /* what was printed differs, the status does not */
    char text[120];
};

/* Which calls of the program are not made in a run, and what came of it. */
struct injection {
    unsigned char how[ITEM_LIMIT]; /* enum injected */
    const struct feature *features;
    size_t feature_count;
    const bool *known;                  /* by number; others are recorded; NULL: not */
    const struct expectation *expected; /* end the run as soon as it differs; NULL: do not */
    bool control;                       /* but do not end it */
    size_t first;                       /* the result that the present run starts with */
    /* results */
    bool hit[ITEM_LIMIT];      /* tried */
    int16_t order[ITEM_LIMIT]; /* by first try */
    int count;
    bool appeared[SYSCALL_LIMIT];   /* calls that are not among the known ones */
    int16_t instead[SYSCALL_LIMIT]; /* and what had been tried last by then; -1: nothing */
    int64_t ready_us;               /* until it was ready, the longest */
    int64_t tail_us;                /* from the last command to the end of the test, likewise */
    int64_t end_us;                 /* from there to the program's end, likewise */
    bool entered;    /* the program was past its dynamic linker when it last tried one */
    bool timed_out;  /* something took longer than it may */
    bool fixed_port; /* it listens on a port that is not the sandbox's */
    struct difference difference; /* why the run was not gone on with */
};

/* ---- injection.c ---- */
/* A task stands at a filtered call: replaces it where the injection says so. */
void injection_apply(struct session *s, struct task *task, const struct call *call);

/* ---- compare.c ---- */
/* Those of an untouched run: a step's results, all so far, all. */
bool expected_step(const struct expectation *e, struct arena *a, size_t index, const char *status,
                   const char *output);
bool expected_so_far(const struct expectation *e, struct arena *a,
                     const struct profile_dynamic *run, struct difference *difference);
bool expected_results(const struct expectation *e, struct arena *a,
                      const struct profile_dynamic *run, struct difference *difference);
/* The step's answer is all that an untouched run brought there. */
bool expected_answer(const struct expectation *e, size_t index, const char *output);
/* What is printed so far is how the expected output starts. */
bool expected_start(const struct expectation *e, size_t index, const char *console);
/* The same outcome; with by_line, whatever output the step was found to have. */
bool same_status(const char *x, const char *y, bool by_line);
bool same_output(const strings *ignore, struct arena *a, const struct profile_test *x,
                 const struct profile_test *y);

/* ---- classify.c ---- */
/* Fills the classes of out's calls and selectors: out holds a traced run with the same options. */
enum status classify(struct diag *d, struct arena *a, const char *path,
                     const struct tracer_options *options, struct profile_dynamic *out);

/* ---- trace.c ---- */
/* All runs that the options ask for, recorded into out; injection NULL: the options' engine. */
enum status trace_runs(struct diag *d, struct arena *a, const char *path,
                       const struct tracer_options *options, struct injection *injection,
                       struct profile_dynamic *out);

#endif
