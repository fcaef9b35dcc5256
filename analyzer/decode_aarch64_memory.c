/* SPDX-License-Identifier: BSD-3-Clause
 * AArch64: loads and stores. */
#include "analyzer/decode_aarch64.h"

/* ---- one register ---- */

static void vector_access(struct word *w, bool load, unsigned width)
{
    struct insn *o = w->out;
    o->op = load ? OP_VLOAD : OP_VSTORE;
    o->extra |= EXTRA_QUIET;
    o->width = (uint8_t)width;
    if (load)
        o->src_kind = OPERAND_MEM;
    else
        o->dst_kind = OPERAND_MEM;
}

/* What bits 31:30 (size), 26 (vector) and 23:22 (operation) say; the address is set already. */
static void access(struct word *w)
{
    struct insn *o = w->out;
    uint32_t size = field(w, 30, 2), kind = field(w, 22, 2);
    o->extra |= EXTRA_QUIET;
    if (bit(w, 26)) {
        if ((kind & 2) && size)
            bad(w);
        else
            vector_access(w, kind & 1, kind & 2 ? 16 : 1u << size);
        return;
    }
    if (kind == 0) {
        o->op = OP_MOV;
        o->width = (uint8_t)(1u << size);
        o->dst_kind = OPERAND_MEM;
        set_source(w, general(w, 0));
        return;
    }
    if (kind == 3 && size > 1) {
        bad(w);
        return;
    }
    if (kind == 2 && size == 3) {
        nothing(w); /* prefetch */
        return;
    }
    o->op = kind == 1 ? (size < 2 ? OP_MOVZX : OP_MOV) : OP_MOVSX;
    o->width = kind == 1 ? (size == 3 ? 8 : 4) : (kind == 2 ? 8 : 4);
    o->src_width = o->op == OP_MOV ? 0 : (uint8_t)(1u << size);
    o->src_kind = OPERAND_MEM;
    set_destination(w, general(w, 0));
    /* A load of nothing still reads. */
    if (o->dst_kind == OPERAND_NONE)
        vector_access(w, true, 8);
}

static void write_back(struct word *w, uint8_t how, int64_t by)
{
    w->out->extra |= how;
    w->out->imm = by;
    w->out->disp = how == EXTRA_PRE ? by : 0;
}

static void unsigned_offset(struct word *w)
{
    unsigned shift = field(w, 30, 2);
    if (bit(w, 26) && bit(w, 23))
        shift = 4;
    w->out->base = or_sp(w, 5);
    w->out->disp = (int64_t)field(w, 10, 12) << shift;
    access(w);
}

static void nine_bits(struct word *w)
{
    static const uint8_t how[4] = {0, EXTRA_POST, 0, EXTRA_PRE};
    uint32_t kind = field(w, 10, 2);
    w->out->base = or_sp(w, 5);
    w->out->disp = signed_field(w, 12, 9);
    if (bit(w, 26) && kind == 2) {
        bad(w);
        return;
    }
    if (how[kind])
        write_back(w, how[kind], signed_field(w, 12, 9));
    access(w);
    if (how[kind] && w->out->op == OP_NOP)
        bad(w); /* no prefetch writes back */
}

static void register_offset(struct word *w)
{
    uint32_t option = field(w, 13, 3);
    unsigned shift = bit(w, 26) && bit(w, 23) ? 4 : field(w, 30, 2);
    if (!(option & 2)) {
        bad(w);
        return;
    }
    w->out->base = or_sp(w, 5);
    w->out->index = general(w, 16);
    w->out->scale = bit(w, 12) ? (uint8_t)shift : 0;
    if (!(option & 1))
        w->out->extra = EXTRA_INDEX | (option & 4 ? EXTRA_SIGNED : 0);
    access(w);
}

static void literal(struct word *w)
{
    struct insn *o = w->out;
    uint32_t kind = field(w, 30, 2);
    o->disp = (int64_t)(w->address + (uint64_t)(signed_field(w, 5, 19) * 4));
    o->extra = EXTRA_QUIET;
    if (bit(w, 26)) {
        if (kind == 3)
            bad(w);
        else
            vector_access(w, true, 4u << kind);
        return;
    }
    if (kind == 3)
        return;
    o->op = kind == 2 ? OP_MOVSX : OP_MOV;
    o->src_width = kind == 2 ? 4 : 0;
    o->width = kind == 0 ? 4 : 8;
    o->src_kind = OPERAND_MEM;
    set_destination(w, general(w, 0));
    if (o->dst_kind == OPERAND_NONE)
        vector_access(w, true, 8);
}

