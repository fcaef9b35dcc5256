/* SPDX-License-Identifier: BSD-3-Clause
 * Code of an object, decoded function by function when first reached. */
#include "analyzer/engine.h"
#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { UNKNOWN_RANGE = 1 << 16, RANGE_LIMIT = 1 << 24 };
enum { SEEN = 1, INSIDE = 2, LEADER = 4 };

static size_t map_slot(const struct address_map *m, uint64_t key)
{
    size_t at = (size_t)((key * 0x9e3779b97f4a7c15u) >> 20) & (m->capacity - 1);
    while (m->values[at] && m->keys[at] != key)
        at = (at + 1) & (m->capacity - 1);
    return at;
}

void *address_map_get(const struct address_map *m, uint64_t key)
{
    return m->capacity ? m->values[map_slot(m, key)] : NULL;
}

void address_map_put(struct arena *a, struct address_map *m, uint64_t key, void *item)
{
    if ((m->count + 1) * 2 > m->capacity) {
        struct address_map old = *m;
        m->capacity = old.capacity ? old.capacity * 2 : 64;
        m->keys = arena_array(a, m->capacity, sizeof *m->keys);
        m->values = arena_array(a, m->capacity, sizeof *m->values);
        for (size_t i = 0; i < old.capacity; i++)
            if (old.values[i]) {
                size_t at = map_slot(m, old.keys[i]);
                m->keys[at] = old.keys[i];
                m->values[at] = old.values[i];
            }
    }
    size_t at = map_slot(m, key);
    if (!m->values[at])
        m->count++;
    m->keys[at] = key;
    m->values[at] = item;
}

void object_prepare(struct engine *e, struct object *o)
{
    if (o->prepared)
        return;
    o->prepared = true;
    functions_collect(e->arena, o->elf, &o->functions);
    o->go = o->elf->language && strcmp(o->elf->language, "go") == 0;
    if (o->go)
        o->stack_arguments = 8; /* behind the return address, wherever the processor keeps it */
}

/* Where no range is known: up to the next one, or some way on. */
static uint64_t unknown_end(const struct object *o, uint64_t start)
{
    const struct elf_segment *segment = elf_segment_at(o->elf, start);
    uint64_t end = segment ? segment->vaddr + segment->filesz : start;
    if (end - start > UNKNOWN_RANGE)
        end = start + UNKNOWN_RANGE;
    const struct function_range *next = functions_after(&o->functions, start);
    return next && next->start < end ? next->start : end;
}

struct unit *object_unit(struct engine *e, struct object *o, uint64_t address)
{
    struct unit *u = o->last_unit;
    if (u && address >= u->start && address < u->own_end)
        return u;
    object_prepare(e, o);
    const struct function_range *range = functions_at(&o->functions, address);
    uint64_t start = range ? range->start : address;
    u = address_map_get(&o->units, start);
    if (!u) {
        uint64_t end = range ? range->end : unknown_end(o, start);
        u = ARENA_NEW(e->arena, struct unit);
        u->start = start;
        u->end = end - start > RANGE_LIMIT ? start + RANGE_LIMIT : end;
        const struct function_range *next = range ? functions_after(&o->functions, start) : NULL;
        u->own_end = !range ? start : next && next->start < u->end ? next->start : u->end;
        if (range && range->lsda)
            functions_landing_pads(e->arena, o->elf, range, &u->pads);
        address_map_put(e->arena, &o->units, start, u);
    }
    o->last_unit = u;
    return u;
}

/* Instructions decoded in one go, without a gap but for those left out. */
struct line {
    uint64_t at;
    size_t first, count;
};

/* One decoding pass over a unit. */
struct pass {
    struct engine *e;
    struct object *o;
    struct unit *u;
    struct decoding *d;
    unsigned char *seen; /* per byte of the unit, one more at its end */
};

static void mark_leader(struct pass *p, uint64_t offset)
{
    p->seen[offset] |= LEADER;
    vec_push(p->e->arena, &p->d->leaders, offset);
}

