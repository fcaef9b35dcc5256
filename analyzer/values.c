/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/values.h"
#include "analyzer/decode.h"
#include <string.h>

enum { ORIGIN_STEPS = 4 };

static uint64_t mix(uint64_t h, uint64_t x)
{
    h ^= x;
    h *= 0x9e3779b97f4a7c15u;
    return h ^ (h >> 29);
}

static uint64_t hash_data(const struct value_data *d)
{
    uint64_t h = mix(d->kind | (uint64_t)d->count << 8 | (uint64_t)d->width << 16 |
                         (uint64_t)d->sign << 24 | (uint64_t)d->deps << 32,
                     d->max);
    h = mix(mix(h, (uint64_t)d->first), (uint64_t)d->base);
    for (unsigned i = 1; i < d->count; i++)
        h = mix(h, (uint64_t)d->all[i]);
    return h;
}

static bool same(const struct value_data *a, const struct value_data *b)
{
    if (a->kind != b->kind || a->count != b->count || a->width != b->width || a->sign != b->sign ||
        a->deps != b->deps || a->max != b->max || a->first != b->first || a->base != b->base)
        return false;
    return a->count < 2 || memcmp(a->all, b->all, a->count * sizeof *a->all) == 0;
}

static void grow(struct values *v)
{
    size_t count = v->slot_count ? v->slot_count * 2 : 4096;
    v->slots = arena_array(v->arena, count, sizeof *v->slots);
    v->slot_count = count;
    for (uint32_t i = 0; i < v->items.count; i++) {
        size_t at = hash_data(&v->items.items[i]) & (count - 1);
        while (v->slots[at])
            at = (at + 1) & (count - 1);
        v->slots[at] = i + 1;
    }
}

static value intern(struct values *v, const struct value_data *d)
{
    if (v->items.count * 2 >= v->slot_count)
        grow(v);
    size_t at = hash_data(d) & (v->slot_count - 1);
    for (; v->slots[at]; at = (at + 1) & (v->slot_count - 1))
        if (same(&v->items.items[v->slots[at] - 1], d))
            return v->slots[at] - 1;
    struct value_data *item = vec_add(v->arena, &v->items);
    *item = *d;
    if (d->count > 1) {
        int64_t *all = arena_array(v->arena, d->count, sizeof *all);
        memcpy(all, d->all, d->count * sizeof *all);
        item->all = all;
    } else if (d->count == 1) {
        int64_t *all = arena_alloc(v->arena, sizeof *all);
        *all = d->first;
        item->all = all;
    }
    v->slots[at] = (uint32_t)v->items.count;
    return (value)v->items.count - 1;
}

value value_make(struct values *v, const struct value_data *d)
{
    return intern(v, d);
}

void values_init(struct values *v, struct arena *a)
{
    memset(v, 0, sizeof *v);
    v->arena = a;
    struct value_data none = {.kind = VK_NONE}, top = {.kind = VK_TOP, .max = UINT64_MAX};
    intern(v, &none);
    intern(v, &top);
}

/* Where the value made last for this number is remembered: most come again soon. */
static value *recent_slot(struct values *v, uint64_t number, unsigned kind)
{
    return &v->recent[(mix(number, kind) >> 20) % VALUE_RECENT];
}

value value_const(struct values *v, int64_t c)
{
    value *recent = recent_slot(v, (uint64_t)c, VK_CONST);
    const struct value_data *known = value_get(v, *recent);
    if (known->kind == VK_CONST && known->count == 1 && known->first == c)
        return *recent;
    struct value_data d = {.kind = VK_CONST, .count = 1, .first = c, .all = &c};
    return *recent = intern(v, &d);
}

value value_stack(struct values *v, int64_t offset)
{
    value *recent = recent_slot(v, (uint64_t)offset, VK_STACK);
    const struct value_data *known = value_get(v, *recent);
    if (known->kind == VK_STACK && known->first == offset)
        return *recent;
    struct value_data d = {.kind = VK_STACK, .first = offset};
    return *recent = intern(v, &d);
}

