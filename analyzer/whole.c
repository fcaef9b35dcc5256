/* SPDX-License-Identifier: BSD-3-Clause
 * Functions taken whole. Following values takes memory and time; once the code of a link map is
 * beyond the bound (struct limits), a function that nothing hangs on is read in one line instead:
 * all it calls and all whose address it forms is reached, and it returns anything. That is never
 * less than following its values would give. Functions that enter the kernel, or call what needs
 * the constants it is called with (system-call numbers, names), are followed nevertheless. */
#include "analyzer/interp.h"
#include <string.h>

enum { LOWEST_ADDRESS = 0x1000, TABLE_LIMIT = 4096, FIELDS_LIMIT = 1 << 16 };

struct whole {
    struct engine *e;
    struct arena *space;
    struct context *c;
    struct object *o;
    struct unit *u;
    struct ir ir;
    bool loads_distances; /* a table's entries may be distances to functions */
    bool calls_pointers;
    VEC(uint64_t) formed; /* constants that point at data */
    VEC(int64_t) fields;  /* displacements of what is read through registers */
};

bool whole_wanted(const struct engine *e)
{
    /* Addresses in two parts are found by following values only. */
    return !e->arch->partial &&
           (e->decoded > e->limits.instructions || e->executed > e->limits.work);
}

/* A call stub, told by its first instructions alone. */
static bool may_be_stub(const struct engine *e, const struct object *o, uint64_t address)
{
    uint64_t available = 0;
    const unsigned char *bytes = elf_span(o->elf, address, &available);
    struct insn i = {.op = OP_BAD};
    unsigned length = bytes ? e->arch->decode(bytes, available, address, &i) : 0;
    if (i.op == OP_NOP && length < available)
        e->arch->decode(bytes + length, available - length, address + length, &i);
    return i.op == OP_JMP_INDIRECT;
}

/* False: the callee needs to know what it is called with. */
static bool reach(struct whole *w, struct function *f, enum edge_kind kind)
{
    if (!f->examined && may_be_stub(w->e, f->object, f->address))
        f = engine_call_target(w->e, f, &kind);
    else if (f->stub)
        f = engine_call_target(w->e, f, &kind);
    if (!f) {
        vec_push(w->e->arena, &w->c->indirect, w->ir.at);
        return true;
    }
    if (f->numbers || f->hook)
        return false;
    engine_edge(w->e, &w->c->node, w->ir.at, &engine_generic(w->e, f)->node, kind);
    engine_caller(w->e, f, w->c);
    return true;
}

static bool reach_address(struct whole *w, uint64_t address)
{
    if (!elf_executable_at(w->o->elf, address))
        return true;
    return reach(w, engine_function(w->e, w->o, address), EDGE_CALL);
}

static bool inside(const struct whole *w, uint64_t address)
{
    return address >= w->u->start && address < w->u->end;
}

/* The slot a call or jump goes through; false: the callee needs to know more. */
static bool reach_slot(struct whole *w)
{
    const struct insn *i = &w->ir.i;
    struct function *f = NULL;
    uint64_t constant = 0;
    bool slot =
        i->src_kind == OPERAND_MEM && !i->segment && i->base == REG_NONE && i->index == REG_NONE;
    if (slot && memory_pointer(w->e, w->o, (uint64_t)i->disp, &f, &constant) && f)
        return reach(w, f, EDGE_SLOT);
    vec_push(w->e->arena, &w->c->indirect, w->ir.at);
    w->calls_pointers = true;
    for (unsigned k = 0; k < PASSED_ARGUMENTS; k++)
        w->o->passed_unknown[k] = true;
    return true;
}

static void remember(struct whole *w, uint64_t constant)
{
    vec_each (known, &w->formed)
        if (*known == constant)
            return;
    const struct object *o = engine_object_at(w->e, constant);
    if (o && !elf_executable_at(o->elf, constant - o->base))
        vec_push(w->space, &w->formed, constant);
}

static void form(struct whole *w, uint64_t constant)
{
    remember(w, constant);
    memory_touch(w->e, &w->c->node, w->ir.at, constant, EDGE_STORED);
}

static void read_field(struct whole *w, int64_t displacement)
{
    vec_each (known, &w->fields)
        if (*known == displacement)
            return;
    vec_push(w->space, &w->fields, displacement);
}

/* Any register may hold any of the constants: the pointers there are reached. */
static bool touch_fields(struct whole *w)
{
    if (w->formed.count * w->fields.count > FIELDS_LIMIT)
        return false;
    vec_each (constant, &w->formed)
        vec_each (field, &w->fields) {
            uint64_t place = *constant + (uint64_t)*field;
            const struct object *o = engine_object_at(w->e, place);
            if (o && (o->absolute || elf_relocation_at(o->elf, place - o->base)))
                memory_load(w->e, &w->c->node, w->ir.at, place, 8);
        }
    return true;
}

