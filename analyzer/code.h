/* SPDX-License-Identifier: BSD-3-Clause
 * Private to the analyzer: code of an object, decoded function by function when first reached and
 * cut into basic blocks. Instructions are kept small: what an instruction is apart from its numbers
 * (its shape) is one of few thousand, kept once. */
#ifndef ANALYZER_CODE_H
#define ANALYZER_CODE_H

#include "analyzer/decode.h"
#include "analyzer/functions.h"
#include <stdbool.h>

struct engine;
struct architecture;
struct unit;
struct object;

/* An instruction as the interpreter sees it. */
struct ir {
    struct insn i;
    uint64_t at; /* virtual address */
};

/* An instruction as it is kept. */
struct code {
    uint32_t at;    /* from the start of the unit */
    uint32_t shape; /* index, and above it which number of the instruction operand is */
    int32_t operand;
};

/* What an instruction reads before it sets it, for any numbers: a bit per register. */
struct effect {
    uint32_t reads, sets;
    bool reads_flags, sets_flags;
};

#define SHAPE_MASK ((UINT32_C(1) << 30) - 1)
#define HAS_IMM    (UINT32_C(1) << 30)
#define HAS_DISP   (UINT32_C(2) << 30)
#define HAS_BOTH   (UINT32_C(3) << 30)

/* Instructions without their numbers, and the numbers that fit nowhere else. */
struct shapes {
    const struct architecture *arch;
    struct arena *arena;
    VEC(struct insn) items;
    VEC(struct effect) effects; /* of each */
    uint32_t *slots;            /* open addressing over items */
    size_t slot_count;
    VEC(int64_t) wide; /* displacement, then immediate */
};
void shapes_init(struct shapes *s, const struct architecture *arch, struct arena *a);
struct code shapes_pack(struct shapes *s, const struct insn *i, uint32_t at);

static inline void shapes_unpack(const struct shapes *s, const struct code *c, uint64_t start,
                                 struct ir *out)
{
    out->i = s->items.items[c->shape & SHAPE_MASK];
    out->at = start + c->at;
    switch (c->shape & HAS_BOTH) {
    case HAS_IMM:
        out->i.imm = c->operand;
        break;
    case HAS_DISP:
        out->i.disp = c->operand;
        break;
    case HAS_BOTH:
        out->i.disp = s->wide.items[(uint32_t)c->operand];
        out->i.imm = s->wide.items[(uint32_t)c->operand + 1];
        break;
    default:
        break;
    }
}

static inline const struct effect *shapes_effect(const struct shapes *s, const struct code *c)
{
    return &s->effects.items[c->shape & SHAPE_MASK];
}

/* liveness.c */
struct effect effect_of(const struct architecture *arch, const struct insn *i);
/* Fills in what leads where, and what is live, at the blocks decoded last: e->decoding.list, by
 * their numbers. */
void unit_liveness(struct engine *e, struct object *o, struct unit *u);

enum { BLOCK_LIMIT = UINT16_MAX }; /* instructions */
enum { LAST_UNKNOWN, LAST_NO, LAST_YES };

struct block {
    struct unit *unit;
    const struct code *code;
    uint16_t count;
    bool flags_live;
    uint8_t last_call;      /* whether the call at its end is the last instruction of a function */
    uint32_t id;            /* in its unit */
    uint32_t offset, after; /* from the start of the unit: its own address, and where it goes on
                             * when its last instruction is no transfer; 0: nowhere */
    uint32_t order;         /* in its unit: before what it leads to, but for loops */
    uint32_t live;          /* registers that may still be read from here on */
    /* Blocks of the first decoding, counted from 1, where it goes on and where its last instruction
     * jumps inside of its unit; 0: not looked up, or another's. */
    uint32_t next, taken;
};

/* Which of 64 addresses start a block, and how many before them do. */
struct block_rank {
    uint64_t starts;
    uint32_t before;
};

/* How many bits are set: the compiler calls a function for it where the processor need not have an
 * instruction. */
static inline uint32_t bits_set(uint64_t x)
{
    x -= x >> 1 & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)(x * UINT64_C(0x0101010101010101) >> 56);
}

