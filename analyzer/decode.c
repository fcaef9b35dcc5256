/* SPDX-License-Identifier: BSD-3-Clause */
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

#define ROW_ARITH M, M, M, M, IB, IZ, XX, XX
/* One row per 16 opcodes. */
/* clang-format off */
static const uint16_t one_byte[256] = {
    ROW_ARITH, ROW_ARITH, ROW_ARITH, ROW_ARITH, ROW_ARITH, ROW_ARITH, ROW_ARITH, ROW_ARITH,
    /* 40 */ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    /* 50 */ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    /* 60 */ XX, XX, XX, M, 0, 0, 0, 0, IZ, M | IZ, IB, M | IB, 0, 0, 0, 0,
    /* 70 */ RB, RB, RB, RB, RB, RB, RB, RB, RB, RB, RB, RB, RB, RB, RB, RB,
    /* 80 */ M | IB, M | IZ, XX, M | IB, M, M, M, M, M, M, M, M, M, M, M, M,
    /* 90 */ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, XX, 0, 0, 0, 0, 0,
    /* a0 */ MO, MO, MO, MO, 0, 0, 0, 0, IB, IZ, 0, 0, 0, 0, 0, 0,
    /* b0 */ IB, IB, IB, IB, IB, IB, IB, IB, IV, IV, IV, IV, IV, IV, IV, IV,
    /* c0 */ M | IB, M | IB, IW, 0, XX, XX, M | IB, M | IZ, IW | IB, 0, IW, 0, 0, IB, XX, 0,
    /* d0 */ M, M, M, M, XX, XX, XX, 0, M, M, M, M, M, M, M, M,
    /* e0 */ RB, RB, RB, RB, IB, IB, IB, IB, RZ, RZ, XX, RB, 0, 0, 0, 0,
    /* f0 */ 0, 0, 0, 0, 0, 0, M, M, 0, 0, 0, 0, 0, 0, M, M,
};
/* clang-format on */

