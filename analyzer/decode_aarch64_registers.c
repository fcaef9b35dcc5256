/* SPDX-License-Identifier: BSD-3-Clause
 * AArch64: operations on registers, and of vector instructions what they do to general registers
 * and flags. */
#include "analyzer/decode_aarch64.h"

/* A source register, shifted left; false for other shifts, whose results are not followed. */
static bool shifted_source(struct word *w)
{
    uint32_t amount = field(w, 10, 6);
    set_source(w, general(w, 16));
    if (!amount)
        return true;
    w->out->extra |= EXTRA_SOURCE;
    w->out->src_width = w->out->width;
    w->out->scale = (uint8_t)amount;
    return field(w, 22, 2) == 0;
}

static void give_up(struct word *w, uint8_t destination, bool flags)
{
    w->out->src_kind = OPERAND_NONE;
    w->out->src = w->out->first = REG_NONE;
    w->out->src_width = w->out->scale = 0;
    clobber(w, destination, flags);
}

static void logical_shifted(struct word *w)
{
    static const uint8_t ops[4] = {OP_AND, OP_OR, OP_XOR, OP_AND};
    struct insn *o = w->out;
    uint32_t kind = field(w, 29, 2);
    bool flags = kind == 3, inverted = bit(w, 21);
    if (!bit(w, 31) && bit(w, 15)) {
        bad(w);
        return;
    }
    bool plain = shifted_source(w);
    o->first = general(w, 5);
    /* Inverted operands matter where they make a constant: mvn. */
    if (!plain || (inverted && (kind != 1 || o->first != REG_ZERO || o->extra))) {
        give_up(w, general(w, 0), flags);
        return;
    }
    o->op = ops[kind];
    o->extra |= flags ? 0 : EXTRA_QUIET;
    set_destination(w, general(w, 0));
    if (o->dst_kind == OPERAND_NONE) {
        bool test = flags && !o->extra;
        o->op = test ? OP_TST : flags ? OP_CLOBBER : OP_NOP;
        o->dst_kind = test ? OPERAND_REG : OPERAND_NONE;
        o->dst = test ? o->first : REG_NONE;
        o->first = REG_NONE;
    } else if (inverted) {
        o->op = OP_NOT;
        o->first = o->src;
        o->src = REG_NONE;
        o->src_kind = OPERAND_NONE;
    } else if (kind == 1 && o->first == REG_ZERO && !(o->extra & EXTRA_SOURCE)) {
        o->op = OP_MOV;
        o->first = REG_NONE;
    }
}

static void add_or_subtract(struct word *w, uint8_t destination, uint8_t first)
{
    struct insn *o = w->out;
    bool subtract = bit(w, 30), flags = bit(w, 29);
    o->op = subtract ? OP_SUB : OP_ADD;
    o->first = first;
    o->extra |= flags ? 0 : EXTRA_QUIET;
    set_destination(w, destination);
    if (o->dst_kind != OPERAND_NONE)
        return;
    if (!flags || !subtract) {
        give_up(w, REG_NONE, flags);
        return;
    }
    o->op = OP_CMP;
    o->dst_kind = OPERAND_REG;
    o->dst = first;
    o->first = REG_NONE;
}

static void add_shifted(struct word *w)
{
    if (field(w, 22, 2) == 3 || (!bit(w, 31) && bit(w, 15)))
        bad(w);
    else if (shifted_source(w))
        add_or_subtract(w, general(w, 0), general(w, 5));
    else
        give_up(w, general(w, 0), bit(w, 29));
}

static void add_extended(struct word *w)
{
    uint32_t option = field(w, 13, 3), shift = field(w, 10, 3);
    if (shift > 4) {
        bad(w);
        return;
    }
    set_source(w, general(w, 16));
    w->out->extra = EXTRA_SOURCE | (option & 4 ? EXTRA_SIGNED : 0);
    w->out->src_width = (uint8_t)(1u << (option & 3));
    w->out->scale = (uint8_t)shift;
    if (w->out->src_width >= w->out->width)
        w->out->src_width = w->out->width;
    add_or_subtract(w, bit(w, 29) ? general(w, 0) : or_sp(w, 0), or_sp(w, 5));
}

static void with_carry(struct word *w)
{
    clobber(w, general(w, 0), bit(w, 29));
}

static void compare_if(struct word *w)
{
    struct insn *o = w->out;
    o->op = OP_CCMP;
    o->condition = aarch64_condition(field(w, 12, 4));
    o->scale = (uint8_t)field(w, 0, 4);
    o->dst_kind = OPERAND_REG;
    o->dst = general(w, 5);
    bool negative = !bit(w, 30);
    if (bit(w, 11))
        set_immediate(w, negative ? -(int64_t)field(w, 16, 5) : (int64_t)field(w, 16, 5));
    else
        set_source(w, general(w, 16));
    if (negative && (o->src_kind == OPERAND_REG || !o->imm))
        give_up(w, REG_NONE, true);
}

