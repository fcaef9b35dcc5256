/* SPDX-License-Identifier: BSD-3-Clause
 * Memory of the link map as the dynamic linker leaves it: what pointers it holds, and which data
 * objects code has reached. A data object is a stretch between two places known to start one; the
 * pointers in it count only once it is reached. */
#include "analyzer/summary.h"
#include <ctype.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { OBJECT_ALIGNMENT = 16, LOWEST_ADDRESS = 0x1000 };

struct object *engine_object_at(const struct engine *e, uint64_t constant)
{
    uint64_t slot = constant >> 40;
    if (slot == 0)
        return e->objects.count && e->objects.items[0]->base == 0 && constant >= LOWEST_ADDRESS &&
                       elf_segment_at(e->objects.items[0]->elf, constant)
                   ? e->objects.items[0]
                   : NULL;
    if (slot > e->objects.count)
        return NULL;
    struct object *o = e->objects.items[slot - 1];
    return o->base && elf_segment_at(o->elf, constant - o->base) ? o : NULL;
}

static bool in_code_section(const struct elf_object *elf, uint64_t address)
{
    vec_each (s, &elf->sections)
        if ((s->flags & SHF_ALLOC) && address >= s->address && address - s->address < s->size)
            return s->flags & SHF_EXECINSTR;
    return false;
}

bool memory_is_code(struct object *o, uint64_t address)
{
    if (address % o->step || !elf_executable_at(o->elf, address))
        return false;
    /* Old layouts keep read-only data in the executable segment. */
    return !o->elf->sections.count || in_code_section(o->elf, address);
}

void memory_find_copies(struct engine *e, struct object *o)
{
    vec_each (r, &o->elf->relocations) {
        if (r->kind != RELOC_COPY || r->symbol >= o->elf->symbols.count)
            continue;
        struct linkmap_binding b = linkmap_bind(e->map, o->elf, r->symbol, BIND_COPY);
        if (b.object && b.object != o->elf && b.object->index < e->objects.count)
            vec_push(e->arena, &o->copies,
                     ((struct copied){r->address, o->elf->symbols.items[r->symbol].size,
                                      e->objects.items[b.object->index], b.address}));
    }
}

const struct copied *memory_copied(const struct object *o, uint64_t address)
{
    vec_each (copy, &o->copies)
        if (address >= copy->address && address - copy->address < copy->size)
            return copy;
    return NULL;
}

static bool in_relro(const struct object *o, uint64_t address)
{
    const struct elf_range *relro = &o->elf->relro;
    return address >= relro->address && address - relro->address < relro->size;
}

/* Whether memory at an address never changes once relocated, and the file holds what it is made
 * from: not so for what a copy relocation fills. */
bool memory_constant(const struct object *o, uint64_t address)
{
    if (!elf_writable_at(o->elf, address))
        return elf_segment_at(o->elf, address) != NULL;
    if (address >= o->got.address && address - o->got.address < o->got.size)
        return true;
    /* What relocates itself writes to its own before it protects them. */
    return !o->self_relocating && in_relro(o, address) && !memory_copied(o, address);
}

bool memory_pointer(struct engine *e, struct object *o, uint64_t address, struct function **target,
                    uint64_t *constant)
{
    struct linkmap_binding b = linkmap_pointer(e->map, o->elf, address);
    *target = NULL;
    *constant = 0;
    if (b.bound && e->current)
        summaries_slot(e, e->current, (struct slot_read){o->base + address, slot_binding(e, &b)});
    if (!b.object || b.object->index >= e->objects.count)
        return false;
    struct object *to = e->objects.items[b.object->index];
    if (to->elf != b.object)
        return false;
    if (b.ifunc || memory_is_code(to, b.address)) {
        *target = engine_function(e, to, b.address);
        if (*target && b.ifunc)
            (*target)->resolver = true;
    }
    *constant = to->base + b.address;
    return true;
}

/* ---- data objects ---- */

static int ascending(const void *x, const void *y)
{
    uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return a < b ? -1 : a > b;
}

static void add_bound(struct engine *e, struct object *o, uint64_t address)
{
    vec_push(e->arena, &o->bounds, address);
}

