/* SPDX-License-Identifier: BSD-3-Clause
 * Control flow of functions: instructions, basic blocks, calls, stack, system calls. */
#ifndef MEMANALYSER_FLOW_H
#define MEMANALYSER_FLOW_H

#include "memanalyser/disasm.h"
#include "memanalyser/functions.h"
#include "memanalyser/x86_decode.h"

/* A call or a jump out of the function. */
struct flow_call {
    uint64_t from;    /* offset in the section of the instruction */
    uint64_t target;  /* address; 0 where only the name is known */
    const char *name; /* NULL: unknown (indirect) */
    bool tail;        /* a jump */
    bool indirect;
};

struct flow_block {
    uint64_t start, end;     /* offsets in the section */
    size_t next[2];          /* indices of following blocks; SIZE_MAX: none */
    unsigned char ends_with; /* enum flow_kind */
    int64_t stack;           /* depth at its start; -1: not reached */
};

struct flow_syscall {
    uint64_t offset;
    int64_t number; /* -1: not a constant in its block */
};

struct flow {
    uint64_t instructions, indirect_calls;
    uint64_t mix[MIX_CLASSES];
    int64_t stack;     /* most bytes below the return address */
    bool stack_varies; /* alloca, realigned, or a frame pointer restored what was not followed */
    VEC(struct flow_block) blocks;
    VEC(struct flow_call) calls;
    VEC(struct flow_syscall) syscalls;
};

struct flow_reader;
/* Reads functions of one image; reuses its memory from one function to the next. */
enum status flow_open(struct diag *d, struct image *image, struct flow_reader **out);
void flow_close(struct flow_reader *r);
/* Analyses one function. The vectors in *out are valid until the next call. */
void flow_read(struct flow_reader *r, const struct function *f, struct flow *out);

#endif
