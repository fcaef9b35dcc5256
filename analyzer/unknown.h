/* SPDX-License-Identifier: BSD-3-Clause
 * Private to the analyzer: what a place may call whose system-call number could not be bounded. */
#ifndef ANALYZER_UNKNOWN_H
#define ANALYZER_UNKNOWN_H

#include "analyzer/graph.h"

enum unknown_kind {
    UNKNOWN_ANY,      /* every call must be expected */
    UNKNOWN_POINTER,  /* those that indirect calls of its object pass on as constants */
    UNKNOWN_REPEATED, /* the C library has its other threads repeat what set*id() functions do */
};

/* Where the number that a context's site does not know may come from: follows callers that pass
 * on an input of their own. numbers (PASSED_NUMBERS of them) is set for UNKNOWN_POINTER. inside
 * marks objects of the C library by index, or is NULL. */
enum unknown_kind unknown_origin(const struct walk *w, const struct context *c, const bool *inside,
                                 bool numbers[PASSED_NUMBERS]);
/* The reason, as it stands in unresolved. */
const char *unknown_reason(enum unknown_kind kind);

#endif
