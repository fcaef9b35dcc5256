/* SPDX-License-Identifier: BSD-3-Clause
 * Bounds of the functions of an object, from the unwind table, symbols and Go's function table, so
 * that stripped files lose nothing; and the landing pads of exception handling. */
#ifndef ANALYZER_FUNCTIONS_H
#define ANALYZER_FUNCTIONS_H

#include "analyzer/elf_object.h"

struct function_range {
    uint64_t start, end; /* virtual addresses, end exclusive */
    uint64_t lsda;       /* language-specific data (landing pads); 0: none */
    bool unwind;         /* from the unwind table: code that keeps a frame as C does */
};

struct functions {
    const struct elf_object *elf;
    VEC(struct function_range) ranges; /* by start, each start once, none empty */
    bool unwind;                       /* some came from the unwind table */
};

/* Collects the ranges; never fails: broken tables end early. The object must be loaded. */
void functions_collect(struct arena *a, const struct elf_object *elf, struct functions *out);
/* The range that holds an address (the one that starts last), or NULL. */
const struct function_range *functions_at(const struct functions *f, uint64_t address);

/* The first range that starts behind an address, or NULL. */
const struct function_range *functions_after(const struct functions *f, uint64_t address);

/* One call site of a landing-pad table. */
struct landing_pad {
    uint64_t start, end; /* the calls covered */
    uint64_t pad;        /* where control goes when one throws */
};
typedef VEC(struct landing_pad) landing_pads;
/* Reads the table of a range that has an lsda (Itanium C++ ABI, exception tables). */
void functions_landing_pads(struct arena *a, const struct elf_object *elf,
                            const struct function_range *range, landing_pads *out);

#endif
