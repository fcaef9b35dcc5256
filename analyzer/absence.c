/* SPDX-License-Identifier: BSD-3-Clause
 * All functions of the link map are decoded in a straight line, whatever was reached, for their
 * system calls and for what they refer to; from each site the nearest reached function is looked
 * for backwards. */
#include "analyzer/absence.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_SITES = 12, SHOWN_STEPS = 12, SHOWN_DEPTH = 4, STUB_INSNS = 2, GAP_LIMIT = 256 };

enum reference_kind { REFERS_CALL, REFERS_SLOT, REFERS_ADDRESS, REFERS_DATA };

/* Functions are constants here: the object's base and the address. */
struct reference {
    uint64_t target, from; /* from: the function, or for data the word itself */
    uint64_t at;
    uint8_t kind;
};

struct site {
    uint64_t function, at;
    int64_t number; /* -1: varies */
};

struct absence {
    struct engine *e;
    const struct walk *all;
    struct arena *arena;
    VEC(struct reference) references; /* by target */
    VEC(struct site) sites;
    VEC(uint64_t) reached; /* functions, ascending */
    VEC(uint64_t) queue;
    struct address_map came; /* function -> the reference by which it leads to a site */
};

static int by_target(const void *x, const void *y)
{
    const struct reference *a = x, *b = y;
    if (a->target != b->target)
        return a->target < b->target ? -1 : 1;
    return a->from != b->from ? (a->from < b->from ? -1 : 1) : (a->at > b->at) - (a->at < b->at);
}

static int ascending(const void *x, const void *y)
{
    uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return (a > b) - (a < b);
}

static bool is_reached(const struct absence *s, uint64_t function)
{
    return s->reached.count &&
           bsearch(&function, s->reached.items, s->reached.count, sizeof function, ascending);
}

static void refer(struct absence *s, const struct object *from, uint64_t function, uint64_t at,
                  uint64_t target, enum reference_kind kind)
{
    struct reference r = {target, from->base + function, at, (uint8_t)kind};
    vec_push(s->arena, &s->references, r);
}

/* What a call goes to: through a call stub, what its slot is bound to. */
static uint64_t call_target(struct absence *s, struct object *o, uint64_t target,
                            enum reference_kind *kind)
{
    const struct elf_segment *segment = elf_segment_at(o->elf, target);
    uint64_t at = target;
    for (unsigned i = 0; segment && i < STUB_INSNS; i++) {
        uint64_t left = segment->vaddr + segment->filesz - at;
        const unsigned char *bytes = elf_bytes(o->elf, at, left);
        struct insn insn;
        if (!bytes)
            break;
        at += s->e->arch->decode(bytes, left, at, &insn);
        if (insn.op == OP_JMP_INDIRECT) {
            enum edge_kind how = EDGE_CALL;
            struct function *f = engine_call_target(s->e, engine_function(s->e, o, target), &how);
            *kind = REFERS_SLOT;
            return f ? f->object->base + f->address : 0;
        }
        if (insn.op != OP_NOP)
            break;
    }
    return o->base + target;
}

/* A function whose address a memory operand or lea gives. */
static void note_operand(struct absence *s, struct object *o, uint64_t function, uint64_t at,
                         const struct insn *i)
{
    bool fixed = i->base == REG_NONE && i->index == REG_NONE && !i->segment;
    uint64_t place = (uint64_t)i->disp, constant = 0;
    if (i->src_kind != OPERAND_MEM || !fixed)
        return;
    if (i->op == OP_LEA) {
        if (memory_is_code(o, place))
            refer(s, o, function, at, o->base + place, REFERS_ADDRESS);
        return;
    }
    struct function *f = NULL;
    if (!elf_relocation_at(o->elf, place) || !memory_pointer(s->e, o, place, &f, &constant) || !f)
        return;
    const struct elf_relocation *slot = elf_relocation_at(o->elf, place);
    if (i->op == OP_JMP_INDIRECT && slot->plt)
        return; /* a call stub */
    bool called = i->op == OP_CALL_INDIRECT || i->op == OP_JMP_INDIRECT;
    refer(s, o, function, at, f->object->base + f->address, called ? REFERS_SLOT : REFERS_ADDRESS);
}

/* The number register after an instruction: the constant it loads, -1 when that is not known. */
static int64_t number_after(const struct absence *s, const struct insn *i, int64_t before)
{
    unsigned reg = s->e->arch->number;
    bool to = i->dst_kind == OPERAND_REG && i->dst == reg;
    if (to && i->op == OP_MOV && i->src_kind == OPERAND_IMM)
        return (int64_t)(uint32_t)i->imm;
    if (to && i->op == OP_XOR && i->src_kind == OPERAND_REG && i->src == reg)
        return 0;
    if (i->op == OP_CALL || i->op == OP_CALL_INDIRECT || i->op == OP_SYSCALL)
        return -1;
    if (to && i->op != OP_CMP && i->op != OP_TEST)
        return -1;
    if ((i->op == OP_REGS || i->op == OP_CLOBBER) && (i->imm >> reg & 1))
        return -1;
    return before;
}

