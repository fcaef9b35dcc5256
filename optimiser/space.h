/* SPDX-License-Identifier: BSD-3-Clause
 * The points of a search, and the journal that remembers their measurements. Private to the
 * optimiser. */
#ifndef OPTIMISER_SPACE_H
#define OPTIMISER_SPACE_H

#include "optimiser/optimiser.h"

enum { ENUMERATED = 20000 }; /* a space larger than this is sampled */

typedef VEC(const int *) choices;

/* Valid points: all of them, in a fixed order, when there are at most ENUMERATED combinations;
 * else *all is false and the list is empty. */
void space_enumerate(struct arena *a, const struct perf_search *s, choices *out, bool *all);
/* Number of combinations, capped. */
double space_size(const struct perf_search *s);
bool same_choice(const struct perf_search *s, const int *x, const int *y);
/* "NAME=value NAME=value": only knobs not at their first value; "" is the start. */
const char *choice_text(struct arena *a, const struct perf_search *s, const int *x);

/* Deterministic random numbers (splitmix64, Steele et al. 2014). */
uint64_t random_next(uint64_t *state);

/* A sample as the journal has it. */
struct entry {
    const char *key;  /* choice_text */
    const char *kind; /* "sample" or "verify" */
    struct perf_sample sample;
    double cost_s;
    bool used;
};

struct journal {
    struct arena *a;
    struct diag *d;
    int fd; /* -1: none */
    VEC(struct entry) entries;
};

/* Opens and reads. A journal of another identity is put aside as NAME.old. A last line cut short
 * by a crash is dropped. */
enum status journal_open(struct diag *d, struct arena *a, const struct perf_search *s,
                         struct journal *out);
/* The next unused entry of that point and kind; NULL: measure it. */
struct entry *journal_next(struct journal *j, const char *key, const char *kind);
/* Appends, and has it on the disk before it returns. */
enum status journal_add(struct journal *j, const char *key, const char *kind,
                        const struct perf_sample *sample, double cost_s);
void journal_close(struct journal *j);

#endif
