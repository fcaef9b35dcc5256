/* SPDX-License-Identifier: BSD-3-Clause
 * What one instruction does to the values of a state; transfers of control are interp.c's. */
#include "analyzer/interp.h"
#include <string.h>

void flags_clear(struct run *r)
{
    memset(&r->s.flags, 0, sizeof r->s.flags);
    r->s.flags.reg = REG_NONE;
}

void flags_set(struct run *r, unsigned op, value a, value b)
{
    const struct insn *i = &r->ir->i;
    struct flags *f = &r->s.flags;
    memset(f, 0, sizeof *f);
    f->op = (uint8_t)op;
    f->width = i->width;
    f->reg = i->dst_kind == OPERAND_REG && !i->high ? i->dst : REG_NONE;
    f->a = a;
    f->b = b;
    if (i->dst_kind == OPERAND_MEM) {
        const struct value_data *d = value_get(&r->e->values, operand_address(r));
        if (d->kind == VK_STACK && d->first > INT32_MIN / 2 && d->first < INT32_MAX / 2) {
            f->on_slot = true;
            f->slot = (int32_t)d->first;
        }
    }
}

static void do_compare(struct run *r)
{
    const struct insn *i = &r->ir->i;
    if (i->src_kind == OPERAND_NONE) {
        flags_clear(r);
        return;
    }
    value a = operand_read_destination(r), b = operand_source(r);
    bool itself = i->src_kind == OPERAND_REG && i->src == i->dst;
    const struct value_data *d = value_get(&r->e->values, a);
    if (i->op == OP_TEST && a == b && !itself && !(d->kind == VK_CONST && d->count == 1)) {
        flags_clear(r);
        return;
    }
    flags_set(r, i->op, a, b);
}

/* A stack address whose offset is no longer known may point at any slot. */
static value lose_stack(struct run *r, value a, value b, value result)
{
    struct values *v = &r->e->values;
    return value_may_frame(v, a) || value_may_frame(v, b) ? value_in_frame(v, result) : result;
}

/* and, or, xor of a constant with the low part of a register: the same on all of it. */
static bool low_bitwise(struct run *r)
{
    const struct insn *i = &r->ir->i;
    if (i->width >= 4 || i->high || i->dst_kind != OPERAND_REG || i->src_kind != OPERAND_IMM ||
        (i->op != OP_AND && i->op != OP_OR && i->op != OP_XOR))
        return false;
    uint64_t mask = (UINT64_C(1) << 8 * i->width) - 1;
    uint64_t c = (uint64_t)i->imm & mask;
    value constant = value_const(&r->e->values, (int64_t)(i->op == OP_AND ? c | ~mask : c));
    state_set(r, i->dst, value_binary(&r->e->values, i->op, r->s.reg[i->dst], constant, 8));
    return true;
}

static void do_arithmetic(struct run *r)
{
    const struct insn *i = &r->ir->i;
    struct values *v = &r->e->values;
    bool itself = i->dst_kind == OPERAND_REG && i->src_kind == OPERAND_REG &&
                  i->src == (i->first == REG_NONE ? i->dst : i->first) && !i->extra;
    value result;
    value a = operand_read_destination(r), b = VALUE_TOP;
    if (itself && (i->op == OP_XOR || i->op == OP_SUB)) {
        result = value_const(v, 0);
    } else if (i->op == OP_SBB) {
        const int64_t both[2] = {0, i->width >= 8 ? -1 : INT64_C(0xffffffff)};
        result = value_set(v, both, 2);
    } else {
        b = operand_source(r);
        if (i->dst_kind == OPERAND_REG && i->dst == r->e->arch->sp && i->op == OP_AND) {
            /* A realigned frame: offsets from before no longer compare with those after. */
            r->s.lost = true;
            r->s.slots = 0;
            result = a;
        } else {
            result = value_binary(v, i->op, a, b, i->width);
        }
    }
    if (i->dst_kind == OPERAND_REG && i->dst == r->e->arch->sp)
        r->s.deeper = r->s.deeper || value_get(v, a)->kind == VK_STACK;
    result = lose_stack(r, a, b, result);
    if (i->op == OP_ADD && i->first != REG_NONE && i->src_kind == OPERAND_IMM && i->width == 8)
        address_formed(r, result);
    if (!low_bitwise(r))
        operand_write(r, result);
    if (i->extra & EXTRA_QUIET)
        return;
    if (i->op == OP_SUB && i->dst_kind == OPERAND_REG && !itself)
        flags_set(r, OP_CMP, a, b), r->s.flags.reg = i->first == i->dst ? REG_NONE : i->first;
    else if (i->op == OP_SHL || i->op == OP_SHR || i->op == OP_SAR || i->op == OP_SBB)
        flags_clear(r);
    else
        flags_set(r, OP_ADD, value_extend(v, result, i->width, 8, false), value_const(v, 0));
}

