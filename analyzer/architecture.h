/* SPDX-License-Identifier: BSD-3-Clause
 * What the code analysis must know of a processor and its calling convention beyond the meaning of
 * instructions: one constant table per architecture. Masks have a bit per register. */
#ifndef ANALYZER_ARCHITECTURE_H
#define ANALYZER_ARCHITECTURE_H

#include "analyzer/decode.h"
#include <stdbool.h>

struct architecture {
    uint16_t machine; /* EM_* */
    uint8_t calls;    /* enum syscall_table */
    /* As decode() of decode.h. */
    unsigned (*decode)(const uint8_t *code, size_t size, uint64_t address, struct insn *out);
    uint8_t step;             /* instructions start at multiples of it */
    uint8_t registers;        /* how many are followed */
    bool partial;             /* addresses are put together from parts */
    bool vdso_returns;        /* signal handlers return through the vDSO's code */
    uint8_t sp;               /* stack pointer */
    uint8_t link;             /* holds the return address at entry; REG_NONE: the stack does */
    uint8_t result;           /* of a function */
    uint8_t number;           /* of a system call */
    uint8_t exit_handler;     /* what the dynamic linker has the program run at exit */
    uint8_t pad_registers[2]; /* set where an exception lands */
    uint8_t arguments[6];     /* of functions */
    uint8_t kernel_arguments[6];
    uint32_t inputs;          /* registers callers are asked for, as bits of deps (values.h) */
    uint32_t lost_over_calls; /* not preserved by a callee */
    uint32_t passed;          /* may hand a pointer to a callee */
    uint32_t lost_in_kernel;  /* not preserved by a system call */
    uint16_t glob_dat;        /* relocation of a slot that code reads */
    uint16_t ending[3];       /* system calls that do not come back */
};

/* A bit for each register that is followed. */
static inline uint32_t architecture_registers(const struct architecture *arch)
{
    return arch->registers < 32 ? (UINT32_C(1) << arch->registers) - 1 : UINT32_MAX;
}

/* NULL: none whose code can be analysed. */
const struct architecture *architecture_of(unsigned machine);

#endif
