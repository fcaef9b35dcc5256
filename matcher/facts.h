/* SPDX-License-Identifier: BSD-3-Clause
 * Facts: what is known of a program and of the build, as "key=value" texts that the rules of the
 * catalogue look at. Private to the matcher, but for its tests. */
#ifndef MATCHER_FACTS_H
#define MATCHER_FACTS_H

#include "matcher/matcher.h"

/* Evaluates a condition over facts:
 *     or := and ("||" and)*    and := not ("&&" not)*    not := "!" not | "(" or ")" | atom
 *     atom := key | key "=" pattern
 * A key alone holds when any fact has it; the pattern is a glob (fnmatch, "/" matched by "*").
 * NULL or blank: true. A syntax error is STATUS_INPUT, naming where and the column. */
enum status condition_holds(struct diag *d, const char *where, const char *condition,
                            const strings *facts, bool *out);

/* Collects the facts of profile and options, then those that the catalogue's rules of kind "fact"
 * derive from them. Sorted, each once. The keys are documented in docs/rules.md. */
enum status facts_collect(struct diag *d, struct arena *a, const struct profile *profile,
                          const struct catalogue *catalogue, const struct matcher_options *options,
                          const strings *calls, const strings *symbols, strings *out);

/* Whether text matches one of the patterns (globs). */
bool matches_any(const strings *patterns, const char *text);

#endif
