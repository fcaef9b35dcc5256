/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/decode_private.h"

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
