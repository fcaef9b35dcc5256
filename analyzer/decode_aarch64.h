/* SPDX-License-Identifier: BSD-3-Clause
 * What the parts of the AArch64 decoder share. An instruction is one word; it is looked up by its
 * bits 28 to 25 (Arm ARM, "A64 instruction set encoding"), then by masks, first match first. */
#ifndef ANALYZER_DECODE_AARCH64_H
#define ANALYZER_DECODE_AARCH64_H

#include "analyzer/decode.h"
#include <stdbool.h>

struct word {
    uint32_t bits;
    uint64_t address;
    struct insn *out; /* starts as OP_NOP, with width 4 or 8 by bit 31 */
};

struct pattern {
    uint32_t mask, bits;
    void (*decode)(struct word *w);
};

/* Ends with a pattern that matches everything. */
extern const struct pattern aarch64_immediate[], aarch64_branches[], aarch64_registers[],
    aarch64_memory[], aarch64_vector[], aarch64_sve[], aarch64_sme[];

static inline uint32_t field(const struct word *w, unsigned low, unsigned count)
{
    return w->bits >> low & ((UINT32_C(1) << count) - 1);
}

static inline bool bit(const struct word *w, unsigned n)
{
    return w->bits >> n & 1;
}

static inline int64_t signed_field(const struct word *w, unsigned low, unsigned count)
{
    return (int64_t)((uint64_t)field(w, low, count) << (64 - count)) >> (64 - count);
}

/* Number 31 is the zero register in most places, the stack pointer in some. */
static inline uint8_t general(const struct word *w, unsigned low)
{
    uint32_t n = field(w, low, 5);
    return n == 31 ? REG_ZERO : (uint8_t)n;
}

static inline uint8_t or_sp(const struct word *w, unsigned low)
{
    return (uint8_t)field(w, low, 5);
}

static inline void set_destination(struct word *w, uint8_t reg)
{
    if (reg < REG_LIMIT) {
        w->out->dst_kind = OPERAND_REG;
        w->out->dst = reg;
    }
}

static inline void set_source(struct word *w, uint8_t reg)
{
    w->out->src_kind = OPERAND_REG;
    w->out->src = reg;
}

static inline void set_immediate(struct word *w, int64_t imm)
{
    w->out->src_kind = OPERAND_IMM;
    w->out->imm = imm;
}

static inline void clobber(struct word *w, uint8_t reg, bool flags)
{
    w->out->op = reg < REG_LIMIT || flags ? OP_CLOBBER : OP_NOP;
    w->out->extra = flags ? 0 : EXTRA_QUIET;
    w->out->width = 8;
    set_destination(w, reg);
}

static inline void bad(struct word *w)
{
    w->out->op = OP_BAD;
}

static inline void nothing(struct word *w)
{
    w->out->op = OP_NOP;
}

static inline void clear_flags_only(struct word *w)
{
    clobber(w, REG_NONE, true);
}

/* The x86 condition code that asks for the same of a comparison; 16: always. */
uint8_t aarch64_condition(uint32_t condition);

#endif
