/* SPDX-License-Identifier: BSD-3-Clause
 * Rules: catalogue/rules-common.json for every core, catalogue/rules-CORE.json for the cores known
 * by name, and rules.json at the top of a core's own tree. They are written by hand, unlike the
 * catalogues, and described in docs/rules.md. */
#ifndef CATALOGUE_RULES_H
#define CATALOGUE_RULES_H

#include "common/catalogue.h"

/* Appends the embedded rules, those of the catalogue's core (its name) and the common ones, except
 * those whose name the catalogue already has a rule for. */
enum status catalogue_add_rules(struct diag *d, struct arena *a, struct catalogue *catalogue);
/* Appends the rules of a file in the same way. */
enum status catalogue_read_rules(struct diag *d, struct arena *a, const char *path,
                                 struct catalogue *catalogue);

#endif