value value_top(struct values *v, uint32_t deps, uint64_t max)
{
    if (!deps && max == UINT64_MAX)
        return VALUE_TOP;
    value *recent = recent_slot(v, max ^ (uint64_t)deps << 32, VK_TOP);
    const struct value_data *known = value_get(v, *recent);
    if (known->kind == VK_TOP && !known->sign && known->deps == deps && known->max == max)
        return *recent;
    struct value_data d = {.kind = VK_TOP, .deps = deps, .max = max};
    return *recent = intern(v, &d);
}

value value_input(struct values *v, unsigned input)
{
    value *recent = recent_slot(v, input, 0xff);
    const struct value_data *known = value_get(v, *recent);
    if (known->kind == VK_TOP && known->sign == ORIGIN_INPUT && known->base == input &&
        known->max == UINT64_MAX)
        return *recent;
    struct value_data d = {.kind = VK_TOP,
                           .sign = ORIGIN_INPUT,
                           .deps = 1u << input,
                           .max = UINT64_MAX,
                           .base = input};
    return *recent = intern(v, &d);
}

value value_pointee(struct values *v, unsigned input)
{
    struct value_data d = {
        .kind = VK_TOP, .sign = ORIGIN_POINTEE, .max = UINT64_MAX, .base = input};
    return intern(v, &d);
}

value value_bounded(struct values *v, value x, uint64_t max)
{
    struct value_data d = *value_get(v, x);
    if (d.sign == ORIGIN_NONE)
        return value_top(v, d.deps, max);
    d.max = max;
    return intern(v, &d);
}

value value_outside(struct values *v, value x)
{
    const struct value_data *d = value_get(v, x);
    if (d->kind == VK_STACK)
        return VALUE_TOP;
    if (d->kind == VK_TOP)
        return value_top(v, 0, d->max);
    if (!d->deps)
        return x;
    struct value_data outside = *d;
    outside.deps = 0;
    return intern(v, &outside);
}

value value_in_frame(struct values *v, value x)
{
    const struct value_data *d = value_get(v, x);
    return d->kind == VK_STACK ? x : value_top(v, d->deps | DEP_FRAME, UINT64_MAX);
}

static uint64_t width_max(unsigned width)
{
    return width >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * width)) - 1;
}

/* x, changed in a way that can be replayed; steps are few, so that loops come to an end. */
static value derived(struct values *v, value x, enum value_origin how, int64_t c, unsigned width,
                     uint64_t max)
{
    const struct value_data *d = value_get(v, x);
    unsigned steps = 0;
    for (const struct value_data *s = d; s->sign > ORIGIN_INPUT; s = value_get(v, (value)s->base))
        steps++;
    bool few = how == ORIGIN_AND && value_few_bits((uint64_t)c & width_max(width));
    if ((d->sign == ORIGIN_NONE && !few) || steps >= ORIGIN_STEPS)
        return value_top(v, d->deps, max);
    value *recent = recent_slot(v, (uint64_t)x << 16 ^ (uint64_t)c, 0xfe - how);
    const struct value_data *known = value_get(v, *recent);
    if (known->kind == VK_TOP && known->sign == how && known->base == x && known->first == c &&
        known->width == width && known->max == max)
        return *recent;
    struct value_data made = {.kind = VK_TOP,
                              .sign = (uint8_t)how,
                              .width = (uint8_t)width,
                              .deps = d->deps,
                              .max = max,
                              .first = c,
                              .base = x};
    return *recent = intern(v, &made);
}

value value_table(struct values *v, value starts, unsigned width, uint64_t max, uint32_t deps)
{
    struct value_data d = *value_get(v, starts);
    if (d.kind != VK_CONST)
        return VALUE_TOP;
    d.kind = VK_TABLE;
    d.width = (uint8_t)width;
    d.max = max;
    d.deps = deps;
    return intern(v, &d);
}

static value signed_table(struct values *v, const struct value_data *table)
{
    struct value_data d = *table;
    d.sign |= 1;
    return intern(v, &d);
}

