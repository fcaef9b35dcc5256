/* SPDX-License-Identifier: BSD-3-Clause
 * One-byte opcodes. */
#include "analyzer/decode_private.h"

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

static const uint8_t arith_ops[8] = {OP_ADD, OP_OR,  OP_CLOBBER, OP_SBB,
                                     OP_AND, OP_SUB, OP_XOR,     OP_CMP};
static const uint8_t shift_ops[8] = {OP_CLOBBER, OP_CLOBBER, OP_CLOBBER, OP_CLOBBER,
                                     OP_SHL,     OP_SHR,     OP_SHL,     OP_SAR};

/* Of what only overwrites its destination no operand is told; its imm means registers. */
static void drop_operand(struct insn *o)
{
    if (o->op != OP_CLOBBER)
        return;
    o->imm = 0;
    if (o->src_kind == OPERAND_IMM)
        o->src_kind = OPERAND_NONE;
}

static void arith(struct cursor *c, unsigned which)
{
    struct insn *o = c->out;
    o->op = arith_ops[which];
    if (o->op == OP_SBB &&
        (o->dst_kind != OPERAND_REG || o->src_kind != OPERAND_REG || o->dst != o->src))
        o->op = OP_CLOBBER;
    drop_operand(o);
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
        else if ((b == 0xdb || b == 0xdf) && (which == 5 || which == 6))
            clobber_regs(c, 0); /* fcomi and its like */
        return;
    }
    if ((b & 1) && which != 0 && which != 4 && which != 5) {
        o->op = OP_VSTORE;
        o->width = (b == 0xd9 || b == 0xdd) && which == 6 ? 128 : 16;
        set_rm(c, true);
    }
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
    drop_operand(o);
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
    case 0x6e:
    case 0x6f:
        clobber_regs(c, 1u << REG_SI | 1u << REG_CX);
        break;
    case 0x9e: /* sahf, cmc, clc, stc */
    case 0xf5:
    case 0xf8:
    case 0xf9:
        clobber_regs(c, 0);
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
        o->extra = b >= 0xb8 && o->width == 8 ? EXTRA_WIDE : 0;
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

void decode_one_byte(struct cursor *c, uint8_t b)
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
