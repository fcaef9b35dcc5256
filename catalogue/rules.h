/* SPDX-License-Identifier: BSD-3-Clause
 * The rules built into the program, one set per core: catalogue/rules-CORE.json. They are written
 * by hand, unlike the catalogues, and described in docs/rules.md. */
#ifndef CATALOGUE_RULES_H
#define CATALOGUE_RULES_H

#include "common/catalogue.h"

/* Appends the rules of the catalogue's core (by catalogue->name); none for an unknown core. */
enum status catalogue_add_rules(struct diag *d, struct arena *a, struct catalogue *catalogue);

/* Appends the rules of a file of the same form: a core's tree may carry its own (rules.json). */
enum status catalogue_read_rules(struct diag *d, struct arena *a, const char *path,
                                 struct catalogue *catalogue);

#endif
