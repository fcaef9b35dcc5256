/* SPDX-License-Identifier: BSD-3-Clause
 * Abstract interpretation of one function context, block by block. */
#include "analyzer/interp.h"
#include "analyzer/summary.h"
#include <stdlib.h>
#include <string.h>

enum { WIDEN_AFTER = 0, WIDEN_ALWAYS_AFTER = 8 };

/* ---- states of blocks ---- */

static size_t room_for(size_t count)
{
    size_t room = 1;
    while (room < count)
        room *= 2;
    return count ? room * sizeof(struct unit_states) : 0;
}

/* Sorted by unit: code without ranges may lead one context through thousands of them. */
static struct unit_states *find_unit(struct engine *e, struct context *c, struct unit *u)
{
    size_t low = 0, high = c->unit_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->states[middle].unit == u) {
            c->recent = middle;
            return &c->states[middle];
        }
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
    c->recent = low;
    *at = (struct unit_states){.unit = u};
    return at;
}

static inline struct unit_states *states_of_unit(struct engine *e, struct context *c,
                                                 struct unit *u)
{
    if (c->recent < c->unit_count && c->states[c->recent].unit == u)
        return &c->states[c->recent];
    return find_unit(e, c, u);
}

static void more_blocks(struct engine *e, struct unit_states *t)
{
    size_t count = t->unit->block_count, size = t->count * sizeof *t->items;
    struct block_state *larger = pool_get(&e->pool, count * sizeof *larger);
    if (size)
        memcpy(larger, t->items, size);
    memset(larger + t->count, 0, (count - t->count) * sizeof *larger);
    pool_put(&e->pool, t->items, size);
    t->items = larger;
    t->count = count;
}

static inline struct block_state *state_of(struct engine *e, struct context *c,
                                           const struct block *b)
{
    struct unit_states *t = states_of_unit(e, c, b->unit);
    if (b->id >= t->count)
        more_blocks(e, t);
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
    pool_put(&e->pool, c->work, c->work_room * sizeof *c->work);
    c->work = NULL;
    c->work_count = c->work_room = 0;
}

/* ---- blocks to be executed: a heap, in their order ---- */

static void more_work(struct engine *e, struct context *c)
{
    size_t size = c->work_room * sizeof *c->work, room = c->work_room ? c->work_room * 2 : 4;
    struct work_item *larger = pool_get(&e->pool, room * sizeof *larger);
    if (size)
        memcpy(larger, c->work, size);
    pool_put(&e->pool, c->work, size);
    c->work = larger;
    c->work_room = room;
}

static void work_add(struct engine *e, struct context *c, struct block *b)
{
    /* Parts moved out of line first: they come back. */
    uint64_t first = b->unit == c->function->unit ? UINT64_C(1) << 63 : b->unit->start;
    struct work_item added = {first + b->order, b};
    if (c->work_count == c->work_room)
        more_work(e, c);
    struct work_item *items = c->work;
    size_t at = c->work_count++;
    for (; at && added.at < items[(at - 1) / 2].at; at = (at - 1) / 2)
        items[at] = items[(at - 1) / 2];
    items[at] = added;
}

static struct block *work_take(struct context *c)
{
    struct work_item *items = c->work;
    struct block *first = items[0].block;
    struct work_item moved = items[--c->work_count];
    size_t count = c->work_count, at = 0;
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && items[child + 1].at < items[child].at)
            child++;
        if (items[child].at >= moved.at)
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
    if (e->summaries)
        summaries_own(e, c);
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
    c->work_count = 0;
}

/* Control comes to a block, from another or (NULL) from outside. */
static void flow_into(struct engine *e, struct context *c, const struct state *s,
                      const struct block *from, struct block *b)
{
    struct block_state *bs = state_of(e, c, b);
    if (!bs->in) {
        bs->in = interp_keep(e, s, b);
    } else if (state_holds(e, bs->in, s, b)) {
        return;
    } else {
        bool back = from && from->unit == b->unit && b->order <= from->order;
        bool widen = bs->visits > (back ? WIDEN_AFTER : WIDEN_ALWAYS_AFTER);
        if (!state_join_kept(e, &bs->in, s, b, widen))
            return;
    }
    if (!bs->queued) {
        bs->queued = true;
        work_add(e, c, b);
    }
}

static void flow_to(struct engine *e, struct context *c, const struct state *s,
                    const struct run *from, uint64_t to)
{
    if (c->function->data)
        return;
    if (c->function->object->stretch && stretch_covers(c->function->object, to)) {
        stretch_enter(e, &c->node, from ? from->ir->at : to, c->function->object, to, EDGE_CALL);
        c->returns = true;
        c->result = VALUE_TOP;
        return;
    }
    struct block *b = object_block(e, c->function->object, to);
    if (b)
        flow_into(e, c, s, from ? from->block : NULL, b);
    else
        bad_code(c, e, from ? from->ir->at : to, "control leaves the known code");
}

