/* SPDX-License-Identifier: BSD-3-Clause
 * The encodings of DWARF and of unwind tables, read piece by piece from the little-endian bytes of
 * a 64-bit file. Formats: DWARF 5, 7.6; LSB Core, "DWARF Exception Header Encoding". */
#ifndef COMMON_DWARF_READER_H
#define COMMON_DWARF_READER_H

#include <stdbool.h>
#include <stdint.h>

/* Past the end everything is zero, and bad is set. */
struct dwarf_reader {
    const unsigned char *at, *end;
    uint64_t address; /* virtual, of at */
    bool bad;
};

/* size bytes, at most eight. */
uint64_t dwarf_fixed(struct dwarf_reader *r, unsigned size);
/* LEB128: what goes beyond 64 bits is dropped. */
uint64_t dwarf_unsigned(struct dwarf_reader *r);
int64_t dwarf_signed(struct dwarf_reader *r);
/* A pointer as an encoding (DW_EH_PE_*) says, those relative to their own place or to a function
 * made absolute; 0 stays 0, as in the unwinder, and what is omitted is 0. The word that an indirect
 * one points at is not looked at. An encoding that counts from anything else is bad. */
uint64_t dwarf_pointer(struct dwarf_reader *r, unsigned encoding, uint64_t function);
/* Goes behind one, whatever it counts from. */
void dwarf_skip_pointer(struct dwarf_reader *r, unsigned encoding);

#endif