static void select(struct word *w)
{
    struct insn *o = w->out;
    uint8_t condition = aarch64_condition(field(w, 12, 4)), other = general(w, 16);
    unsigned how = bit(w, 30) ? (bit(w, 10) ? SELECT_NEGATE : SELECT_INVERT)
                              : (bit(w, 10) ? SELECT_INCREMENT : SELECT_SAME);
    o->extra = EXTRA_QUIET;
    set_destination(w, general(w, 0));
    if (o->dst_kind == OPERAND_NONE)
        return;
    o->condition = condition;
    o->op = OP_CMOV;
    set_source(w, general(w, 5));
    o->first = other;
    o->imm = how;
}

static void two_sources(struct word *w)
{
    uint32_t code = field(w, 10, 6);
    static const uint8_t shifts[4] = {OP_SHL, OP_SHR, OP_SAR, OP_CLOBBER};
    bool flags = bit(w, 29);
    clobber(w, code == 4 ? or_sp(w, 0) : general(w, 0), flags); /* irg may write sp */
    if (code < 8 || code > 10 || w->out->op == OP_NOP)
        return;
    w->out->op = shifts[code - 8];
    w->out->width = bit(w, 31) ? 8 : 4;
    w->out->first = general(w, 5);
    set_source(w, general(w, 16));
}

static void one_source(struct word *w)
{
    /* Signing a pointer leaves it the same pointer. */
    if (field(w, 16, 5) == 1)
        nothing(w);
    else
        clobber(w, general(w, 0), false);
}

static void destination_only(struct word *w)
{
    clobber(w, general(w, 0), false);
}

const struct pattern aarch64_registers[] = {
    {0x1f000000, 0x0a000000, logical_shifted},
    {0x1f200000, 0x0b000000, add_shifted},
    {0x1fe00000, 0x0b200000, add_extended},
    {0x1fe0fc00, 0x1a000000, with_carry},
    {0xffe07c10, 0xba000400, clear_flags_only}, /* rmif, setf8, setf16 */
    {0xffffbc1f, 0x3a00080d, clear_flags_only},
    {0x3fe00410, 0x3a400000, compare_if},
    {0x3fe00800, 0x1a800000, select},
    {0x5fe00000, 0x1ac00000, two_sources},
    {0x7fe00000, 0x5ac00000, one_source},
    {0x7f000000, 0x1b000000, destination_only}, /* multiplications */
    {0, 0, bad},
};

/* ---- vectors ---- */

/* Into a vector register, where nothing is followed. */
static void from_general(struct word *w)
{
    w->out->op = OP_VLOAD;
    w->out->extra = EXTRA_QUIET;
    w->out->width = 8;
    set_source(w, general(w, 5));
}

static void to_general(struct word *w)
{
    static const uint8_t writes = 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6;
    if (writes >> field(w, 16, 3) & 1)
        clobber(w, general(w, 0), false);
    else if (field(w, 16, 3) == 7) /* fmov */
        from_general(w);
}

static void fixed_to_general(struct word *w)
{
    if (field(w, 16, 3) < 2)
        clobber(w, general(w, 0), false);
}

static void element(struct word *w)
{
    uint32_t kind = field(w, 11, 4);
    bool vector = bit(w, 29); /* from one element to another */
    if (!vector && (kind == 5 || kind == 7))
        clobber(w, general(w, 0), false);
    else if (!vector && (kind == 1 || kind == 3)) /* dup, ins */
        from_general(w);
}

const struct pattern aarch64_vector[] = {
    {0x5f20fc00, 0x1e200000, to_general},
    {0x5f200000, 0x1e000000, fixed_to_general},
    {0xff203c07, 0x1e202000, clear_flags_only}, /* fcmp, fccmp */
    {0xff200c00, 0x1e200400, clear_flags_only},
    {0x9fe08400, 0x0e000400, element},
    {0, 0, nothing},
};

/* Scalable vectors: counts and predicates write general registers and flags. What is not told apart
 * counts as doing so. */
static void scalable(struct word *w)
{
    w->out->op = OP_REGS;
    w->out->imm = (int64_t)(UINT64_C(1) << field(w, 0, 5));
}

static void store_anywhere(struct word *w)
{
    w->out->op = OP_CLOBBER;
    w->out->extra = EXTRA_QUIET;
    w->out->width = 8;
    w->out->dst_kind = OPERAND_MEM;
    w->out->base = w->out->index = or_sp(w, 5);
}

const struct pattern aarch64_sve[] = {
    {0xff000000, 0x04000000, scalable},
    {0xff000000, 0x05000000, scalable},
    {0xff000000, 0x25000000, scalable},
    {0xfe000000, 0xe4000000, store_anywhere},
    {0, 0, nothing},
};

const struct pattern aarch64_sme[] = {
    {0xfe000000, 0xe0000000, store_anywhere},
    {0, 0, nothing},
};