static void leader(struct pass *p, uint64_t address)
{
    if (address < p->u->start || address >= p->u->end)
        return;
    const unsigned char *seen = &p->seen[address - p->u->start];
    if (*seen & LEADER)
        return;
    mark_leader(p, address - p->u->start);
    if (!(*seen & (SEEN | INSIDE)))
        vec_push(p->e->arena, &p->d->work, address);
}

/* The place of the next instruction. */
static struct ir *next_place(struct pass *p)
{
    struct ir *ir = vec_add(p->e->arena, &p->d->code);
    p->d->code.count--;
    return ir;
}

static void append_jump(struct pass *p, uint64_t at, uint64_t target)
{
    struct ir *ir = vec_add(p->e->arena, &p->d->code);
    memset(ir, 0, sizeof *ir);
    ir->i.op = OP_JMP;
    ir->i.imm = (int64_t)target;
    ir->i.dst = ir->i.src = ir->i.base = ir->i.index = ir->i.first = REG_NONE;
    ir->at = at;
}

/* Marks an instruction's bytes, of which there is room for the longest behind the unit; false when
 * it would overlap one decoded earlier. */
static bool claim(struct pass *p, uint64_t offset, unsigned length)
{
    static const uint64_t every = 0x0101010101010101u;
    unsigned char *seen = &p->seen[offset];
    uint64_t bytes[2], mask[2] = {0, 0};
    unsigned inside = length - 1;
    if (*seen & INSIDE)
        return false;
    memcpy(bytes, seen + 1, sizeof bytes);
    mask[0] = inside < 8 ? (UINT64_C(1) << 8 * inside) - 1 : UINT64_MAX;
    mask[1] = inside > 8 ? (UINT64_C(1) << 8 * (inside - 8)) - 1 : 0;
    if (((bytes[0] & mask[0]) | (bytes[1] & mask[1])) & SEEN * every)
        return false;
    *seen |= SEEN;
    bytes[0] |= INSIDE * every & mask[0];
    bytes[1] |= INSIDE * every & mask[1];
    memcpy(seen + 1, bytes, sizeof bytes);
    return true;
}

bool op_ends_line(unsigned op)
{
    return op == OP_JMP || op == OP_JMP_INDIRECT || op == OP_RET || op == OP_STOP || op == OP_BAD;
}

bool op_is_transfer(unsigned op)
{
    return op == OP_JCC || op == OP_LOOP || op == OP_CALL || op == OP_CALL_INDIRECT;
}

static bool worth_keeping(const struct insn *i)
{
    if (i->op == OP_NOP)
        return false;
    /* Vector loads matter where they read a constant address: it may hold pointers. */
    if (i->op == OP_VLOAD && !i->extra)
        return i->base == REG_NONE && i->index == REG_NONE && !i->segment;
    return true;
}

static void decode_line(struct pass *p, uint64_t address)
{
    struct unit *u = p->u;
    uint64_t available = 0, start = address;
    const unsigned char *bytes = elf_span(p->o->elf, address, &available);
    const unsigned char *at = bytes;
    for (;;) {
        if (address >= u->end || !bytes) {
            append_jump(p, address, address);
            return;
        }
        uint64_t offset = address - u->start;
        if (p->seen[offset] & SEEN) {
            leader(p, address);
            return;
        }
        struct ir *ir = next_place(p);
        struct insn *i = &ir->i;
        size_t left = (size_t)(available - (uint64_t)(at - bytes));
        unsigned length = p->e->arch->decode(at, left, address, i);
        if (!length) {
            append_jump(p, address, address);
            return;
        }
        if (i->op == OP_BREAK && left > 1 && at[1] == 0xcc)
            i->op = OP_STOP; /* padding behind a call that does not return */
        if (!claim(p, offset, length)) {
            if (address != start)
                append_jump(p, address, address); /* decoded by decode_overlap() */
            return;
        }
        p->e->decoded++;
        ir->at = address;
        p->d->code.count++;
        if (i->op == OP_JCC || i->op == OP_JMP || i->op == OP_LOOP)
            leader(p, (uint64_t)i->imm);
        if (op_ends_line(i->op))
            return;
        address += length;
        at += length;
        if (op_is_transfer(i->op) && address < u->end)
            mark_leader(p, address - u->start);
    }
}

