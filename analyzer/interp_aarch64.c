/* SPDX-License-Identifier: BSD-3-Clause
 * What AArch64 instructions do that x86-64 ones do not: addresses in two parts, pairs, registers
 * that move with an access, comparisons under a condition. */
#include "analyzer/interp.h"

enum { PAGE = 4096 }; /* what one OP_PAGE can name */

static void do_page(struct run *r)
{
    operand_write(r, operand_address(r));
}

static void do_movk(struct run *r)
{
    const struct insn *i = &r->ir->i;
    struct values *v = &r->e->values;
    value old = operand_read_destination(r);
    int64_t hole = (int64_t) ~(UINT64_C(0xffff) << i->scale);
    value kept = value_binary(v, OP_AND, old, value_const(v, hole), 8);
    value result =
        value_binary(v, OP_OR, kept, value_const(v, (int64_t)((uint64_t)i->imm << i->scale)), 8);
    if (r->o->absolute && i->width == 8)
        address_formed(r, result);
    operand_write(r, result);
}

static void do_extract(struct run *r)
{
    const struct insn *i = &r->ir->i;
    struct values *v = &r->e->values;
    uint64_t mask = i->src_width >= 64 ? UINT64_MAX : (UINT64_C(1) << i->src_width) - 1;
    value x =
        value_binary(v, OP_SHR, operand_read_destination(r), value_const(v, i->scale), i->width);
    operand_write(r, value_binary(v, OP_AND, x, value_const(v, (int64_t)mask), i->width));
}

/* The flags as an instruction gives them. Their equality and sign are kept. */
static void given_flags(struct run *r)
{
    struct values *v = &r->e->values;
    unsigned nzcv = r->ir->i.scale;
    flags_set(r, OP_ADD, value_const(v, nzcv & 4 ? 0 : nzcv & 8 ? -1 : 1), value_const(v, 0));
    r->s.flags.reg = REG_NONE;
}

static void do_compare_if(struct run *r)
{
    switch (branch_decide(r, r->ir->i.condition)) {
    case BRANCH_ALWAYS:
        flags_set(r, OP_CMP, operand_read_destination(r), operand_source(r));
        break;
    case BRANCH_NEVER:
        given_flags(r);
        break;
    default:
        flags_clear(r);
    }
}

/* Two words that follow each other in memory. */
static void do_pair(struct run *r)
{
    const struct ir *whole = r->ir;
    struct ir part[2] = {*whole, *whole};
    bool load = whole->i.src_kind == OPERAND_MEM, sign = whole->i.extra & EXTRA_SIGNED;
    value loaded[2] = {VALUE_TOP, VALUE_TOP};
    for (unsigned k = 0; k < 2; k++) {
        struct insn *i = &part[k].i;
        i->op = sign ? OP_MOVSX : OP_MOV;
        i->src_width = sign ? i->width : 0;
        i->disp += k * i->width;
        i->extra = EXTRA_QUIET;
        i->first = REG_NONE;
        if (k && load)
            i->dst = whole->i.first;
        else if (k)
            i->src = whole->i.first;
        r->ir = &part[k];
        if (load)
            loaded[k] = operand_source(r);
        else
            operand_write(r, operand_source(r));
    }
    for (unsigned k = 0; load && k < 2; k++) {
        struct insn *i = &part[k].i;
        r->ir = &part[k];
        if (sign)
            loaded[k] = value_extend(&r->e->values, loaded[k], 4, 8, true);
        i->width = sign ? 8 : i->width;
        if (i->dst < REG_LIMIT)
            operand_write(r, loaded[k]);
    }
    r->ir = whole;
}

void execute_aarch64(struct run *r)
{
    switch (r->ir->i.op) {
    case OP_PAGE:
        do_page(r);
        break;
    case OP_MOVK:
        do_movk(r);
        break;
    case OP_EXTRACT:
        do_extract(r);
        break;
    case OP_TST:
        flags_set(r, OP_TST, operand_read_destination(r), operand_source(r));
        break;
    case OP_CCMP:
        do_compare_if(r);
        break;
    case OP_PAIR:
        do_pair(r);
        break;
    case OP_THREAD:
        operand_write(r, value_top(&r->e->values, 1u << DEP_THREAD, UINT64_MAX));
        break;
    default:
        break;
    }
}