/* Addresses with an authenticated base. */
static void authenticated(struct word *w)
{
    int64_t offset = (signed_field(w, 22, 1) * 512 + (int64_t)field(w, 12, 9)) * 8;
    w->out->base = or_sp(w, 5);
    w->out->disp = offset;
    if (bit(w, 11))
        write_back(w, EXTRA_PRE, offset);
    w->out->op = OP_MOV;
    w->out->extra |= EXTRA_QUIET;
    w->out->width = 8;
    w->out->src_kind = OPERAND_MEM;
    set_destination(w, general(w, 0));
    if (w->out->dst_kind == OPERAND_NONE)
        vector_access(w, true, 8);
}

/* ---- two registers ---- */

static void pair(struct word *w)
{
    static const uint8_t how[4] = {0, EXTRA_POST, 0, EXTRA_PRE};
    struct insn *o = w->out;
    uint32_t size = field(w, 30, 2), kind = field(w, 23, 2);
    bool vector = bit(w, 26), load = bit(w, 22), word_pair = size == 1 && !vector;
    unsigned width = vector ? 4u << size : size == 2 ? 8 : 4;
    if (size == 3 || (word_pair && load && kind == 0)) {
        bad(w);
        return;
    }
    bool tagged = word_pair && !load; /* stgp: 16 bytes at a multiple of 16 */
    int64_t offset = signed_field(w, 15, 7) * (tagged ? 16 : (int64_t)width);
    o->base = or_sp(w, 5);
    o->disp = offset;
    o->extra = EXTRA_QUIET;
    if (how[kind])
        write_back(w, how[kind], offset);
    if (vector) {
        vector_access(w, load, 2 * width);
        return;
    }
    o->op = OP_PAIR;
    o->width = tagged ? 8 : (uint8_t)width;
    o->first = general(w, 10);
    if (load) {
        o->extra |= word_pair ? EXTRA_SIGNED : 0;
        o->src_kind = OPERAND_MEM;
        o->dst = general(w, 0);
        o->dst_kind = OPERAND_REG;
    } else {
        o->dst_kind = OPERAND_MEM;
        set_source(w, general(w, 0));
    }
}

/* ---- atomics ---- */

/* Memory and the registers of a mask become unknown. */
static void lose(struct word *w, unsigned width, uint64_t registers)
{
    w->out->op = OP_CLOBBER;
    w->out->extra = EXTRA_QUIET;
    w->out->width = (uint8_t)width;
    w->out->dst_kind = OPERAND_MEM;
    w->out->base = or_sp(w, 5);
    w->out->imm = (int64_t)registers;
}

static uint64_t mask_of(uint8_t reg)
{
    return reg < REG_LIMIT ? UINT64_C(1) << reg : 0;
}

/* Two registers that follow each other. */
static uint64_t mask_of_pair(uint8_t reg)
{
    return reg < 30 ? UINT64_C(3) << reg : mask_of(reg);
}

static void load_ordered(struct word *w)
{
    uint32_t size = field(w, 30, 2);
    struct insn *o = w->out;
    o->op = size < 2 ? OP_MOVZX : OP_MOV;
    o->extra = EXTRA_QUIET;
    o->width = size == 3 ? 8 : 4;
    o->src_width = size < 2 ? (uint8_t)(1u << size) : 0;
    o->src_kind = OPERAND_MEM;
    o->base = or_sp(w, 5);
    set_destination(w, general(w, 0));
    if (o->dst_kind == OPERAND_NONE)
        vector_access(w, true, 8);
}

static void store_ordered(struct word *w)
{
    w->out->op = OP_MOV;
    w->out->extra = EXTRA_QUIET;
    w->out->width = (uint8_t)(1u << field(w, 30, 2));
    w->out->dst_kind = OPERAND_MEM;
    w->out->base = or_sp(w, 5);
    set_source(w, general(w, 0));
}

static void exclusive(struct word *w)
{
    bool ordered = bit(w, 23), load = bit(w, 22), paired = bit(w, 21);
    unsigned width = 1u << field(w, 30, 2);
    uint8_t rs = general(w, 16);
    if (ordered && paired) /* cas: the old value comes back in rs */
        lose(w, width, mask_of(rs));
    else if (ordered && load)
        load_ordered(w);
    else if (ordered)
        store_ordered(w);
    else if (paired && width < 4) /* casp */
        lose(w, 16, mask_of_pair(rs));
    else if (!load)
        lose(w, paired ? 2 * width : width, mask_of(rs));
    else if (!paired)
        load_ordered(w);
    else {
        w->out->op = OP_REGS;
        w->out->extra = EXTRA_QUIET;
        w->out->imm = (int64_t)(mask_of(general(w, 0)) | mask_of(general(w, 10)));
    }
}