static void follow_line(struct pass *p, uint64_t address)
{
    size_t first = p->d->code.count;
    decode_line(p, address);
    if (p->d->code.count > first)
        vec_push(p->e->arena, &p->d->lines,
                 ((struct line){address, first, p->d->code.count - first}));
}

static int by_place(const void *x, const void *y)
{
    const struct line *a = x, *b = y;
    return a->at < b->at ? -1 : a->at > b->at;
}

/* Adds the block of code that starts at piece->code[first] to those found. */
static void add_block(struct pass *p, size_t first, size_t end, uint64_t next)
{
    const struct code *c = &p->d->kept.items[first];
    struct block *b = vec_add(p->e->arena, &p->d->blocks);
    b->offset = c->at;
    b->count = (uint16_t)(end - first);
    b->after = next ? (uint32_t)(next - p->u->start) : 0;
}

/* The last block of a line. */
static void end_line(struct pass *p, size_t first, const struct ir *last, uint64_t line_end)
{
    uint64_t next = op_is_transfer(last->i.op) ? last->at + last->i.length : line_end;
    add_block(p, first, p->d->kept.count, op_ends_line(last->i.op) ? 0 : next);
}

static bool is_leader(const struct pass *p, uint64_t address)
{
    return address < p->u->end && (p->seen[address - p->u->start] & LEADER);
}

/* The lines in order, without what the interpreter has no use for, cut into blocks. The places of
 * their instructions are found by counting. */
static void cut_blocks(struct pass *p)
{
    struct decoding *d = p->d;
    const struct ir *last = NULL;
    uint64_t reached = 0;
    size_t first = 0;
    vec_sort(&d->lines, by_place);
    vec_each (line, &d->lines) {
        /* A line that ends at what was decoded before goes on there, not where the next begins. */
        if (last && line->at != reached) {
            end_line(p, first, last, reached);
            first = d->kept.count;
            last = NULL;
        }
        for (const struct ir *ir = &d->code.items[line->first], *end = ir + line->count; ir != end;
             ir++) {
            reached = ir->at + ir->i.length;
            bool target = is_leader(p, ir->at);
            if (!target && !worth_keeping(&ir->i))
                continue;
            /* Instructions left out stand between an instruction and the next kept one. */
            if (last && (target || op_ends_line(last->i.op) || ir->at >= p->u->end ||
                         d->kept.count - first == BLOCK_LIMIT)) {
                uint64_t next = op_is_transfer(last->i.op) ? last->at + last->i.length : ir->at;
                add_block(p, first, d->kept.count, op_ends_line(last->i.op) ? 0 : next);
                first = d->kept.count;
            }
            vec_push(p->e->arena, &d->kept,
                     shapes_pack(&p->e->shapes, &ir->i, (uint32_t)(ir->at - p->u->start)));
            last = ir;
        }
    }
    if (last)
        end_line(p, first, last, reached);
}

/* Blocks of the first decoding are found by counting the starts before them. */
static void keep_first_blocks(struct pass *p)
{
    struct unit *u = p->u;
    size_t words = (size_t)((u->end - u->start) / 64 + 1);
    u->ranks = arena_array(p->e->arena, words, sizeof *u->ranks);
    u->blocks = arena_array(p->e->arena, p->d->blocks.count, sizeof *u->blocks);
    const struct code *code = u->pieces.items[0].code;
    vec_each (b, &p->d->blocks) {
        uint64_t bit = UINT64_C(1) << b->offset % 64;
        struct ir ir;
        shapes_unpack(&p->e->shapes, code, u->start, &ir);
        if (ir.i.length && b->offset < u->end - u->start) {
            u->ranks[b->offset / 64].starts |= bit;
            b->unit = u;
            b->code = code;
            b->id = u->block_count;
            u->blocks[u->block_count++] = *b;
            vec_push(p->e->arena, &p->d->list, &u->blocks[b->id]);
            /* Where no range tells which unit an address belongs to, its block does. */
            if (u->own_end == u->start)
                address_map_put(p->e->arena, &p->o->blocks, ir.at, &u->blocks[b->id]);
        }
        code += b->count;
    }
    for (size_t i = 1; i < words; i++)
        u->ranks[i].before = u->ranks[i - 1].before + bits_set(u->ranks[i - 1].starts);
}

