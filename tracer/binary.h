/* SPDX-License-Identifier: BSD-3-Clause
 * A mapped file (or the vDSO) as call stacks need it: its code, its unwind tables and its symbols.
 * Everything read of it is checked against its size. Private to tracer/. */
#ifndef TRACER_BINARY_H
#define TRACER_BINARY_H

#include "common/arena.h"
#include "common/vec.h"
#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct binary_segment {
    uint64_t offset, address, size; /* what the file holds of it */
    bool executable;
};

/* Bytes of a file and the virtual address of the first; NULL: there are none. */
struct piece {
    const unsigned char *data;
    size_t size;
    uint64_t address;
};

/* Where the unwind rules of a stretch of code are. */
struct fde_place {
    uint64_t start, end; /* of the code */
    size_t offset;       /* of the description in its table */
};

/* A symbol that covers code, and the furthest end of all before it and itself. */
struct named_range {
    uint64_t start, end, reach;
    uint32_t symbol;
};

struct binary {
    dev_t device; /* as /proc/PID/maps has it */
    ino_t inode;
    const char *path;
    const unsigned char *data;
    size_t size;
    bool mapped; /* to be unmapped in the end */
    VEC(struct binary_segment) segments;
    uint64_t dynamic;       /* of its dynamic section; 0: none */
    struct piece search;    /* .eh_frame_hdr, where it can be searched */
    struct piece frames;    /* .eh_frame, or .debug_frame */
    bool debug_frames;      /* it is the latter */
    bool indexed;           /* the next two are there */
    struct fde_place *fdes; /* by start */
    size_t fde_count;
    struct piece symbols, strings;
    unsigned lookups; /* by address, until it is worth sorting the symbols */
    struct named_range *ranges;
    size_t range_count;
    bool lines; /* debug information tells more */
    struct debug_lines *debug;
    struct binary *next;
};

/* ---- binary.c ---- */
/* Maps the file that is open; false: it cannot be. */
bool binary_map(struct binary *binary, int fd, uint64_t size);
/* Looks at its headers; false: it is no 64-bit ELF file of this machine. */
bool binary_open(struct arena *a, struct binary *binary);
void binary_close(struct binary *binary);
/* The file of that name, mapped, its headers looked at; NULL: it cannot be read. The caller closes
 * it. */
struct binary *binary_load(struct arena *a, const char *path);
/* The address in the file of what is at an offset of it; false: no code is there. */
bool binary_address(const struct binary *binary, uint64_t offset, uint64_t *address);
/* The file's bytes from an address to the end of its segment. */
struct piece binary_piece(const struct binary *binary, uint64_t address);

/* ---- binary_dynamic.c ---- */
/* DT_SONAME, which lives as long as the file is open; NULL: it has none. */
const char *binary_soname(const struct binary *binary);
/* It is a shared object that defines this name. */
bool binary_defines(const struct binary *binary, const char *name);

/* ---- binary_names.c ---- */
/* The function at an address, or the one before it that nobody says the size of; NULL: none. */
const char *binary_function(struct arena *a, struct binary *binary, uint64_t address);
/* By debug information, which may be in a file of its own: name of the function and "file.c:12";
 * either may be NULL. */
void binary_source(struct arena *a, struct binary *binary, uint64_t address, const char **function,
                   const char **source);

void binary_close_debug(struct binary *binary);

/* ---- unwind_rules.c ---- */

/* Registers by their DWARF numbers (System V psABI for x86-64, figure 3.36). */
enum { REG_RBP = 6, REG_RSP = 7, REG_RIP = 16, UNWIND_REGISTERS };

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
/* What is read piece by piece; past the end everything is zero, and bad is set. */
struct reader {
    const unsigned char *at, *end;
    uint64_t address; /* of at */
    bool bad;
};
uint64_t reader_fixed(struct reader *r, unsigned size);
uint64_t reader_unsigned(struct reader *r);
int64_t reader_signed(struct reader *r);
uint64_t reader_pointer(struct reader *r, unsigned char encoding, uint64_t data_base);
struct reader reader_of(struct piece piece, size_t offset);
/* The next size bytes. */
struct piece reader_piece(struct reader *r, uint64_t size);

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
