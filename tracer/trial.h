/* SPDX-License-Identifier: BSD-3-Clause
 * One run of the tests with some calls not made, judged against untouched runs. Private to
 * tracer/. */
#ifndef TRACER_TRIAL_H
#define TRACER_TRIAL_H

#include "tracer/classify.h"

struct trial {
    unsigned char how[SYSCALL_LIMIT]; /* set by the caller */
    /* results */
    bool passed;
    bool early; /* it failed in the dynamic linker */
    bool hit[SYSCALL_LIMIT];
    int16_t order[SYSCALL_LIMIT];
    int count;
};

/* What untouched runs look like. */
struct baseline {
    struct diag *diag;
    struct arena *arena;
    const char *path;
    struct tracer_options options; /* with limits fit for trials */
    struct test_file tests;
    struct profile_dynamic runs[3];
    int64_t ready_us; /* the longest until a server was ready */
    bool *stable;     /* by test: its output is the same in all of them */
    bool sound;       /* so are all statuses */
    int trials;       /* made so far */
};

enum status baseline_take(struct baseline *b, struct diag *d, struct arena *a, const char *path,
                          const struct tracer_options *options);
/* Makes the trials, several at once, each in a process of its own. */
enum status trials_run(struct baseline *b, struct trial *trials, size_t count);

#endif
