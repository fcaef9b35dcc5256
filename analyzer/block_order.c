/* SPDX-License-Identifier: BSD-3-Clause
 * In which order the blocks of a function are best executed: each after all that lead to it, but
 * for the way back of loops, so that few are executed again (reverse postorder of a depth-first
 * walk). Of two successors the lower one comes first: a loop's body before what follows the loop.
 */
#include "analyzer/engine.h"

enum { UNVISITED = UINT32_MAX };

/* The n-th block to walk to, the higher one first. */
static uint32_t nth_successor(const struct block_flow *f, uint32_t n)
{
    uint32_t low = f->successor[0], high = f->successor[1];
    if (low == (uint32_t)SUCCESSOR_UNKNOWN)
        low = (uint32_t)SUCCESSOR_NONE;
    if (high == (uint32_t)SUCCESSOR_UNKNOWN)
        high = (uint32_t)SUCCESSOR_NONE;
    bool swap = low != (uint32_t)SUCCESSOR_NONE && high != (uint32_t)SUCCESSOR_NONE && low > high;
    return (n == 0) != swap ? high : low;
}

static void walk_blocks(struct engine *e, struct unit *u, uint32_t from, uint32_t *left)
{
    struct decoding *d = &e->decoding;
    if (u->blocks[from].order != UNVISITED)
        return;
    u->blocks[from].order = 0;
    vec_push(e->arena, &d->steps, ((struct order_step){from, 0}));
    while (d->steps.count) {
        struct order_step *step = &d->steps.items[d->steps.count - 1];
        if (step->next == 2) {
            u->blocks[step->block].order = --*left;
            d->steps.count--;
            continue;
        }
        uint32_t to = nth_successor(&d->flows.items[step->block], step->next++);
        if (to == (uint32_t)SUCCESSOR_NONE || u->blocks[to].order != UNVISITED)
            continue;
        u->blocks[to].order = 0;
        vec_push(e->arena, &d->steps, ((struct order_step){to, 0}));
    }
}

static void walk_from_address(struct engine *e, const struct object *o, struct unit *u,
                              uint64_t address, uint32_t *left)
{
    const struct block *b = block_known(o, u, address);
    if (b && b->unit == u && b->id < u->first_count)
        walk_blocks(e, u, b->id, left);
}

void unit_order(struct engine *e, const struct object *o, struct unit *u, uint64_t entry)
{
    uint32_t left = u->first_count;
    for (uint32_t i = 0; i < u->first_count; i++)
        u->blocks[i].order = UNVISITED;
    /* The last walk gets the lowest numbers. */
    vec_each (pad, &u->pads)
        walk_from_address(e, o, u, pad->pad, &left);
    walk_from_address(e, o, u, entry, &left);
    for (uint32_t i = u->first_count; i-- > 0;)
        walk_blocks(e, u, i, &left);
}
