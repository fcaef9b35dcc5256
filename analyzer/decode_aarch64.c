/* SPDX-License-Identifier: BSD-3-Clause
 * AArch64: entry, immediates, branches and system instructions. */
#include "analyzer/decode_aarch64.h"
#include <string.h>

uint8_t aarch64_condition(uint32_t condition)
{
    /* eq ne cs cc mi pl vs vc hi ls ge lt gt le al nv */
    static const uint8_t codes[16] = {4, 5, 3, 2, 8, 9, 0, 1, 7, 6, 13, 12, 15, 14, 16, 16};
    return codes[condition & 15];
}

/* ---- data processing with an immediate ---- */

static void address(struct word *w)
{
    int64_t offset = signed_field(w, 5, 19) * 4 + field(w, 29, 2);
    bool page = bit(w, 31);
    uint64_t base = page ? w->address & ~UINT64_C(0xfff) : w->address;
    w->out->op = page ? OP_PAGE : OP_LEA;
    w->out->width = 8;
    w->out->disp = (int64_t)(base + (uint64_t)offset * (page ? 4096 : 1));
    w->out->src_kind = OPERAND_MEM;
    set_destination(w, general(w, 0));
    if (w->out->dst_kind == OPERAND_NONE)
        nothing(w);
}

/* dst = first op source, with or without flags; a comparison when only flags are wanted. */
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
    if (!flags) {
        nothing(w);
        return;
    }
    /* What is compared stands in dst, as on x86. */
    bool negated = !subtract && o->src_kind == OPERAND_IMM && o->imm;
    if (!subtract && !negated) {
        clear_flags_only(w);
        return;
    }
    o->op = OP_CMP;
    if (negated)
        o->imm = -o->imm;
    o->dst_kind = OPERAND_REG;
    o->dst = first;
    o->first = REG_NONE;
}

static void add_immediate(struct word *w)
{
    set_immediate(w, (int64_t)field(w, 10, 12) << (bit(w, 22) ? 12 : 0));
    add_or_subtract(w, bit(w, 29) ? general(w, 0) : or_sp(w, 0), or_sp(w, 5));
}

static void add_tag(struct word *w)
{
    clobber(w, or_sp(w, 0), false);
}

/* The repeated, rotated run of ones that an immediate of 13 bits stands for; false: none. */
static bool bit_pattern(const struct word *w, uint64_t *out)
{
    uint32_t n = field(w, 22, 1), immr = field(w, 16, 6), imms = field(w, 10, 6);
    uint32_t combined = n << 6 | (~imms & 0x3f);
    if (combined < 2 || (n && !bit(w, 31)))
        return false;
    unsigned length = 31u - (unsigned)__builtin_clz(combined);
    unsigned size = 1u << length, levels = size - 1;
    unsigned ones = (imms & levels) + 1, rotation = immr & levels;
    if ((imms & levels) == levels)
        return false;
    uint64_t mask = size == 64 ? UINT64_MAX : (UINT64_C(1) << size) - 1;
    uint64_t element = (UINT64_C(1) << ones) - 1;
    if (rotation)
        element = (element >> rotation | element << (size - rotation)) & mask;
    for (unsigned at = size; at < 64; at *= 2)
        element |= element << at;
    *out = bit(w, 31) ? element : element & UINT32_MAX;
    return true;
}

static const uint8_t logical_op[4] = {OP_AND, OP_OR, OP_XOR, OP_AND};

static void logical_immediate(struct word *w)
{
    uint64_t pattern = 0;
    uint32_t kind = field(w, 29, 2);
    struct insn *o = w->out;
    if (!bit_pattern(w, &pattern)) {
        bad(w);
        return;
    }
    set_immediate(w, (int64_t)pattern);
    o->op = logical_op[kind];
    o->first = general(w, 5);
    if (kind != 3) {
        o->extra = EXTRA_QUIET;
        set_destination(w, or_sp(w, 0));
        if (kind == 1 && o->first == REG_ZERO) {
            o->op = OP_MOV;
            o->first = REG_NONE;
        }
        return;
    }
    set_destination(w, general(w, 0));
    if (o->dst_kind == OPERAND_NONE) {
        o->op = OP_TST;
        o->dst_kind = OPERAND_REG;
        o->dst = o->first;
        o->first = REG_NONE;
    }
}

static void move_wide(struct word *w)
{
    uint32_t kind = field(w, 29, 2), shift = 16 * field(w, 21, 2);
    uint64_t imm = (uint64_t)field(w, 5, 16);
    if (kind == 1 || (shift > 16 && !bit(w, 31))) {
        bad(w);
        return;
    }
    set_destination(w, general(w, 0));
    w->out->op = kind == 3 ? OP_MOVK : OP_MOV;
    w->out->extra = EXTRA_QUIET;
    if (kind == 3) {
        w->out->scale = (uint8_t)shift;
        set_immediate(w, (int64_t)imm);
    } else {
        imm <<= shift;
        imm = kind == 0 ? ~imm : imm;
        set_immediate(w, (int64_t)(bit(w, 31) ? imm : imm & UINT32_MAX));
    }
    if (w->out->dst_kind == OPERAND_NONE)
        nothing(w);
}