static void touch_operands(struct whole *w)
{
    const struct insn *i = &w->ir.i;
    bool memory = i->src_kind == OPERAND_MEM || i->dst_kind == OPERAND_MEM;
    bool constant = i->base == REG_NONE && i->index == REG_NONE && !i->segment;
    if (i->op == OP_LEA) {
        if (constant && !(inside(w, (uint64_t)i->disp) && (uint64_t)i->disp != w->u->start))
            form(w, w->o->base + (uint64_t)i->disp);
    } else if (memory && constant) {
        int64_t loaded = 0;
        value v = memory_load(w->e, &w->c->node, w->ir.at, w->o->base + (uint64_t)i->disp,
                              i->width ? i->width : 8);
        if (value_single(&w->e->values, v, &loaded)) /* it may be stored elsewhere */
            form(w, (uint64_t)loaded);
    } else if (memory && i->disp == (int32_t)i->disp) {
        read_field(w, i->disp);
    }
    memory_touch_distance(w->e, &w->c->node, w->ir.at, w->o, i);
    if (!w->o->absolute)
        return;
    if (memory && !constant && i->disp >= LOWEST_ADDRESS)
        form(w, (uint64_t)i->disp);
    if (i->src_kind == OPERAND_IMM && i->width >= 4 && i->imm >= LOWEST_ADDRESS)
        form(w, (uint64_t)i->imm);
}

static bool take(struct whole *w)
{
    const struct insn *i = &w->ir.i;
    switch (i->op) {
    case OP_BAD:
    case OP_SYSCALL:
    case OP_INT80:
    case OP_SYSENTER:
        return false;
    case OP_CALL:
    case OP_JMP:
    case OP_JCC:
    case OP_LOOP:
        return inside(w, (uint64_t)i->imm) ? i->op != OP_CALL || (uint64_t)i->imm == w->u->start ||
                                                 reach_address(w, (uint64_t)i->imm)
                                           : reach_address(w, (uint64_t)i->imm);
    case OP_CALL_INDIRECT:
    case OP_JMP_INDIRECT:
        touch_operands(w);
        return reach_slot(w);
    case OP_MOVSX:
        w->loads_distances =
            w->loads_distances || (i->src_kind == OPERAND_MEM && i->src_width == 4);
        touch_operands(w);
        return true;
    default:
        touch_operands(w);
        return true;
    }
}

/* Tables of distances from their own start, or from one another's, to functions. */
static void touch_distances(struct whole *w)
{
    for (size_t k = 0; k < w->formed.count; k++) {
        uint64_t start = w->formed.items[k], raw = 0;
        struct object *o = engine_object_at(w->e, start);
        if (!o || !memory_constant(o, start - o->base) || memory_is_code(o, start - o->base))
            continue;
        for (uint64_t i = 0; i < TABLE_LIMIT; i++) {
            uint64_t place = start - o->base + 4 * i;
            if (!elf_word(o->elf, place, 4, &raw))
                break;
            uint64_t target = start - o->base + (uint64_t)(int64_t)(int32_t)raw;
            const struct function_range *range = functions_at(&o->functions, target);
            if (!range || range->start != target)
                break;
            memory_touch(w->e, &w->c->node, w->ir.at, o->base + target, EDGE_ADDRESS);
        }
    }
}

static bool scan(struct whole *w)
{
    struct unit *u = w->u;
    uint64_t available = 0, size = u->end - u->start, at = 0;
    const unsigned char *bytes = elf_span(w->o->elf, u->start, &available);
    if (!bytes || size > available)
        return false;
    while (at < size) {
        w->ir.at = u->start + at;
        at += w->e->arch->decode(bytes + at, size - at, w->ir.at, &w->ir.i);
        if (!take(w))
            return false;
    }
    vec_each (pad, &u->pads)
        if (!inside(w, pad->pad) && !reach_address(w, pad->pad))
            return false;
    if (!touch_fields(w))
        return false;
    if (w->loads_distances && w->calls_pointers)
        touch_distances(w);
    bool goes_on = !op_ends_line(w->ir.i.op) && w->ir.i.op != OP_CALL && w->ir.i.op != OP_NOP;
    return !goes_on || reach_address(w, u->end);
}

bool whole_take(struct engine *e, struct context *c)
{
    struct function *f = c->function;
    struct whole w = {.e = e, .c = c, .o = f->object};
    /* What an entry point hands over tells when code runs. */
    if (c->key.count || f->numbers || f->resolver || f->address == f->object->elf->entry)
        return false;
    w.u = object_unit(e, w.o, f->address);
    if (w.u->own_end == w.u->start) /* its end is not known */
        return false;
    w.space = arena_new();
    bool taken = scan(&w);
    arena_free(w.space);
    if (!taken) {
        c->node.edges.count = 0;
        c->indirect.count = 0;
        return false;
    }
    f->whole = true;
    c->returns = true;
    c->result = VALUE_TOP;
    if (!w.o->beyond) {
        w.o->beyond = true;
        engine_note(e, c, f->address,
                    "more code than the bound: from here on functions are taken whole");
    }
    return true;
}
