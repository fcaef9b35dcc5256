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
    if (c->function->object->stretch && stretch_covers(c->function->object, to)) {
        stretch_enter(e, &c->node, from, c->function->object, to, EDGE_CALL);
        c->returns = true;
        c->result = VALUE_TOP;
        return;
    }
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
    if (stretch_wanted(e, r->o, r->ir->at)) {
        stretch_begin(e, r->o, u->start);
        interp_flow(e, r->c, &r->s, r->ir->at, u->start);
        return;
    }
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
    if (stretch_is(c)) {
        c->generation++;
        return;
    }
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
    if (c->function->object->stretch && stretch_covers(c->function->object, block_address(b))) {
        uint64_t at = block_address(b); /* it was met before that was taken whole */
        stretch_enter(e, &c->node, at, c->function->object, at, EDGE_CALL);
        c->returns = true;
        c->result = VALUE_TOP;
        return;
    }
    if (bs->visits < UINT16_MAX)
        bs->visits++;
    struct run r = {.e = e, .c = c, .o = c->function->object, .block = b, .ir = &ir};
    state_restore(e, bs->in, &r.s);
    e->executed += b->count;
    for (uint32_t i = 0; i < b->count && !c->function->data; i++) {
        block_insn(e, b, i, &ir);
        if (i + 1 == b->count && transfer(&r, block_next(b)))
            return;
        interp_execute(&r);
        if (r.dead)
            return;
    }
    if (b->after && !c->function->data)
        interp_flow(e, c, &r.s, ir.at, block_next(b));
}