/* Shifts and extensions are bit-field moves. */
static void bit_field(struct word *w)
{
    struct insn *o = w->out;
    uint32_t kind = field(w, 29, 2), immr = field(w, 16, 6), imms = field(w, 10, 6);
    unsigned bits = bit(w, 31) ? 64 : 32;
    if (kind == 3 || bit(w, 22) != bit(w, 31) || immr >= bits || imms >= bits) {
        bad(w);
        return;
    }
    clobber(w, general(w, 0), false);
    if (o->op == OP_NOP || kind == 1)
        return;
    o->width = (uint8_t)(bits / 8);
    bool sign = kind == 0;
    if (immr == 0 && (imms == 7 || imms == 15 || imms == 31)) {
        o->op = sign ? OP_MOVSX : OP_MOVZX;
        o->src_width = (uint8_t)((imms + 1) / 8);
        set_source(w, general(w, 5));
    } else if (imms == bits - 1) {
        o->op = sign ? OP_SAR : OP_SHR;
        o->first = general(w, 5);
        set_immediate(w, immr);
    } else if (!sign && imms + 1 == immr) {
        o->op = OP_SHL;
        o->first = general(w, 5);
        set_immediate(w, bits - immr);
    } else if (!sign && imms >= immr) {
        o->op = OP_EXTRACT;
        o->first = general(w, 5);
        o->scale = (uint8_t)immr;
        o->src_width = (uint8_t)(imms - immr + 1);
    }
}

static void extract_pair(struct word *w)
{
    clobber(w, general(w, 0), false);
}

const struct pattern aarch64_immediate[] = {
    {0x1f000000, 0x10000000, address},
    {0x1f800000, 0x11000000, add_immediate},
    {0xbfc00000, 0x91800000, add_tag},
    {0x1f800000, 0x12000000, logical_immediate},
    {0x1f800000, 0x12800000, move_wide},
    {0x1f800000, 0x13000000, bit_field},
    {0x7fa00000, 0x13800000, extract_pair},
    {0xffc00000, 0x91c00000, add_tag},
    {0, 0, bad},
};

/* ---- branches, exceptions, system ---- */

static void jump(struct word *w, unsigned op, int64_t words)
{
    w->out->op = (uint8_t)op;
    w->out->imm = (int64_t)(w->address + (uint64_t)words * 4);
}

static void branch(struct word *w)
{
    jump(w, bit(w, 31) ? OP_CALL : OP_JMP, signed_field(w, 0, 26));
}

static void branch_if(struct word *w)
{
    uint8_t condition = aarch64_condition(field(w, 0, 4));
    jump(w, condition > 15 ? OP_JMP : OP_JCC, signed_field(w, 5, 19));
    w->out->condition = condition & 15;
}

static void branch_on_register(struct word *w, uint8_t width)
{
    w->out->width = width;
    w->out->dst_kind = OPERAND_REG;
    w->out->dst = general(w, 0);
    w->out->condition = aarch64_condition(bit(w, 24) ? 1 : 0);
}

static void branch_if_zero(struct word *w)
{
    jump(w, OP_JCC, signed_field(w, 5, 19));
    branch_on_register(w, bit(w, 31) ? 8 : 4);
}

static void branch_if_bit(struct word *w)
{
    jump(w, OP_JCC, signed_field(w, 5, 14));
    branch_on_register(w, 8);
    w->out->extra = EXTRA_BIT;
    w->out->scale = (uint8_t)(field(w, 31, 1) << 5 | field(w, 19, 5));
}

/* Authenticated forms go where the plain ones do. */
static void branch_to_register(struct word *w)
{
    uint32_t kind = field(w, 21, 3);
    static const uint8_t ops[8] = {OP_JMP_INDIRECT, OP_CALL_INDIRECT, OP_RET, OP_BAD,
                                   OP_STOP,         OP_STOP,          OP_BAD, OP_BAD};
    w->out->op = ops[kind];
    w->out->width = 8;
    set_source(w, general(w, 5));
    if (kind == 2 && bit(w, 11))
        w->out->src = REG_X30;
}

static void exception(struct word *w)
{
    w->out->op = OP_STOP;
}

static void supervisor_call(struct word *w)
{
    w->out->op = OP_SYSCALL;
}

/* The kernel takes none of these from a program. */
static void read_system(struct word *w)
{
    bool random = (w->bits & 0xffffffc0) == 0xd53b2400;
    clobber(w, general(w, 0), random);
    if ((w->bits & 0xffffffe0) == 0xd53bd040 && w->out->op != OP_NOP)
        w->out->op = OP_THREAD;
}

