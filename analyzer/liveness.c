/* SPDX-License-Identifier: BSD-3-Clause
 * Which registers the interpreter may still read from the start of each block on. The others are
 * forgotten there: states that differ in them alone are then the same, and nothing runs again. What
 * an operation reads follows from its shape; one that is not listed here reads everything. */
#include "analyzer/engine.h"
#include <string.h>

#define BIT(reg) (1u << (reg))
#define ALL      UINT32_MAX

static uint32_t bit_of(unsigned reg)
{
    return reg < REG_LIMIT ? BIT(reg) : 0;
}

static uint32_t source_of(const struct insn *i)
{
    uint32_t address = bit_of(i->base) | bit_of(i->index);
    return address | (i->src_kind == OPERAND_REG ? bit_of(i->src) : 0);
}

/* Writing less than four bytes leaves the rest of a register. */
static void writes(const struct insn *i, struct effect *out)
{
    if (i->dst_kind != OPERAND_REG)
        return;
    if (i->width >= 4)
        out->sets |= bit_of(i->dst);
    else
        out->reads |= bit_of(i->dst);
}

static uint32_t left_of(const struct insn *i)
{
    if (i->first != REG_NONE)
        return bit_of(i->first);
    return i->dst_kind == OPERAND_REG ? bit_of(i->dst) : 0;
}

static void reads_and_writes(const struct insn *i, struct effect *out)
{
    out->reads |= left_of(i);
    writes(i, out);
}

static void of_call(const struct architecture *arch, const struct insn *i, struct effect *out)
{
    out->reads = source_of(i) | arch->passed | BIT(arch->sp);
    for (size_t k = 0; k < sizeof arch->arguments; k++)
        out->reads |= bit_of(arch->arguments[k]);
    out->reads |= bit_of(arch->link);
    out->sets = arch->lost_over_calls & ~out->reads;
    out->sets_flags = true;
}

static void of_move(const struct insn *i, struct effect *out)
{
    out->reads = source_of(i);
    writes(i, out);
}

static void of_arithmetic(const struct insn *i, struct effect *out)
{
    bool zero = (i->op == OP_XOR || i->op == OP_SUB) && i->dst_kind == OPERAND_REG &&
                i->src_kind == OPERAND_REG && i->dst == i->src && i->first == REG_NONE;
    out->sets_flags = true;
    if (zero && i->width >= 4) {
        out->sets = bit_of(i->dst);
        return;
    }
    out->reads = source_of(i);
    reads_and_writes(i, out);
}

/* Two registers to or from memory. */
static void of_pair(const struct insn *i, struct effect *out)
{
    out->reads = source_of(i);
    if (i->dst_kind == OPERAND_REG)
        out->sets = bit_of(i->dst) | bit_of(i->first);
    else
        out->reads |= bit_of(i->first);
}

struct effect effect_of(const struct architecture *arch, const struct insn *i)
{
    struct effect out = {0};
    switch (i->op) {
    case OP_NOP:
    case OP_BREAK:
    case OP_STOP:
    case OP_JMP:
        break;
    case OP_MOV:
    case OP_MOVZX:
    case OP_MOVSX:
    case OP_LEA:
        of_move(i, &out);
        break;
    case OP_ADD:
    case OP_OR:
    case OP_AND:
    case OP_SUB:
    case OP_XOR:
    case OP_SHL:
    case OP_SHR:
    case OP_SAR:
        of_arithmetic(i, &out);
        break;
    case OP_PAGE:
    case OP_THREAD:
        writes(i, &out);
        break;
    case OP_MOVK:
    case OP_EXTRACT:
        reads_and_writes(i, &out);
        break;
    case OP_PAIR:
        of_pair(i, &out);
        break;
    case OP_CCMP:
        out.reads_flags = true;
        out.reads = source_of(i) | left_of(i);
        out.sets_flags = true;
        break;
    case OP_CMP:
    case OP_TEST:
    case OP_TST:
        out.reads = source_of(i) | (i->dst_kind == OPERAND_REG ? bit_of(i->dst) : 0);
        out.sets_flags = true;
        break;
    case OP_CLOBBER:
        out.reads = source_of(i);
        out.sets_flags = true;
        writes(i, &out);
        break;
    case OP_REGS:
        out.sets_flags = true;
        break;
    case OP_IMUL:
        of_move(i, &out);
        out.sets_flags = true;
        break;
    case OP_NOT:
        reads_and_writes(i, &out);
        out.reads |= source_of(i);
        break;
    case OP_NEG:
        reads_and_writes(i, &out);
        out.reads |= source_of(i);
        out.sets_flags = true;
        break;
    case OP_VLOAD:
    case OP_VSTORE:
        out.reads = source_of(i);
        break;
    case OP_LEAVE:
        out.reads = BIT(REG_BP) | BIT(arch->sp);
        break;
    case OP_JCC:
        out.reads = left_of(i);
        out.reads_flags = i->dst_kind != OPERAND_REG;
        break;
    case OP_CMOV:
    case OP_SETCC:
        out.reads = source_of(i);
        out.reads_flags = true;
        reads_and_writes(i, &out);
        break;
    case OP_PUSH:
    case OP_POP:
        out.reads = source_of(i) | BIT(arch->sp);
        writes(i, &out);
        break;
    case OP_RET:
        out.reads = source_of(i) | BIT(arch->sp) | BIT(arch->result) | bit_of(arch->link);
        break;
    case OP_CALL:
    case OP_CALL_INDIRECT:
        of_call(arch, i, &out);
        break;
    default:
        out.reads = ALL;
        out.reads_flags = true;
        break;
    }
    out.sets &= ~BIT(arch->sp);
    if (i->extra & EXTRA_QUIET)
        out.sets_flags = false;
    return out;
}