static void keep_later_blocks(struct pass *p)
{
    const struct code *code = p->u->pieces.items[p->u->pieces.count - 1].code;
    vec_each (b, &p->d->blocks) {
        struct ir ir;
        shapes_unpack(&p->e->shapes, code, p->u->start, &ir);
        if (ir.i.length && !block_known(p->o, p->u, ir.at))
            vec_push(p->e->arena, &p->d->list,
                     block_add(p->e, p->o, p->u, b->offset, code, b->count, b->after));
        code += b->count;
    }
}

static void keep(struct pass *p)
{
    struct piece *piece = vec_add(p->e->arena, &p->u->pieces);
    piece->count = p->d->kept.count;
    piece->code = arena_array(p->e->arena, piece->count, sizeof *piece->code);
    if (piece->count)
        memcpy(piece->code, p->d->kept.items, piece->count * sizeof *piece->code);
    if (p->u->pieces.count == 1) {
        keep_first_blocks(p);
        p->u->first_count = p->u->block_count;
    } else {
        keep_later_blocks(p);
    }
    unit_liveness(p->e, p->o, p->u);
}

enum { LONGEST = 16 }; /* bytes behind a unit that claim() may touch */

/* Starts of all that is kept are marked; those of the unit decoded last still are. */
static void prepare_space(struct pass *p)
{
    struct decoding *d = p->d;
    size_t size = p->u->end - p->u->start;
    d->code.count = d->lines.count = d->work.count = d->kept.count = d->blocks.count = 0;
    d->leaders.count = d->list.count = 0;
    if (d->unit != p->u) {
        if (d->size < size + LONGEST) {
            d->size = size < 1 << 16 ? (1 << 16) + LONGEST : size + LONGEST;
            d->seen = arena_alloc(p->e->arena, d->size);
        }
        memset(d->seen, 0, size + LONGEST);
        vec_each (piece, &p->u->pieces)
            for (size_t i = 0; i < piece->count; i++)
                if (piece->code[i].at < size)
                    d->seen[piece->code[i].at] |= SEEN;
    }
    d->unit = p->u;
    p->seen = d->seen;
}

/* Leaves only the marks of what is kept. */
static void clear_space(struct pass *p)
{
    size_t size = p->u->end - p->u->start;
    vec_each (line, &p->d->lines) {
        const struct ir *last = &p->d->code.items[line->first + line->count - 1];
        uint64_t first = line->at - p->u->start, end = last->at + last->i.length - p->u->start;
        memset(&p->seen[first], 0, (size_t)(end - first));
    }
    vec_each (offset, &p->d->leaders)
        p->seen[*offset] &= (unsigned char)~LEADER;
    vec_each (c, &p->d->kept)
        if (c->at < size)
            p->seen[c->at] = SEEN;
}

void unit_decode(struct engine *e, struct object *o, struct unit *u, const uint64_t *addresses,
                 size_t count, const struct block *behind)
{
    struct pass p = {.e = e, .o = o, .u = u, .d = &e->decoding};
    prepare_space(&p);
    /* What was decoded at one of them was no instruction, or is not all that begins there. */
    p.d->again.count = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned char *seen = &p.seen[addresses[i] - u->start];
        if (*seen & SEEN)
            vec_push(e->arena, &p.d->again, addresses[i] - u->start);
        *seen &= (unsigned char)~SEEN;
    }
    for (size_t i = 0; i < count; i++)
        leader(&p, addresses[i]);
    if (!u->pieces.count)
        vec_each (pad, &u->pads)
            leader(&p, pad->pad);
    while (p.d->work.count)
        follow_line(&p, p.d->work.items[--p.d->work.count]);
    cut_blocks(&p);
    keep(&p);
    bool first = u->pieces.count == 1;
    if (first || behind)
        unit_order(e, o, u, addresses, count, first ? NULL : behind);
    clear_space(&p);
    vec_each (offset, &p.d->again)
        p.seen[*offset] |= SEEN;
}
