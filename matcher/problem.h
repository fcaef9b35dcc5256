/* SPDX-License-Identifier: BSD-3-Clause
 * One constraint problem: the catalogue's formula, the needs bound to it, and the levels of the
 * objective. Private to the matcher. */
#ifndef MATCHER_PROBLEM_H
#define MATCHER_PROBLEM_H

#include "common/kconfig_eval.h"
#include "matcher/needs.h"
#include "matcher/optimum.h"

struct problem {
    struct diag *diag;
    struct arena *arena;
    const struct profile *profile;
    const struct catalogue *catalogue;
    const struct matcher_options *options;
    struct needs needs;
    struct model model;
    bool solved;             /* the levels below are filled, on and with as well */
    int64_t lost_rules;      /* rules that cannot be met */
    int64_t lost_needs;      /* weight of calls and functions that cannot */
    int64_t lost_wishes;     /* weight of wishes */
    int64_t library_cost;    /* bytes or number of libraries */
    int64_t deviations;      /* options that are not as they would be by default */
    int64_t option_count;    /* options on that could be off, and external repositories */
    bool *on;                /* by option index */
    bool *values;            /* by variable of the formula */
    bool *with;              /* by repository index */
    struct kconfig *kconfig; /* holding the solution */
};

/* Facts, needs and formula. Must be closed, whatever the result. */
enum status problem_open(struct diag *d, struct arena *a, const struct profile *profile,
                         const struct catalogue *catalogue, const struct matcher_options *options,
                         struct problem *p);
void problem_close(struct problem *p);

/* Minimises level by level: rules that cannot be met, calls and functions that cannot, wishes not
 * granted, cost of libraries, deviations from defaults, options. extra: a literal that must hold,
 * 0 for none. STATUS_INPUT where pins contradict each other or needs that could be met without
 * them; STATUS_SYSTEM where the solution is no fixed point of Kconfig's evaluation, which would be
 * a fault of this program. */
enum status problem_solve(struct problem *p, int extra);
/* STATUS_INPUT, naming a smallest set of wishes and needs that exclude each other; STATUS_OK where
 * pins cost no need. */
enum status problem_check_pins(struct problem *p);

/* Literals of everything that was met in the solution and must stay met: needs, rules, pins. */
void problem_requirements(const struct problem *p, literals *out);
/* The needs behind a core of such literals, in words, joined by "; ". */
const char *problem_words(const struct problem *p, const literals *core, int except);

/* What a library costs: bytes where a layout knows it, the median of the known ones else, 1
 * without a layout. */
int64_t library_weight(const struct problem *p, const struct catalogue_library *library);
/* The literal that says a library is built. */
int library_built(const struct problem *p, const struct catalogue_library *library);

#endif
