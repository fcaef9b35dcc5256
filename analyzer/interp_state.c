/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/interp.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { STATE_FIXED = offsetof(struct state, reg) };

/* The registers of the architecture that may still be read from the start of a block on. */
static uint32_t live_registers(const struct engine *e, const struct block *b)
{
    return b->live & architecture_registers(e->arch);
}

/* The registers that differ. */
static uint32_t differing(const value *x, const value *y, unsigned count)
{
    uint32_t out = 0;
    unsigned i = 0;
#ifdef __SSE2__
    for (; i + 4 <= count; i += 4) {
        __m128i equal = _mm_cmpeq_epi32(_mm_loadu_si128((const __m128i *)(const void *)(x + i)),
                                        _mm_loadu_si128((const __m128i *)(const void *)(y + i)));
        out |= (uint32_t)(~_mm_movemask_ps(_mm_castsi128_ps(equal)) & 15) << i;
    }
#endif
    for (; i < count; i++)
        out |= (uint32_t)(x[i] != y[i]) << i;
    return out;
}

/* Forgets what is dead at the start of a block. */
static void bury(struct engine *e, struct state *s, const struct block *b)
{
    for (uint32_t dead = live_registers(e, b) ^ architecture_registers(e->arch); dead;
         dead &= dead - 1)
        s->reg[__builtin_ctz(dead)] = VALUE_TOP;
    if (!b->flags_live) {
        memset(&s->flags, 0, sizeof s->flags);
        s->flags.reg = REG_NONE;
    }
    if (s->bound.reg < REG_LIMIT && !(b->live >> s->bound.reg & 1)) {
        memset(&s->bound, 0, sizeof s->bound);
        s->bound.reg = REG_NONE;
    }
}

/* The fixed part, the registers of the architecture, the slots in use. */
static size_t kept_size(const struct engine *e, const struct state *s)
{
    return STATE_FIXED + e->arch->registers * sizeof s->reg[0] + s->slots * sizeof s->slot[0];
}

static void fill_kept(struct engine *e, char *kept, const struct state *s, const struct block *b)
{
    size_t fixed = STATE_FIXED + e->arch->registers * sizeof s->reg[0];
    memcpy(kept, s, fixed);
    if (b)
        bury(e, (struct state *)kept, b);
    memcpy(kept + fixed, s->slot, s->slots * sizeof s->slot[0]);
}

struct kept_state *interp_keep(struct engine *e, const struct state *s, const struct block *b)
{
    char *kept = pool_get(&e->pool, kept_size(e, s));
    fill_kept(e, kept, s, b);
    return (struct kept_state *)kept;
}

void interp_drop(struct engine *e, struct kept_state *kept)
{
    if (kept)
        pool_put(&e->pool, kept, kept_size(e, (const struct state *)kept));
}

struct kept_state *state_replace(struct engine *e, struct kept_state *kept, const struct state *s,
                                 const struct block *b)
{
    if (((const struct state *)kept)->slots == s->slots) {
        fill_kept(e, (char *)kept, s, b);
        return kept;
    }
    interp_drop(e, kept);
    return interp_keep(e, s, b);
}

void state_restore(const struct engine *e, const struct kept_state *kept, struct state *s)
{
    const char *from = (const char *)kept;
    size_t registers = e->arch->registers * sizeof s->reg[0];
    memcpy(s, from, STATE_FIXED + registers);
    memcpy(s->slot, from + STATE_FIXED + registers, s->slots * sizeof s->slot[0]);
}

void state_copy(struct state *to, const struct state *from)
{
    memcpy(to, from, offsetof(struct state, slot) + from->slots * sizeof from->slot[0]);
}

static bool same_bound(const struct bound *a, const struct bound *b)
{
    return a->reg == b->reg && a->width == b->width && a->max == b->max;
}

static bool same_slots(const struct engine *e, const struct state *kept, const struct state *from)
{
    const char *slots = (const char *)&kept->reg[e->arch->registers];
    return kept->slots == from->slots &&
           memcmp(slots, from->slot, from->slots * sizeof from->slot[0]) == 0;
}

/* Whether all that from says is in into, seen at a glance: most control flow brings nothing new. */
bool state_holds(const struct engine *e, const struct kept_state *kept, const struct state *from,
                 const struct block *b)
{
    const struct state *into = (const struct state *)kept;
    if (differing(into->reg, from->reg, e->arch->registers) & b->live)
        return false;
    if (into->flags.op && memcmp(&into->flags, &from->flags, sizeof into->flags) != 0)
        return false;
    if (into->bound.reg != REG_NONE && !same_bound(&into->bound, &from->bound))
        return false;
    if (into->escaped < from->escaped || into->lost < from->lost || into->written < from->written ||
        into->unsure < from->unsure || into->deeper < from->deeper)
        return false;
    return into->lost || same_slots(e, into, from);
}

static void remove_slot(struct state *s, unsigned at)
{
    memmove(&s->slot[at], &s->slot[at + 1], (s->slots - at - 1u) * sizeof s->slot[0]);
    s->slots--;
}

/* Slots are kept by offset. Only what both states have survives; the address of a slot that one of
 * them holds may be there still. */