void interp_flow(struct run *r, const struct state *s, uint64_t to)
{
    flow_to(r->e, r->c, s, r, to);
}

void interp_enter(struct engine *e, struct context *c, const struct state *s, uint64_t at)
{
    flow_to(e, c, s, NULL, at);
}

/* The same to a place that a block always leads to, which is looked up once. */
static void flow_along(struct run *r, uint32_t *known, uint64_t to)
{
    struct unit *u = r->block->unit;
    if (r->c->function->data)
        return;
    if (*known && !r->o->stretch) {
        flow_into(r->e, r->c, &r->s, r->block, &u->blocks[*known - 1]);
        return;
    }
    struct block *b = object_block(r->e, r->o, to);
    if (b && b->unit == u && b->id < u->first_count)
        *known = b->id + 1;
    interp_flow(r, &r->s, to);
}

static void jump_taken(struct run *r)
{
    uint64_t target = (uint64_t)r->ir->i.imm;
    const struct unit *u = r->c->function->unit;
    if (r->block->unit == u && target >= u->start && target < u->end)
        flow_along(r, &r->block->taken, target);
    else
        jump_direct(r, target);
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
    if (e->summaries)
        summaries_own(e, r->c);
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
    size_t jumps = r->o->jumps;
    bool wanted = stretch_wanted(e, r->o, r->ir->at);
    if (e->summaries && (wanted || r->o->jumps != jumps))
        summaries_own(e, r->c);
    if (wanted) {
        stretch_begin(e, r->o, u->start);
        interp_flow(r, &r->s, u->start);
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
    object_blocks(e, r->o, u, starts, count, r->block);
    for (size_t i = 0; i < count; i++)
        interp_flow(r, &r->s, starts[i]);
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
    c->replayed = false;
    c->function->whole = false;
    if (whole_wanted(e) && whole_take(e, c))
        return;
    if (!c->function->unit)
        c->function->unit = object_unit(e, c->function->object, c->function->address);
    state_entry(e, &s, c);
    s.flags.reg = REG_NONE;
    interp_enter(e, c, &s, c->function->address);
}

/* Inputs compared with constants matter where they are told from one another: modes, flags, absent
 * pointers. Those compared for which is greater are sizes as a rule, of which there are many. */
static void require_compared(struct run *r)
{
    const struct value_data *a = value_get(&r->e->values, r->s.flags.a),
                            *b = value_get(&r->e->values, r->s.flags.b);
    if (b->kind == VK_CONST || r->s.flags.a == r->s.flags.b)
        engine_require(r->e, r->c, a->deps, false);
}

static void do_branch(struct run *r, uint64_t next)
{
    const struct insn *i = &r->ir->i;
    struct flags kept = r->s.flags;
    bool on_register = i->op == OP_JCC && i->dst_kind == OPERAND_REG;
    if (on_register)
        compare_register(r);
    unsigned decided = i->op == OP_LOOP ? BRANCH_BOTH : branch_decide(r, i->condition);
    if (decided == BRANCH_BOTH && i->op == OP_JCC && r->s.flags.op && (i->condition & 14) == CC_E)
        require_compared(r);
    struct state before;
    if (decided & BRANCH_NEVER)
        state_copy(&before, &r->s);
    if (i->op == OP_LOOP) /* xbegin among them */
        state_lose(r, 1u << REG_CX | 1u << REG_AX);
    if ((decided & BRANCH_ALWAYS) && (i->op == OP_LOOP || branch_refine(r, i->condition, true))) {
        if (on_register)
            r->s.flags = kept;
        jump_taken(r);
    }
    if (!(decided & BRANCH_NEVER))
        return;
    state_copy(&r->s, &before);
    if (i->op == OP_LOOP || branch_refine(r, i->condition, false)) {
        if (on_register)
            r->s.flags = kept;
        flow_along(r, &r->block->next, next);
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
        jump_taken(r);
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
    struct run r;
    r.e = e;
    r.c = c;
    r.o = c->function->object;
    r.block = b;
    r.ir = &ir;
    r.dead = false;
    state_restore(e, bs->in, &r.s);
    e->executed += b->count;
    for (uint32_t i = 0; i < b->count && !c->function->data; i++) {
        shapes_unpack(&e->shapes, &b->code[i], b->unit->start, &ir);
        if (i + 1 == b->count && transfer(&r, block_next(b)))
            return;
        interp_execute(&r);
        if (r.dead)
            return;
    }
    if (b->after)
        flow_along(&r, &b->next, block_next(b));
}