value value_set(struct values *v, const int64_t *c, size_t count)
{
    int64_t sorted[VALUE_SET_LIMIT];
    unsigned kept = 0;
    if (!count)
        return VALUE_NONE;
    if (count == 1)
        return value_const(v, c[0]);
    for (size_t i = 0; i < count; i++) {
        unsigned at = 0;
        while (at < kept && sorted[at] < c[i])
            at++;
        if (at < kept && sorted[at] == c[i])
            continue;
        if (kept == VALUE_SET_LIMIT)
            return VALUE_TOP;
        memmove(&sorted[at + 1], &sorted[at], (kept - at) * sizeof *sorted);
        sorted[at] = c[i];
        kept++;
    }
    if (kept == 1)
        return value_const(v, sorted[0]);
    struct value_data d = {
        .kind = VK_CONST, .count = (uint8_t)kept, .first = sorted[0], .all = sorted};
    return intern(v, &d);
}

bool value_single(const struct values *v, value x, int64_t *c)
{
    const struct value_data *d = value_get(v, x);
    if (d->kind != VK_CONST || d->count != 1)
        return false;
    *c = d->first;
    return true;
}

/* The bits that may be set in a value; false: they are not few. */
static bool few_bits(const struct value_data *d, uint64_t *mask)
{
    if (d->kind == VK_TOP && d->sign == ORIGIN_AND)
        *mask |= (uint64_t)d->first & width_max(d->width);
    else if (d->kind != VK_CONST)
        return false;
    for (unsigned i = 0; d->kind == VK_CONST && i < d->count; i++)
        *mask |= (uint64_t)d->all[i];
    return !*mask || value_few_bits(*mask);
}

/* Of values of which one is anything but for a mask; VALUE_NONE: not of this kind. */
static value join_masked(struct values *v, value x, value y)
{
    const struct value_data *a = value_get(v, x), *b = value_get(v, y);
    uint64_t mask = 0;
    if (!few_bits(a, &mask) || !few_bits(b, &mask))
        return VALUE_NONE;
    value any = value_top(v, a->deps | b->deps, UINT64_MAX);
    return derived(v, any, ORIGIN_AND, (int64_t)mask, 8, mask);
}

static value join_different(struct values *v, value x, value y, bool widen)
{
    const struct value_data *a = value_get(v, x), *b = value_get(v, y);
    /* Only what is one way or the other made from the thread pointer is. */
    uint32_t deps = (a->deps | b->deps) & ~(~(a->deps & b->deps) & 1u << DEP_THREAD);
    if (a->kind == VK_CONST && b->kind == VK_CONST && !widen) {
        int64_t both[2 * VALUE_SET_LIMIT];
        memcpy(both, a->all, a->count * sizeof *both);
        memcpy(both + a->count, b->all, b->count * sizeof *both);
        return value_set(v, both, (size_t)a->count + b->count);
    }
    value masked =
        a->sign == ORIGIN_AND || b->sign == ORIGIN_AND ? join_masked(v, x, y) : VALUE_NONE;
    if (masked != VALUE_NONE)
        return masked;
    if (a->kind == VK_TOP && b->kind == VK_TOP) {
        uint64_t max = widen ? UINT64_MAX : a->max < b->max ? b->max : a->max;
        if (a->sign && a->sign == b->sign && a->base == b->base && a->first == b->first &&
            a->width == b->width)
            return value_bounded(v, x, max);
        return value_top(v, deps, max);
    }
    return value_top(v, deps, UINT64_MAX);
}

/* Ways to make a value from others; operations with their width, extensions with theirs above. */
enum { MADE_JOIN = 1 << 24, MADE_BINARY = 2 << 24, MADE_EXTEND = 3 << 24 };

/* The same values meet again and again: what came out is remembered. */
static struct value_made *made_from(struct values *v, value x, value y, uint32_t how)
{
    return &v->made[(mix((uint64_t)x << 32 | y, how) >> 20) % VALUE_MADE];
}

static bool is_made(const struct value_made *m, value x, value y, uint32_t how)
{
    return m->x == x && m->y == y && m->how == how;
}

