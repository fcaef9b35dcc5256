/* SPDX-License-Identifier: BSD-3-Clause
 * Messages to the user. One struct diag travels down through every call that may fail: the failing
 * function records one message in it and returns a status; cli/ prints the message once. Warnings,
 * notes and progress go straight to standard error. */
#ifndef COMMON_DIAG_H
#define COMMON_DIAG_H

#include "common/status.h"
#include <stdbool.h>
#include <stddef.h>

struct diag {
    int verbosity;      /* -1 quiet, 0 normal, 1 and up: more */
    bool terminal;      /* standard error is a terminal: progress is redrawn in place */
    bool colour;        /* colour allowed on standard error */
    size_t progress;    /* columns of the progress line now on screen */
    char message[2048]; /* the failure, without a trailing newline */
};

/* Prepares d: finds out about the terminal and NO_COLOR. */
void diag_init(struct diag *d, int verbosity);

/* Records the failure message (what happened, where, what to do next) and returns status, so that
 * `return diag_fail(d, STATUS_INPUT, "...")` is the idiom. A later failure replaces an earlier. */
enum status diag_fail(struct diag *d, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Prints "warning: ..." unless quiet. */
void diag_warn(struct diag *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints a line a user wants to see in an ordinary run, unless quiet. */
void diag_note(struct diag *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints a line only with -v (level 1), -v -v (level 2) ... */
void diag_debug(struct diag *d, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Shows what is being done now: redrawn in place on a terminal, silent elsewhere. total 0: unknown.
 */
void diag_progress(struct diag *d, size_t done, size_t total, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Removes the progress line. */
void diag_progress_end(struct diag *d);
/* Prints the recorded failure as "toolchain: MESSAGE". */
void diag_print_failure(struct diag *d);

#endif
