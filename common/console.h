/* SPDX-License-Identifier: BSD-3-Clause
 * What cores and loaders print on the console beside the program's own output: recognised by a
 * table of patterns (console.c). */
#ifndef COMMON_CONSOLE_H
#define COMMON_CONSOLE_H

#include "common/diag.h"
#include "common/vec.h"
#include <stdbool.h>

enum console_kind {
    CONSOLE_BOOT,    /* firmware, banner */
    CONSOLE_LOG,     /* the core's log */
    CONSOLE_TRACE,   /* one system call: text is its name */
    CONSOLE_RESULT,  /* of a call told before: text is its name */
    CONSOLE_MISSING, /* the core says that it lacks a call: text is its name */
    CONSOLE_END,     /* the program has ended: text is its exit status */
    CONSOLE_CRASH,   /* the core or the program died: text is the reason */
    CONSOLE_LINK,    /* initialisation failed */
};

struct console_event {
    enum console_kind kind;
    const char *text; /* the pattern's group, or the line */
    const char *line;
    size_t offset; /* of the line in the console */
    /* CONSOLE_TRACE */
    const char *arguments;
    int64_t result; /* negative errno for a failure */
    bool has_result;
};
typedef VEC(struct console_event) console_events;

struct console; /* compiled patterns */

/* The arena must outlive it; free with console_close. */
struct console *console_open(struct diag *d, struct arena *a);
void console_close(struct console *c);

/* Lines that the program prints on Linux too: never taken for the core's. NULL: none. */
void console_own(struct console *c, const strings *lines);

/* Splits a console into the program's own text and what was recognised. Colours are taken out of
 * recognised lines only. events may be NULL. */
char *console_split(struct console *c, const char *text, size_t size, size_t *own_size,
                    console_events *events);
/* Where in the console the program's own line (from 0) of the last split began; SIZE_MAX: there is
 * no such line. */
size_t console_offset(const struct console *c, size_t line);
/* True when the console says that the program has ended; *status -1: it does not say how. */
bool console_ended(struct console *c, const char *text, size_t size, int *status);

#endif
