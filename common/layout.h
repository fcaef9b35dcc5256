/* SPDX-License-Identifier: BSD-3-Clause
 * The layout document: sizes, addresses and pages per micro-library of a built image. Produced by
 * the memanalyser; read by optimiser, matcher (weights) and reports.
 * JSON form: docs/schema/layout.json. Sizes are bytes. */
#ifndef COMMON_LAYOUT_H
#define COMMON_LAYOUT_H

#include "common/jsonmap.h"

#define LAYOUT_SCHEMA "layout/1"

struct layout_library {
    const char *name;
    int64_t text, rodata, data, bss; /* in memory */
    int64_t file;                    /* bytes in the file, padding left out */
    int64_t padding;                 /* alignment in front of its parts, in none of the above */
};

struct layout_section {
    const char *name;
    uint64_t address;
    int64_t size;
};

struct layout_symbol {
    const char *name;
    uint64_t address;
    int64_t size;
    const char *section;
    const char *library; /* NULL: unattributed */
};

struct layout {
    const char *schema;
    const char *image; /* path */
    int64_t file_size, memory_size;
    VEC(struct layout_library) libraries;
    VEC(struct layout_section) sections;
    VEC(struct layout_symbol) symbols;
    int64_t unattributed; /* bytes in memory that no library accounts for */
};

extern const struct jm_type layout_type;

enum status layout_read(struct diag *d, struct arena *a, const char *path, struct layout *out);

#endif
