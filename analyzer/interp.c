/* SPDX-License-Identifier: BSD-3-Clause
 * Abstract interpretation of one function context, block by block. */
#include "analyzer/interp.h"
#include <stdlib.h>
#include <string.h>

enum { WIDEN_AFTER = 3, WIDEN_ALWAYS_AFTER = 24 };

/* ---- states of blocks ---- */

static size_t room_for(size_t count)
{
    size_t room = 1;
    while (room < count)
        room *= 2;
    return count ? room * sizeof(struct unit_states) : 0;
}

/* Sorted by unit: code without ranges may lead one context through thousands of them. */
static struct unit_states *states_of_unit(struct engine *e, struct context *c, struct unit *u)
{
    size_t low = 0, high = c->unit_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->states[middle].unit == u)
            return &c->states[middle];
        if ((uintptr_t)c->states[middle].unit < (uintptr_t)u)
            low = middle + 1;
        else
            high = middle;
    }
    size_t size = room_for(c->unit_count), wanted = room_for(c->unit_count + 1);
    if (wanted > size) {
        struct unit_states *larger = pool_get(&e->pool, wanted);
        if (size)
            memcpy(larger, c->states, c->unit_count * sizeof *larger);
        pool_put(&e->pool, c->states, size);
        c->states = larger;
    }
    struct unit_states *at = &c->states[low];
    memmove(at + 1, at, (c->unit_count - low) * sizeof *at);
    c->unit_count++;
    *at = (struct unit_states){.unit = u};
    return at;
}

static struct block_state *state_of(struct engine *e, struct context *c, const struct block *b)
{
    struct unit_states *t = states_of_unit(e, c, b->unit);
    if (b->id >= t->count) {
        size_t count = b->unit->block_count, size = t->count * sizeof *t->items;
        struct block_state *larger = pool_get(&e->pool, count * sizeof *larger);
        if (size)
            memcpy(larger, t->items, size);
        memset(larger + t->count, 0, (count - t->count) * sizeof *larger);
        pool_put(&e->pool, t->items, size);
        t->items = larger;
        t->count = count;
    }
    return &t->items[b->id];
}

void interp_release(struct engine *e, struct context *c)
{
    for (size_t i = 0; i < c->unit_count; i++) {
        const struct unit_states *t = &c->states[i];
        for (size_t k = 0; k < t->count; k++)
            interp_drop(e, t->items[k].in);
        interp_drop(e, t->anywhere);
        pool_put(&e->pool, t->items, t->count * sizeof *t->items);
    }
    pool_put(&e->pool, c->states, room_for(c->unit_count));
    c->states = NULL;
    c->unit_count = 0;
    c->work.count = 0;
}

/* ---- blocks to be executed: a heap, the lowest address first ---- */

static bool before(const struct block *a, const struct block *b)
{
    return block_address(a) < block_address(b);
}

static void work_add(struct engine *e, struct context *c, struct block *b)
{
    vec_push(e->arena, &c->work, b);
    struct block **items = c->work.items;
    size_t at = c->work.count - 1;
    for (; at && before(b, items[(at - 1) / 2]); at = (at - 1) / 2)
        items[at] = items[(at - 1) / 2];
    items[at] = b;
}

static struct block *work_take(struct context *c)
{
    struct block **items = c->work.items, *first = items[0], *moved = items[--c->work.count];
    size_t count = c->work.count, at = 0;
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && before(items[child + 1], items[child]))
            child++;
        if (!before(items[child], moved))
            break;
        items[at] = items[child];
    }
    items[at] = moved;
    return first;
}

/* Data in the text segment, whose address code takes as it would a function's, shows itself by not
 * decoding: it has no unwind table either, nothing calls it, and it calls nothing. */
static void bad_code(struct context *c, struct engine *e, uint64_t at, const char *reason)
{
    const struct object *o = c->function->object;
    bool code = c->function->called || c->sites.count || c->indirect.count;
    vec_each (edge, &c->node.edges)
        code = code || edge->kind <= EDGE_VALUE;
    if (code || !o->functions.unwind || functions_at(&o->functions, c->function->address)) {
        engine_note(e, c, at, reason);
        return;
    }
    c->function->data = true;
    c->node.edges.count = 0;
    c->sites.count = 0;
    c->work.count = 0;
}

void interp_flow(struct engine *e, struct context *c, const struct state *s, uint64_t from,
                 uint64_t to)
{
    if (c->function->data)
        return;
    struct block *b = object_block(e, c->function->object, to);
    if (!b) {
        bad_code(c, e, from, "control leaves the known code");
        return;
    }
    struct block_state *bs = state_of(e, c, b);
    if (!bs->in) {
        bs->in = interp_keep(e, s, b);
    } else if (state_holds(e, bs->in, s, b)) {
        return;
    } else {
        struct state joined;
        state_restore(e, bs->in, &joined);
        bool widen = (to <= from && bs->visits > WIDEN_AFTER) || bs->visits > WIDEN_ALWAYS_AFTER;
        if (!state_join(e, &joined, s, b, widen))
            return;
        bs->in = state_replace(e, bs->in, &joined, b);
    }
    if (!bs->queued) {
        bs->queued = true;
        work_add(e, c, b);
    }
}

struct unit *interp_unit(struct run *r)
{
    struct unit *u = r->block->unit;
    return u->own_end == u->start ? u : object_unit(r->e, r->o, r->ir->at);
}

