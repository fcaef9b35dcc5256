/* SPDX-License-Identifier: BSD-3-Clause
 * Where a test takes place: a temporary folder of its own, ports that are free, and the variables
 * that stand for them in test files: ${PORT}, ${PORT2} ... ${DIR}, ${PROGRAM}. */
#ifndef COMMON_SANDBOX_H
#define COMMON_SANDBOX_H

#include "common/testfile.h"

enum { SANDBOX_PORTS = 4 };

struct sandbox {
    char *directory;          /* fresh and temporary; NULL: none */
    int held;                 /* a lock on it: whoever finds it without one may remove it */
    int ports[SANDBOX_PORTS]; /* free ones: ${PORT}, ${PORT2} ... */
};

/* within: where its folder is made; NULL: TMPDIR or /tmp. */
enum status sandbox_open(struct diag *d, struct arena *a, bool folder, const char *within,
                         struct sandbox *box);
/* Removes the folder with all that is in it. */
void sandbox_close(struct sandbox *box);
/* text with the variables replaced. */
const char *sandbox_expand(struct arena *a, const struct sandbox *box, const char *program,
                           const char *text);
/* The reverse, for what the program says of them: its folder and ports by the variables' names. */
const char *sandbox_mask(struct arena *a, const struct sandbox *box, const char *text);
/* "PORT=40000" and so on: what shell commands find in their environment. */
strings sandbox_environment(struct arena *a, const struct sandbox *box, const char *program);
/* A copy of a test file (NULL stays NULL) with variables replaced where no shell does that, and a
 * port where it names none. */
struct test_file *sandbox_tests(struct arena *a, const struct sandbox *box, const char *program,
                                const struct test_file *tests);

#endif