/* Sections that programs give a name of C's form are arrays gathered by the linker, which code
 * walks from end to end: symbols inside cut no objects. */
static bool in_gathered_section(const struct elf_object *elf, uint64_t address)
{
    vec_each (s, &elf->sections)
        if (s->name && (isalpha((unsigned char)s->name[0]) || s->name[0] == '_') &&
            (s->flags & SHF_ALLOC) && address >= s->address && address - s->address < s->size)
            return address != s->address;
    return false;
}

static void bounds_of_symbols(struct engine *e, struct object *o, const struct elf_symbol *symbols,
                              size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct elf_symbol *s = &symbols[i];
        if (s->type != STT_OBJECT || s->section == SHN_UNDEF || s->section == SHN_ABS || !s->value)
            continue;
        if (in_gathered_section(o->elf, s->value))
            continue;
        add_bound(e, o, s->value);
        if (s->size && s->value + s->size > s->value &&
            !in_gathered_section(o->elf, s->value + s->size))
            add_bound(e, o, s->value + s->size);
    }
}

static bool is_data(struct object *o, uint64_t address)
{
    return address % OBJECT_ALIGNMENT == 0 && elf_segment_at(o->elf, address) &&
           !(o->mixed ? memory_is_code(o, address) : elf_executable_at(o->elf, address));
}

/* Targets of `lea disp32(%rip)` and `mov $imm32, %reg` patterns: places where code takes the
 * address of data. Only well-aligned ones count: a field inside an object is no start of one. */
static void bounds_of_code(struct engine *e, struct object *o, const struct elf_segment *segment)
{
    const unsigned char *bytes = elf_bytes(o->elf, segment->vaddr, segment->filesz);
    uint64_t size = bytes ? segment->filesz : 0;
    for (uint64_t at = 0; at + 6 <= size; at++) {
        const unsigned char *hit = memchr(bytes + at, 0x8d, size - at - 5);
        if (!hit)
            break;
        at = (uint64_t)(hit - bytes);
        if ((hit[1] & 0xc7) != 0x05)
            continue;
        int32_t displacement = 0;
        memcpy(&displacement, hit + 2, 4);
        uint64_t target = segment->vaddr + at + 6 + (uint64_t)(int64_t)displacement;
        if (is_data(o, target))
            add_bound(e, o, target);
    }
    for (uint64_t at = 0; o->absolute && at + 5 <= size; at++) {
        uint32_t target = 0;
        if ((bytes[at] & 0xf8) != 0xb8)
            continue;
        memcpy(&target, bytes + at + 1, 4);
        if (target >= LOWEST_ADDRESS && is_data(o, target))
            add_bound(e, o, target);
    }
}

/* The same of `adrp` and the addition that completes it, wherever both are near each other. */
static void bounds_of_pairs(struct engine *e, struct object *o, const struct elf_segment *segment)
{
    enum { NEAR = 16 };
    const unsigned char *bytes = elf_bytes(o->elf, segment->vaddr, segment->filesz);
    uint64_t size = bytes ? segment->filesz : 0, pages[REG_LIMIT] = {0}, places[REG_LIMIT] = {0};
    for (uint64_t at = 0; at + 4 <= size; at += 4) {
        struct insn i;
        /* Only these two forms are looked at: adrp, and add of an unshifted immediate. */
        bool page = (bytes[at + 3] & 0x9f) == 0x90;
        if (!page && (bytes[at + 3] != 0x91 || bytes[at + 2] & 0xc0))
            continue;
        decode_aarch64(bytes + at, 4, segment->vaddr + at, &i);
        if (i.op == OP_PAGE) {
            pages[i.dst] = (uint64_t)i.disp;
            places[i.dst] = at + 4;
        } else if (i.op == OP_ADD && i.first < REG_LIMIT && places[i.first] &&
                   at - places[i.first] < 4 * NEAR &&
                   is_data(o, pages[i.first] + (uint64_t)i.imm)) {
            add_bound(e, o, pages[i.first] + (uint64_t)i.imm);
        }
    }
}

