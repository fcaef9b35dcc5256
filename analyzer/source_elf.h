/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef ANALYZER_SOURCE_ELF_H
#define ANALYZER_SOURCE_ELF_H

#include "common/vec.h"

/* Before the name of a library function: the symbol of what calls it. */
#define SOURCE_CALL "calls "

/* The bytes of an x86-64 program that needs these libraries (DT_NEEDED) and calls these functions
 * of theirs (format: System V gABI 4.1, chapters 4 and 5). */
const char *source_elf(struct arena *a, const char *interpreter, const strings *libraries,
                       const strings *functions, size_t *size);

#endif