value value_join(struct values *v, value x, value y, bool widen)
{
    if (x == y || y == VALUE_NONE)
        return x;
    if (x == VALUE_NONE)
        return y;
    if (widen)
        return join_different(v, x, y, true);
    struct value_made *known = made_from(v, x, y, MADE_JOIN);
    if (!is_made(known, x, y, MADE_JOIN))
        *known = (struct value_made){x, y, MADE_JOIN, join_different(v, x, y, false)};
    return known->out;
}

static int64_t truncate_to(int64_t c, unsigned width)
{
    switch (width) {
    case 1:
        return (int64_t)(uint8_t)c;
    case 2:
        return (int64_t)(uint16_t)c;
    case 4:
        return (int64_t)(uint32_t)c;
    default:
        return c;
    }
}

static int64_t sign_extend(int64_t c, unsigned from)
{
    unsigned shift = 64 - 8 * from;
    return from >= 8 ? c : (int64_t)((uint64_t)c << shift) >> shift;
}

static value extend(struct values *v, value x, unsigned from, unsigned to, bool sign)
{
    const struct value_data *d = value_get(v, x);
    if (d->kind == VK_CONST) {
        int64_t all[VALUE_SET_LIMIT];
        unsigned count = d->count;
        for (unsigned i = 0; i < count; i++) {
            int64_t c = truncate_to(d->all[i], from);
            all[i] = truncate_to(sign ? sign_extend(c, from) : c, to);
        }
        return value_set(v, all, count);
    }
    if (x == VALUE_NONE)
        return x;
    if (d->kind == VK_TABLE && d->width <= from) {
        if (sign && from == d->width && !d->sign)
            return signed_table(v, d);
        return x;
    }
    uint64_t limit = width_max(sign ? to : from);
    uint64_t fits = sign ? width_max(from) / 2 : limit; /* larger ones change, or are negative */
    uint64_t max = d->kind == VK_TOP && d->max <= fits ? d->max : limit;
    if (d->kind != VK_TOP || d->sign == ORIGIN_NONE)
        return value_top(v, d->deps, max);
    if (max == d->max && (!sign || max <= width_max(from) / 2))
        return x; /* it fits */
    return derived(v, x, sign ? ORIGIN_SIGNED : ORIGIN_LOW, (int64_t)to, from, max);
}

value value_extend(struct values *v, value x, unsigned from, unsigned to, bool sign)
{
    if (from >= 8 && to >= 8)
        return x;
    uint32_t how = MADE_EXTEND | from << 9 | to << 1 | sign;
    struct value_made *known = made_from(v, x, VALUE_NONE, how);
    if (!is_made(known, x, VALUE_NONE, how))
        *known = (struct value_made){x, VALUE_NONE, how, extend(v, x, from, to, sign)};
    return known->out;
}

static int64_t compute(unsigned op, int64_t a, int64_t b, unsigned width)
{
    uint64_t x = (uint64_t)a, y = (uint64_t)b;
    unsigned bits = width >= 8 ? 63 : 31;
    switch (op) {
    case OP_ADD:
        return (int64_t)(x + y);
    case OP_SUB:
        return (int64_t)(x - y);
    case OP_AND:
        return (int64_t)(x & y);
    case OP_OR:
        return (int64_t)(x | y);
    case OP_XOR:
        return (int64_t)(x ^ y);
    case OP_SHL:
        return (int64_t)(x << (y & bits));
    case OP_SHR:
        return (int64_t)((uint64_t)truncate_to(a, width) >> (y & bits));
    case OP_SAR:
        return sign_extend(a, width) >> (y & bits);
    default:
        return (int64_t)(x * y);
    }
}

int64_t value_replay(const struct value_data *d, int64_t c)
{
    switch (d->sign) {
    case ORIGIN_AND:
        return truncate_to(compute(OP_AND, c, d->first, d->width), d->width);
    case ORIGIN_OR:
        return truncate_to(compute(OP_OR, c, d->first, d->width), d->width);
    case ORIGIN_XOR:
        return truncate_to(compute(OP_XOR, c, d->first, d->width), d->width);
    case ORIGIN_LOW:
        return truncate_to(c, d->width);
    case ORIGIN_SIGNED:
        return truncate_to(sign_extend(truncate_to(c, d->width), d->width), (unsigned)d->first);
    default:
        return c;
    }
}

