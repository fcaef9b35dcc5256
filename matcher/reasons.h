/* SPDX-License-Identifier: BSD-3-Clause
 * Why an option is on. Private to the matcher. */
#ifndef MATCHER_REASONS_H
#define MATCHER_REASONS_H

#include "matcher/problem.h"

/* Everything that speaks for an option being on in the solution, the weightiest first. */
void reasons_of(const struct problem *p, const struct model_option *x, strings *out);
/* The shortest chain from a need, rule or pin to the option: "selected by LIBVFSCORE, which
 * provides openat (...)". NULL where it hangs on nothing but defaults. */
const char *reason_chain(const struct problem *p, const struct model_option *x);
/* Whether the solution has a literal true; the literal's variable must be an option's, or made
 * before the solution was read. */
bool solution_has(const struct problem *p, int literal);

#endif