static void do_unary(struct run *r)
{
    struct values *v = &r->e->values;
    value a = operand_read_destination(r);
    value ones = value_const(v, -1);
    if (r->ir->i.op == OP_NOT) {
        struct flags kept = r->s.flags;
        operand_write(r, value_binary(v, OP_XOR, a, ones, r->ir->i.width));
        kept.reg = REG_NONE;
        r->s.flags = kept;
    } else {
        operand_write(r, value_binary(v, OP_SUB, value_const(v, 0), a, r->ir->i.width));
        flags_clear(r);
    }
}

static void do_imul(struct run *r)
{
    struct values *v = &r->e->values;
    operand_write(r, value_binary(v, OP_IMUL, operand_source(r), value_const(v, r->ir->i.imm),
                                  r->ir->i.width));
    flags_clear(r);
}

/* A label inside the function itself is the base of a jump table or a computed goto, unless it is
 * kept somewhere. */
void address_formed(struct run *r, value v)
{
    const struct value_data *d = value_get(&r->e->values, v);
    if (d->kind != VK_CONST)
        return;
    const struct unit *u = interp_unit(r);
    unsigned count = d->count;
    for (unsigned k = 0; k < count; k++) {
        uint64_t constant = (uint64_t)value_get(&r->e->values, v)->all[k];
        uint64_t place = constant - r->o->base;
        if (constant && !(place > u->start && place < u->end))
            memory_touch(r->e, &r->c->node, r->ir->at, constant, EDGE_ADDRESS);
    }
}

static void do_lea(struct run *r)
{
    const struct insn *i = &r->ir->i;
    struct values *v = &r->e->values;
    value address = i->segment ? VALUE_TOP : operand_address(r);
    int64_t constant = 0;
    if (i->width == 8 && value_single(v, address, &constant))
        address_formed(r, address);
    address = lose_stack(r, i->base < REG_LIMIT ? r->s.reg[i->base] : VALUE_TOP,
                         i->index < REG_LIMIT ? r->s.reg[i->index] : VALUE_TOP, address);
    operand_write(r, value_extend(v, address, i->width, 8, false));
}

/* An immediate that is an address in code linked at a fixed place. */
static void touch_immediate(struct run *r)
{
    if (r->o->absolute && r->ir->i.src_kind == OPERAND_IMM && r->ir->i.width >= 4)
        memory_touch(r->e, &r->c->node, r->ir->at, (uint64_t)r->ir->i.imm, EDGE_ADDRESS);
}

/* The other choice of a conditional select, changed. */
static value changed_selection(struct run *r, value kept)
{
    struct values *v = &r->e->values;
    unsigned width = r->ir->i.width;
    switch (r->ir->i.imm) {
    case SELECT_INCREMENT:
        return value_binary(v, OP_ADD, kept, value_const(v, 1), width);
    case SELECT_INVERT:
        return value_binary(v, OP_XOR, kept, value_const(v, -1), width);
    default:
        return value_binary(v, OP_SUB, value_const(v, 0), kept, width);
    }
}

static void do_cmov(struct run *r)
{
    value moved = operand_source(r), kept = operand_read_destination(r);
    if (r->ir->i.imm)
        kept = changed_selection(r, kept);
    unsigned decided = branch_decide(r, r->ir->i.condition);
    struct flags flags = r->s.flags;
    value v = decided == BRANCH_ALWAYS  ? moved
              : decided == BRANCH_NEVER ? kept
                                        : value_join(&r->e->values, moved, kept, false);
    v = lose_stack(r, moved, kept, v);
    operand_write(r, v);
    if (flags.reg == r->ir->i.dst)
        flags.reg = REG_NONE;
    r->s.flags = flags;
}

static void do_setcc(struct run *r)
{
    static const int64_t either[2] = {0, 1};
    unsigned decided = branch_decide(r, r->ir->i.condition);
    operand_write(r, decided == BRANCH_BOTH ? value_set(&r->e->values, either, 2)
                                            : value_const(&r->e->values, decided == BRANCH_ALWAYS));
}

static void move_stack(struct run *r, int64_t by)
{
    state_set(
        r, REG_SP,
        value_binary(&r->e->values, OP_ADD, r->s.reg[REG_SP], value_const(&r->e->values, by), 8));
}

static void do_push(struct run *r)
{
    value v = operand_source(r);
    move_stack(r, -8);
    touch_immediate(r);
    operand_keep_code(r, v, true);
    const struct value_data *d = value_get(&r->e->values, r->s.reg[REG_SP]);
    if (d->kind != VK_STACK || !state_store(r, d->first, 8, v))
        operand_escape(r, v);
}

