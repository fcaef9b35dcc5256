/* SPDX-License-Identifier: BSD-3-Clause
 * Code of an object, decoded function by function when first reached, cut into basic blocks. */
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

struct unit *object_unit(struct engine *e, struct object *o, uint64_t address)
{
    object_prepare(e, o);
    const struct function_range *range = functions_at(&o->functions, address);
    uint64_t start = range ? range->start : address, end = range ? range->end : address;
    if (!range) {
        const struct elf_segment *segment = elf_segment_at(o->elf, address);
        end = segment ? segment->vaddr + segment->filesz : address;
        if (end - start > UNKNOWN_RANGE)
            end = start + UNKNOWN_RANGE;
        for (size_t i = 0; i < o->functions.ranges.count; i++)
            if (o->functions.ranges.items[i].start > start) {
                if (o->functions.ranges.items[i].start < end)
                    end = o->functions.ranges.items[i].start;
                break;
            }
    }
    struct unit *u = address_map_get(&o->units, start);
    if (u)
        return u;
    u = ARENA_NEW(e->arena, struct unit);
    u->start = start;
    u->end = end - start > RANGE_LIMIT ? start + RANGE_LIMIT : end;
    if (range && range->lsda)
        functions_landing_pads(e->arena, o->elf, range, &u->pads);
    address_map_put(e->arena, &o->units, start, u);
    return u;
}

/* One decoding pass over a unit. */
struct pass {
    struct engine *e;
    struct arena *temporary;
    struct object *o;
    struct unit *u;
    unsigned char *seen; /* per byte of the unit, one more at its end */
    VEC(struct ir) code;
    VEC(uint64_t) work;
};

static void leader(struct pass *p, uint64_t address)
{
    if (address < p->u->start || address >= p->u->end)
        return;
    unsigned char *seen = &p->seen[address - p->u->start];
    if (*seen & LEADER)
        return;
    *seen |= LEADER;
    if (!(*seen & (SEEN | INSIDE)))
        vec_push(p->temporary, &p->work, address);
}

static void append(struct pass *p, const struct insn *i, uint64_t at)
{
    struct ir *ir = vec_add(p->temporary, &p->code);
    ir->i = *i;
    ir->at = at;
}

static void append_jump(struct pass *p, uint64_t at, uint64_t target)
{
    struct insn i = {.op = OP_JMP, .imm = (int64_t)target};
    i.dst = i.src = i.base = i.index = REG_NONE;
    append(p, &i, at);
}

/* Marks an instruction's bytes; false when it would overlap one decoded earlier. */
static bool claim(struct pass *p, uint64_t offset, unsigned length)
{
    if (p->seen[offset] & INSIDE)
        return false;
    for (unsigned k = 1; k < length && offset + k < p->u->end - p->u->start; k++)
        if (p->seen[offset + k] & SEEN)
            return false;
    p->seen[offset] |= SEEN;
    for (unsigned k = 1; k < length && offset + k < p->u->end - p->u->start; k++)
        p->seen[offset + k] |= INSIDE;
    return true;
}

static bool ends_line(unsigned op)
{
    return op == OP_JMP || op == OP_JMP_INDIRECT || op == OP_RET || op == OP_STOP || op == OP_BAD;
}

static bool is_transfer(unsigned op)
{
    return op == OP_JCC || op == OP_LOOP || op == OP_CALL || op == OP_CALL_INDIRECT;
}

static bool worth_keeping(const struct insn *i)
{
    if (i->op == OP_NOP)
        return false;
    /* Vector loads matter where they read a constant address: it may hold pointers. */
    if (i->op == OP_VLOAD)
        return i->base == REG_NONE && i->index == REG_NONE && !i->segment;
    return true;
}

static void follow_line(struct pass *p, uint64_t address)
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
        struct insn i;
        size_t left = (size_t)(available - (uint64_t)(at - bytes));
        unsigned length = p->e->arch->decode(at, left, address, &i);
        if (!length) {
            append_jump(p, address, address);
            return;
        }
        if (i.op == OP_BREAK && left > 1 && at[1] == 0xcc)
            i.op = OP_STOP; /* padding behind a call that does not return */
        if (!claim(p, offset, length)) {
            if (address != start)
                append_jump(p, address, address); /* decoded by decode_overlap() */
            return;
        }
        p->e->decoded++;
        if (worth_keeping(&i) || (p->seen[offset] & LEADER))
            append(p, &i, address);
        if (i.op == OP_JCC || i.op == OP_JMP || i.op == OP_LOOP)
            leader(p, (uint64_t)i.imm);
        if (ends_line(i.op))
            return;
        address += length;
        at += length;
        if (i.op == OP_JCC || i.op == OP_LOOP || i.op == OP_CALL || i.op == OP_CALL_INDIRECT)
            if (address < u->end)
                p->seen[address - u->start] |= LEADER;
    }
}

static int by_place(const void *x, const void *y)
{
    const struct ir *a = x, *b = y;
    return a->at < b->at ? -1 : a->at > b->at;
}

static void add_block(struct pass *p, const struct ir *first, size_t count, uint64_t next)
{
    if (address_map_get(&p->o->blocks, first->at) || !first->i.length)
        return;
    struct block *b = ARENA_NEW(p->e->arena, struct block);
    b->address = first->at;
    b->code = first;
    b->count = (uint32_t)count;
    b->next = next;
    address_map_put(p->e->arena, &p->o->blocks, first->at, b);
}

