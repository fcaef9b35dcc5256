/* SPDX-License-Identifier: BSD-3-Clause
 * .eh_frame: which bytes describe which function. Format: Linux Standard Base, "Exception Frames";
 * DWARF 5, section 6.4.1. */
#ifndef MEMANALYSER_UNWIND_H
#define MEMANALYSER_UNWIND_H

#include "memanalyser/elf_file.h"

struct unwind_entry {
    uint64_t start, end; /* offsets in .eh_frame */
    uint64_t cie;        /* offset of its CIE; of itself for a CIE */
    uint64_t pc, pc_end; /* addresses; equal for a CIE */
};
typedef VEC(struct unwind_entry) unwind_entries;

/* The entries of .eh_frame in order; stops quietly at the first malformed one (linked files end
 * with a zero terminator, and other tools must live with what precedes). */
void unwind_read(struct arena *a, const struct elf_file *f, const struct elf_section *s,
                 unwind_entries *out);

#endif