/* One row per 16 opcodes. */
/* clang-format off */
static const uint16_t two_byte[256] = {
    /* 00 */ M, M, M, M, XX, 0, 0, 0, 0, 0, XX, 0, XX, M, 0, M | IB,
    /* 10 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
    /* 20 */ M, M, M, M, XX, XX, XX, XX, M, M, M, M, M, M, M, M,
    /* 30 */ 0, 0, 0, 0, 0, 0, XX, 0, 0, XX, 0, XX, XX, XX, XX, XX,
    /* 40 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
    /* 50 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
    /* 60 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
    /* 70 */ M | IB, M | IB, M | IB, M | IB, M, M, M, 0, M, M, XX, XX, M, M, M, M,
    /* 80 */ RZ, RZ, RZ, RZ, RZ, RZ, RZ, RZ, RZ, RZ, RZ, RZ, RZ, RZ, RZ, RZ,
    /* 90 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
    /* a0 */ 0, 0, 0, M, M | IB, M, XX, XX, 0, 0, 0, M, M | IB, M, M, M,
    /* b0 */ M, M, M, M, M, M, M, M, M, M, M | IB, M, M, M, M, M,
    /* c0 */ M, M, M | IB, M, M | IB, M | IB, M | IB, M, 0, 0, 0, 0, 0, 0, 0, 0,
    /* d0 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
    /* e0 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
    /* f0 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
};
/* clang-format on */

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

static uint64_t take(struct cursor *c, unsigned bytes)
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

static int64_t take_signed(struct cursor *c, unsigned bytes)
{
    uint64_t value = take(c, bytes);
    unsigned shift = 64 - 8 * bytes;
    return (int64_t)(value << shift) >> shift;
}

static void take_modrm(struct cursor *c)
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

static void set_rm(struct cursor *c, bool destination)
{
    struct insn *o = c->out;
    uint8_t kind = c->mod == 3 ? OPERAND_REG : OPERAND_MEM;
    uint8_t reg = c->mod == 3 ? c->rm : REG_NONE;
    if (destination)
        o->dst_kind = kind, o->dst = reg;
    else
        o->src_kind = kind, o->src = reg;
}

static void set_reg(struct cursor *c, bool destination)
{
    struct insn *o = c->out;
    if (destination)
        o->dst_kind = OPERAND_REG, o->dst = c->reg;
    else
        o->src_kind = OPERAND_REG, o->src = c->reg;
}

static void set_imm(struct cursor *c, int64_t imm)
{
    c->out->src_kind = OPERAND_IMM;
    c->out->imm = imm;
}

static void clobber_reg(struct cursor *c, unsigned reg)
{
    c->out->op = OP_CLOBBER;
    c->out->dst_kind = OPERAND_REG;
    c->out->dst = (uint8_t)reg;
}

static void clobber_regs(struct cursor *c, unsigned mask)
{
    c->out->op = OP_REGS;
    c->out->imm = mask;
}

/* Without REX, byte registers 4 to 7 are ah, ch, dh and bh: parts of registers 0 to 3. */
static void fix_high(struct cursor *c)
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

static const uint8_t arith_ops[8] = {OP_ADD, OP_OR,  OP_CLOBBER, OP_SBB,
                                     OP_AND, OP_SUB, OP_XOR,     OP_CMP};
static const uint8_t shift_ops[8] = {OP_CLOBBER, OP_CLOBBER, OP_CLOBBER, OP_CLOBBER,
                                     OP_SHL,     OP_SHR,     OP_SHL,     OP_SAR};

static void arith(struct cursor *c, unsigned which)
{
    struct insn *o = c->out;
    o->op = arith_ops[which];
    if (o->op == OP_SBB &&
        (o->dst_kind != OPERAND_REG || o->src_kind != OPERAND_REG || o->dst != o->src))
        o->op = OP_CLOBBER;
}

static unsigned operand_width(const struct cursor *c, bool byte)
{
    return byte ? 1 : (c->rex & 8) ? 8 : c->operand16 ? 2 : 4;
}

/* Opcodes 00 to 3f. */
static void one_arith(struct cursor *c, uint8_t b, int64_t imm)
{
    unsigned form = b & 7;
    c->out->width = (uint8_t)operand_width(c, form == 0 || form == 2 || form == 4);
    if (form < 4) {
        set_rm(c, form < 2);
        set_reg(c, form >= 2);
    } else {
        c->out->dst_kind = OPERAND_REG;
        c->out->dst = REG_AX;
        set_imm(c, imm);
    }
    arith(c, b >> 3);
}

static void group3(struct cursor *c, bool byte)
{
    struct insn *o = c->out;
    unsigned which = (c->modrm >> 3) & 7;
    o->width = (uint8_t)operand_width(c, byte);
    if (which < 2) {
        unsigned bytes = o->width == 8 ? 4 : o->width;
        set_rm(c, true);
        set_imm(c, take_signed(c, bytes));
        o->op = OP_TEST;
    } else if (which < 4) {
        set_rm(c, true);
        o->op = which == 2 ? OP_NOT : OP_NEG;
    } else {
        clobber_regs(c, 1u << REG_AX | 1u << REG_DX);
    }
}

static void group5(struct cursor *c, bool byte)
{
    static const uint8_t ops[8] = {OP_ADD,          OP_ADD,  OP_CALL_INDIRECT, OP_STOP,
                                   OP_JMP_INDIRECT, OP_STOP, OP_PUSH,          OP_BAD};
    struct insn *o = c->out;
    unsigned which = (c->modrm >> 3) & 7;
    o->width = (uint8_t)operand_width(c, byte);
    o->op = byte && which > 1 ? OP_BAD : ops[which];
    if (which < 2) {
        set_rm(c, true);
        set_imm(c, which ? -1 : 1);
    } else if (which == 3) {
        o->op = OP_CALL_INDIRECT; /* far call */
        set_rm(c, false);
    } else {
        o->width = which == 6 && c->operand16 ? 2 : 8;
        set_rm(c, false);
    }
}

static void x87(struct cursor *c, uint8_t b)
{
    struct insn *o = c->out;
    unsigned which = (c->modrm >> 3) & 7;
    if (c->mod == 3) {
        if (b == 0xdf && c->modrm == 0xe0)
            clobber_reg(c, REG_AX); /* fnstsw ax */
        return;
    }
    if ((b & 1) && which != 0 && which != 4 && which != 5) {
        o->op = OP_VSTORE;
        o->width = (b == 0xd9 || b == 0xdd) && which == 6 ? 128 : 16;
        set_rm(c, true);
    }
}

static void branch(struct cursor *c, enum insn_op op, int64_t displacement)
{
    c->out->op = (uint8_t)op;
    c->out->imm = (int64_t)((uint64_t)displacement + c->address + (uint64_t)(c->at - c->start));
}

static void move_like(struct cursor *c, uint8_t b, int64_t imm)
{
    struct insn *o = c->out;
    switch (b) {
    case 0x63:
        o->op = OP_MOVSX;
        o->width = (uint8_t)operand_width(c, false);
        o->src_width = 4;
        set_reg(c, true);
        set_rm(c, false);
        break;
    case 0x84:
    case 0x85:
        o->op = OP_TEST;
        o->width = (uint8_t)operand_width(c, b == 0x84);
        set_rm(c, true);
        set_reg(c, false);
        break;
    case 0x86:
    case 0x87:
        o->op = OP_XCHG;
        o->width = (uint8_t)operand_width(c, b == 0x86);
        set_rm(c, true);
        set_reg(c, false);
        break;
    case 0x88:
    case 0x89:
    case 0x8a:
    case 0x8b:
        o->op = OP_MOV;
        o->width = (uint8_t)operand_width(c, !(b & 1));
        set_rm(c, b < 0x8a);
        set_reg(c, b >= 0x8a);
        break;
    case 0x8c:
        o->op = OP_CLOBBER;
        o->width = c->mod == 3 ? 8 : 2;
        set_rm(c, true);
        break;
    case 0x8d:
        o->op = OP_LEA;
        o->width = (uint8_t)operand_width(c, false);
        set_reg(c, true);
        set_rm(c, false);
        if (c->mod == 3)
            o->op = OP_BAD;
        break;
    case 0x8f:
        o->op = OP_POP;
        o->width = 8;
        set_rm(c, true);
        break;
    case 0xc6:
    case 0xc7:
        if ((c->modrm >> 3) & 7) {
            if (c->modrm == 0xf8 && b == 0xc7)
                branch(c, OP_LOOP, imm); /* xbegin: may go either way, eax changes */
            else if (c->modrm != 0xf8)
                o->op = OP_BAD;
            break;
        }
        o->op = OP_MOV;
        o->width = (uint8_t)operand_width(c, b == 0xc6);
        set_rm(c, true);
        set_imm(c, imm);
        break;
    default:
        break;
    }
}

static void shift(struct cursor *c, uint8_t b, int64_t imm)
{
    struct insn *o = c->out;
    o->width = (uint8_t)operand_width(c, !(b & 1));
    set_rm(c, true);
    o->op = shift_ops[(c->modrm >> 3) & 7];
    if (b >= 0xd2)
        o->op = OP_CLOBBER;
    else
        set_imm(c, b < 0xd0 ? imm : 1);
}

/* a4 to af: string instructions. */
static void string_op(struct cursor *c, uint8_t b)
{
    if (b == 0xa4 || b == 0xa5 || b == 0xaa || b == 0xab)
        c->out->op = OP_STRING;
    else
        clobber_regs(c, (b == 0xac || b == 0xad ? 1u << REG_AX : 0) | 1u << REG_SI | 1u << REG_DI |
                            1u << REG_CX);
}

static void one_system(struct cursor *c, uint8_t b, int64_t imm)
{
    struct insn *o = c->out;
    switch (b) {
    case 0xcc:
        o->op = OP_BREAK;
        break;
    case 0xcd:
        if ((imm & 0xff) == 0x80)
            o->op = OP_INT80;
        else if ((imm & 0xff) == 0x29)
            o->op = OP_STOP;
        break;
    case 0xca:
    case 0xcb:
    case 0xcf:
        o->op = OP_RET;
        break;
    case 0xe4:
    case 0xe5:
    case 0xec:
    case 0xed:
    case 0xd7:
    case 0x9f:
        clobber_reg(c, REG_AX);
        break;
    case 0x6c:
    case 0x6d:
        o->op = OP_STRING;
        break;
    case 0xf4:
        o->op = OP_STOP;
        break;
    default:
        break;
    }
}

static void one_no_modrm(struct cursor *c, uint8_t b, int64_t imm)
{
    struct insn *o = c->out;
    unsigned low = (b & 7) | ((c->rex & 1) << 3);
    if (b >= 0x50 && b < 0x60) {
        o->width = c->operand16 ? 2 : 8;
        o->op = b < 0x58 ? OP_PUSH : OP_POP;
        if (b < 0x58)
            o->src_kind = OPERAND_REG, o->src = (uint8_t)low;
        else
            o->dst_kind = OPERAND_REG, o->dst = (uint8_t)low;
    } else if (b == 0x68 || b == 0x6a) {
        o->op = OP_PUSH;
        o->width = c->operand16 ? 2 : 8;
        set_imm(c, imm);
    } else if (b >= 0x70 && b < 0x80) {
        o->condition = b & 15;
        branch(c, OP_JCC, imm);
    } else if (b >= 0x90 && b < 0x98) {
        if (low != REG_AX) {
            o->op = OP_XCHG;
            o->width = (uint8_t)operand_width(c, false);
            o->dst_kind = o->src_kind = OPERAND_REG;
            o->dst = REG_AX;
            o->src = (uint8_t)low;
        }
    } else if (b == 0x98) {
        o->op = OP_MOVSX;
        o->width = (uint8_t)operand_width(c, false);
        o->src_width = o->width / 2;
        o->dst_kind = o->src_kind = OPERAND_REG;
        o->dst = o->src = REG_AX;
    } else if (b == 0x99) {
        clobber_reg(c, REG_DX);
    } else if (b == 0x9c) {
        o->op = OP_PUSH;
        o->width = 8;
    } else if (b == 0x9d) {
        o->op = OP_POP;
        o->width = 8;
    } else if (b >= 0xa0 && b < 0xa4) {
        o->width = (uint8_t)operand_width(c, !(b & 1));
        o->op = OP_MOV;
        o->disp = imm;
        o->segment = c->segment;
        if (b < 0xa2)
            o->dst_kind = OPERAND_REG, o->dst = REG_AX, o->src_kind = OPERAND_MEM;
        else
            o->src_kind = OPERAND_REG, o->src = REG_AX, o->dst_kind = OPERAND_MEM;
    } else if (b == 0xa8 || b == 0xa9) {
        o->op = OP_TEST;
        o->width = (uint8_t)operand_width(c, b == 0xa8);
        o->dst_kind = OPERAND_REG;
        o->dst = REG_AX;
        set_imm(c, imm);
    } else if (b >= 0xa4 && b < 0xb0) {
        string_op(c, b);
    } else if (b >= 0xb0 && b < 0xc0) {
        o->op = OP_MOV;
        o->width = (uint8_t)operand_width(c, b < 0xb8);
        o->dst_kind = OPERAND_REG;
        o->dst = (uint8_t)low;
        set_imm(c, imm);
    } else if (b == 0xc2 || b == 0xc3) {
        o->op = OP_RET;
        o->imm = imm;
    } else if (b == 0xc8) {
        clobber_regs(c, 1u << REG_SP | 1u << REG_BP);
    } else if (b == 0xc9) {
        o->op = OP_LEAVE;
        o->width = 8;
    } else if (b >= 0xe0 && b < 0xe4) {
        branch(c, OP_LOOP, imm);
    } else if (b == 0xe8) {
        branch(c, OP_CALL, imm);
    } else if (b == 0xe9 || b == 0xeb) {
        branch(c, OP_JMP, imm);
    } else {
        one_system(c, b, imm);
    }
}

static void one_byte_op(struct cursor *c, uint8_t b, int64_t imm)
{
    struct insn *o = c->out;
    if (b < 0x40) {
        one_arith(c, b, imm);
    } else if (b == 0x69 || b == 0x6b) {
        o->op = OP_IMUL;
        o->width = (uint8_t)operand_width(c, false);
        set_reg(c, true);
        set_rm(c, false);
        o->imm = imm;
    } else if (b >= 0x80 && b < 0x84) {
        o->width = (uint8_t)operand_width(c, b == 0x80);
        set_rm(c, true);
        set_imm(c, imm);
        arith(c, (c->modrm >> 3) & 7);
    } else if (b == 0xc0 || b == 0xc1 || (b >= 0xd0 && b < 0xd4)) {
        shift(c, b, imm);
    } else if (b >= 0xd8 && b < 0xe0) {
        x87(c, b);
    } else if (b == 0xf6 || b == 0xf7) {
        group3(c, b == 0xf6);
    } else if (b == 0xfe || b == 0xff) {
        group5(c, b == 0xfe);
    } else if (one_byte[b] & M) {
        move_like(c, b, imm);
    } else {
        one_no_modrm(c, b, imm);
    }
    fix_high(c);
}

/* Vector instructions of map 0f (legacy, VEX and EVEX alike): stores, and those that write a
 * general register. */
static void vector_map1(struct cursor *c, uint8_t b, unsigned prefix, unsigned width)
{
    struct insn *o = c->out;
    bool memory = c->mod != 3;
    switch (b) {
    case 0x11:
    case 0x13:
    case 0x17:
    case 0x29:
    case 0x2b:
    case 0x7f:
    case 0xd6:
    case 0xe7:
        if (memory) {
            o->op = OP_VSTORE;
            o->width = (uint8_t)(b == 0x13 || b == 0x17 || b == 0xd6 ? 8 : width);
            set_rm(c, true);
        }
        return;
    case 0x7e:
        if (prefix == 0xf3)
            break;
        set_rm(c, true);
        o->op = memory ? OP_VSTORE : OP_CLOBBER;
        o->width = 8;
        return;
    case 0x2c:
    case 0x2d:
        if (prefix == 0xf2 || prefix == 0xf3)
            clobber_reg(c, c->reg);
        return;
    case 0x50:
    case 0xd7:
    case 0xc5:
        clobber_reg(c, c->reg);
        return;
    default:
        break;
    }
    if (memory) {
        o->op = OP_VLOAD;
        o->width = (uint8_t)width;
        set_rm(c, false);
    }
}

/* Map 0f3a: extracts write their ModRM.rm operand. */
static void vector_map3(struct cursor *c, uint8_t b, unsigned width)
{
    struct insn *o = c->out;
    bool extract =
        (b >= 0x14 && b <= 0x17) || b == 0x19 || b == 0x1b || b == 0x39 || b == 0x3b || b == 0x1d;
    if (extract && c->mod != 3) {
        o->op = OP_VSTORE;
        o->width = (uint8_t)width;
        set_rm(c, true);
    } else if (b >= 0x14 && b <= 0x17) {
        o->width = 8;
        set_rm(c, true);
        o->op = OP_CLOBBER;
    } else if (c->mod != 3) {
        o->op = OP_VLOAD;
        o->width = (uint8_t)width;
        set_rm(c, false);
    }
}

static void group_0f01(struct cursor *c)
{
    if (c->mod == 3) {
        unsigned ax_dx = 1u << REG_AX | 1u << REG_DX;
        if (c->modrm == 0xd0 || c->modrm == 0xee)
            clobber_regs(c, ax_dx);
        else if (c->modrm == 0xf9)
            clobber_regs(c, ax_dx | 1u << REG_CX);
        else if (((c->modrm >> 3) & 7) == 4)
            clobber_reg(c, c->rm);
    } else if (((c->modrm >> 3) & 7) < 2 || ((c->modrm >> 3) & 7) == 4) {
        c->out->op = OP_VSTORE;
        c->out->width = 16;
        set_rm(c, true);
    }
}

static void group_0fae_0fc7(struct cursor *c, uint8_t b)
{
    struct insn *o = c->out;
    unsigned which = (c->modrm >> 3) & 7;
    if (b == 0xae) {
        if (c->mod == 3 && c->rep && which < 2) {
            clobber_reg(c, c->rm);
        } else if (c->mod != 3 && (which == 0 || which == 3 || which == 4 || which == 6)) {
            o->op = OP_VSTORE;
            o->width = which == 3 ? 4 : 255;
            set_rm(c, true);
        }
        return;
    }
    if (c->mod == 3) {
        if (which >= 6)
            clobber_reg(c, c->rm);
    } else if (which == 1) {
        o->op = OP_CLOBBER; /* cmpxchg8b, 16b: the memory, and rax, rdx */
        o->width = 16;
        set_rm(c, true);
        o->imm = 1u << REG_AX | 1u << REG_DX;
    } else if (which < 6) {
        o->op = OP_VSTORE;
        o->width = 255;
        set_rm(c, true);
    }
}

static void two_no_modrm(struct cursor *c, uint8_t b, int64_t imm)
{
    struct insn *o = c->out;
    if (b >= 0x80 && b < 0x90) {
        o->condition = b & 15;
        branch(c, OP_JCC, imm);
    } else if (b == 0x05) {
        o->op = OP_SYSCALL;
    } else if (b == 0x34) {
        o->op = OP_SYSENTER;
    } else if (b == 0x0b) {
        o->op = OP_STOP;
    } else if (b >= 0x31 && b <= 0x33) {
        clobber_regs(c, 1u << REG_AX | 1u << REG_DX);
    } else if (b == 0xa2) {
        clobber_regs(c, 1u << REG_AX | 1u << REG_BX | 1u << REG_CX | 1u << REG_DX);
    } else if (b == 0xa0 || b == 0xa8) {
        o->op = OP_PUSH;
        o->width = 8;
    } else if (b == 0xa1 || b == 0xa9) {
        o->op = OP_POP;
        o->width = 8;
    } else if (b >= 0xc8 && b < 0xd0) {
        clobber_reg(c, (b & 7) | ((c->rex & 1) << 3));
    }
}

/* General-register instructions of map 0f with ModRM. */
static bool two_general(struct cursor *c, uint8_t b)
{
    struct insn *o = c->out;
    unsigned which = (c->modrm >> 3) & 7;
    o->width = (uint8_t)operand_width(c, false);
    if (b >= 0x40 && b < 0x50) {
        o->op = OP_CMOV;
        o->condition = b & 15;
        set_reg(c, true);
        set_rm(c, false);
    } else if (b >= 0x90 && b < 0xa0) {
        o->op = OP_SETCC;
        o->condition = b & 15;
        o->width = 1;
        set_rm(c, true);
    } else if (b == 0xb6 || b == 0xb7 || b == 0xbe || b == 0xbf) {
        o->op = b < 0xb8 ? OP_MOVZX : OP_MOVSX;
        o->src_width = b & 1 ? 2 : 1;
        set_reg(c, true);
        set_rm(c, false);
    } else if (b == 0xb0 || b == 0xb1) {
        o->op = OP_CLOBBER;
        o->width = (uint8_t)operand_width(c, b == 0xb0);
        set_rm(c, true);
        o->imm = 1u << REG_AX;
    } else if (b == 0xc0 || b == 0xc1) {
        o->op = OP_CLOBBER;
        o->width = (uint8_t)operand_width(c, b == 0xc0);
        set_rm(c, true);
        o->imm = o->width == 1 && !c->rex ? 1u << (c->reg & 3) | 1u << c->reg : 1u << c->reg;
    } else if (b == 0xa4 || b == 0xa5 || b == 0xac || b == 0xad || b == 0xab || b == 0xb3 ||
               b == 0xbb || (b == 0xba && which > 4)) {
        o->op = OP_CLOBBER;
        set_rm(c, true);
    } else if (b == 0xa3 || b == 0xba) {
        o->op = OP_TEST; /* bt: sets flags only; condition never decided from it */
        o->src_kind = OPERAND_NONE;
    } else if (b == 0xaf || b == 0xb8 || b == 0xbc || b == 0xbd || b == 0x02 || b == 0x03) {
        clobber_reg(c, c->reg);
    } else if (b == 0x20 || b == 0x21 || (b == 0x1e && c->rep && c->mod == 3 && which == 1)) {
        clobber_reg(c, c->rm);
    } else if (b == 0x00) {
        if (which < 2)
            set_rm(c, true), o->op = OP_CLOBBER;
    } else if (b == 0xc3) {
        o->op = OP_MOV;
        set_rm(c, true);
        set_reg(c, false);
    } else if (b == 0x01) {
        group_0f01(c);
    } else if (b == 0xae || b == 0xc7) {
        group_0fae_0fc7(c, b);
    } else if (b == 0x0d || (b >= 0x18 && b <= 0x1f) || b == 0x22 || b == 0x23) {
        o->op = OP_NOP;
    } else if (b == 0xb9 || b == 0xff) {
        o->op = OP_STOP;
    } else {
        return false;
    }
    fix_high(c);
    return true;
}

static void map38(struct cursor *c, uint8_t b)
{
    struct insn *o = c->out;
    o->width = (uint8_t)operand_width(c, false);
    if (b == 0xf0 || b == 0xf1) {
        if (b == 0xf1 && !c->repne) {
            set_rm(c, true); /* movbe to memory */
            o->op = OP_CLOBBER;
        } else {
            clobber_reg(c, c->reg);
        }
    } else if (b == 0xf6 && (c->operand16 || c->rep)) {
        clobber_reg(c, c->reg);
    } else if (b == 0xf9 || b == 0xf5 || b == 0xf6) {
        o->op = OP_VSTORE;
        o->width = 8;
        set_rm(c, true);
    } else if (c->mod != 3) {
        o->op = OP_VLOAD;
        o->width = 16;
        set_rm(c, false);
    }
}

static void decode_0f(struct cursor *c)
{
    uint8_t b = (uint8_t)take(c, 1);
    if (b == 0x38 || b == 0x3a) {
        uint8_t third = (uint8_t)take(c, 1);
        take_modrm(c);
        if (b == 0x3a) {
            take(c, 1);
            vector_map3(c, third, 16);
        } else {
            map38(c, third);
        }
        return;
    }
    unsigned shape = two_byte[b];
    if (shape & XX) {
        c->out->op = OP_BAD;
        return;
    }
    if (shape & M)
        take_modrm(c);
    int64_t imm = shape & IB ? take_signed(c, 1) : shape & RZ ? take_signed(c, 4) : 0;
    if (b == 0x78 && (c->operand16 || c->repne))
        take(c, 2); /* extrq, insertq */
    if (!(shape & M)) {
        two_no_modrm(c, b, imm);
        return;
    }
    if (two_general(c, b))
        return;
    unsigned prefix = c->rep ? 0xf3 : c->repne ? 0xf2 : c->operand16 ? 0x66 : 0;
    vector_map1(c, b, prefix, 16);
}

/* VEX-coded general-register instructions (BMI). */
static bool vex_general(struct cursor *c, unsigned map, uint8_t b, unsigned vvvv)
{
    if (map == 2 && b == 0xf6) {
        clobber_regs(c, 1u << c->reg | 1u << vvvv);
    } else if (map == 2 && b == 0xf3) {
        clobber_reg(c, vvvv);
    } else if ((map == 2 && (b == 0xf2 || b == 0xf5 || b == 0xf7)) || (map == 3 && b == 0xf0) ||
               (map == 1 && b == 0x93)) {
        clobber_reg(c, c->reg);
    } else {
        return false;
    }
    return true;
}

static void vex_body(struct cursor *c, unsigned map, unsigned pp, unsigned vvvv, unsigned width,
                     bool evex)
{
    static const uint8_t prefixes[4] = {0, 0x66, 0xf3, 0xf2};
    struct insn *o = c->out;
    uint8_t b = (uint8_t)take(c, 1);
    if (map == 1 && b == 0x77 && !evex)
        return; /* vzeroupper */
    take_modrm(c);
    if (map == 3 ||
        (map == 1 && ((b >= 0x70 && b <= 0x73) || b == 0xc2 || (b >= 0xc4 && b <= 0xc6))))
        take(c, 1);
    if (!evex && vex_general(c, map, b, vvvv))
        return;
    if (map == 1 && b == 0x91 && !evex && c->mod != 3) {
        o->op = OP_VSTORE; /* kmov to memory */
        o->width = 8;
        set_rm(c, true);
    } else if ((map == 1 || map == 5) && evex && (b == 0x78 || b == 0x79) && pp >= 2) {
        clobber_reg(c, c->reg); /* conversions to unsigned */
    } else if (map == 1 || map == 5) {
        vector_map1(c, b, prefixes[pp], width);
    } else if (map == 3) {
        vector_map3(c, b, width);
    } else if (c->mod != 3) {
        bool store = b == 0x2e || b == 0x2f || b == 0x8e || b == 0x8a || b == 0x8b || b == 0x63 ||
                     (b >= 0xa0 && b <= 0xa3) ||
                     (evex && pp == 2 && ((b & 0xcf) <= 5 || ((b & 0xf) <= 5 && b < 0x40)));
        o->op = store ? OP_VSTORE : OP_VLOAD;
        o->width = (uint8_t)width;
        set_rm(c, store);
    }
}

static void decode_vex(struct cursor *c, uint8_t first)
{
    uint8_t p1 = (uint8_t)take(c, 1), p2 = p1;
    unsigned map = 1;
    c->rex = p1 & 0x80 ? 0 : 4;
    if (first == 0xc4) {
        p2 = (uint8_t)take(c, 1);
        map = p1 & 0x1f;
        c->rex |= (p1 & 0x40 ? 0 : 2) | (p1 & 0x20 ? 0 : 1) | (p2 & 0x80 ? 8 : 0);
    }
    if (map == 0 || map > 3) {
        c->out->op = OP_BAD;
        return;
    }
    vex_body(c, map, p2 & 3, (~p2 >> 3) & 15, p2 & 4 ? 32 : 16, false);
}

static void decode_evex(struct cursor *c)
{
    uint8_t p0 = (uint8_t)take(c, 1), p1 = (uint8_t)take(c, 1), p2 = (uint8_t)take(c, 1);
    unsigned map = p0 & 7;
    (void)p2;
    if (map == 0 || map == 4 || map == 7 || !(p1 & 4)) {
        c->out->op = OP_BAD;
        return;
    }
    c->rex = (p0 & 0x80 ? 0 : 4) | (p0 & 0x40 ? 0 : 2) | (p0 & 0x20 ? 0 : 1) | (p1 & 0x80 ? 8 : 0);
    vex_body(c, map, p1 & 3, (~p1 >> 3) & 15, 64, true);
    /* An 8-bit displacement is scaled by the operand's size: the address is not followed. */
    if (c->mod == 1)
        c->out->segment = 1;
}

static void decode_xop(struct cursor *c)
{
    uint8_t p1 = (uint8_t)take(c, 1), p2 = (uint8_t)take(c, 1);
    unsigned map = p1 & 0x1f;
    c->rex = (p1 & 0x80 ? 0 : 4) | (p1 & 0x40 ? 0 : 2) | (p1 & 0x20 ? 0 : 1);
    take(c, 1);
    take_modrm(c);
    take(c, map == 8 ? 1 : map == 10 ? 4 : 0);
    unsigned mask = 1u << c->reg | 1u << ((~p2 >> 3) & 15);
    clobber_regs(c, c->mod == 3 ? mask | 1u << c->rm : mask);
}

/* Prefixes up to the opcode byte, which is returned. A REX prefix counts only right before it. */
static uint8_t take_prefixes(struct cursor *c)
{
    for (;;) {
        uint8_t b = (uint8_t)take(c, 1);
        if (c->overrun)
            return 0;
        if ((b & 0xf0) == 0x40) {
            c->rex = b;
            continue;
        }
        if (b == 0x66)
            c->operand16 = true;
        else if (b == 0x67)
            c->address32 = true;
        else if (b == 0xf2)
            c->repne = true, c->rep = false;
        else if (b == 0xf3)
            c->rep = true, c->repne = false;
        else if (b == 0x64 || b == 0x65)
            c->segment = true;
        else if (b != 0x2e && b != 0x36 && b != 0x3e && b != 0x26 && b != 0xf0)
            return b;
        c->rex = 0;
        if (c->at - c->start >= 15)
            return 0x06; /* too long: no instruction */
    }
}

static void decode_one(struct cursor *c, uint8_t b)
{
    unsigned shape = one_byte[b];
    if (shape & XX) {
        c->out->op = OP_BAD;
        return;
    }
    if (shape & M)
        take_modrm(c);
    bool wide = c->rex & 8;
    int64_t imm = 0;
    if (shape & IW)
        imm = take_signed(c, 2);
    if (shape & (IB | RB))
        imm = take_signed(c, 1);
    else if (shape & IZ)
        imm = take_signed(c, c->operand16 && !wide ? 2 : 4);
    else if (shape & IV)
        imm = take_signed(c, wide ? 8 : c->operand16 ? 2 : 4);
    else if (shape & MO)
        imm = take_signed(c, c->address32 ? 4 : 8);
    else if (shape & RZ)
        imm = take_signed(c, 4);
    one_byte_op(c, b, imm);
}

unsigned decode(const uint8_t *code, size_t size, uint64_t address, struct insn *out)
{
    memset(out, 0, sizeof *out);
    out->op = OP_NOP;
    out->dst = out->src = out->base = out->index = REG_NONE;
    if (!size)
        return 0;
    struct cursor c = {.at = code,
                       .start = code,
                       .end = code + (size < 15 ? size : 15),
                       .address = address,
                       .out = out};
    uint8_t b = take_prefixes(&c);
    if (c.overrun)
        out->op = OP_BAD;
    else if (b == 0x0f)
        decode_0f(&c);
    else if (b == 0xc4 || b == 0xc5)
        decode_vex(&c, b);
    else if (b == 0x62)
        decode_evex(&c);
    else if (b == 0x8f && c.at < c.end && (*c.at & 0x1f) >= 8)
        decode_xop(&c);
    else
        decode_one(&c, b);
    if (c.overrun || out->op == OP_BAD) {
        memset(out, 0, sizeof *out);
        out->dst = out->src = out->base = out->index = REG_NONE;
        out->op = OP_BAD;
        out->length = 1;
        return 1;
    }
    out->length = (uint8_t)(c.at - code);
    if (c.rip)
        out->disp = (int64_t)((uint64_t)out->disp + address + out->length);
    if (c.address32 && (out->dst_kind == OPERAND_MEM || out->src_kind == OPERAND_MEM))
        out->segment = 1;
    return out->length;
}