static inline value join_slot(struct engine *e, value a, value b, bool widen)
{
    if (a == b)
        return a;
    const struct value_data *x = value_get(&e->values, a), *y = value_get(&e->values, b);
    uint32_t deps = y->deps | (y->kind == VK_STACK ? DEP_FRAME : 0);
    if (x->kind == VK_TOP && !x->sign && x->max == UINT64_MAX && !(deps & ~x->deps))
        return a; /* it holds the other already */
    bool address = x->kind == VK_STACK || ((deps | x->deps) & DEP_FRAME);
    value v = value_join(&e->values, a, b, widen);
    return address ? value_in_frame(&e->values, v) : v;
}

static bool join_slots(struct engine *e, struct state *into, const struct state *from, bool widen)
{
    bool changed = false;
    unsigned same = 0;
    while (same < into->slots && same < from->slots &&
           memcmp(&into->slot[same], &from->slot[same], sizeof into->slot[0]) == 0)
        same++;
    unsigned j = same;
    for (unsigned i = same; i < into->slots;) {
        struct slot *a = &into->slot[i];
        while (j < from->slots && from->slot[j].offset < a->offset)
            j++;
        bool match =
            j < from->slots && from->slot[j].offset == a->offset && from->slot[j].width == a->width;
        value v = join_slot(e, a->v, match ? from->slot[j].v : VALUE_TOP, widen);
        if (v == a->v) {
            i++;
            continue;
        }
        changed = true;
        a->v = v;
        /* Above the frame an absent slot means the caller's argument: keep the overwrite. */
        if (v == VALUE_TOP && a->offset < 0)
            remove_slot(into, i);
        else
            i++;
    }
    unsigned at = same;
    for (j = same; j < from->slots; j++) {
        const struct slot *b = &from->slot[j];
        while (at < into->slots && into->slot[at].offset < b->offset)
            at++;
        bool there = at < into->slots && into->slot[at].offset == b->offset;
        if (there && into->slot[at].width == b->width)
            continue;
        bool address = value_may_frame(&e->values, b->v);
        if (b->offset < 0 && !address)
            continue;
        if (there || into->slots == SLOT_LIMIT) {
            bool escaped = into->escaped || address, unsure = into->unsure || b->offset >= 0;
            changed = changed || escaped != into->escaped || unsure != into->unsure;
            into->escaped = escaped;
            into->unsure = unsure;
            continue;
        }
        memmove(&into->slot[at + 1], &into->slot[at], (into->slots - at) * sizeof *b);
        into->slot[at] = (struct slot){b->offset, b->width,
                                       address ? value_in_frame(&e->values, VALUE_TOP) : VALUE_TOP};
        into->slots++;
        changed = true;
    }
    return changed;
}

static bool join_flags(struct state *into, const struct state *from)
{
    if (!into->flags.op || memcmp(&into->flags, &from->flags, sizeof into->flags) == 0)
        return false;
    memset(&into->flags, 0, sizeof into->flags);
    return true;
}

static bool join_bound(struct bound *into, const struct bound *from)
{
    if (into->reg == REG_NONE ||
        (from->reg == into->reg && from->width == into->width && from->max <= into->max))
        return false;
    into->reg = REG_NONE;
    return true;
}

static bool join_fact(bool *into, bool from)
{
    bool changed = from && !*into;
    *into = *into || from;
    return changed;
}

/* All but the slots. */
static bool join_fixed(struct engine *e, struct state *into, const struct state *from,
                       const struct block *b, bool widen)
{
    bool changed = false;
    uint32_t different = differing(into->reg, from->reg, e->arch->registers) & b->live;
    for (; different; different &= different - 1) {
        value *reg = &into->reg[__builtin_ctz(different)];
        /* Pointers to different slots become one that may point at any. */
        value v = join_slot(e, *reg, from->reg[__builtin_ctz(different)], widen);
        changed = changed || v != *reg;
        *reg = v;
    }
    changed = join_flags(into, from) || changed;
    changed = join_bound(&into->bound, &from->bound) || changed;
    changed = join_fact(&into->escaped, from->escaped) || changed;
    changed = join_fact(&into->written, from->written) || changed;
    changed = join_fact(&into->unsure, from->unsure) || changed;
    return join_fact(&into->deeper, from->deeper) || changed;
}

bool state_join(struct engine *e, struct state *into, const struct state *from,
                const struct block *b, bool widen)
{
    bool changed = join_fixed(e, into, from, b, widen);
    if (join_fact(&into->lost, from->lost)) {
        changed = true;
        into->slots = 0;
    }
    if (into->lost)
        return changed;
    return join_slots(e, into, from, widen) || changed;
}

bool state_join_kept(struct engine *e, struct kept_state **kept, const struct state *from,
                     const struct block *b, bool widen)
{
    struct state *into = (struct state *)*kept, joined;
    if (into->lost || (!from->lost && same_slots(e, into, from)))
        return join_fixed(e, into, from, b, widen);
    state_restore(e, *kept, &joined);
    if (!state_join(e, &joined, from, b, widen))
        return false;
    *kept = state_replace(e, *kept, &joined, b);
    return true;
}