void write_back(struct run *r)
{
    const struct insn *i = &r->ir->i;
    struct values *v = &r->e->values;
    if (i->base >= REG_LIMIT)
        return;
    value old = r->s.reg[i->base];
    value moved = i->imm == UNKNOWN_AMOUNT
                      ? VALUE_TOP
                      : value_binary(v, OP_ADD, old, value_const(v, i->imm), 8);
    if (value_get(v, old)->kind == VK_STACK && value_get(v, moved)->kind != VK_STACK)
        r->s.escaped = true;
    state_set(r, i->base, moved);
}

void compare_register(struct run *r)
{
    const struct insn *i = &r->ir->i;
    struct values *v = &r->e->values;
    value a = operand_read_destination(r);
    bool one_bit = i->extra & EXTRA_BIT;
    flags_set(r, one_bit ? OP_TST : OP_TEST, a,
              one_bit ? value_const(v, (int64_t)(UINT64_C(1) << (i->scale & 63))) : a);
}

/* ---- parts of addresses ---- */

/* Every addition and access of the function that could complete an address at a distance. */
static void complete(struct engine *e, struct context *c, uint64_t where, const struct unit *u,
                     uint64_t start)
{
    struct object *o = c->function->object;
    uint64_t available = 0;
    const unsigned char *bytes = elf_span(o->elf, u->start, &available);
    for (uint64_t at = 0; bytes && at + 4 <= available && u->start + at < u->end; at += 4) {
        struct insn i;
        e->arch->decode(bytes + at, 4, u->start + at, &i);
        int64_t distance = i.disp;
        if (i.op == OP_ADD && i.src_kind == OPERAND_IMM)
            distance = i.imm;
        else if (i.base >= REG_LIMIT || i.base == e->arch->sp || i.index != REG_NONE)
            continue;
        else if (i.src_kind == OPERAND_MEM)
            memory_load(e, &c->node, where, start + (uint64_t)i.disp,
                        i.op == OP_PAIR ? 2u * i.width : i.width);
        if (distance)
            memory_touch(e, &c->node, where, start + (uint64_t)distance, EDGE_ADDRESS);
    }
}

static bool done_before(const struct context *c, const struct unit *u, uint64_t constant)
{
    for (size_t i = 0; i < c->completed.count; i += 2)
        if (c->completed.items[i] == constant && c->completed.items[i + 1] == u->start)
            return true;
    return false;
}

static bool holds_segment(const struct elf_object *elf, uint64_t page)
{
    vec_each (s, &elf->segments)
        if (s->vaddr < page + PAGE && s->vaddr + s->memsz > page)
            return true;
    return false;
}

void partial_lost(struct engine *e, struct context *c, uint64_t at, value v)
{
    const struct value_data *d = value_get(&e->values, v);
    struct object *o = c->function->object;
    if (!e->arch->partial || d->kind != VK_CONST)
        return;
    unsigned count = d->count;
    for (unsigned k = 0; k < count; k++) {
        uint64_t constant = (uint64_t)value_get(&e->values, v)->all[k];
        uint64_t place = constant - o->base;
        /* A page, or data from which other data is reached. */
        if (!(place % PAGE == 0 && holds_segment(o->elf, place)) &&
            (!elf_segment_at(o->elf, place) || memory_is_code(o, place)))
            continue;
        /* The part of the function where it is lost, and the one that is entered. */
        const struct unit *units[2] = {object_unit(e, o, at),
                                       object_unit(e, o, c->function->address)};
        for (unsigned n = 0; n < 2; n++) {
            if (done_before(c, units[n], constant))
                continue;
            vec_push(e->arena, &c->completed, constant);
            vec_push(e->arena, &c->completed, units[n]->start);
            complete(e, c, at, units[n], constant);
        }
    }
}
