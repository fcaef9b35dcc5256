/* SPDX-License-Identifier: BSD-3-Clause
 * What may differ between a program on Linux and its image without being a difference. Every
 * normaliser is named, counted and listed in the report. */
#ifndef VERIFIER_NORMALISE_H
#define VERIFIER_NORMALISE_H

#include "verifier/verifier.h"

struct normaliser; /* one entry of the table, or a regular expression of the user */

struct normalisers {
    struct diag *d;
    struct arena *a;
    VEC(struct normaliser *) chosen;
};

/* Chooses the ones always applied, those named, and one per regular expression of ignore.
 * STATUS_INPUT names an unknown name (and the known ones) or a bad expression. */
enum status normalisers_prepare(struct diag *d, struct arena *a, const strings *names,
                                const strings *ignore, struct normalisers *out);
void normalisers_free(struct normalisers *n);

/* The lines of text after normalisation. image: what only images print is cut as well. */
void normalise(struct normalisers *n, const char *text, size_t size, bool image, strings *lines);
/* Counts one more use of a normaliser that is not in the table ("varies"). */
void normalisers_report(const struct normalisers *n, verif_normalisers *out);

/* "times: hh:mm:ss and dates", one per line: for --help. */
char *normalisers_list(struct arena *a);

#endif
