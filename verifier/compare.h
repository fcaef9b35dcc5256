/* SPDX-License-Identifier: BSD-3-Clause
 * Comparing lines: what varies between runs of the program itself is masked by token. */
#ifndef VERIFIER_COMPARE_H
#define VERIFIER_COMPARE_H

#include "common/vec.h"
#include <stdbool.h>

/* What the program prints: lines in which a token that varies from run to run is WILD. */
struct expectation {
    strings lines;
    bool unordered;       /* the same lines come in another order from run to run */
    const char *unusable; /* why it can be compared with nothing; NULL: it can */
    size_t masked;        /* tokens */
    strings examples;     /* "line 3: '1714' or '1719'", at most a few */
};

#define WILD '\x01'

/* From the same output of several runs of the program. */
void expect(struct arena *a, const strings *runs, size_t count, bool unordered,
            struct expectation *out);
/* line equals pattern but for its wild tokens. */
bool line_matches(const char *pattern, const char *line);

enum edit_kind { EDIT_KEEP, EDIT_LOST, EDIT_EXTRA };
struct edit {
    enum edit_kind kind;
    size_t expected, got; /* line numbers from 0 on either side */
};
typedef VEC(struct edit) edits;

/* A shortest edit script from expected lines to those that came (greedy algorithm of Myers, 1986;
 * beyond a bound of work the remainder is taken as all lost and all extra). */
void diff_lines(struct arena *a, const strings *expected, const strings *got, edits *out);
/* Readable: lines with "-" (only on Linux), "+" (only from the image) and " ", three of context. */
char *diff_text(struct arena *a, const strings *expected, const strings *got, const edits *script);
/* The same lines, whatever their order. */
bool same_set(struct arena *a, const strings *expected, const strings *got);

#endif