static void cut_blocks(struct pass *p)
{
    if (!p->code.count)
        return;
    vec_sort(&p->code, by_place);
    struct piece *piece = vec_add(p->e->arena, &p->u->pieces);
    piece->count = p->code.count;
    piece->code = arena_array(p->e->arena, piece->count, sizeof *piece->code);
    memcpy(piece->code, p->code.items, piece->count * sizeof *piece->code);
    size_t start = 0;
    for (size_t i = 0; i < piece->count; i++) {
        const struct ir *ir = &piece->code[i];
        bool last = i + 1 == piece->count;
        uint64_t next = last ? 0 : piece->code[i + 1].at;
        bool cut = last || ends_line(ir->i.op) || next >= p->u->end ||
                   (p->seen[next - p->u->start] & LEADER);
        if (!cut)
            continue;
        bool goes_on = !ends_line(ir->i.op);
        uint64_t after = ir->at + ir->i.length;
        /* Instructions left out stand between an instruction and the next kept one. */
        bool transfer = is_transfer(ir->i.op);
        add_block(p, &piece->code[start], i + 1 - start,
                  !goes_on             ? 0
                  : (transfer || last) ? after
                                       : next);
        start = i + 1;
    }
}

static void decode_from(struct engine *e, struct object *o, struct unit *u, uint64_t address)
{
    struct pass p = {.e = e, .temporary = arena_new(), .o = o, .u = u};
    p.seen = arena_alloc(p.temporary, u->end - u->start + 1);
    vec_each (piece, &u->pieces)
        for (size_t i = 0; i < piece->count; i++)
            if (piece->code[i].at < u->end)
                p.seen[piece->code[i].at - u->start] |= SEEN;
    p.seen[address - u->start] &= (unsigned char)~SEEN;
    leader(&p, address);
    if (!u->pieces.count)
        vec_each (pad, &u->pads)
            leader(&p, pad->pad);
    while (p.work.count)
        follow_line(&p, p.work.items[--p.work.count]);
    cut_blocks(&p);
    arena_free(p.temporary);
}

/* One block of instructions that overlap others: hand-written code that jumps past a prefix. */
static void decode_overlap(struct engine *e, struct object *o, uint64_t start)
{
    VEC(struct ir) code = {0};
    uint64_t available = 0, address = start;
    const unsigned char *bytes = elf_span(o->elf, start, &available);
    struct block *b = ARENA_NEW(e->arena, struct block);
    while (bytes && address - start < available && code.count < 4096) {
        struct ir *ir = vec_add(e->arena, &code);
        ir->at = address;
        address += e->arch->decode(bytes + (address - start),
                                   (size_t)(available - (address - start)), address, &ir->i);
        e->decoded++;
        if (ends_line(ir->i.op) || is_transfer(ir->i.op) || address_map_get(&o->blocks, address))
            break;
    }
    if (!code.count)
        return;
    b->address = start;
    b->code = code.items;
    b->count = (uint32_t)code.count;
    b->next = ends_line(code.items[code.count - 1].i.op) ? 0 : address;
    address_map_put(e->arena, &o->blocks, start, b);
}

/* The instructions from an address inside a decoded block on, as a block of their own. */
static struct block *share_tail(struct engine *e, struct object *o, const struct piece *piece,
                                size_t first)
{
    size_t last = first;
    while (last + 1 < piece->count && !ends_line(piece->code[last].i.op) &&
           !is_transfer(piece->code[last].i.op) &&
           !address_map_get(&o->blocks, piece->code[last + 1].at))
        last++;
    const struct ir *end = &piece->code[last];
    struct block *b = ARENA_NEW(e->arena, struct block);
    b->address = piece->code[first].at;
    b->code = &piece->code[first];
    b->count = (uint32_t)(last + 1 - first);
    if (!ends_line(end->i.op))
        b->next = is_transfer(end->i.op) || last + 1 == piece->count ? end->at + end->i.length
                                                                     : piece->code[last + 1].at;
    address_map_put(e->arena, &o->blocks, b->address, b);
    return b;
}

static size_t first_from(const struct piece *piece, uint64_t address)
{
    size_t low = 0, high = piece->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (piece->code[middle].at < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct block *object_block(struct engine *e, struct object *o, uint64_t address)
{
    struct block *b = address_map_get(&o->blocks, address);
    if (b || !elf_executable_at(o->elf, address))
        return b;
    struct unit *u = object_unit(e, o, address);
    if (address < u->start || address >= u->end)
        return NULL;
    vec_each (piece, &u->pieces) {
        size_t at = first_from(piece, address);
        if (at < piece->count && piece->code[at].at == address && piece->code[at].i.length)
            return share_tail(e, o, piece, at);
    }
    decode_from(e, o, u, address);
    b = address_map_get(&o->blocks, address);
    if (!b)
        decode_overlap(e, o, address);
    return address_map_get(&o->blocks, address);
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
        if (after_end || enters || address_map_get(&o->blocks, u->start + at))
            vec_push(e->arena, &found, u->start + at);
        at += length;
        after_end = ends_line(i.op);
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
        u->boundaries = arena_alloc(e->arena, size);
        for (uint64_t at = 0; bytes && at < size && at < available;) {
            struct insn i;
            u->boundaries[at] = 1;
            at += e->arch->decode(bytes + at, size - at, u->start + at, &i);
        }
    }
    return u->boundaries[address - u->start];
}