static void do_pop(struct run *r)
{
    const struct value_data *d = value_get(&r->e->values, r->s.reg[REG_SP]);
    value v = d->kind == VK_STACK ? state_slot(r, d->first, 8) : VALUE_TOP;
    move_stack(r, 8);
    if (r->ir->i.dst_kind != OPERAND_NONE)
        operand_write(r, v);
    else
        flags_clear(r); /* popf */
    if (r->ir->i.dst_kind == OPERAND_REG && r->ir->i.dst == REG_SP)
        r->s.lost = true, r->s.slots = 0;
}

static void do_leave(struct run *r)
{
    state_set(r, REG_SP, r->s.reg[REG_BP]);
    const struct value_data *d = value_get(&r->e->values, r->s.reg[REG_SP]);
    state_set(r, REG_BP, d->kind == VK_STACK ? state_slot(r, d->first, 8) : VALUE_TOP);
    move_stack(r, 8);
}

static void do_exchange(struct run *r)
{
    value a = operand_read_destination(r), b = operand_source(r);
    const struct insn *i = &r->ir->i;
    operand_write(r, b);
    if (i->src < REG_LIMIT)
        state_set(r, i->src,
                  i->width >= 4 && !i->high ? value_extend(&r->e->values, a, i->width, 8, false)
                                            : VALUE_TOP);
}

static void do_clobber(struct run *r)
{
    operand_write(r, VALUE_TOP);
    state_lose(r, (uint32_t)r->ir->i.imm);
    if (!(r->ir->i.extra & EXTRA_QUIET))
        flags_clear(r);
}

static void do_string(struct run *r)
{
    const struct value_data *d = value_get(&r->e->values, r->s.reg[REG_DI]);
    bool copies = state_holds_stack(r);
    r->s.written = true;
    r->s.escaped = r->s.escaped || copies;
    if (d->kind == VK_STACK || (d->deps & DEP_FRAME) || r->s.escaped)
        state_forget(r->e, r->c, r->ir->at, &r->s);
    state_lose(r, 1u << REG_DI | 1u << REG_SI | 1u << REG_CX);
}

static void do_vector(struct run *r)
{
    if (r->ir->i.op == OP_VLOAD && r->ir->i.src_kind == OPERAND_REG)
        operand_escape(r, operand_source(r)); /* vector registers are not followed */
    else if (r->ir->i.op == OP_VLOAD)
        operand_load_wide(r, r->ir->i.width < 16 ? 16 : r->ir->i.width);
    else
        operand_write(r, VALUE_TOP);
}

void execute_load_or_move(struct run *r)
{
    const struct insn *i = &r->ir->i;
    value v = operand_source(r);
    touch_immediate(r);
    memory_touch_distance(r->e, &r->c->node, r->ir->at, r->o, i);
    if (i->op != OP_MOV)
        v = value_extend(&r->e->values, v, i->src_width, i->width, i->op == OP_MOVSX);
    operand_write(r, v);
}

void interp_execute(struct run *r)
{
    switch (r->ir->i.op) {
    case OP_MOV:
    case OP_MOVZX:
    case OP_MOVSX:
        execute_load_or_move(r);
        break;
    case OP_LEA:
        do_lea(r);
        break;
    case OP_ADD:
    case OP_OR:
    case OP_AND:
    case OP_SUB:
    case OP_XOR:
    case OP_SBB:
    case OP_SHL:
    case OP_SHR:
    case OP_SAR:
        touch_immediate(r);
        do_arithmetic(r);
        break;
    case OP_CMP:
    case OP_TEST:
        do_compare(r);
        break;
    case OP_NEG:
    case OP_NOT:
        do_unary(r);
        break;
    case OP_IMUL:
        do_imul(r);
        break;
    case OP_XCHG:
        do_exchange(r);
        break;
    case OP_CMOV:
        do_cmov(r);
        break;
    case OP_SETCC:
        do_setcc(r);
        break;
    case OP_PUSH:
        do_push(r);
        break;
    case OP_POP:
        do_pop(r);
        break;
    case OP_LEAVE:
        do_leave(r);
        break;
    case OP_STRING:
        do_string(r);
        break;
    case OP_VLOAD:
    case OP_VSTORE:
        do_vector(r);
        break;
    case OP_CLOBBER:
    case OP_REGS:
        do_clobber(r);
        break;
    case OP_SYSCALL:
    case OP_INT80:
    case OP_SYSENTER:
        system_call(r);
        break;
    default:
        if (r->ir->i.op > OP_STOP)
            execute_aarch64(r);
        break;
    }
    if (r->ir->i.extra & (EXTRA_PRE | EXTRA_POST))
        write_back(r);
}
