/* SPDX-License-Identifier: BSD-3-Clause
 * Opcodes behind 0f and the vector prefixes. */
#include "analyzer/decode_private.h"

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
    case 0x6e: /* movd, movq from memory or a general register */
        o->op = OP_VLOAD;
        o->width = 8;
        set_rm(c, false);
        return;
    case 0x2e: /* ucomiss and its like */
    case 0x2f:
        clobber_regs(c, 0);
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
    if (b >= 0x60 && b < 0x64) { /* comparisons of strings */
        clobber_regs(c, b & 1 ? 1u << REG_CX : 0);
        return;
    }
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
    } else if (c->mod != 3 || b == 0x22) { /* 22: an insert from a general register */
        o->op = OP_VLOAD;
        o->width = (uint8_t)(b == 0x22 ? 8 : width);
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
        else if (c->modrm == 0xd6 || c->modrm == 0xed)
            clobber_regs(c, 0); /* xtest, testui */
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
        } else if (c->mod == 3 && which == 6) {
            clobber_regs(c, 0); /* umwait, tpause */
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
        else
            clobber_regs(c, 0); /* verr, verw */
    } else if (b == 0xb2 || b == 0xb4 || b == 0xb5) {
        clobber_reg(c, c->reg); /* lss, lfs, lgs */
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
    } else if ((b == 0xf6 && (c->operand16 || c->rep)) || ((b == 0xfa || b == 0xfb) && c->rep)) {
        clobber_reg(c, c->reg);
    } else if (b == 0x17 || (b == 0xf8 && (c->rep || c->repne)) || (c->rep && (b & 0xf8) == 0xd8)) {
        clobber_regs(c, 0); /* ptest, enqcmd, key locker */
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

void decode_0f(struct cursor *c)
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
    } else if ((map == 2 && (b == 0x0e || b == 0x0f || b == 0x17)) ||
               (map == 1 && (b == 0x98 || b == 0x99))) {
        clobber_regs(c, 0); /* vtestps, vtestpd, vptest; kortest, ktest */
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

void decode_vex(struct cursor *c, uint8_t first)
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

void decode_evex(struct cursor *c)
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

void decode_xop(struct cursor *c)
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
