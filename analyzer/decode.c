/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/decode_private.h"

enum { PREFIX_REX = 1, PREFIX_66, PREFIX_67, PREFIX_F2, PREFIX_F3, PREFIX_SEGMENT, PREFIX_OTHER };

static const uint8_t prefixes[256] = {
    [0x26] = PREFIX_OTHER,   [0x2e] = PREFIX_OTHER,        [0x36] = PREFIX_OTHER,
    [0x3e] = PREFIX_OTHER,   [0x40 ... 0x4f] = PREFIX_REX, [0x64] = PREFIX_SEGMENT,
    [0x65] = PREFIX_SEGMENT, [0x66] = PREFIX_66,           [0x67] = PREFIX_67,
    [0xf0] = PREFIX_OTHER,   [0xf2] = PREFIX_F2,           [0xf3] = PREFIX_F3,
};

/* Notes one; false when the instruction is too long already. */
static bool note_prefix(struct cursor *c, uint8_t b)
{
    if (prefixes[b] == PREFIX_REX) {
        c->rex = b; /* counts only right before the opcode */
        return true;
    }
    switch (prefixes[b]) {
    case PREFIX_66:
        c->operand16 = true;
        break;
    case PREFIX_67:
        c->address32 = true;
        break;
    case PREFIX_F2:
        c->repne = true, c->rep = false;
        break;
    case PREFIX_F3:
        c->rep = true, c->repne = false;
        break;
    case PREFIX_SEGMENT:
        c->segment = true;
        break;
    default:
        break;
    }
    c->rex = 0;
    return c->at - c->start < 15;
}

/* Prefixes up to the opcode byte, which is returned. */
static uint8_t take_prefixes(struct cursor *c)
{
    for (;;) {
        uint8_t b = (uint8_t)take(c, 1);
        if (c->overrun)
            return 0;
        if (!prefixes[b])
            return b;
        if (!note_prefix(c, b))
            return 0x06; /* too long: no instruction */
    }
}

unsigned decode(const uint8_t *code, size_t size, uint64_t address, struct insn *out)
{
    memset(out, 0, sizeof *out);
    out->op = OP_NOP;
    out->dst = out->src = out->base = out->index = out->first = REG_NONE;
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
        decode_one_byte(&c, b);
    if (c.overrun || out->op == OP_BAD) {
        memset(out, 0, sizeof *out);
        out->dst = out->src = out->base = out->index = out->first = REG_NONE;
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
