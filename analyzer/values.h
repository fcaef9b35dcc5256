/* SPDX-License-Identifier: BSD-3-Clause
 * What a register or stack slot may hold, for the interpreter: small sets of constants, places on
 * the stack, entries of constant tables, or anything (with the function's own inputs it was made
 * from, so that callers can be asked for them). Values are interned: equal values have equal
 * handles. Addresses are constants in one address space for the whole link map. */
#ifndef ANALYZER_VALUES_H
#define ANALYZER_VALUES_H

#include "common/vec.h"
#include <stdbool.h>
#include <stdint.h>

typedef uint32_t value;

enum {
    VALUE_NONE = 0,
    VALUE_TOP = 1,
    VALUE_SET_LIMIT = 12,
    VALUE_RECENT = 2048,
    VALUE_MADE = 4096,
};

enum value_kind {
    VK_NONE,    /* no value yet */
    VK_TOP,     /* anything up to max */
    VK_CONST,   /* one of count constants */
    VK_STACK,   /* entry stack pointer + first */
    VK_TABLE,   /* an entry, width bytes wide, of one of the count constant tables at all */
    VK_TARGETS, /* the same plus base: the usual position-independent jump table */
};

/* Inputs of a function as bits of deps: registers 0..15, then the first stack arguments. What is
 * made from the return address in a register or the thread pointer has a bit too. */
enum {
    DEP_STACK = 16,
    DEP_STACK_COUNT = 8,
    DEP_COUNT = DEP_STACK + DEP_STACK_COUNT,
    DEP_LINK = DEP_COUNT,
    DEP_THREAD,
};

/* How a VK_TOP value was made, where that is known exactly (.sign). The value it was made from is
 * .base, the constant .first, the width in bytes .width. */
enum value_origin {
    ORIGIN_NONE,
    ORIGIN_POINTEE, /* the eight bytes that input .base points at, as they were at entry */
    ORIGIN_INPUT,   /* it is the function's input .base as it was at entry */
    ORIGIN_AND,     /* .base may be anything then */
    ORIGIN_OR,
    ORIGIN_XOR,
    ORIGIN_LOW,    /* the low .width bytes, zero-extended */
    ORIGIN_SIGNED, /* the low .width bytes, sign-extended to .first bytes */
};

/* In deps: it may be an address in the function's own frame. */
#define DEP_FRAME (1u << 31)

struct value_data {
    uint8_t kind, count, width;
    uint8_t sign;  /* tables: 1 when entries are signed, and twice how far left they are shifted */
    uint32_t deps; /* VK_TOP, VK_TABLE, VK_TARGETS: inputs it was made from */
    uint64_t max;  /* VK_TOP: greatest value; tables: greatest index; UINT64_MAX: unknown */
    int64_t first, base;
    const int64_t *all; /* VK_CONST, VK_TABLE, VK_TARGETS: count constants, ascending */
};

struct values {
    struct arena *arena;
    VEC(struct value_data) items;
    uint32_t *slots; /* open addressing over items */
    size_t slot_count;
    value recent[VALUE_RECENT];
    struct value_made {
        value x, y;
        uint32_t how; /* 0: nothing */
        value out;
    } made[VALUE_MADE]; /* what came out of operations lately */
};

void values_init(struct values *v, struct arena *a);
static inline const struct value_data *value_get(const struct values *v, value x)
{
    return &v->items.items[x];
}
/* The value with this description; what .all points at is copied. */
value value_make(struct values *v, const struct value_data *d);
value value_const(struct values *v, int64_t c);
value value_stack(struct values *v, int64_t offset);
value value_top(struct values *v, uint32_t deps, uint64_t max);
/* A function's input as it was at entry. */
value value_input(struct values *v, unsigned input);
value value_pointee(struct values *v, unsigned input);
/* A VK_TOP value, now known to be at most max. */
value value_bounded(struct values *v, value x, uint64_t max);
/* The same value outside of its function: inputs there are others. */
value value_outside(struct values *v, value x);
/* Whether a mask leaves few enough values to list them all. */
static inline bool value_few_bits(uint64_t mask)
{
    return mask && __builtin_popcountll(mask) <= 4;
}
/* x, which may also be an address in the frame. */
value value_in_frame(struct values *v, value x);
static inline bool value_may_frame(const struct values *v, value x)
{
    const struct value_data *d = value_get(v, x);
    return d->kind == VK_STACK || (d->deps & DEP_FRAME);
}
/* One step of a value's origin: what it makes of the constant c. */
int64_t value_replay(const struct value_data *d, int64_t c);
/* An entry of one of the tables whose addresses are the constants starts. */
value value_table(struct values *v, value starts, unsigned width, uint64_t max, uint32_t deps);
/* Up to VALUE_SET_LIMIT constants, in any order, else anything. */
value value_set(struct values *v, const int64_t *c, size_t count);
/* Least value that holds both; with widen, differing constants become anything at once. */
value value_join(struct values *v, value x, value y, bool widen);
/* op: enum insn_op (OP_ADD ... OP_SAR, OP_IMUL); width: bytes of the operation. */
value value_binary(struct values *v, unsigned op, value x, value y, unsigned width);
/* The low from bytes of x, zero- or sign-extended to to bytes. */
value value_extend(struct values *v, value x, unsigned from, unsigned to, bool sign);
/* The only constant, if x is one. */
bool value_single(const struct values *v, value x, int64_t *c);
static inline uint32_t value_deps(const struct values *v, value x)
{
    return value_get(v, x)->deps;
}

#endif
