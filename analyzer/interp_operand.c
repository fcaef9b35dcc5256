/* SPDX-License-Identifier: BSD-3-Clause
 * Reading and writing the operands of instructions. */
#include "analyzer/interp.h"

static value register_value(const struct run *r, unsigned reg)
{
    if (reg < REG_LIMIT)
        return r->s.reg[reg];
    return reg == REG_ZERO ? value_const(&r->e->values, 0) : VALUE_TOP;
}

static value low_part(struct run *r, value x, unsigned width)
{
    return width >= 8 ? x : value_extend(&r->e->values, x, width, 8, false);
}

static value read_register(struct run *r, unsigned reg, unsigned width)
{
    if (r->ir->i.high)
        return VALUE_TOP;
    value v = low_part(r, register_value(r, reg), width);
    const struct bound *b = &r->s.bound;
    const struct value_data *d = value_get(&r->e->values, v);
    if (b->reg == reg && b->width == width && d->kind == VK_TOP && b->max < d->max)
        return value_top(&r->e->values, d->deps, b->max);
    return v;
}

static value index_value(struct run *r)
{
    const struct insn *i = &r->ir->i;
    if (!(i->extra & EXTRA_INDEX))
        return register_value(r, i->index);
    return value_extend(&r->e->values, read_register(r, i->index, 4), 4, 8,
                        i->extra & EXTRA_SIGNED);
}

/* Address of the memory operand: constants, a place on the stack, or anything. */
value operand_address(struct run *r)
{
    const struct insn *i = &r->ir->i;
    struct values *v = &r->e->values;
    if (i->segment)
        return VALUE_TOP;
    if (i->base == REG_NONE && i->index == REG_NONE)
        return value_const(v, (int64_t)((uint64_t)i->disp + r->o->base));
    value address = i->base == REG_NONE ? value_const(v, i->disp) : register_value(r, i->base);
    if (i->base != REG_NONE && i->disp)
        address = value_binary(v, OP_ADD, address, value_const(v, i->disp), 8);
    if (i->index != REG_NONE) {
        value index = index_value(r);
        if (i->scale)
            index = value_binary(v, OP_SHL, index, value_const(v, i->scale), 8);
        address = value_binary(v, OP_ADD, address, index, 8);
    }
    return address;
}

/* An index that is itself an entry of a constant table: bounded by the greatest entry. */
static value index_of_table(struct run *r, value index)
{
    struct values *v = &r->e->values;
    const struct value_data *d = value_get(v, index);
    uint64_t greatest = 0, entry = 0;
    if (d->kind != VK_TABLE)
        return index;
    if (d->sign || d->width > 2 || d->max >= 4096 || d->max == UINT8_MAX)
        return value_top(v, d->deps, d->width < 8 ? (UINT64_C(1) << 8 * d->width) - 1 : UINT64_MAX);
    for (unsigned k = 0; k < d->count; k++) {
        struct object *o = engine_object_at(r->e, (uint64_t)d->all[k]);
        for (uint64_t i = 0; o && i <= d->max; i++)
            if (elf_word(o->elf, (uint64_t)d->all[k] - o->base + i * d->width, d->width, &entry) &&
                entry > greatest)
                greatest = entry;
    }
    return value_top(v, d->deps, greatest);
}

/* Splits the memory operand into constant bases and an index that is not known. */
static bool table_parts(struct run *r, value *base, value *index)
{
    const struct insn *i = &r->ir->i;
    const struct values *v = &r->e->values;
    if (i->segment || i->index == REG_NONE)
        return false;
    *base = i->base == REG_NONE ? VALUE_NONE : register_value(r, i->base);
    *index = index_value(r);
    if (!i->scale && value_get(v, *index)->kind == VK_CONST) {
        value swap = *base;
        *base = *index;
        *index = swap;
    }
    *index = index_of_table(r, *index);
    return (*base == VALUE_NONE || value_get(v, *base)->kind == VK_CONST) &&
           value_get(v, *index)->kind == VK_TOP;
}