static void bounds_collect(struct engine *e, struct object *o)
{
    o->bounded = true;
    const struct elf_object *elf = o->elf;
    bounds_of_symbols(e, o, elf->symbols.items, elf->symbols.count);
    bounds_of_symbols(e, o, elf->static_symbols.items, elf->static_symbols.count);
    vec_each (s, &elf->sections)
        if (s->flags & SHF_ALLOC) {
            add_bound(e, o, s->address);
            add_bound(e, o, s->address + s->size);
        }
    vec_each (s, &elf->segments) {
        add_bound(e, o, s->vaddr);
        add_bound(e, o, s->vaddr + s->memsz);
        if (s->flags & PF_X)
            (e->arch->partial ? bounds_of_pairs : bounds_of_code)(e, o, s);
    }
    add_bound(e, o, elf->relro.address);
    add_bound(e, o, elf->relro.address + elf->relro.size);
    vec_each (r, &elf->relocations)
        if (r->kind == RELOC_RELATIVE && is_data(o, (uint64_t)r->addend))
            add_bound(e, o, (uint64_t)r->addend);
    vec_sort(&o->bounds, ascending);
    size_t kept = 0;
    for (size_t i = 0; i < o->bounds.count; i++)
        if (!kept || o->bounds.items[kept - 1] != o->bounds.items[i])
            o->bounds.items[kept++] = o->bounds.items[i];
    o->bounds.count = kept;
}

