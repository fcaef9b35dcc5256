/* SPDX-License-Identifier: BSD-3-Clause
 * Inconsistencies of a catalogue, and the order of external repositories. */
#ifndef CRAWLER_LINT_H
#define CRAWLER_LINT_H

#include "common/catalogue.h"

/* Options that nothing can ever turn on: no prompt that can show, no default, no live select or
 * imply. */
enum status lint_dead_options(struct diag *d, struct arena *a, const struct catalogue *c,
                              strings *out);

/* Everything that is odd, one line each, sorted:
 * selects that override unmet dependencies (with an assignment that shows it), symbols exported by
 * two micro-libraries that can be on together, options that depend on each other in a circle, dead
 * options. What reading found (catalogue.problems) comes first. */
enum status lint_catalogue(struct diag *d, struct arena *a, const struct catalogue *c,
                           strings *out);

/* The external repositories in an order for L=: each after those whose options its own options
 * select or depend on; by name where that leaves a choice. */
enum status lint_repository_order(struct diag *d, struct arena *a, const struct catalogue *c,
                                  strings *out);

#endif
