/* SPDX-License-Identifier: BSD-3-Clause
 * Code without ranges, all of it. Compilers that neither call nor return as C does (Haskell's)
 * leave an object with millions of instructions of which no table tells where functions begin and
 * end, and which jump to one another with a frame still there. Following values through that does
 * not end in sensible time. Where too many such jumps were met, all code without ranges counts as
 * one function instead, which calls and refers to all that any line of it does, from every place on
 * whose address is known anywhere. That is never less than following its values would give. */
#include "analyzer/engine.h"
#include <elf.h>
#include <string.h>

enum { LOWEST_ADDRESS = 0x1000, JUMPS_LIMIT = 48, TABLE_LIMIT = 4096, RECENT = 8 };

struct stretch {
    struct object *object;
    struct context *context;
    uint64_t start, end; /* of executable segments */
    unsigned char *seen; /* a bit per byte: an instruction there was read */
    VEC(uint64_t) work;
    uint64_t recent[RECENT]; /* data whose address was formed last */
    unsigned next_recent;
    int64_t number; /* in the register of system-call numbers; -1: not known */
    bool running;
};

bool stretch_covers(const struct object *o, uint64_t address)
{
    return o->stretch && elf_executable_at(o->elf, address) &&
           !functions_at(&o->functions, address);
}

bool stretch_wanted(const struct engine *e, struct object *o, uint64_t at)
{
    const struct function_range *range = functions_at(&o->functions, at);
    bool known = range && (range->unwind || !o->functions.unwind);
    if (known || o->go || e->arch->partial)
        return false;
    return o->stretch || ++o->jumps > JUMPS_LIMIT;
}

static void push(struct stretch *s, struct engine *e, uint64_t address)
{
    uint64_t bit = address - s->start;
    if (address >= s->start && address < s->end && !(s->seen[bit / 8] >> bit % 8 & 1))
        vec_push(e->arena, &s->work, address);
}

static void reach(struct stretch *s, struct engine *e, uint64_t at, struct function *f,
                  enum edge_kind kind)
{
    f = engine_call_target(e, f, &kind);
    if (!f)
        return;
    if (stretch_covers(f->object, f->address)) {
        stretch_enter(e, &s->context->node, at, f->object, f->address, kind);
        return;
    }
    if (f->hook == HOOK_DLOPEN || f->hook == HOOK_DLSYM)
        engine_hook(e, &(struct hook_fact){s->context, at, (enum hook)f->hook, NULL, NULL});
    f->called = true;
    engine_edge(e, &s->context->node, at, &engine_generic(e, f)->node, kind);
}

static void reach_place(struct stretch *s, struct engine *e, uint64_t at, uint64_t address)
{
    if (stretch_covers(s->object, address))
        push(s, e, address);
    else if (elf_executable_at(s->object->elf, address))
        reach(s, e, at, engine_function(e, s->object, address), EDGE_CALL);
}

static void form(struct stretch *s, struct engine *e, uint64_t at, uint64_t constant)
{
    s->recent[s->next_recent++ % RECENT] = constant;
    memory_touch(e, &s->context->node, at, constant, EDGE_STORED);
}

/* Tables of distances from their own start. */
static void touch_distances(struct stretch *s, struct engine *e, uint64_t at, unsigned width)
{
    for (unsigned k = 0; k < RECENT; k++) {
        uint64_t start = s->recent[k], raw = 0;
        struct object *o = engine_object_at(e, start);
        if (!o || o != s->object || memory_is_code(o, start - o->base))
            continue;
        start -= o->base;
        for (uint64_t i = 0; i < TABLE_LIMIT && elf_word(o->elf, start + width * i, width, &raw);
             i++) {
            uint64_t distance = width == 4 ? (uint64_t)(int64_t)(int32_t)raw : raw;
            if (!raw || !memory_is_code(o, start + distance))
                break;
            reach_place(s, e, at, start + distance);
        }
    }
}

static void touch_operands(struct stretch *s, struct engine *e, uint64_t at, const struct insn *i)
{
    struct object *o = s->object;
    bool memory = i->src_kind == OPERAND_MEM || i->dst_kind == OPERAND_MEM;
    bool constant = i->base == REG_NONE && i->index == REG_NONE && !i->segment;
    if (i->op == OP_LEA && constant) {
        form(s, e, at, o->base + (uint64_t)i->disp);
    } else if (memory && constant) {
        int64_t loaded = 0;
        value v = memory_load(e, &s->context->node, at, o->base + (uint64_t)i->disp,
                              i->width ? i->width : 8);
        if (value_single(&e->values, v, &loaded))
            form(s, e, at, (uint64_t)loaded);
    }
    bool entry = i->src_kind == OPERAND_MEM && i->index != REG_NONE;
    if (entry && (i->op == OP_MOVSX || i->op == OP_MOV))
        touch_distances(s, e, at, i->op == OP_MOVSX && i->src_width == 4 ? 4 : 8);
    memory_touch_distance(e, &s->context->node, at, o, i);
    if (!o->absolute)
        return;
    if (memory && !constant && i->disp >= LOWEST_ADDRESS)
        form(s, e, at, (uint64_t)i->disp);
    if (i->src_kind == OPERAND_IMM && i->width >= 4 && i->imm >= LOWEST_ADDRESS)
        form(s, e, at, (uint64_t)i->imm);
}