/* How many bounds lie at or before an address. */
static size_t bounds_before(const struct object *o, uint64_t address)
{
    size_t low = 0, high = o->bounds.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (o->bounds.items[middle] <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool memory_in_one_piece(struct engine *e, struct object *o, uint64_t address, uint64_t size)
{
    if (!o->bounded)
        bounds_collect(e, o);
    return !size || bounds_before(o, address) == bounds_before(o, address + size - 1);
}

static struct span *span_at(struct engine *e, struct object *o, uint64_t address)
{
    if (!o->bounded)
        bounds_collect(e, o);
    size_t low = bounds_before(o, address);
    if (!low || low == o->bounds.count)
        return NULL;
    uint64_t start = o->bounds.items[low - 1];
    struct span *s = address_map_get(&o->spans, start);
    if (s)
        return s;
    s = ARENA_NEW(e->arena, struct span);
    s->node.kind = NODE_SPAN;
    s->node.id = (uint32_t)e->nodes.count;
    vec_push(e->arena, &e->nodes, &s->node);
    s->object = o;
    s->start = start;
    s->end = o->bounds.items[low];
    address_map_put(e->arena, &o->spans, start, s);
    vec_push(e->arena, &e->span_work, s);
    return s;
}

static void touch_code(struct engine *e, struct node *from, uint64_t at, struct function *f,
                       enum edge_kind kind)
{
    if (stretch_covers(f->object, f->address))
        stretch_enter(e, from, at, f->object, f->address, kind);
    else
        engine_edge(e, from, at, &engine_generic(e, f)->node, kind);
}

void memory_touch(struct engine *e, struct node *from, uint64_t at, uint64_t constant,
                  enum edge_kind kind)
{
    struct object *o = engine_object_at(e, constant);
    if (!o)
        return;
    uint64_t address = constant - o->base;
    if (memory_is_code(o, address)) {
        touch_code(e, from, at, engine_function(e, o, address), kind);
        return;
    }
    memory_touch_span(e, from, at, o, address);
}

void memory_touch_span(struct engine *e, struct node *from, uint64_t at, struct object *o,
                       uint64_t address)
{
    struct span *s = span_at(e, o, address);
    if (s)
        engine_edge(e, from, at, &s->node, EDGE_DATA);
}

static void touch_word(struct engine *e, struct node *from, uint64_t at, struct object *o,
                       uint64_t address, enum edge_kind kind)
{
    struct function *f = NULL;
    uint64_t constant = 0;
    if (!memory_pointer(e, o, address, &f, &constant))
        return;
    if (f)
        touch_code(e, from, at, f, kind);
    else
        memory_touch(e, from, at, constant, kind);
}

value memory_load(struct engine *e, struct node *from, uint64_t at, uint64_t constant,
                  unsigned width)
{
    struct object *o = engine_object_at(e, constant);
    if (!o)
        return VALUE_TOP;
    uint64_t address = constant - o->base;
    if (width > 8) {
        for (uint64_t word = (address + 7) & ~UINT64_C(7); word + 8 <= address + width; word += 8)
            touch_word(e, from, at, o, word, EDGE_ADDRESS);
        return VALUE_TOP;
    }
    const struct elf_relocation *r = elf_relocation_at(o->elf, address);
    const struct copied *copy = memory_copied(o, address);
    if (copy && in_relro(o, address)) /* as constant as what it is a copy of */
        return memory_load(e, from, at, copy->from->base + copy->source + (address - copy->address),
                           width);
    bool slot = r && (r->plt || r->type == e->arch->glob_dat);
    bool settled = slot || memory_constant(o, address);
    if (width == 8 && (r || copy || o->absolute)) {
        struct function *f = NULL;
        uint64_t pointer = 0;
        if (memory_pointer(e, o, address, &f, &pointer)) {
            if (f)
                touch_code(e, from, at, f, EDGE_ADDRESS);
            else
                memory_touch(e, from, at, pointer, EDGE_DATA);
            if (f && f->resolver)
                return VALUE_TOP;
            return settled ? value_const(&e->values, (int64_t)pointer) : VALUE_TOP;
        }
        if (r && r->kind == RELOC_SYMBOLIC && settled &&
            linkmap_pointer(e->map, o->elf, address).weak)
            return value_const(&e->values, 0);
    }
    if (r || !memory_constant(o, address))
        return VALUE_TOP;
    uint64_t raw = 0;
    if (!elf_word(o->elf, address, width, &raw))
        return VALUE_TOP;
    return value_const(&e->values, (int64_t)raw);
}

void memory_touch_distance(struct engine *e, struct node *from, uint64_t at, struct object *o,
                           const struct insn *i)
{
    uint64_t place = o->origin + (uint64_t)i->imm;
    if (!(i->extra & EXTRA_WIDE) || !o->origin || i->imm != (int32_t)i->imm)
        return;
    memory_touch(e, from, at, o->base + place, EDGE_STORED);
    if (elf_relocation_at(o->elf, place)) /* a slot of the table */
        memory_load(e, from, at, o->base + place, 8);
}

/* Words of an object without relocations for them: any aligned word that is a valid address. */
static void scan_words(struct engine *e, struct span *s)
{
    for (uint64_t at = (s->start + 7) & ~UINT64_C(7); at + 8 <= s->end; at += 8) {
        uint64_t word = 0;
        if (!elf_word(s->object->elf, at, 8, &word) || word < LOWEST_ADDRESS)
            continue;
        const struct elf_relocation *r = elf_relocation_at(s->object->elf, at);
        if (!r && elf_segment_at(s->object->elf, word))
            touch_word(e, &s->node, at, s->object, at, EDGE_DATA);
    }
}

static void scan_span(struct engine *e, struct span *s)
{
    struct elf_object *elf = s->object->elf;
    for (size_t i = elf_relocation_from(elf, s->start); i < elf->relocations.count; i++) {
        const struct elf_relocation *r = &elf->relocations.items[i];
        if (r->address >= s->end)
            break;
        if (r->plt || r->type == e->arch->glob_dat)
            continue; /* slots of code, which code reads one by one */
        if (r->kind == RELOC_COPY && r->symbol < elf->symbols.count) {
            struct linkmap_binding b = linkmap_bind(e->map, elf, r->symbol, BIND_COPY);
            if (b.object && b.object->index < e->objects.count)
                memory_touch(e, &s->node, r->address,
                             e->objects.items[b.object->index]->base + b.address, EDGE_DATA);
        } else if (r->kind == RELOC_RELATIVE || r->kind == RELOC_SYMBOLIC ||
                   r->kind == RELOC_IRELATIVE) {
            touch_word(e, &s->node, r->address, s->object, r->address, EDGE_DATA);
        }
    }
    if (s->object->absolute)
        scan_words(e, s);
}

void memory_run(struct engine *e)
{
    while (e->span_work.count)
        scan_span(e, e->span_work.items[--e->span_work.count]);
}