/* A load at constant + unknown index: an entry of a table, if that is constant memory. */
static bool table_load(struct run *r, unsigned width, value *out)
{
    const struct insn *i = &r->ir->i;
    struct values *v = &r->e->values;
    value base, index;
    int64_t starts[VALUE_SET_LIMIT];
    if (!table_parts(r, &base, &index))
        return false;
    const struct value_data *b = value_get(v, base), *d = value_get(v, index);
    unsigned count = base == VALUE_NONE ? 1 : b->count;
    bool constant = i->scale ? 1u << i->scale == width : true;
    for (unsigned k = 0; k < count; k++) {
        starts[k] = (int64_t)((base == VALUE_NONE ? 0 : (uint64_t)b->all[k]) + (uint64_t)i->disp);
        struct object *o = engine_object_at(r->e, (uint64_t)starts[k]);
        if (!o)
            return false;
        memory_touch(r->e, &r->c->node, r->ir->at, (uint64_t)starts[k], EDGE_DATA);
        constant = constant && memory_constant(o, (uint64_t)starts[k] - o->base);
    }
    uint64_t max = i->scale || width == 1 || d->max == UINT64_MAX ? d->max : d->max / width;
    *out = constant ? value_table(v, value_set(v, starts, count), width, max, d->deps) : VALUE_TOP;
    return true;
}

value operand_load(struct run *r, unsigned width)
{
    value out = VALUE_TOP;
    if (table_load(r, width, &out))
        return out;
    struct values *v = &r->e->values;
    value address = operand_address(r);
    const struct value_data *d = value_get(v, address);
    if (d->kind == VK_STACK)
        return state_slot(r, d->first, width);
    if (d->kind != VK_CONST)
        return d->deps & DEP_FRAME ? value_top(v, DEP_FRAME, UINT64_MAX) : VALUE_TOP;
    unsigned count = d->count;
    for (unsigned k = 0; k < count; k++)
        out = value_join(v, k ? out : VALUE_NONE,
                         memory_load(r->e, &r->c->node, r->ir->at,
                                     (uint64_t)value_get(v, address)->all[k], width),
                         false);
    return out;
}

void operand_load_wide(struct run *r, unsigned width)
{
    value address = operand_address(r);
    const struct value_data *d = value_get(&r->e->values, address);
    if (d->kind == VK_STACK ? state_holds_address(r, d->first, width)
                            : (d->deps & DEP_FRAME) && state_holds_stack(r))
        r->s.escaped = true;
    operand_load(r, width);
}

/* A part of a register, extended and shifted. */
static value changed_source(struct run *r)
{
    const struct insn *i = &r->ir->i;
    struct values *v = &r->e->values;
    value x = value_extend(v, read_register(r, i->src, i->src_width), i->src_width, i->width,
                           i->extra & EXTRA_SIGNED);
    return i->scale ? value_binary(v, OP_SHL, x, value_const(v, i->scale), i->width) : x;
}

value operand_source(struct run *r)
{
    const struct insn *i = &r->ir->i;
    unsigned width = i->src_width ? i->src_width : i->width;
    switch (i->src_kind) {
    case OPERAND_REG:
        if (i->extra & EXTRA_SOURCE)
            return changed_source(r);
        return read_register(r, i->src, width);
    case OPERAND_MEM:
        return operand_load(r, width);
    case OPERAND_IMM:
        return low_part(r, value_const(&r->e->values, i->imm), width);
    default:
        return VALUE_TOP;
    }
}

value operand_read_destination(struct run *r)
{
    const struct insn *i = &r->ir->i;
    if (i->dst_kind == OPERAND_REG)
        return read_register(r, i->first == REG_NONE ? i->dst : i->first, i->width);
    if (i->dst_kind == OPERAND_MEM)
        return operand_load(r, i->width);
    return VALUE_TOP;
}

void operand_escape(struct run *r, value v)
{
    if (value_may_frame(&r->e->values, v))
        r->s.escaped = true;
}

