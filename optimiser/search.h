/* SPDX-License-Identifier: BSD-3-Clause
 * A search under way: its points, what is measured of them, what is proposed next. Private to the
 * optimiser. */
#ifndef OPTIMISER_SEARCH_H
#define OPTIMISER_SEARCH_H

#include "optimiser/model.h"
#include "optimiser/space.h"

enum {
    SAMPLES = 12, /* of one point at most */
};

enum tried { UNTRIED, GOOD, BAD };

struct point {
    const int *x;
    const char *key;
    bool works;
    const char *failure;
    enum tried verified;
    double *samples; /* [objective][SAMPLES] */
    size_t count;
    double cost_s;
    bool remembered;
};

struct search {
    struct diag *d;
    struct arena *a;
    const struct perf_search *s;
    struct journal journal;
    VEC(struct point) points;
    choices space; /* when all could be listed */
    bool listed;
    double combinations;
    int64_t most;
    double spent_s;
    size_t remembered;
    size_t objectives;
    struct model model;
    uint64_t random;
    const char *stopped;
};

/* ---- points.c: measuring and comparing ---- */

/* Median and median absolute deviation of one objective's samples. */
void point_statistics(const struct point *p, size_t objective, double *median, double *mad);
/* The point with that choice; NULL: not measured. */
struct point *point_find(struct search *f, const int *x);
bool search_interrupted(const struct search *f);
/* Whether the limits leave room for another point; says why not in f->stopped. */
bool may_go_on(struct search *f);
/* Measures unless it was, or the limits do not allow it. */
enum status measure_point(struct search *f, const int *x);
/* a is better than b beyond the noise. */
bool point_better(const struct search *f, const struct point *a, const struct point *b,
                  size_t objective);
/* The same, with more samples of both taken where it is open. */
enum status point_decide(struct search *f, struct point *a, struct point *b, size_t objective,
                         bool *yes);
/* Has it compared with the program on Linux, once. */
enum status point_verified(struct search *f, struct point *p, bool *good);
/* Knobs that are not at their first value. */
size_t point_changes(const struct search *f, const struct point *p);

/* ---- propose.c: what to measure next ---- */

struct proposal {
    const int *x; /* NULL: there is nothing left */
    double promise;
};

bool choice_valid(const struct search *f, const int *x);
/* Where the model, taught with all points that work, expects most. */
struct proposal propose(struct search *f, size_t step);
/* When nothing promises much any more: what the model may have wrong about the changes next to the
 * best point, first those it thinks best. x NULL: all of them are known. */
struct proposal propose_neighbour(struct search *f, size_t step);

/* ---- conclude.c ---- */

enum status conclude(struct search *f, struct perf *out);

#endif
