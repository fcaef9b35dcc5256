/* SPDX-License-Identifier: BSD-3-Clause
 * Circumstances: calls that a C library makes on a program's behalf only once the program has asked
 * for a feature, through functions of the library's public interface, or else only on its way to
 * abnormal termination, under certain environment variables, with a local service, or where the
 * kernel offers no vDSO or lacks a newer call. */
#ifndef ANALYZER_GUARDS_H
#define ANALYZER_GUARDS_H

#include "analyzer/graph.h"

struct guards;

/* Which public functions of the C library are entered from outside it by what a walk reached. NULL
 * when the program has no C library of its own object, or one the rules do not know. loads: whether
 * there is any object for the library to load by itself. */
struct guards *guards_read(struct engine *e, const struct walk *w, bool loads);
/* The circumstance (WHEN_*) under which alone a system call is made: WHEN_NORMAL unless a rule
 * covers it and no function that enables it is entered. guards may be NULL. */
unsigned guards_when(const struct guards *g, const char *call);

/* The objects of the GNU C library, by index: libc itself and those built with it. NULL when there
 * is none. */
bool *guards_library(struct engine *e);

#endif