/* Someone may jump to a label of this very function, whose frame may be that of the jump or not. */
static void flow_to_label(struct run *r, uint64_t label)
{
    struct state s = r->s;
    for (unsigned reg = 0; reg < r->e->arch->registers; reg++)
        s.reg[reg] = VALUE_TOP;
    s.escaped = true;
    for (unsigned reg = 0; reg < r->e->arch->registers; reg++)
        partial_lost(r->e, r->c, r->ir->at, r->s.reg[reg]);
    state_forget(r->e, r->c, r->ir->at, &s);
    s.flags.op = 0;
    s.flags.reg = s.bound.reg = REG_NONE;
    s.lost = s.deeper = true;
    interp_flow(r, &s, label);
}

void operand_pass_code(struct run *r, value v, enum edge_kind kind)
{
    const struct value_data *d = value_get(&r->e->values, v);
    for (unsigned i = 0; d->kind == VK_CONST && i < d->count; i++) {
        struct object *o = engine_object_at(r->e, (uint64_t)d->all[i]);
        uint64_t place = o ? (uint64_t)d->all[i] - o->base : 0;
        if (!o || !memory_is_code(o, place))
            continue;
        memory_touch(r->e, &r->c->node, r->ir->at, (uint64_t)d->all[i], kind);
        if (o != r->o)
            continue;
        struct unit *u = interp_unit(r);
        if (place > u->start && place < u->end && object_is_boundary(r->e, r->o, u, place))
            flow_to_label(r, place);
        d = value_get(&r->e->values, v);
    }
}

void operand_keep_code(struct run *r, value v, bool on_stack)
{
    operand_pass_code(r, v, on_stack ? EDGE_ADDRESS : EDGE_STORED);
}

static void write_memory(struct run *r, value v)
{
    const struct insn *i = &r->ir->i;
    if (i->segment) { /* thread-local storage */
        operand_escape(r, v);
        return;
    }
    value address = operand_address(r);
    const struct value_data *d = value_get(&r->e->values, address);
    if (d->kind != VK_STACK && value_deps(&r->e->values, v) >> DEP_LINK & 1) {
        /* Who can find the return address may return again: setjmp, a switch of coroutines. */
        r->c->function->twice = true;
        r->c->returns = true;
    }
    if (d->deps >> DEP_THREAD & 1)
        return;
    if (i->width == 8)
        operand_keep_code(r, v, d->kind == VK_STACK);
    if (d->kind == VK_STACK) {
        if (!state_store(r, d->first, i->width ? i->width : 8, v))
            operand_escape(r, v);
        return;
    }
    operand_escape(r, v);
    r->s.written = true;
    if (d->kind != VK_CONST && (r->s.escaped || (d->deps & DEP_FRAME)))
        state_forget(r->e, r->c, r->ir->at, &r->s);
    /* An unknown index off the stack pointer may hit any slot. */
    if (i->base == r->e->arch->sp ||
        (i->base != REG_NONE &&
         value_get(&r->e->values, register_value(r, i->base))->kind == VK_STACK))
        state_forget(r->e, r->c, r->ir->at, &r->s);
}

void operand_write(struct run *r, value v)
{
    const struct insn *i = &r->ir->i;
    struct values *vs = &r->e->values;
    if (i->dst_kind == OPERAND_MEM) {
        write_memory(r, v);
    } else if (i->dst_kind == OPERAND_REG && i->dst < REG_LIMIT) {
        if (i->width >= 8) {
            state_set(r, i->dst, v);
        } else if (i->width == 4) {
            state_set(r, i->dst, value_extend(vs, v, 4, 8, false));
        } else {
            /* The rest of the register stays: known only when all of it is. */
            int64_t old = 0, low = 0;
            value merged =
                value_top(vs, value_deps(vs, v) | value_deps(vs, r->s.reg[i->dst]), UINT64_MAX);
            uint64_t mask = i->width == 1 ? 0xff : 0xffff;
            if (!i->high && value_single(vs, r->s.reg[i->dst], &old) && value_single(vs, v, &low))
                merged =
                    value_const(vs, (int64_t)(((uint64_t)old & ~mask) | ((uint64_t)low & mask)));
            state_set(r, i->dst, merged);
        }
    }
}
