/* SPDX-License-Identifier: BSD-3-Clause
 * What changed between two catalogues. JSON form: docs/schema/difference.json. */
#ifndef CRAWLER_DIFFERENCE_H
#define CRAWLER_DIFFERENCE_H

#include "common/catalogue.h"

#define DIFFERENCE_SCHEMA "difference/1"

struct difference_entry {
    const char *what; /* "option", "choice", "library", "syscall", "repository" */
    const char *name;
    const char *change; /* "new", "gone", "changed" */
    strings details;    /* what changed: "default: y if A -> n" */
};

struct catalogue_difference {
    const char *schema;
    const char *from, *to;                /* "unikraft 0.16.2" */
    VEC(struct difference_entry) entries; /* by what, name */
};

extern const struct jm_type catalogue_difference_type;

void catalogue_compare(struct arena *a, const struct catalogue *from, const struct catalogue *to,
                       struct catalogue_difference *out);

#endif
