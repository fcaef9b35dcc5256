/* SPDX-License-Identifier: BSD-3-Clause
 * Instructions, kept small. */
#include "analyzer/code.h"
#include <assert.h>
#include <string.h>

enum { SHAPE_SIZE = offsetof(struct insn, disp) };

void shapes_init(struct shapes *s, const struct architecture *arch, struct arena *a)
{
    memset(s, 0, sizeof *s);
    s->arch = arch;
    s->arena = a;
}

static size_t hash_shape(const struct insn *i)
{
    uint64_t words[2] = {0};
    static_assert(SHAPE_SIZE <= sizeof words, "a shape is hashed whole");
    memcpy(words, i, SHAPE_SIZE);
    uint64_t h = (words[0] * 0x9e3779b97f4a7c15u) ^ (words[1] * 0xc2b2ae3d27d4eb4fu);
    return (size_t)(h ^ h >> 29);
}

static void grow(struct shapes *s)
{
    size_t count = s->slot_count ? s->slot_count * 2 : 4096;
    s->slots = arena_array(s->arena, count, sizeof *s->slots);
    s->slot_count = count;
    for (size_t i = 0; i < s->items.count; i++) {
        size_t at = hash_shape(&s->items.items[i]) & (count - 1);
        while (s->slots[at])
            at = (at + 1) & (count - 1);
        s->slots[at] = (uint32_t)i + 1;
    }
}

static uint32_t shape_of(struct shapes *s, const struct insn *i)
{
    if (s->items.count * 2 >= s->slot_count)
        grow(s);
    size_t at = hash_shape(i) & (s->slot_count - 1);
    for (; s->slots[at]; at = (at + 1) & (s->slot_count - 1))
        if (memcmp(&s->items.items[s->slots[at] - 1], i, SHAPE_SIZE) == 0)
            return s->slots[at] - 1;
    struct insn *item = vec_add(s->arena, &s->items);
    memcpy(item, i, SHAPE_SIZE);
    vec_push(s->arena, &s->effects, effect_of(s->arch, i));
    s->slots[at] = (uint32_t)s->items.count;
    return (uint32_t)s->items.count - 1;
}

struct code shapes_pack(struct shapes *s, const struct insn *i, uint32_t at)
{
    struct code c = {.at = at, .shape = shape_of(s, i)};
    bool small = i->disp == (int32_t)i->disp && i->imm == (int32_t)i->imm;
    if (small && !i->disp) {
        c.operand = (int32_t)i->imm;
        c.shape |= i->imm ? HAS_IMM : 0;
    } else if (small && !i->imm) {
        c.operand = (int32_t)i->disp;
        c.shape |= HAS_DISP;
    } else {
        c.operand = (int32_t)s->wide.count;
        c.shape |= HAS_BOTH;
        vec_push(s->arena, &s->wide, i->disp);
        vec_push(s->arena, &s->wide, i->imm);
    }
    return c;
}
