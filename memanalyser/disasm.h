/* SPDX-License-Identifier: BSD-3-Clause
 * Disassembly with names. x86 through libopcodes, whose lengths and texts are those of objdump by
 * construction (capstone 4 cannot decode some 1500 instructions of a glibc); other machines through
 * capstone. */
#ifndef MEMANALYSER_DISASM_H
#define MEMANALYSER_DISASM_H

#include "memanalyser/image.h"

struct instruction {
    uint64_t offset;  /* in the section */
    unsigned length;  /* bytes */
    const char *text; /* "call   1136 <main+0x10>"; valid until the next one */
    const char *note; /* what its relocation refers to; NULL: nothing */
};

struct disassembler;

/* STATUS_INPUT when the machine is one that neither library knows. */
enum status disassembler_open(struct diag *d, struct image *image, struct disassembler **out);
void disassembler_close(struct disassembler *dis);
/* Calls sink for every instruction in [start, end) of the section; bytes that are none come as
 * "(bad)" or ".byte" of the length the decoder skips. */
void disassemble(struct disassembler *dis, uint32_t section, uint64_t start, uint64_t end,
                 void (*sink)(void *context, const struct instruction *i), void *context);
/* One instruction's length, by libopcodes or capstone; 0 at the end. */
unsigned disassembler_length(struct disassembler *dis, uint32_t section, uint64_t offset);

#endif
