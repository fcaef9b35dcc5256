/* SPDX-License-Identifier: BSD-3-Clause
 * How the caller of a place in a file's code is found, from the file's unwind tables. Private to
 * tracer/. */
#ifndef TRACER_UNWIND_H
#define TRACER_UNWIND_H

#include "common/dwarf_reader.h"
#include "tracer/binary.h"

/* ---- unwind_rules.c ---- */

/* Registers by their DWARF numbers (System V psABI for x86-64, figure 3.36). */
enum { DWARF_RBP = 6, DWARF_RSP = 7, DWARF_RIP = 16, UNWIND_REGISTERS };

struct rule {
    enum {
        RULE_SAME,
        RULE_UNDEFINED,
        RULE_AT,        /* saved at CFA + offset */
        RULE_IS,        /* CFA + offset */
        RULE_REGISTER,  /* what reg holds, + offset */
        RULE_AT_RESULT, /* saved where an expression says */
        RULE_IS_RESULT, /* what it says */
    } kind;
    unsigned reg;
    int64_t offset;
    struct piece expression;
};

/* How the caller's registers are found at one place of a program. */
struct unwind_rules {
    struct rule cfa, registers[UNWIND_REGISTERS];
    bool signal; /* the caller was interrupted here: its address is no return address */
};

/* Format: LSB Core, "Exception Frames"; DWARF 5, 6.4. False: nothing is said about that address. */
bool unwind_rules_at(struct arena *a, struct binary *binary, uint64_t address,
                     struct unwind_rules *out);

/* ---- unwind_table.c ---- */
/* A reader of a piece from an offset on. */
struct dwarf_reader reader_of(struct piece piece, size_t offset);
/* The next size bytes. */
struct piece reader_piece(struct dwarf_reader *r, uint64_t size);

struct cie {
    unsigned char encoding;
    bool sized, signal;
    uint64_t code_step;
    int64_t data_step;
    struct piece program;
};
struct fde {
    struct cie cie;
    uint64_t start, end;
    struct piece program;
};
/* The description that covers an address. */
bool unwind_find(struct arena *a, struct binary *binary, uint64_t address, struct fde *out);

/* ---- unwind_expression.c ---- */
/* What an expression over registers and memory comes to; first: what lies on its stack before.
 * Format: DWARF 5, 2.5. */
struct unwind_memory;
bool unwind_evaluate(struct piece expression, const uint64_t *registers, uint64_t first,
                     struct unwind_memory *memory, uint64_t *out);

/* ---- stack.c ---- */
/* A word of the process. */
bool unwind_word(struct unwind_memory *memory, uint64_t address, uint64_t *out);

#endif
