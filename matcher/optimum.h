/* SPDX-License-Identifier: BSD-3-Clause
 * Weighted minimum by unsatisfiable cores (the OLL algorithm of Andres, Kaufmann, Matheis and
 * Schaub, "Unsatisfiability-based optimization in clasp", 2012, with the stratification of
 * Ansotegui and others). Each core proves that the bound rises; the first model that respects the
 * bound is therefore a proven optimum. Private to the matcher. */
#ifndef MATCHER_OPTIMUM_H
#define MATCHER_OPTIMUM_H

#include "matcher/sat.h"

struct soft {
    int literal;    /* should be true */
    int64_t weight; /* what its being false costs; > 0 */
};
typedef VEC(struct soft) softs;

/* Minimises the sum of the weights of false literals over the models of the clauses, and makes
 * that minimum a clause of the problem, so that a following call minimises something else among
 * the optima found so far. Returns the minimum, or -1 where the clauses have no model at all. */
int64_t optimum(struct sat *s, struct arena *a, const softs *objective);

#endif
