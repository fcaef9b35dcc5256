/* SPDX-License-Identifier: BSD-3-Clause
 * Boolean formulas over an incremental SAT solver (CaDiCaL). A literal is a non-zero integer, -x
 * the negation of x. Gates are Tseitin-encoded in both directions and shared: equal gates have
 * equal literals. Private to the matcher. */
#ifndef MATCHER_SAT_H
#define MATCHER_SAT_H

#include "common/arena.h"
#include "common/vec.h"
#include <stdbool.h>

struct sat;
typedef VEC(int) literals;

/* A solver whose tables live in the arena; the solver itself is freed with sat_free. */
struct sat *sat_new(struct arena *a);
void sat_free(struct sat *s); /* NULL is allowed */
/* The literal that is always true; its negation is false. */
int sat_true(const struct sat *s);
int sat_variable(struct sat *s);
size_t sat_variables(const struct sat *s);
size_t sat_clauses(const struct sat *s);

/* The disjunction of the literals must hold. */
void sat_clause(struct sat *s, const int *list, size_t count);
void sat_unit(struct sat *s, int literal);
/* if holds implies then holds */
void sat_imply(struct sat *s, int if_literal, int then_literal);

/* Gates: literals equivalent to the formula. */
int sat_and(struct sat *s, const int *list, size_t count);
int sat_or(struct sat *s, const int *list, size_t count);
int sat_and2(struct sat *s, int x, int y);
int sat_or2(struct sat *s, int x, int y);
int sat_equal(struct sat *s, int x, int y);

/* Solves under assumptions. After true, sat_value tells the model; after false, sat_failed tells
 * whether an assumption was used in the refutation. */
bool sat_solve(struct sat *s, const int *assumptions, size_t count);
bool sat_value(struct sat *s, int literal);
bool sat_failed(struct sat *s, int literal);

/* Shrinks a set of assumptions that cannot hold together to one of which no member can be left
 * out (deletion, in the order given: later ones are tried first). The order is kept. */
void sat_minimal_core(struct sat *s, literals *core);

#endif
