/* SPDX-License-Identifier: BSD-3-Clause
 * System calls that 64-bit code makes through other doors: int 0x80 and sysenter take i386 numbers,
 * a set bit 30 means x32. */
#ifndef ANALYZER_FOREIGN_H
#define ANALYZER_FOREIGN_H

#include "common/arena.h"
#include <stdbool.h>
#include <stdint.h>

enum { FOREIGN_LIMIT = 24 };

/* The x86-64 calls that do what an i386 number asks for, and in *note how it is told. Returns how
 * many; 0: none does. */
unsigned foreign_i386(struct arena *a, int64_t number, int64_t out[FOREIGN_LIMIT],
                      const char **note);
/* The x86-64 call of an x32 number (without its bit), or -1. */
int64_t foreign_x32(struct arena *a, int64_t number, const char **note);

#endif