/* The block of the unit at an address; NULL: another's, or none. */
static struct block *successor(const struct object *o, const struct unit *u, uint64_t address)
{
    struct block *b = block_known(o, u, address);
    return b && b->unit == u ? b : NULL;
}

static void of_block(const struct engine *e, const struct object *o, const struct block *b,
                     struct block_flow *out)
{
    struct effect *f = &out->effect;
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < b->count; i++) {
        const struct effect *next = shapes_effect(&e->shapes, &b->code[i]);
        f->reads |= next->reads & ~f->sets;
        f->sets |= next->sets;
        f->reads_flags |= next->reads_flags && !f->sets_flags;
        f->sets_flags |= next->sets_flags;
    }
    struct ir last;
    block_insn(e, b, b->count - 1, &last);
    bool jumps = last.i.op == OP_JMP || last.i.op == OP_JCC || last.i.op == OP_LOOP;
    if (jumps)
        out->successor[0] = successor(o, b->unit, (uint64_t)last.i.imm);
    if (b->after)
        out->successor[1] = successor(o, b->unit, block_next(b));
    out->unknown = last.i.op == OP_JMP_INDIRECT || (jumps && !out->successor[0]) ||
                   (b->after && !out->successor[1]);
    out->throws = last.i.op == OP_CALL || last.i.op == OP_CALL_INDIRECT;
    if (o->go && out->throws)
        f->reads = ALL;
}

struct live {
    uint32_t registers;
    bool flags;
};

static void add_successor(const struct block *b, struct live *out)
{
    if (!b)
        return;
    out->registers |= b->live;
    out->flags |= b->flags_live;
}

static struct live of_pads(const struct object *o, const struct unit *u)
{
    struct live out = {0};
    vec_each (pad, &u->pads) {
        const struct block *b = successor(o, u, pad->pad);
        if (!b)
            return (struct live){ALL, true};
        add_successor(b, &out);
    }
    return out;
}

/* Says anew what is live at a block; whether that changed. */
static bool revise(struct block *b, const struct block_flow *f, const struct live *pads)
{
    struct live out = {f->unknown ? ALL : 0, f->unknown};
    add_successor(f->successor[0], &out);
    add_successor(f->successor[1], &out);
    if (f->throws) {
        out.registers |= pads->registers;
        out.flags |= pads->flags;
    }
    uint32_t live = f->effect.reads | (out.registers & ~f->effect.sets);
    bool flags = f->effect.reads_flags || (out.flags && !f->effect.sets_flags);
    bool changed = live != b->live || flags != b->flags_live;
    b->live = live;
    b->flags_live = flags;
    return changed;
}

void unit_liveness(struct engine *e, struct object *o, struct unit *u)
{
    struct decoding *d = &e->decoding;
    d->flows.count = 0;
    vec_each (b, &d->list) {
        of_block(e, o, *b, vec_add(e->arena, &d->flows));
        (*b)->live = 0;
        (*b)->flags_live = false;
    }
    for (bool changed = true; changed;) {
        const struct live pads = of_pads(o, u);
        changed = false;
        for (size_t i = d->list.count; i-- > 0;)
            changed = revise(d->list.items[i], &d->flows.items[i], &pads) || changed;
    }
}
