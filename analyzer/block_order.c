/* SPDX-License-Identifier: BSD-3-Clause
 * In which order the blocks of a function are best executed: each after all that lead to it, but
 * for the way back of loops, so that few are executed again (reverse postorder of a depth-first
 * walk). Of two successors the lower one comes first: a loop's body before what follows the loop.
 */
#include "analyzer/engine.h"

enum { UNVISITED = UINT32_MAX };

/* Where a block stands among those decoded last; false: it does not. */
static bool place_of(const struct decoding *d, const struct unit *u, const struct block *b,
                     uint32_t *place)
{
    if (!b || b->unit != u || !d->list.count || b->id < d->list.items[0]->id)
        return false;
    *place = b->id - d->list.items[0]->id;
    return *place < d->list.count;
}

/* The n-th block to walk to, the higher one first. */
static const struct block *nth_successor(const struct block_flow *f, uint32_t n)
{
    const struct block *low = f->successor[0], *high = f->successor[1];
    bool swap = low && high && low->offset > high->offset;
    return (n == 0) != swap ? high : low;
}

static void visit(struct engine *e, uint32_t place)
{
    e->decoding.list.items[place]->order = 0;
    vec_push(e->arena, &e->decoding.steps, ((struct order_step){place, 0}));
}

/* Numbers what is walked to from a block, from *left down. */
static void walk(struct engine *e, const struct unit *u, const struct block *from, uint32_t *left)
{
    struct decoding *d = &e->decoding;
    uint32_t place = 0;
    if (!place_of(d, u, from, &place) || from->order != UNVISITED)
        return;
    visit(e, place);
    while (d->steps.count) {
        struct order_step *step = &d->steps.items[d->steps.count - 1];
        if (step->next == 2) {
            d->list.items[step->block]->order = --*left;
            d->steps.count--;
            continue;
        }
        const struct block *to = nth_successor(&d->flows.items[step->block], step->next++);
        if (place_of(d, u, to, &place) && to->order == UNVISITED)
            visit(e, place);
    }
}

/* Numbers become places between the blocks of the first decoding. */
static void settle(struct decoding *d, const struct block *behind)
{
    vec_each (b, &d->list) {
        uint32_t n = (*b)->order;
        if (!behind)
            (*b)->order = n * ORDER_STEP;
        else
            (*b)->order = behind->order + 1 + (n < ORDER_STEP / 4 ? n : ORDER_STEP / 4);
    }
}

void unit_order(struct engine *e, const struct object *o, struct unit *u, const uint64_t *addresses,
                size_t count, const struct block *behind)
{
    struct decoding *d = &e->decoding;
    uint32_t left = (uint32_t)d->list.count;
    vec_each (b, &d->list)
        (*b)->order = UNVISITED;
    /* The last walk gets the lowest numbers. */
    vec_each (pad, &u->pads)
        walk(e, u, block_known(o, u, pad->pad), &left);
    for (size_t i = count; i-- > 0;)
        walk(e, u, block_known(o, u, addresses[i]), &left);
    for (size_t i = d->list.count; i-- > 0;)
        walk(e, u, d->list.items[i], &left);
    settle(d, behind);
}
