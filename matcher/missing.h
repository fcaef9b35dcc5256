/* SPDX-License-Identifier: BSD-3-Clause
 * What nothing provides. Private to the matcher. */
#ifndef MATCHER_MISSING_H
#define MATCHER_MISSING_H

#include "matcher/problem.h"

/* Fills missing, unmet and clashes. Returns whether anything is missing that matters. */
bool missing_fill(struct problem *p, struct selection *out);

/* Entries of the catalogue that come close to a call that is not met, at most four. */
void near_calls(const struct problem *p, const struct need *need, strings *near);

/* A letter for each parameter of a system call, "" for none, NULL where it is not known. */
const char *syscall_letters(const char *name);
/* The C type a letter stands for. */
const char *syscall_letter_type(char letter);
/* "long openat2(int, const char *, void *, unsigned long)", NULL where it is not known. */
const char *syscall_prototype(struct arena *a, const char *name);

#endif