void state_entry(struct engine *e, struct state *s, const struct context *c)
{
    memset(s, 0, sizeof *s);
    for (unsigned i = 0; i < e->arch->registers; i++)
        s->reg[i] = i < DEP_STACK ? value_input(&e->values, i) : VALUE_TOP;
    s->flags.reg = s->bound.reg = REG_NONE;
    s->reg[e->arch->sp] = value_stack(&e->values, 0);
    if (e->arch->link != REG_NONE)
        s->reg[e->arch->link] = value_top(&e->values, 1u << DEP_LINK, UINT64_MAX);
    vec_each (item, &c->key) {
        if (item->input < DEP_STACK) {
            s->reg[item->input] = item->v;
        } else {
            struct slot *slot = &s->slot[s->slots++];
            int32_t first = c->function->object->stack_arguments;
            *slot = (struct slot){first + 8 * (item->input - DEP_STACK), 8, item->v};
        }
    }
}

void state_lose(struct run *r, uint32_t registers)
{
    registers &= architecture_registers(r->e->arch);
    for (; registers; registers &= registers - 1)
        state_set(r, (unsigned)__builtin_ctz(registers), VALUE_TOP);
}

void state_set(struct run *r, unsigned reg, value v)
{
    r->s.reg[reg] = v;
    if (r->s.flags.reg == reg)
        r->s.flags.reg = REG_NONE;
    if (r->s.bound.reg == reg)
        r->s.bound.reg = REG_NONE;
}

value state_slot(struct run *r, int64_t offset, unsigned width)
{
    struct values *v = &r->e->values;
    if (r->s.lost)
        return VALUE_TOP;
    for (unsigned i = 0; i < r->s.slots; i++) {
        const struct slot *slot = &r->s.slot[i];
        if (slot->offset == offset && slot->width >= width)
            return slot->width == width ? slot->v : value_extend(v, slot->v, width, 8, false);
        if (slot->offset < offset + (int64_t)width && offset < slot->offset + (int64_t)slot->width)
            return VALUE_TOP;
    }
    int32_t first = r->o->stack_arguments;
    if (offset >= first && offset < first + 8 * DEP_STACK_COUNT && !r->s.escaped) {
        unsigned input = DEP_STACK + (unsigned)(offset - first) / 8;
        if ((offset - first) % 8 || r->s.unsure)
            return value_top(v, 1u << input, UINT64_MAX);
        return value_extend(v, value_input(v, input), width, 8, false);
    }
    /* Who reads its return address may return again later, or from elsewhere: setjmp, a switch of
     * coroutines. */
    if (offset == 0 && r->e->arch->link == REG_NONE) {
        r->c->function->twice = true;
        r->c->returns = true;
    }
    return VALUE_TOP;
}

bool state_store(struct run *r, int64_t offset, unsigned width, value v)
{
    struct state *s = &r->s;
    int32_t first = r->o->stack_arguments;
    if (s->lost || offset < -(1 << 30) || offset > 1 << 30) {
        partial_lost(r->e, r->c, r->ir->at, v);
        return false;
    }
    for (unsigned i = 0; i < s->slots;) {
        const struct slot *slot = &s->slot[i];
        if (slot->offset < offset + (int64_t)width &&
            offset < slot->offset + (int64_t)slot->width) {
            if (offset >= first && slot->width > width) {
                s->slot[i].v = VALUE_TOP;
                return false;
            }
            remove_slot(s, i);
        } else {
            i++;
        }
    }
    if (s->flags.on_slot && s->flags.slot + 8 > offset && s->flags.slot < offset + (int64_t)width)
        s->flags.on_slot = false;
    if (s->slots == SLOT_LIMIT)
        s->unsure = true;
    if ((v == VALUE_TOP && offset < first) || s->slots == SLOT_LIMIT) {
        partial_lost(r->e, r->c, r->ir->at, v);
        return false;
    }
    unsigned at = 0;
    while (at < s->slots && s->slot[at].offset < offset)
        at++;
    memmove(&s->slot[at + 1], &s->slot[at], (s->slots - at) * sizeof s->slot[0]);
    s->slot[at] = (struct slot){(int32_t)offset, width, v};
    s->slots++;
    return true;
}

bool state_holds_address(const struct run *r, int64_t offset, unsigned width)
{
    for (unsigned i = 0; i < r->s.slots; i++) {
        const struct slot *slot = &r->s.slot[i];
        if (slot->offset < offset + (int64_t)width &&
            offset < slot->offset + (int64_t)slot->width && value_may_frame(&r->e->values, slot->v))
            return true;
    }
    return false;
}

bool state_holds_stack(const struct run *r)
{
    return state_holds_address(r, INT32_MIN, UINT32_MAX);
}

void state_forget(struct engine *e, struct context *c, uint64_t at, struct state *s)
{
    for (unsigned i = 0; i < s->slots; i++) {
        s->escaped = s->escaped || value_may_frame(&e->values, s->slot[i].v);
        partial_lost(e, c, at, s->slot[i].v);
    }
    s->slots = 0;
    s->unsure = true;
    s->flags.on_slot = false;
}