/* Hand-written code without ranges: one context follows a stretch for all that jump about in it. */
static bool followed_elsewhere(struct run *r, const struct unit *u)
{
    struct engine *e = r->e;
    if (u->own_end != u->start)
        return false;
    vec_each (anchor, &r->o->anchors) {
        if (anchor->context == r->c)
            return false;
        if (r->ir->at < anchor->unit->start || r->ir->at >= anchor->unit->end ||
            anchor->context->function->data)
            continue;
        engine_edge(e, &r->c->node, r->ir->at, &anchor->context->node, EDGE_ADDRESS);
        r->c->returns = true;
        r->c->result = VALUE_TOP;
        return true;
    }
    vec_push(e->arena, &r->o->anchors, ((struct anchor){u, r->c}));
    return false;
}

void interp_flow_anywhere(struct run *r)
{
    static const struct block everything = {.live = UINT32_MAX, .flags_live = true};
    struct engine *e = r->e;
    struct unit *u = interp_unit(r);
    struct unit_states *t = states_of_unit(e, r->c, u);
    struct state s;
    uint64_t *starts = NULL;
    size_t count = 0;
    if (followed_elsewhere(r, u))
        return;
    if (t->anywhere) {
        state_restore(e, t->anywhere, &s);
        if (!state_join(e, &s, &r->s, &everything, false))
            return;
        t->anywhere = state_replace(e, t->anywhere, &s, NULL);
    } else {
        t->anywhere = interp_keep(e, &r->s, NULL);
    }
    object_all_blocks(e, r->o, u, &starts, &count);
    for (size_t i = 0; i < count; i++)
        interp_flow(e, r->c, &r->s, r->ir->at, starts[i]);
}

void interp_start(struct engine *e, struct context *c)
{
    struct state s;
    interp_release(e, c);
    c->node.edges.count = 0;
    c->sites.count = 0;
    c->waits.count = 0;
    c->indirect.count = 0;
    c->loose = false;
    c->completed.count = 0;
    c->generation++;
    c->function->whole = false;
    if (whole_wanted(e) && whole_take(e, c))
        return;
    state_entry(e, &s, c);
    s.flags.reg = REG_NONE;
    interp_flow(e, c, &s, c->function->address, c->function->address);
}

/* ---- instructions ---- */

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
    if (i->op != OP_MOV)
        v = value_extend(&r->e->values, v, i->src_width, i->width, i->op == OP_MOVSX);
    operand_write(r, v);
}

static void execute(struct run *r)
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

static void do_branch(struct run *r, uint64_t next)
{
    const struct insn *i = &r->ir->i;
    struct flags kept = r->s.flags;
    bool on_register = i->op == OP_JCC && i->dst_kind == OPERAND_REG;
    if (on_register)
        compare_register(r);
    unsigned decided = i->op == OP_LOOP ? BRANCH_BOTH : branch_decide(r, i->condition);
    if (decided == BRANCH_BOTH && i->op == OP_JCC && r->s.flags.op) {
        const struct value_data *a = value_get(&r->e->values, r->s.flags.a),
                                *b = value_get(&r->e->values, r->s.flags.b);
        if (b->kind == VK_CONST || r->s.flags.a == r->s.flags.b)
            engine_require(r->e, r->c->function, a->deps, false);
    }
    struct state before;
    if (decided & BRANCH_NEVER)
        state_copy(&before, &r->s);
    if (i->op == OP_LOOP)
        state_lose(r, 1u << REG_CX);
    if ((decided & BRANCH_ALWAYS) && (i->op == OP_LOOP || branch_refine(r, i->condition, true))) {
        if (on_register)
            r->s.flags = kept;
        jump_direct(r, (uint64_t)i->imm);
    }
    if (!(decided & BRANCH_NEVER))
        return;
    state_copy(&r->s, &before);
    if (i->op == OP_LOOP || branch_refine(r, i->condition, false)) {
        if (on_register)
            r->s.flags = kept;
        interp_flow(r->e, r->c, &r->s, r->ir->at, next);
    }
}

/* The last instruction of a block, when it transfers control. */
static bool transfer(struct run *r, uint64_t next)
{
    switch (r->ir->i.op) {
    case OP_CALL:
        call_direct(r, r->o->base + (uint64_t)r->ir->i.imm, next, EDGE_CALL);
        return true;
    case OP_CALL_INDIRECT:
        call_indirect(r, next);
        return true;
    case OP_JMP:
        jump_direct(r, (uint64_t)r->ir->i.imm);
        return true;
    case OP_JMP_INDIRECT:
        jump_indirect(r);
        return true;
    case OP_JCC:
    case OP_LOOP:
        do_branch(r, next);
        return true;
    case OP_RET:
        return_from(r);
        return true;
    case OP_STOP:
        return true;
    case OP_BAD:
        bad_code(r->c, r->e, r->ir->at, "not an instruction");
        return true;
    default:
        return false;
    }
}

void interp_again(struct run *r)
{
    struct block_state *bs = state_of(r->e, r->c, r->block);
    if (bs->queued)
        return;
    bs->queued = true;
    bs->visits--;
    work_add(r->e, r->c, r->block);
}

void interp_step(struct engine *e, struct context *c)
{
    struct block *b = work_take(c);
    struct block_state *bs = state_of(e, c, b);
    struct ir ir;
    bs->queued = false;
    if (bs->visits < UINT16_MAX)
        bs->visits++;
    struct run r = {.e = e, .c = c, .o = c->function->object, .block = b, .ir = &ir};
    state_restore(e, bs->in, &r.s);
    e->executed += b->count;
    for (uint32_t i = 0; i < b->count && !c->function->data; i++) {
        block_insn(e, b, i, &ir);
        if (i + 1 == b->count && transfer(&r, block_next(b)))
            return;
        execute(&r);
        if (r.dead)
            return;
    }
    if (b->after && !c->function->data)
        interp_flow(e, c, &r.s, ir.at, block_next(b));
}