struct piece {
    struct code *code;
    size_t count;
};

/* The decoded part of one function range. */
struct unit {
    uint64_t start, end;
    uint64_t own_end; /* up to there no other range starts */
    struct block_rank *ranks;
    struct block
        *blocks; /* of the first decoding, by address; later ones are in the object's map */
    uint32_t first_count, block_count; /* of all */
    VEC(struct piece) pieces;
    landing_pads pads;
    unsigned char
        *boundaries; /* a bit per byte: an instruction starts there; NULL: not known yet */
};

static inline uint64_t block_address(const struct block *b)
{
    return b->unit->start + b->offset;
}

/* Where it goes on when its last instruction is no transfer; 0: nowhere. */
static inline uint64_t block_next(const struct block *b)
{
    return b->after ? b->unit->start + b->after : 0;
}

/* Work space of decoding, kept for the next function. */
struct line;
struct block_flow;
struct order_step {
    uint32_t block, next; /* in the list; which of its successors comes next */
};
struct decoding {
    unsigned char *seen; /* per byte of the unit */
    size_t size;
    const struct unit *unit; /* decoded last */
    VEC(struct ir) code;
    VEC(struct line) lines;
    VEC(uint64_t) work, leaders, again, targets;
    VEC(struct code) kept;
    VEC(struct block) blocks;
    VEC(struct block *) list;
    VEC(struct block_flow) flows;
    VEC(struct order_step) steps;
};

/* Address -> pointer, open addressing. */
struct address_map {
    uint64_t *keys;
    void **values;
    size_t count, capacity;
};
void *address_map_get(const struct address_map *m, uint64_t key);
void address_map_put(struct arena *a, struct address_map *m, uint64_t key, void *item);

/* What of the blocks decoded last leads where. */
struct block_flow {
    struct effect effect;
    struct block *successor[2]; /* NULL: none */
    bool unknown;               /* there are others */
    bool throws;                /* may land in a pad */
};

/* block_order.c */
enum { ORDER_STEP = 1 << 10 }; /* between blocks of the first decoding: room for later ones */
/* Orders the blocks decoded last, which begin at addresses, once it is known what leads where:
 * those of the first decoding, or such that come behind a block. */
void unit_order(struct engine *e, const struct object *o, struct unit *u, const uint64_t *addresses,
                size_t count, const struct block *behind);

/* ir.c */
void object_prepare(struct engine *e, struct object *o);
struct unit *object_unit(struct engine *e, struct object *o, uint64_t address);
/* Decodes what can be reached from addresses of the unit without leaving it; behind: a block that
 * leads to them, or NULL. */
void unit_decode(struct engine *e, struct object *o, struct unit *u, const uint64_t *addresses,
                 size_t count, const struct block *behind);
bool op_ends_line(unsigned op);
bool op_is_transfer(unsigned op);

/* blocks.c */
/* The block at an address, decoding what is needed; NULL: not code. */
struct block *object_block(struct engine *e, struct object *o, uint64_t address);
/* Decodes in one go what is needed for blocks at several addresses of a unit, to which one leads.
 */
void object_blocks(struct engine *e, struct object *o, struct unit *u, const uint64_t *addresses,
                   size_t count, const struct block *behind);
/* The same, where something was decoded already. */
struct block *block_known(const struct object *o, const struct unit *u, uint64_t address);
/* Adds one that the first decoding of its unit has not found. */
struct block *block_add(struct engine *e, struct object *o, struct unit *u, uint32_t offset,
                        const struct code *code, uint16_t count, uint32_t after);
/* Its n-th instruction. */
void block_insn(const struct engine *e, const struct block *b, uint32_t n, struct ir *out);
/* Decodes the whole unit in a straight line and gives every block start in it. */
void object_all_blocks(struct engine *e, struct object *o, struct unit *u, uint64_t **starts,
                       size_t *count);
/* Whether decoding the unit in a straight line has an instruction start at an address. */
bool object_is_boundary(struct engine *e, struct object *o, struct unit *u, uint64_t address);

#endif