/* The start of the function that holds an address. */
static uint64_t function_of(const struct absence *s, uint64_t constant)
{
    const struct object *o = engine_object_at(s->e, constant);
    const struct function_range *range = o ? functions_at(&o->functions, constant - o->base) : NULL;
    return range ? o->base + range->start : constant;
}

/* A range may end before its function does (where unwinding ends): up to the next, when near. */
static uint64_t sweep_end(const struct object *o, const struct function_range *range)
{
    const struct function_range *next = range + 1;
    const struct elf_segment *segment = elf_segment_at(o->elf, range->start);
    if (!segment || next == o->functions.ranges.items + o->functions.ranges.count ||
        next->start < range->end || next->start - range->end > GAP_LIMIT ||
        next->start - segment->vaddr > segment->filesz)
        return range->end;
    return next->start;
}

static void sweep_function(struct absence *s, struct object *o, const struct function_range *range)
{
    uint64_t end = sweep_end(o, range);
    const unsigned char *bytes = elf_bytes(o->elf, range->start, end - range->start);
    int64_t number = -1;
    for (uint64_t at = range->start; bytes && at < end;) {
        struct insn i;
        uint64_t next = at + s->e->arch->decode(bytes + (at - range->start), end - at, at, &i);
        if (next <= at)
            return;
        if (i.op == OP_SYSCALL) {
            struct site site = {o->base + range->start, at, number};
            vec_push(s->arena, &s->sites, site);
        }
        uint64_t target = (uint64_t)i.imm;
        bool away = i.op == OP_CALL || ((i.op == OP_JMP || i.op == OP_JCC) &&
                                        (target < range->start || target >= range->end));
        if (away) {
            enum reference_kind kind = REFERS_CALL;
            target = call_target(s, o, target, &kind);
            refer(s, o, range->start, at, function_of(s, target), kind);
        }
        note_operand(s, o, range->start, at, &i);
        number = number_after(s, &i, number);
        at = next;
        bool ends = i.op == OP_RET || i.op == OP_JMP || i.op == OP_JMP_INDIRECT || i.op == OP_STOP;
        if (ends && at >= range->end)
            return;
    }
}

/* Pointers to functions in data. */
static void sweep_data(struct absence *s, struct object *o)
{
    vec_each (r, &o->elf->relocations) {
        struct function *f = NULL;
        uint64_t constant = 0;
        bool slot = r->plt || r->type == s->e->arch->glob_dat;
        if (slot || !memory_pointer(s->e, o, r->address, &f, &constant) || !f)
            continue;
        refer(s, o, r->address, r->address, f->object->base + f->address, REFERS_DATA);
    }
}

static void note_reached(struct absence *s)
{
    vec_each (n, &s->all->order) {
        if ((*n)->kind != NODE_CONTEXT)
            continue;
        const struct context *c = (const struct context *)*n;
        if (!c->function->data)
            vec_push(s->arena, &s->reached, c->function->object->base + c->function->address);
    }
    vec_sort(&s->reached, ascending);
}

/* ---- telling ---- */

static const char *name_at(struct absence *s, uint64_t constant)
{
    const struct object *o = engine_object_at(s->e, constant);
    return o ? arena_printf(s->arena, "%s: %s", o->elf->name,
                            graph_function_name(s->e, o, constant - o->base))
             : "?";
}

static bool span_reached(const struct absence *s, uint64_t constant)
{
    vec_each (n, &s->all->order) {
        const struct span *span = (const struct span *)*n;
        if ((*n)->kind == NODE_SPAN && constant >= span->object->base + span->start &&
            constant < span->object->base + span->end)
            return true;
    }
    return false;
}

static size_t first_reference(const struct absence *s, uint64_t target)
{
    size_t low = 0, high = s->references.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->references.items[middle].target < target)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Looks backwards from a function that is not reached for the nearest one that is. */
static uint64_t nearest_reached(struct absence *s, uint64_t function)
{
    s->came = (struct address_map){0};
    s->queue.count = 0;
    vec_push(s->arena, &s->queue, function);
    address_map_put(s->arena, &s->came, function, s);
    for (size_t done = 0; done < s->queue.count; done++) {
        uint64_t target = s->queue.items[done];
        for (size_t i = first_reference(s, target);
             i < s->references.count && s->references.items[i].target == target; i++) {
            struct reference *r = &s->references.items[i];
            if (r->kind == REFERS_DATA || address_map_get(&s->came, r->from))
                continue;
            address_map_put(s->arena, &s->came, r->from, r);
            if (is_reached(s, r->from))
                return r->from;
            vec_push(s->arena, &s->queue, r->from);
        }
    }
    return 0;
}

static const char *const refers[] = {
    [REFERS_CALL] = "calls",
    [REFERS_SLOT] = "calls, through its relocated slot,",
    [REFERS_ADDRESS] = "takes the address of",
};