static void touch_slot(struct stretch *s, struct engine *e, uint64_t at, const struct insn *i)
{
    struct function *f = NULL;
    uint64_t constant = 0;
    bool slot =
        i->src_kind == OPERAND_MEM && !i->segment && i->base == REG_NONE && i->index == REG_NONE;
    touch_operands(s, e, at, i);
    if (slot && memory_pointer(e, s->object, (uint64_t)i->disp, &f, &constant) && f)
        reach(s, e, at, f, EDGE_SLOT);
}

/* The last constant written to the register of the number on the way there; it is not known across
 * jumps and calls. */
static void keep_number(struct stretch *s, const struct engine *e, const struct insn *i)
{
    bool writes = i->dst_kind == OPERAND_REG && i->dst == e->arch->number;
    if (i->op == OP_MOV && writes && i->src_kind == OPERAND_IMM && i->width >= 4)
        s->number = (int64_t)(uint32_t)i->imm;
    else if (i->op != OP_NOP && !(i->op == OP_MOV && i->dst_kind == OPERAND_REG && !writes) &&
             i->op != OP_LEA)
        s->number = -1;
}

static void enter_kernel(struct stretch *s, struct engine *e, uint64_t at, const struct insn *i)
{
    vec_push(e->arena, &s->context->sites,
             ((struct call_site){at, s->number, i->op, 0 /* nothing is known of arguments */}));
    s->context->loose = s->context->loose || s->number < 0;
    s->number = -1;
}

/* False: control does not go on behind it. */
static bool read_instruction(struct stretch *s, struct engine *e, uint64_t at, const struct insn *i)
{
    switch (i->op) {
    case OP_CALL:
    case OP_JCC:
    case OP_LOOP:
    case OP_JMP:
        reach_place(s, e, at, (uint64_t)i->imm);
        s->number = -1;
        return i->op != OP_JMP;
    case OP_CALL_INDIRECT:
    case OP_JMP_INDIRECT:
        touch_slot(s, e, at, i);
        s->number = -1;
        return i->op == OP_CALL_INDIRECT;
    case OP_SYSCALL:
    case OP_INT80:
    case OP_SYSENTER:
        enter_kernel(s, e, at, i);
        return true;
    case OP_RET:
    case OP_STOP:
    case OP_BAD:
        return false;
    default:
        touch_operands(s, e, at, i);
        keep_number(s, e, i);
        return true;
    }
}

static void read_line(struct stretch *s, struct engine *e, uint64_t address)
{
    uint64_t available = 0;
    const unsigned char *bytes = elf_span(s->object->elf, address, &available);
    s->number = -1;
    for (uint64_t at = 0; bytes && at < available;) {
        uint64_t bit = address + at - s->start;
        if (address + at >= s->end || (s->seen[bit / 8] >> bit % 8 & 1))
            return;
        if (!stretch_covers(s->object, address + at)) {
            reach_place(s, e, address + at, address + at);
            return;
        }
        s->seen[bit / 8] |= (unsigned char)(1u << bit % 8);
        struct insn i;
        unsigned length = e->arch->decode(bytes + at, available - at, address + at, &i);
        if (!length || !read_instruction(s, e, address + at, &i))
            return;
        e->decoded++;
        at += length;
    }
}

static void run(struct stretch *s, struct engine *e)
{
    if (s->running)
        return;
    s->running = true;
    while (s->work.count)
        read_line(s, e, s->work.items[--s->work.count]);
    s->running = false;
}

void stretch_enter(struct engine *e, struct node *from, uint64_t at, struct object *o,
                   uint64_t address, enum edge_kind kind)
{
    struct stretch *s = o->stretch;
    if (from != &s->context->node)
        engine_edge(e, from, at, &s->context->node, kind);
    push(s, e, address);
    run(s, e);
}

void stretch_begin(struct engine *e, struct object *o, uint64_t address)
{
    if (o->stretch)
        return;
    struct stretch *s = ARENA_NEW(e->arena, struct stretch);
    s->object = o;
    s->start = UINT64_MAX;
    vec_each (segment, &o->elf->segments) {
        if (!(segment->flags & PF_X))
            continue;
        s->start = segment->vaddr < s->start ? segment->vaddr : s->start;
        if (segment->vaddr + segment->filesz > s->end)
            s->end = segment->vaddr + segment->filesz;
    }
    s->seen = arena_array(e->arena, (size_t)((s->end - s->start) / 8 + 1), 1);
    struct function *f = engine_function(e, o, address);
    s->context = engine_generic(e, f);
    f->whole = true;
    s->context->returns = true;
    s->context->result = VALUE_TOP;
    s->context->node.edges.count = 0;
    s->context->sites.count = 0;
    s->context->indirect.count = 0;
    vec_push(e->arena, &s->context->indirect, address);
    for (unsigned k = 0; k < PASSED_ARGUMENTS; k++)
        o->passed_unknown[k] = true;
    o->stretch = s;
    engine_note(
        e, s->context, address,
        "more code without ranges than can be followed: all of it is taken as one function");
}

bool stretch_is(const struct context *c)
{
    const struct stretch *s = c->function->object->stretch;
    return s && s->context == c;
}
