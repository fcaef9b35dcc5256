/* SPDX-License-Identifier: BSD-3-Clause
 * What the parts of the decoder share: the state of one decoding and what sets its operands. */
#ifndef ANALYZER_DECODE_PRIVATE_H
#define ANALYZER_DECODE_PRIVATE_H

#include "analyzer/decode.h"
#include <stdbool.h>
#include <string.h>

/* What follows an opcode byte, for lengths. */
enum {
    M = 1 << 0,  /* ModRM */
    IB = 1 << 1, /* 8-bit immediate */
    IW = 1 << 2, /* 16-bit immediate */
    IZ = 1 << 3, /* 16- or 32-bit immediate */
    IV = 1 << 4, /* 16-, 32- or 64-bit immediate */
    MO = 1 << 5, /* memory offset of address size */
    RB = 1 << 6, /* 8-bit branch displacement */
    RZ = 1 << 7, /* 32-bit branch displacement */
    XX = 1 << 8, /* no instruction in 64-bit mode */
};

/* State of one decoding. */
struct cursor {
    const uint8_t *at, *end;
    uint64_t address; /* of the instruction */
    const uint8_t *start;
    bool operand16, address32, rep, repne, segment;
    uint8_t rex;
    uint8_t modrm, mod, reg, rm; /* reg and rm with their REX bits */
    bool rip;                    /* the memory operand is rip-relative */
    bool overrun;
    struct insn *out;
};

static inline uint64_t take(struct cursor *c, unsigned bytes)
{
    uint64_t value = 0;
    if ((size_t)(c->end - c->at) < bytes) {
        c->overrun = true;
        c->at = c->end;
        return 0;
    }
    memcpy(&value, c->at, bytes);
    c->at += bytes;
    return value;
}

static inline int64_t take_signed(struct cursor *c, unsigned bytes)
{
    uint64_t value = take(c, bytes);
    unsigned shift = 64 - 8 * bytes;
    return (int64_t)(value << shift) >> shift;
}

static inline void take_modrm(struct cursor *c)
{
    struct insn *o = c->out;
    c->modrm = (uint8_t)take(c, 1);
    c->mod = c->modrm >> 6;
    c->reg = ((c->modrm >> 3) & 7) | ((c->rex & 4) << 1);
    c->rm = (c->modrm & 7) | ((c->rex & 1) << 3);
    if (c->mod == 3)
        return;
    o->base = c->rm;
    if ((c->modrm & 7) == 4) {
        uint8_t sib = (uint8_t)take(c, 1);
        unsigned index = ((sib >> 3) & 7) | ((c->rex & 2) << 2);
        if (index != 4) {
            o->index = (uint8_t)index;
            o->scale = sib >> 6;
        }
        o->base = (sib & 7) | ((c->rex & 1) << 3);
        if ((sib & 7) == 5 && c->mod == 0) {
            o->base = REG_NONE;
            o->disp = take_signed(c, 4);
        }
    } else if ((c->modrm & 7) == 5 && c->mod == 0) {
        o->base = REG_NONE;
        c->rip = true;
        o->disp = take_signed(c, 4);
    }
    if (c->mod == 1)
        o->disp = take_signed(c, 1);
    else if (c->mod == 2)
        o->disp = take_signed(c, 4);
    o->segment = c->segment;
}

static inline void set_rm(struct cursor *c, bool destination)
{
    struct insn *o = c->out;
    uint8_t kind = c->mod == 3 ? OPERAND_REG : OPERAND_MEM;
    uint8_t reg = c->mod == 3 ? c->rm : REG_NONE;
    if (destination)
        o->dst_kind = kind, o->dst = reg;
    else
        o->src_kind = kind, o->src = reg;
}

static inline void set_reg(struct cursor *c, bool destination)
{
    struct insn *o = c->out;
    if (destination)
        o->dst_kind = OPERAND_REG, o->dst = c->reg;
    else
        o->src_kind = OPERAND_REG, o->src = c->reg;
}

static inline void set_imm(struct cursor *c, int64_t imm)
{
    c->out->src_kind = OPERAND_IMM;
    c->out->imm = imm;
}

static inline void clobber_reg(struct cursor *c, unsigned reg)
{
    c->out->op = OP_CLOBBER;
    c->out->dst_kind = OPERAND_REG;
    c->out->dst = (uint8_t)reg;
}

/* mask 0: the flags only */
static inline void clobber_regs(struct cursor *c, unsigned mask)
{
    c->out->op = OP_REGS;
    c->out->imm = mask;
}

/* Without REX, byte registers 4 to 7 are ah, ch, dh and bh: parts of registers 0 to 3. */
static inline void fix_high(struct cursor *c)
{
    struct insn *o = c->out;
    if (c->rex)
        return;
    if (o->dst_kind == OPERAND_REG && o->width == 1 && o->dst >= 4 && o->dst < 8)
        o->dst -= 4, o->high = 1;
    unsigned source = o->src_width ? o->src_width : o->width;
    if (o->src_kind == OPERAND_REG && source == 1 && o->src >= 4 && o->src < 8)
        o->src -= 4, o->high = 1;
}

static inline unsigned operand_width(const struct cursor *c, bool byte)
{
    return byte ? 1 : (c->rex & 8) ? 8 : c->operand16 ? 2 : 4;
}

static inline void branch(struct cursor *c, enum insn_op op, int64_t displacement)
{
    c->out->op = (uint8_t)op;
    c->out->imm = (int64_t)((uint64_t)displacement + c->address + (uint64_t)(c->at - c->start));
}

/* What follows a one-byte opcode b: operands, immediate, meaning (decode_one_byte.c). */
void decode_one_byte(struct cursor *c, uint8_t b);

/* After 0f, a VEX prefix (first byte given), an EVEX prefix or an XOP prefix (decode_extended.c).
 */
void decode_0f(struct cursor *c);
void decode_vex(struct cursor *c, uint8_t first);
void decode_evex(struct cursor *c);
void decode_xop(struct cursor *c);

#endif