static enum value_origin bitwise(unsigned op)
{
    return op == OP_AND   ? ORIGIN_AND
           : op == OP_OR  ? ORIGIN_OR
           : op == OP_XOR ? ORIGIN_XOR
                          : ORIGIN_NONE;
}

static value both_constant(struct values *v, unsigned op, const struct value_data *a,
                           const struct value_data *b, unsigned width)
{
    int64_t all[VALUE_SET_LIMIT * VALUE_SET_LIMIT];
    size_t count = 0;
    for (unsigned i = 0; i < a->count; i++)
        for (unsigned j = 0; j < b->count; j++)
            all[count++] = truncate_to(compute(op, a->all[i], b->all[j], width), width);
    return value_set(v, all, count);
}

/* Bounds of results over an unknown left side and a constant right side. */
static uint64_t bound(unsigned op, const struct value_data *a, int64_t c, unsigned width)
{
    uint64_t max = a->kind == VK_TOP ? a->max : UINT64_MAX, full = width_max(width);
    if (max > full)
        max = full;
    if (op == OP_AND && c >= 0)
        return (uint64_t)c < max ? (uint64_t)c : max;
    if (op == OP_SHR)
        return max >> (c & (width >= 8 ? 63 : 31));
    if (op == OP_ADD && c >= 0 && max <= full / 2 && (uint64_t)c <= full / 2)
        return max + (uint64_t)c;
    return full;
}

static value binary(struct values *v, unsigned op, value x, value y, unsigned width)
{
    const struct value_data *a = value_get(v, x), *b = value_get(v, y);
    if (a->kind == VK_CONST && b->kind == VK_CONST)
        return both_constant(v, op, a, b, width);
    uint32_t deps = a->deps | b->deps;
    if (width == 8 && (op == OP_ADD || op == OP_SUB) && a->kind == VK_STACK &&
        b->kind == VK_CONST && b->count == 1)
        return value_stack(v, op == OP_ADD ? (int64_t)((uint64_t)a->first + (uint64_t)b->first)
                                           : (int64_t)((uint64_t)a->first - (uint64_t)b->first));
    if (op == OP_ADD && b->kind == VK_STACK && a->kind == VK_CONST)
        return binary(v, op, y, x, width);
    if (op == OP_ADD && width == 8) {
        const struct value_data *table = a->kind == VK_TABLE ? a : b->kind == VK_TABLE ? b : NULL;
        const struct value_data *other = table == a ? b : a;
        if (table && other->kind == VK_CONST && other->count == 1) {
            struct value_data d = *table;
            d.kind = VK_TARGETS;
            d.base = other->first;
            return intern(v, &d);
        }
    }
    if (op == OP_SHL && width == 8 && a->kind == VK_TABLE && a->sign < 2 && b->kind == VK_CONST &&
        b->count == 1 && b->first > 0 && b->first <= 4) {
        struct value_data d = *a;
        d.sign |= (uint8_t)(2 * b->first);
        return intern(v, &d);
    }
    if (a->kind == VK_TOP && b->kind == VK_CONST && b->count == 1 && bitwise(op))
        return derived(v, x, bitwise(op), b->first, width, bound(op, a, b->first, width));
    if (b->kind == VK_CONST && b->count == 1)
        return value_top(v, deps, bound(op, a, b->first, width));
    if (op == OP_AND && a->kind == VK_CONST && a->count == 1 && a->first >= 0)
        return value_top(v, deps, bound(op, b, a->first, width));
    return value_top(v, deps, width_max(width));
}

value value_binary(struct values *v, unsigned op, value x, value y, unsigned width)
{
    if (x == VALUE_NONE || y == VALUE_NONE)
        return VALUE_NONE;
    uint32_t how = MADE_BINARY | op << 8 | width;
    struct value_made *known = made_from(v, x, y, how);
    if (!is_made(known, x, y, how))
        *known = (struct value_made){x, y, how, binary(v, op, x, y, width)};
    return known->out;
}
