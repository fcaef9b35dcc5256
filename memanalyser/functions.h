/* SPDX-License-Identifier: BSD-3-Clause
 * Functions with exact bounds: from sized symbols, unsized ones up to the next symbol, and, where
 * there are none (stripped files), .eh_frame. */
#ifndef MEMANALYSER_FUNCTIONS_H
#define MEMANALYSER_FUNCTIONS_H

#include "memanalyser/image.h"

struct function {
    const char *name; /* "fun_1a2b0" for one known from .eh_frame only */
    uint32_t section;
    uint64_t start, end;             /* offsets in the section */
    const struct elf_symbol *symbol; /* NULL: from .eh_frame */
};
typedef VEC(struct function) functions;

/* Sorted by section and start; aliases of one place appear once. Ranges may nest or overlap only
 * where symbols do. */
void functions_find(struct image *image, functions *out);
/* "printf@plt" for every procedure linkage table entry, added to the image's names. Call once,
 * before functions_find. */
void image_name_plt(struct diag *d, struct image *image);

/* C++ and Rust names made readable; the name itself when it is neither. In the arena. */
const char *demangle(struct arena *a, const char *name);

#endif
