/* SPDX-License-Identifier: BSD-3-Clause
 * Conditions: decided from known values, and narrowing what was compared. */
#include "analyzer/interp.h"
#include <string.h>

static int64_t narrow(int64_t c, unsigned width)
{
    unsigned shift = width >= 8 ? 0 : 64 - 8 * width;
    return (int64_t)((uint64_t)c << shift) >> shift;
}

static uint64_t unsign(int64_t c, unsigned width)
{
    return width >= 8 ? (uint64_t)c : (uint64_t)c & ((UINT64_C(1) << (8 * width)) - 1);
}

/* 1 true, 0 false, -1 not known, for the even condition code. */
static int holds(const struct flags *f, unsigned cc, int64_t x, int64_t y)
{
    int64_t a = narrow(x, f->width), b = narrow(y, f->width);
    uint64_t ua = unsign(x, f->width), ub = unsign(y, f->width);
    if (f->op == OP_TEST || f->op == OP_TST) {
        a &= b;
        ua &= ub;
        b = 0;
        ub = 0;
    }
    switch (cc) {
    case CC_E:
        return a == b;
    case CC_S:
        return narrow((int64_t)((uint64_t)a - (uint64_t)b), f->width) < 0;
    case CC_B:
        return f->op == OP_ADD || f->op == OP_TST ? -1 : ua < ub;
    case CC_BE:
        return f->op == OP_ADD || f->op == OP_TST ? -1 : ua <= ub;
    case CC_L:
        return f->op == OP_ADD ? -1 : a < b;
    case CC_LE:
        return f->op == OP_ADD ? -1 : a <= b;
    default:
        return -1;
    }
}

static unsigned outcome(int truth, bool negated)
{
    if (truth < 0)
        return BRANCH_BOTH;
    return (truth != 0) != negated ? BRANCH_ALWAYS : BRANCH_NEVER;
}

/* An unknown left side with a bound against a constant. */
static unsigned decide_bounded(const struct flags *f, const struct value_data *a,
                               const struct value_data *b, unsigned cc, bool negated)
{
    uint64_t c = unsign(b->first, f->width);
    if (f->op != OP_CMP || a->max >= c)
        return BRANCH_BOTH;
    if (cc == CC_B || cc == CC_BE)
        return outcome(1, negated);
    if (cc == CC_E)
        return outcome(0, negated);
    return BRANCH_BOTH;
}

unsigned branch_decide(const struct run *r, unsigned condition)
{
    const struct flags *f = &r->s.flags;
    unsigned cc = condition & 14, result = 0;
    bool negated = condition & 1;
    if (!f->op)
        return BRANCH_BOTH;
    const struct value_data *a = value_get(&r->e->values, f->a);
    const struct value_data *b = value_get(&r->e->values, f->b);
    if (f->op == OP_CMP && a->kind == VK_TOP && b->kind == VK_CONST && b->count == 1)
        return decide_bounded(f, a, b, cc, negated);
    /* The address of something on the stack is not null. */
    if (a->kind == VK_STACK && f->op == OP_TEST && f->a == f->b && cc == CC_E)
        return outcome(0, negated);
    if (a->kind != VK_CONST || b->kind != VK_CONST)
        return BRANCH_BOTH;
    for (unsigned i = 0; i < a->count && result != BRANCH_BOTH; i++) {
        if (f->op == OP_TEST && f->a == f->b) {
            result |= outcome(holds(f, cc, a->all[i], a->all[i]), negated);
            continue;
        }
        for (unsigned j = 0; j < b->count && result != BRANCH_BOTH; j++)
            result |= outcome(holds(f, cc, a->all[i], b->all[j]), negated);
    }
    return result ? result : BRANCH_BOTH;
}

static value refine_set(struct run *r, const struct flags *f, unsigned cc, bool wanted)
{
    const struct value_data *a = value_get(&r->e->values, f->a);
    const struct value_data *b = value_get(&r->e->values, f->b);
    int64_t kept[VALUE_SET_LIMIT];
    unsigned count = 0;
    bool itself = f->op == OP_TEST && f->a == f->b;
    if (b->kind != VK_CONST || (b->count != 1 && !itself))
        return f->a;
    for (unsigned i = 0; i < a->count; i++) {
        int truth = holds(f, cc, a->all[i], itself ? a->all[i] : b->first);
        if (truth < 0 || (truth != 0) == wanted)
            kept[count++] = a->all[i];
    }
    return value_set(&r->e->values, kept, count);
}

static value refine_top(struct run *r, const struct flags *f, unsigned cc, bool wanted)
{
    struct values *v = &r->e->values;
    const struct value_data *a = value_get(v, f->a), *b = value_get(v, f->b);
    if (cc == CC_E && wanted && f->op == OP_TEST && f->a == f->b && f->reg != REG_NONE)
        return f->width >= 4 ? value_const(v, 0) : f->a;
    if (f->op != OP_CMP || b->kind != VK_CONST || b->count != 1)
        return f->a;
    uint64_t c = unsign(b->first, f->width), max = a->max;
    if (cc == CC_E && wanted)
        return f->width >= 4 ? value_const(v, (int64_t)c) : f->a;
    if (cc == CC_BE && wanted && c < max)
        max = c;
    else if (cc == CC_B && wanted && c && c - 1 < max)
        max = c - 1;
    return max == a->max ? f->a : value_bounded(v, f->a, max);
}

bool branch_refine(struct run *r, unsigned condition, bool taken)
{
    struct flags *f = &r->s.flags;
    unsigned cc = condition & 14;
    bool wanted = taken != (bool)(condition & 1);
    if (!f->op || (f->reg == REG_NONE && !f->on_slot))
        return true;
    uint8_t kind = value_get(&r->e->values, f->a)->kind;
    value v = f->a;
    if (kind == VK_CONST)
        v = refine_set(r, f, cc, wanted);
    else if (kind == VK_TOP)
        v = refine_top(r, f, cc, wanted);
    if (v == VALUE_NONE)
        return false;
    if (v == f->a)
        return true;
    if (f->reg != REG_NONE) {
        const struct value_data *d = value_get(&r->e->values, v);
        /* A narrow comparison says nothing about the rest of the register. */
        if (r->s.reg[f->reg] == f->a)
            r->s.reg[f->reg] = v;
        else if (d->kind == VK_TOP)
            r->s.bound = (struct bound){f->reg, f->width, d->max};
        else if (d->kind == VK_CONST && d->count == 1)
            r->s.bound = (struct bound){f->reg, f->width, (uint64_t)d->first};
    } else {
        for (unsigned i = 0; i < r->s.slots; i++)
            if (r->s.slot[i].offset == f->slot && r->s.slot[i].width == f->width)
                r->s.slot[i].v = v;
    }
    memset(f, 0, sizeof *f);
    f->reg = REG_NONE;
    return true;
}