static void read_system_pair(struct word *w)
{
    w->out->op = OP_REGS;
    w->out->extra = EXTRA_QUIET;
    w->out->imm = (int64_t)(UINT64_C(3) << (field(w, 0, 5) & 30) & ~(UINT64_C(1) << REG_XSP));
}

/* Zeroes the whole block that an address lies in. */
static void zero_block(struct word *w)
{
    clobber(w, REG_NONE, false);
    w->out->op = OP_CLOBBER;
    w->out->dst_kind = OPERAND_MEM;
    w->out->base = w->out->index = general(w, 0);
}

static void write_register(struct word *w)
{
    clobber(w, general(w, 0), false);
}

const struct pattern aarch64_branches[] = {
    {0x7c000000, 0x14000000, branch},
    {0xff000000, 0x54000000, branch_if},
    {0x7e000000, 0x34000000, branch_if_zero},
    {0x7e000000, 0x36000000, branch_if_bit},
    {0xfe1ff000, 0xd61f0000, branch_to_register},
    {0xffe0001f, 0xd4000001, supervisor_call},
    {0xffe0001f, 0xd4000002, exception}, /* hvc, smc, brk, hlt, tcancel, dcps */
    {0xffe0001f, 0xd4000003, exception},
    {0xffe0001f, 0xd4200000, exception},
    {0xffe0001f, 0xd4400000, exception},
    {0xffe0001f, 0xd4600000, exception},
    {0xffe0001c, 0xd4a00000, exception},
    {0xfffff01f, 0xd503201f, nothing}, /* hints, among them those that sign and check x30 */
    {0xfffff000, 0xd5033000, nothing}, /* barriers */
    {0xffffff80, 0xd5031000, nothing}, /* waits */
    {0xfffff01f, 0xd500401f, clear_flags_only},
    {0xfff8f01f, 0xd500401f, nothing},
    {0xffffffe0, 0xd50b7420, zero_block}, /* dc zva, dc gzva */
    {0xffffffe0, 0xd50b7480, zero_block},
    {0xffffffe0, 0xd5233060, write_register}, /* tstart, ttest */
    {0xffffffe0, 0xd5233160, write_register},
    {0xfff80000, 0xd5080000, nothing}, /* sys, sysl */
    {0xfff80000, 0xd5280000, write_register},
    {0xffffffe0, 0xd51b4200, clear_flags_only}, /* msr nzcv; msr, mrs */
    {0xfff00000, 0xd5100000, nothing},
    {0xfff00000, 0xd5300000, read_system},
    {0xffe00000, 0xd5200000, write_register}, /* others that give a result */
    {0xfff80000, 0xd5000000, clear_flags_only},
    {0xfff80000, 0xd5480000, nothing}, /* sysp, msrr, mrrs */
    {0xfff00000, 0xd5500000, nothing},
    {0xfff00000, 0xd5700000, read_system_pair},
    {0, 0, bad},
};

/* ---- entry ---- */

static void undefined(struct word *w)
{
    w->out->op = w->bits ? OP_STOP : OP_BAD;
}

static const struct pattern reserved[] = {{0xffff0000, 0, undefined}, {0, 0, bad}};

/* By bits 28 to 25; the first again where bit 31 is set. */
static const struct pattern *const groups[17] = {
    reserved,          reserved + 1,     aarch64_sve,    reserved + 1,      aarch64_memory,
    aarch64_registers, aarch64_memory,   aarch64_vector, aarch64_immediate, aarch64_immediate,
    aarch64_branches,  aarch64_branches, aarch64_memory, aarch64_registers, aarch64_memory,
    aarch64_vector,    aarch64_sme,
};

static void blank(struct insn *out, unsigned op, size_t length)
{
    memset(out, 0, sizeof *out);
    out->op = (uint8_t)op;
    out->dst = out->src = out->base = out->index = out->first = REG_NONE;
    out->length = (uint8_t)length;
}

unsigned decode_aarch64(const uint8_t *code, size_t size, uint64_t address, struct insn *out)
{
    if (size < 4) {
        blank(out, OP_BAD, size);
        return (unsigned)size;
    }
    uint32_t bits = (uint32_t)code[0] | (uint32_t)code[1] << 8 | (uint32_t)code[2] << 16 |
                    (uint32_t)code[3] << 24;
    struct word w = {bits, address, out};
    unsigned group = field(&w, 25, 4);
    const struct pattern *p = groups[group || !bit(&w, 31) ? group : 16];
    blank(out, OP_NOP, 4);
    out->width = bit(&w, 31) ? 8 : 4;
    while ((bits & p->mask) != p->bits)
        p++;
    p->decode(&w);
    if (out->op == OP_BAD)
        blank(out, OP_BAD, 4);
    return 4;
}
