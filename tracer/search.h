/* SPDX-License-Identifier: BSD-3-Clause
 * The search for what the tests can do without. Private to tracer/. */
#ifndef TRACER_SEARCH_H
#define TRACER_SEARCH_H

#include "tracer/trial.h"

enum { MODES = 2 }; /* 0: stubbed, 1: faked */
enum verdict { UNTRIED, PASSES, FAILS, FLAKY };

/* What is known of one item. */
struct subject {
    bool candidate;
    short passes[MODES], fails[MODES]; /* trials without it alone */
    bool with_others[MODES];           /* a trial passed without it and others */
    bool early[MODES];                 /* its failure was in the dynamic linker */
    bool conflict[MODES];              /* can be missed, but not together with others */
    bool asked[MODES];                 /* a trial without it alone waits for its turn */
    int64_t fail_us[MODES];            /* what such a failure takes */
};

enum job_kind { JOB_GROUP, JOB_ALONE, JOB_JOINT, JOB_CONTROL };

struct job {
    struct trial trial; /* first: a trial is its job */
    enum job_kind kind;
    int mode;
    int item;    /* alone */
    int suspect; /* group: what was taken out of it last; -1: nothing */
    int misses;  /* group: suspects in a row that were not to blame */
    int again;   /* group: repeated because it failed without a single try */
    struct job *next;
};

struct search {
    struct baseline *baseline;
    struct pool pool;
    struct diag *diag;
    struct arena *arena;
    struct subject subjects[ITEM_LIMIT];
    struct job *first, *last, *urgent; /* to be done; urgent ones before others */
    int64_t deadline_us;               /* no trial starts after it */
    bool out_of_time;
    struct job *done;                   /* alone, and failed */
    int64_t control_us;                 /* when an untouched run was last made */
    bool unchecked;                     /* since then something failed for its output only */
    int controls;                       /* untouched runs so */
    int noise;                          /* failures in which nothing was missing */
    int searched;                       /* trials of the search, without repetitions */
    int repetitions;                    /* of the trials: of what had failed or passed before */
    int best;                           /* most items a passing trial missed ... */
    unsigned char best_how[ITEM_LIMIT]; /* ... which */
    /* the answer, all at once */
    unsigned char removed[ITEM_LIMIT]; /* enum injected */
    int confirmed;                     /* how often the tests passed so; 0: not found out */
    bool appeared[SYSCALL_LIMIT];      /* calls made only then */
    int16_t instead[SYSCALL_LIMIT];
};

/* ---- priors.c ---- */
int prior_of(int number, int mode); /* percent */

/* ---- search.c ---- */
enum verdict verdict_of(const struct search *s, int item, int mode);
/* It can be missed, stubbed or faked, also together with the others. */
bool removable(const struct search *s, int item, int mode);
unsigned char mode_value(int mode);
/* What the trial says when it fails: "stubbed clone3". */
const char *item_name(const struct search *s, int item);
struct job *job_new(struct search *s, enum job_kind kind, int mode);
void job_add(struct search *s, struct job *job);
/* An untouched run is made next: what varies by itself is learned from it. */
void search_control(struct search *s);
/* It failed for an output that is known by now to vary by itself. */
bool job_void(const struct search *s, const struct job *job);
/* Makes all jobs and those that follow from them. */
enum status search_run(struct search *s);
/* Finds a verdict for every candidate from `first` up to `end`. */
enum status search_items(struct search *s, int first, int end);
/* Repeats failures of what would be required, so that a flaky one shows. */
enum status search_repeat(struct search *s);

/* ---- confirm.c ---- */
/* Takes everything away at once, several times; puts back until that holds. */
enum status confirm(struct search *s);
/* Calls that are made only when others are missing: which of them can be missed then. */
enum status try_fallbacks(struct search *s, struct profile_dynamic *out);

#endif