static void print_chain(struct absence *s, uint64_t reached, uint64_t function)
{
    const struct reference *r = address_map_get(&s->came, reached);
    fprintf(stderr,
            "    nearest reached: %s; what it is called with, or the data it reads, never leads to "
            "0x%llx, where it\n",
            name_at(s, reached), (unsigned long long)r->at);
    for (unsigned step = 0; step < SHOWN_STEPS; step++) {
        fprintf(stderr, "      %s %s", refers[r->kind], name_at(s, r->target));
        if (r->target == function) {
            fputc('\n', stderr);
            return;
        }
        r = address_map_get(&s->came, r->target);
        fprintf(stderr, ", which at 0x%llx\n", (unsigned long long)r->at);
    }
    fputs("      ...\n", stderr);
}

/* No reached function leads there: what refers to the function at all. The first function that
 * does, or 0. */
static uint64_t print_references(struct absence *s, uint64_t function, int indent)
{
    unsigned callers = 0, words = 0, live = 0;
    uint64_t word = 0, caller = 0;
    for (size_t i = first_reference(s, function);
         i < s->references.count && s->references.items[i].target == function; i++) {
        const struct reference *r = &s->references.items[i];
        if (r->kind == REFERS_DATA) {
            word = words++ ? word : r->from;
            live += span_reached(s, r->from);
        } else if (r->from != function && r->from != caller) {
            caller = callers++ ? caller : r->from;
        }
    }
    if (callers)
        fprintf(stderr, "%*sreferred to by %u function%s%s, not reached either\n", indent, "",
                callers, callers == 1 ? ", " : "s, the first ", name_at(s, caller));
    if (words)
        fprintf(stderr, "%*sits address stands in data (%s)%s\n", indent, "", name_at(s, word),
                live ? "" : ", to which no reached code refers");
    if (!callers && !words)
        fprintf(stderr, "%*snothing in the link map refers to it\n", indent, "");
    return caller;
}

static void print_unreferred(struct absence *s, uint64_t function)
{
    for (int depth = 0; function && depth < SHOWN_DEPTH; depth++)
        function = print_references(s, function, 4 + 2 * depth);
}

/* Contexts of a reached function that come to the site. */
static bool site_executed(const struct absence *s, const struct site *site, bool *unknown)
{
    bool executed = false;
    vec_each (n, &s->all->order) {
        const struct context *c = (const struct context *)*n;
        if ((*n)->kind != NODE_CONTEXT)
            continue;
        uint64_t base = c->function->object->base;
        vec_each (call, &c->sites)
            if (call->at == site->at &&
                engine_object_at(s->e, base) == engine_object_at(s->e, site->function)) {
                executed = true;
                *unknown = *unknown || call->number < 0;
            }
    }
    return executed;
}

static void print_site(struct absence *s, const struct site *site)
{
    fprintf(stderr, "  %s, at 0x%llx%s\n", name_at(s, site->function), (unsigned long long)site->at,
            site->number < 0 ? ", makes calls by a number it is given" : "");
    if (is_reached(s, site->function)) {
        fputs("    its function is reached, but what it is called with never leads there\n",
              stderr);
        return;
    }
    uint64_t reached = nearest_reached(s, site->function);
    if (reached)
        print_chain(s, reached, site->function);
    else
        print_unreferred(s, site->function);
}

/* Sites that make calls by a number from elsewhere, and are reached. */
static void print_given(struct absence *s)
{
    size_t others = 0;
    vec_each (site, &s->sites) {
        bool unknown = false;
        if (site->number >= 0 || !site_executed(s, site, &unknown))
            continue;
        others += !unknown;
        if (unknown)
            fprintf(
                stderr,
                "  %s, at 0x%llx\n    is reached with a number that is not known: it may be this "
                "one (.static.unresolved)\n",
                name_at(s, site->function), (unsigned long long)site->at);
    }
    if (others)
        fprintf(stderr,
                "  %zu place%s make%s calls by a number that callers give: reached, but never with "
                "this one\n",
                others, others == 1 ? "" : "s", others == 1 ? "s" : "");
}

void absence_print(struct engine *e, const struct walk *all, const char *call, int64_t number)
{
    struct absence s = {.e = e, .all = all, .arena = arena_new()};
    note_reached(&s);
    vec_each (o, &e->objects) {
        object_prepare(e, *o);
        vec_each (range, &(*o)->functions.ranges)
            sweep_function(&s, *o, range);
        sweep_data(&s, *o);
    }
    vec_sort(&s.references, by_target);
    size_t sites = 0, shown = 0;
    vec_each (site, &s.sites)
        sites += site->number == number;
    fprintf(stderr,
            sites ? "%s: not in the set. %zu place%s in the link map could make it:\n"
                  : "%s: not in the set. No code of the link map has its number as a constant.\n",
            call, sites, sites == 1 ? "" : "s");
    vec_each (site, &s.sites)
        if (site->number == number && shown++ < SHOWN_SITES)
            print_site(&s, site);
    if (shown > SHOWN_SITES)
        fprintf(stderr, "  and %zu more\n", shown - SHOWN_SITES);
    print_given(&s);
    arena_free(s.arena);
}
