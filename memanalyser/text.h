/* SPDX-License-Identifier: BSD-3-Clause
 * A growing text. */
#ifndef MEMANALYSER_TEXT_H
#define MEMANALYSER_TEXT_H

#include "common/arena.h"
#include <stdarg.h>
#include <stddef.h>

struct text {
    struct arena *arena;
    char *bytes; /* NUL-terminated once anything was added */
    size_t used, capacity;
};

void text_add(struct text *t, const char *s);
void text_addf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* With &, <, > and " as entities and control characters as "?". */
void text_add_xml(struct text *t, const char *s);

#endif