/* Read, change, write: the old value lands in rt. */
static void atomic(struct word *w)
{
    bool ldapr = (w->bits & 0x3fbffc00) == 0x38bfc000;
    if (ldapr)
        load_ordered(w);
    else if ((w->bits & 0xffe0fc00) == 0xf820d000) /* ld64b */
        lose(w, 64, UINT64_C(0xff) << (field(w, 0, 5) & 24));
    else if ((w->bits & 0xffe0dc00) == 0xf8209000) /* st64b, st64bv, st64bv0 */
        lose(w, 64, mask_of(general(w, 16)));
    else
        lose(w, 1u << field(w, 30, 2), mask_of(general(w, 0)));
}

static void atomic_vector(struct word *w)
{
    lose(w, 1u << field(w, 30, 2), 0);
}

static void load_unscaled(struct word *w)
{
    w->out->base = or_sp(w, 5);
    w->out->disp = signed_field(w, 12, 9);
    access(w);
}

/* 128-bit atomics (ldclrp, ldsetp, swpp): both registers get the old value. */
static void atomic_pair(struct word *w)
{
    lose(w, 16, mask_of(general(w, 0)) | mask_of(general(w, 16)));
}

/* ---- the rest ---- */

static void tag(struct word *w)
{
    uint32_t kind = field(w, 22, 2), mode = field(w, 10, 2);
    int64_t offset = signed_field(w, 12, 9) * 16;
    if (mode == 0 && kind == 0) { /* stzgm: how much is not known */
        lose(w, 8, 0);
        w->out->index = w->out->base;
    } else if (mode == 0) { /* ldg, stgm, ldgm */
        clobber(w, kind == 2 ? REG_NONE : general(w, 0), false);
    } else { /* those that change no byte but tags count as loads */
        w->out->base = or_sp(w, 5);
        w->out->disp = offset;
        if (mode != 2)
            write_back(w, mode == 1 ? EXTRA_POST : EXTRA_PRE, offset);
        vector_access(w, !(kind & 1), 32);
    }
}

/* Memory copies and fills: address, source and size registers move on; flags change. */
static void memory_copy(struct word *w)
{
    lose(w, 8, mask_of(general(w, 0)) | mask_of(general(w, 5)) | mask_of(general(w, 16)));
    w->out->extra = 0;
    w->out->base = w->out->index = or_sp(w, 0);
}

static void structures(struct word *w)
{
    /* Registers moved by the forms for several elements, by bits 15 to 12. */
    static const uint8_t counts[16] = {4, 0, 4, 0, 3, 0, 3, 1, 2, 0, 2};
    uint8_t count = counts[field(w, 12, 4)];
    bool several = !bit(w, 24);
    if (several && !count) {
        bad(w);
        return;
    }
    w->out->base = or_sp(w, 5);
    vector_access(w, bit(w, 22), 64);
    if (!bit(w, 23))
        return;
    /* By how much depends on the element, or a register. */
    bool known = several && field(w, 16, 5) == 31;
    w->out->imm = known ? count * (bit(w, 30) ? 16 : 8) : UNKNOWN_AMOUNT;
    w->out->extra |= EXTRA_POST;
}

const struct pattern aarch64_memory[] = {
    {0x3b000000, 0x39000000, unsigned_offset},
    {0x3b200c00, 0x38200800, register_offset},
    {0xff200400, 0xf8200400, authenticated},
    {0x3f200c00, 0x38200000, atomic},
    {0x3f200c00, 0x3c200000, atomic_vector},
    {0x3b200000, 0x38000000, nine_bits},
    {0x3a000000, 0x28000000, pair},
    {0x3f000000, 0x08000000, exclusive},
    {0x3b000000, 0x18000000, literal},
    {0x3f200c00, 0x19000000, load_unscaled},
    {0x3f200c00, 0x1d000800, load_unscaled},
    {0xff200c00, 0x19200000, atomic_pair},
    {0xff200000, 0xd9200000, tag},
    {0x3b200c00, 0x19000400, memory_copy},
    {0xbf000000, 0x0c000000, structures},
    {0xbf000000, 0x0d000000, structures},
    {0, 0, bad},
};
