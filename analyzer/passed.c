/* SPDX-License-Identifier: BSD-3-Clause
 * What calls hand over, noted while code is interpreted. */
#include "analyzer/arguments.h"
#include "analyzer/interp.h"
#include <elf.h>
#include <string.h>

/* Addresses of objects start here (engine_add_objects): no argument that selects is one. */
#define FIRST_ADDRESS (INT64_C(1) << 40)

uint32_t passed_keep(struct engine *e, const uint32_t *list)
{
    struct passed_lists *p = &e->passed;
    size_t words = 1 + 2 * (size_t)list[0];
    uint64_t h = 0;
    if (!list[0])
        return PASSED_ANY;
    for (size_t i = 0; i < words; i++)
        h = (h ^ list[i]) * 0x9e3779b97f4a7c15u, h ^= h >> 29;
    if (p->count * 2 >= p->slot_count) {
        struct passed_lists old = *p;
        p->slot_count = old.slot_count ? old.slot_count * 2 : 1024;
        p->slots = arena_array(e->arena, p->slot_count, sizeof *p->slots);
        for (size_t i = 0; i < old.slot_count; i++) {
            size_t at = old.slots[i].hash & (p->slot_count - 1);
            while (old.slots[i].list && p->slots[at].list)
                at = (at + 1) & (p->slot_count - 1);
            if (old.slots[i].list)
                p->slots[at] = old.slots[i];
        }
    }
    size_t at = (uint32_t)h & (p->slot_count - 1);
    for (; p->slots[at].list; at = (at + 1) & (p->slot_count - 1))
        if (p->slots[at].hash == (uint32_t)h &&
            memcmp(&p->words.items[p->slots[at].list], list, words * sizeof *list) == 0)
            return p->slots[at].list;
    if (!p->words.count)
        vec_push(e->arena, &p->words, 0); /* PASSED_ANY: an empty list */
    uint32_t place = (uint32_t)p->words.count;
    for (size_t i = 0; i < words; i++)
        vec_push(e->arena, &p->words, list[i]);
    p->slots[at].hash = (uint32_t)h;
    p->slots[at].list = place;
    p->count++;
    return place;
}

/* Whether anything can be told of a value. */
static bool telling(const struct value_data *d)
{
    if (d->kind == VK_TOP)
        return d->sign != ORIGIN_NONE || d->max < PASSED_SMALL;
    if (d->kind == VK_TABLE)
        return passed_table(d);
    if (d->kind != VK_CONST)
        return false;
    for (unsigned i = 0; i < d->count; i++)
        if (d->all[i] >= FIRST_ADDRESS)
            return false;
    return true;
}

static void add(uint32_t *list, unsigned input, value v)
{
    list[1 + 2 * list[0]] = input;
    list[2 + 2 * list[0]] = v;
    list[0]++;
}

/* What stands at a place on the stack; the return address and what overlaps it are not asked for.
 */
static value look(struct run *r, int64_t offset)
{
    return offset > -8 && offset < 8 ? VALUE_TOP : state_slot(r, offset, 8);
}

/* An argument, and what stands where it points when that is on the caller's stack, or is still what
 * the caller's own caller wrote there. */
static void add_argument(struct run *r, uint32_t *list, unsigned input, value v)
{
    const struct values *values = &r->e->values;
    const struct value_data *d = value_get(values, v);
    if (telling(d))
        add(list, input, v);
    if (d->kind == VK_STACK) {
        value there = look(r, d->first);
        if (telling(value_get(values, there)))
            add(list, PASSED_POINTEE + input, there);
    } else if (d->kind == VK_TOP && d->sign == ORIGIN_INPUT && !r->s.written) {
        add(list, PASSED_POINTEE + input, value_pointee(&r->e->values, (unsigned)d->base));
    }
}

static const uint8_t go_inputs[] = {REG_AX, REG_BX, REG_CX,  REG_DI, REG_SI,
                                    REG_R8, REG_R9, REG_R10, REG_R11};

uint32_t passed_to_function(struct run *r, bool tail)
{
    uint32_t list[PASSED_LIST_LIMIT] = {0};
    const struct architecture *arch = r->e->arch;
    bool go = r->o->go && arch->machine == EM_X86_64;
    const uint8_t *inputs = go ? go_inputs : arch->arguments;
    size_t count = go ? sizeof go_inputs : sizeof arch->arguments;
    for (size_t i = 0; i < count; i++)
        add_argument(r, list, inputs[i], r->s.reg[inputs[i]]);
    int64_t pushed = arch->link == REG_NONE ? 8 : 0;
    const struct value_data sp = *value_get(&r->e->values, r->s.reg[arch->sp]);
    for (unsigned i = 0; r->o->go && sp.kind == VK_STACK && i < DEP_STACK_COUNT; i++)
        add_argument(
            r, list, DEP_STACK + i,
            look(r, sp.first + r->o->stack_arguments - (tail ? 0 : pushed) + 8 * (int64_t)i));
    return passed_keep(r->e, list);
}

uint32_t passed_to_kernel(struct run *r)
{
    uint32_t list[PASSED_LIST_LIMIT] = {0};
    if (r->ir->i.op != OP_SYSCALL)
        return PASSED_ANY;
    for (unsigned i = 0; i < sizeof r->e->arch->kernel_arguments; i++)
        add_argument(r, list, i, r->s.reg[r->e->arch->kernel_arguments[i]]);
    return passed_keep(r->e, list);
}

value passed_value(const struct engine *e, uint32_t list, unsigned input)
{
    if (list == PASSED_ANY)
        return VALUE_TOP;
    const uint32_t *all = e->passed.words.items;
    for (uint32_t at = list + 1, end = at + 2 * all[list]; at < end; at += 2)
        if (all[at] == input)
            return all[at + 1];
    return VALUE_TOP;
}

uint32_t passed_join(struct engine *e, uint32_t a, uint32_t b)
{
    uint32_t list[PASSED_LIST_LIMIT] = {0};
    if (a == b || a == PASSED_ANY)
        return a;
    for (uint32_t i = 0, count = e->passed.words.items[a]; i < count; i++) {
        unsigned input = e->passed.words.items[a + 1 + 2 * i];
        value v = value_join(&e->values, e->passed.words.items[a + 2 + 2 * i],
                             passed_value(e, b, input), false);
        if (telling(value_get(&e->values, v)))
            add(list, input, v);
    }
    return passed_keep(e, list);
}
