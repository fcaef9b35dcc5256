/* SPDX-License-Identifier: BSD-3-Clause
 * From what was observed on either side to verdicts. */
#ifndef VERIFIER_CHECKS_H
#define VERIFIER_CHECKS_H

#include "verifier/observe.h"

/* What the image has to print, learned from the program's runs. */
void script_of(struct bench *b, const struct observed *native, size_t repeat, struct script *out);

/* Compares and fills run->checks and run->verdict. */
void run_checks(struct bench *b, const struct observed *native, size_t repeat,
                const struct observed *image, const struct runner *runner, struct verif_run *run);

/* Files written, by content (files.c). */
void check_files(struct bench *b, const struct observed *native, size_t repeat,
                 const struct observed *image, const struct runner *runner, struct verif_run *run);

/* Adds the normalisers that are no regular expressions: what was cut from the console, what varies
 * from run to run. */
void checks_report(struct bench *b, struct verif *out);

struct verif_check *add_check(struct bench *b, struct verif_run *run, const char *aspect,
                              const char *subject, int verdict);

#endif
