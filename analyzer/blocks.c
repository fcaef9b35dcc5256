/* SPDX-License-Identifier: BSD-3-Clause
 * Basic blocks: found by address, made where control enters the middle of one. */
#include "analyzer/engine.h"
#include <string.h>

enum { OVERLAP_LIMIT = 4096 };

struct block *block_known(const struct object *o, const struct unit *u, uint64_t address)
{
    uint64_t offset = address - u->start;
    if (u->ranks && offset < u->end - u->start) {
        const struct block_rank *rank = &u->ranks[offset / 64];
        uint64_t bit = UINT64_C(1) << offset % 64;
        if (rank->starts & bit)
            return &u->blocks[rank->before + bits_set(rank->starts & (bit - 1))];
    }
    return address_map_get(&o->blocks, address);
}

/* Where a block that the first decoding has not found comes among its: with the last before it. */
static uint32_t order_at(const struct unit *u, uint32_t offset)
{
    if (!u->ranks || !u->blocks || offset >= u->end - u->start)
        return 0;
    const struct block_rank *rank = &u->ranks[offset / 64];
    uint64_t below = rank->starts & ((UINT64_C(1) << offset % 64) - 1);
    uint32_t count = rank->before + bits_set(below);
    return count ? u->blocks[count - 1].order : 0;
}

struct block *block_add(struct engine *e, struct object *o, struct unit *u, uint32_t offset,
                        const struct code *code, uint16_t count, uint32_t after)
{
    struct block *b = ARENA_NEW(e->arena, struct block);
    *b = (struct block){.unit = u,
                        .code = code,
                        .count = count,
                        .id = u->block_count++,
                        .offset = offset,
                        .after = after,
                        .order = order_at(u, offset),
                        .live = UINT32_MAX,
                        .flags_live = true};
    address_map_put(e->arena, &o->blocks, u->start + offset, b);
    return b;
}

void block_insn(const struct engine *e, const struct block *b, uint32_t n, struct ir *out)
{
    shapes_unpack(&e->shapes, &b->code[n], b->unit->start, out);
}

/* One block of instructions that overlap others: hand-written code that jumps past a prefix. */
static void decode_overlap(struct engine *e, struct object *o, struct unit *u, uint64_t start)
{
    VEC(struct code) code = {0};
    uint64_t available = 0, address = start;
    const unsigned char *bytes = elf_span(o->elf, start, &available);
    struct ir ir = {.i.op = OP_STOP};
    while (bytes && address - start < available && code.count < OVERLAP_LIMIT) {
        ir.at = address;
        address += e->arch->decode(bytes + (address - start),
                                   (size_t)(available - (address - start)), address, &ir.i);
        vec_push(e->arena, &code, shapes_pack(&e->shapes, &ir.i, (uint32_t)(ir.at - u->start)));
        e->decoded++;
        if (op_ends_line(ir.i.op) || op_is_transfer(ir.i.op) || block_known(o, u, address))
            break;
    }
    if (code.count)
        block_add(e, o, u, (uint32_t)(start - u->start), code.items, (uint16_t)code.count,
                  op_ends_line(ir.i.op) ? 0 : (uint32_t)(address - u->start));
}

/* The instructions from an address inside a decoded block on, as a block of their own. */
static struct block *share_tail(struct engine *e, struct object *o, struct unit *u,
                                const struct piece *piece, size_t first)
{
    size_t last = first;
    struct ir ir;
    for (;; last++) {
        shapes_unpack(&e->shapes, &piece->code[last], u->start, &ir);
        if (last + 1 == piece->count || last + 1 - first == BLOCK_LIMIT || op_ends_line(ir.i.op) ||
            op_is_transfer(ir.i.op) || block_known(o, u, u->start + piece->code[last + 1].at))
            break;
    }
    uint32_t after = 0;
    if (!op_ends_line(ir.i.op))
        after = op_is_transfer(ir.i.op) || last + 1 == piece->count
                    ? (uint32_t)(ir.at + ir.i.length - u->start)
                    : piece->code[last + 1].at;
    return block_add(e, o, u, piece->code[first].at, &piece->code[first],
                     (uint16_t)(last + 1 - first), after);
}

static size_t first_from(const struct piece *piece, uint32_t offset)
{
    size_t low = 0, high = piece->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (piece->code[middle].at < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The piece in which an instruction was decoded at an address, and its place there; NULL: none. */
static const struct piece *piece_at(const struct engine *e, const struct unit *u, uint64_t address,
                                    size_t *place)
{
    uint32_t offset = (uint32_t)(address - u->start);
    vec_each (piece, &u->pieces) {
        size_t at = first_from(piece, offset);
        struct ir ir;
        if (at == piece->count || piece->code[at].at != offset)
            continue;
        shapes_unpack(&e->shapes, &piece->code[at], u->start, &ir);
        *place = at;
        if (ir.i.length)
            return piece;
    }
    return NULL;
}

struct block *object_block(struct engine *e, struct object *o, uint64_t address)
{
    struct unit *u = o->last_unit;
    if (!u || address < u->start || address >= u->own_end) {
        struct block *b = address_map_get(&o->blocks, address);
        if (b || address % o->step || !elf_executable_at(o->elf, address))
            return b;
        u = object_unit(e, o, address);
    }
    struct block *b = block_known(o, u, address);
    if (b || address < u->start || address >= u->end)
        return b;
    size_t place = 0;
    const struct piece *piece = piece_at(e, u, address, &place);
    if (piece)
        return share_tail(e, o, u, piece, place);
    unit_decode(e, o, u, &address, 1, NULL);
    if (!block_known(o, u, address))
        decode_overlap(e, o, u, address);
    return block_known(o, u, address);
}

void object_blocks(struct engine *e, struct object *o, struct unit *u, const uint64_t *addresses,
                   size_t count, const struct block *behind)
{
    struct decoding *d = &e->decoding;
    size_t place = 0;
    d->targets.count = 0;
    for (size_t i = 0; i < count; i++)
        if (addresses[i] >= u->start && addresses[i] < u->end && !block_known(o, u, addresses[i]) &&
            !piece_at(e, u, addresses[i], &place))
            vec_push(e->arena, &d->targets, addresses[i]);
    if (d->targets.count)
        unit_decode(e, o, u, d->targets.items, d->targets.count, behind->unit == u ? behind : NULL);
}

void object_all_blocks(struct engine *e, struct object *o, struct unit *u, uint64_t **starts,
                       size_t *count)
{
    VEC(uint64_t) found = {0};
    uint64_t available = 0, size = u->end - u->start;
    const unsigned char *bytes = elf_span(o->elf, u->start, &available);
    if (size > available)
        size = available;
    bool after_end = true;
    for (uint64_t at = 0; bytes && at < size;) {
        struct insn i;
        unsigned length = e->arch->decode(bytes + at, size - at, u->start + at, &i);
        bool enters = i.op == OP_SYSCALL || i.op == OP_INT80 || i.op == OP_SYSENTER;
        if (after_end || enters || block_known(o, u, u->start + at))
            vec_push(e->arena, &found, u->start + at);
        at += length;
        after_end = op_ends_line(i.op);
    }
    *starts = found.items;
    *count = found.count;
}

bool object_is_boundary(struct engine *e, struct object *o, struct unit *u, uint64_t address)
{
    if (address < u->start || address >= u->end)
        return false;
    if (!u->boundaries) {
        uint64_t available = 0, size = u->end - u->start;
        const unsigned char *bytes = elf_span(o->elf, u->start, &available);
        u->boundaries = arena_alloc(e->arena, size / 8 + 1);
        for (uint64_t at = 0; bytes && at < size && at < available;) {
            struct insn i;
            u->boundaries[at / 8] |= (unsigned char)(1 << at % 8);
            at += e->arch->decode(bytes + at, size - at, u->start + at, &i);
        }
    }
    uint64_t at = address - u->start;
    return u->boundaries[at / 8] >> at % 8 & 1;
}
