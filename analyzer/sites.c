/* SPDX-License-Identifier: BSD-3-Clause
 * System-call instructions and import slots of one object, for the tracer. A site is taken only
 * where decoding from a function's start arrives, or where a stretch no branch leads to (behind a
 * jump table) decodes without a flaw: raw byte matches inside other instructions or data would
 * break the traced program. */
#include "analyzer/analyzer.h"
#include "analyzer/decode.h"
#include "analyzer/functions.h"
#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { SEEN_START = 1, SEEN_INSIDE = 2, SEEN_TARGET = 4 };

/* One executable segment and what is known about each of its bytes. */
struct text {
    const unsigned char *bytes;
    uint64_t address, size;
    unsigned char *seen;
};

/* A branch from one place to another. */
struct branch {
    uint64_t from, to;
};

struct sweep {
    struct arena *arena;
    const struct functions *functions;
    VEC(struct text) texts;
    VEC(uint64_t) work;
    VEC(uint64_t) tables;        /* indirect jumps that may lead anywhere in their function */
    VEC(struct branch) branches; /* between functions' middles: parts of one */
    bool *loose;                 /* per part(): such a jump may lead there */
    syscall_sites *sites;
};

/* Numbers the ranges of functions and the gaps between them. */
static size_t part(const struct sweep *s, uint64_t address)
{
    const struct function_range *range = functions_at(s->functions, address);
    if (range)
        return 2 * (size_t)(range - s->functions->ranges.items) + 1;
    size_t low = 0, high = s->functions->ranges.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->functions->ranges.items[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return 2 * low;
}

static void note_branch(struct sweep *s, const struct insn *i, uint64_t address)
{
    if (i->op == OP_JMP_INDIRECT) {
        bool slot = i->src_kind == OPERAND_MEM && i->base == REG_NONE && i->index == REG_NONE;
        if (!slot)
            vec_push(s->arena, &s->tables, address);
        return;
    }
    if (i->op != OP_JCC && i->op != OP_JMP && i->op != OP_LOOP)
        return;
    uint64_t to = (uint64_t)i->imm;
    const struct function_range *range = functions_at(s->functions, to);
    bool inside = range && address >= range->start && address < range->end;
    if (!inside && !(i->op == OP_JMP && range && range->start == to))
        vec_push(s->arena, &s->branches, ((struct branch){address, to}));
}

/* A jump table may lead to any instruction of its function, the parts set apart from it included:
 * what stands before an instruction there need not have run. */
static void find_loose(struct sweep *s)
{
    s->loose = arena_array(s->arena, 2 * s->functions->ranges.count + 2, sizeof *s->loose);
    vec_each (at, &s->tables)
        s->loose[part(s, *at)] = true;
    for (bool changed = s->tables.count; changed;) {
        changed = false;
        vec_each (b, &s->branches) {
            bool *from = &s->loose[part(s, b->from)], *to = &s->loose[part(s, b->to)];
            changed = changed || *from != *to;
            *from = *to = *from || *to;
        }
    }
}

static struct text *text_at(struct sweep *s, uint64_t address)
{
    vec_each (t, &s->texts)
        if (address >= t->address && address - t->address < t->size)
            return t;
    return NULL;
}

static void add_target(struct sweep *s, uint64_t address)
{
    struct text *t = text_at(s, address);
    if (!t)
        return;
    unsigned char *seen = &t->seen[address - t->address];
    if (!(*seen & SEEN_TARGET)) {
        *seen |= SEEN_TARGET;
        vec_push(s->arena, &s->work, address);
    }
}

static void mark(struct text *t, uint64_t offset, unsigned length)
{
    t->seen[offset] |= SEEN_START;
    for (unsigned i = 1; i < length; i++)
        t->seen[offset + i] |= SEEN_INSIDE;
}

/* Decodes one straight line, to its first transfer that does not go on. */
static void follow(struct sweep *s, uint64_t address)
{
    struct text *t = text_at(s, address);
    while (t && address - t->address < t->size) {
        uint64_t offset = address - t->address;
        struct insn insn;
        if (t->seen[offset] & SEEN_START)
            return;
        unsigned length = decode(t->bytes + offset, t->size - offset, address, &insn);
        if (insn.op == OP_BAD)
            return;
        mark(t, offset, length);
        note_branch(s, &insn, address);
        if (insn.op == OP_JCC || insn.op == OP_JMP || insn.op == OP_CALL || insn.op == OP_LOOP)
            add_target(s, (uint64_t)insn.imm);
        if (insn.op == OP_JMP || insn.op == OP_JMP_INDIRECT || insn.op == OP_RET ||
            insn.op == OP_STOP)
            return;
        address += length;
    }
}

static void follow_all(struct sweep *s)
{
    while (s->work.count)
        follow(s, s->work.items[--s->work.count]);
}

/* Whether the undecoded stretch [from, to) of a segment decodes as whole instructions. */
static bool clean(const struct text *t, uint64_t from, uint64_t to)
{
    while (from < to) {
        struct insn insn;
        unsigned length = decode(t->bytes + from, t->size - from, t->address + from, &insn);
        if (insn.op == OP_BAD)
            return false;
        from += length;
    }
    return from == to;
}

static void fill_gaps(struct sweep *s, const struct function_range *range)
{
    struct text *t = text_at(s, range->start);
    if (!t)
        return;
    uint64_t from = range->start - t->address, end = range->end - t->address;
    if (end > t->size)
        end = t->size;
    while (from < end) {
        if (t->seen[from] & (SEEN_START | SEEN_INSIDE)) {
            from++;
            continue;
        }
        uint64_t to = from;
        while (to < end && !(t->seen[to] & (SEEN_START | SEEN_INSIDE)))
            to++;
        if (clean(t, from, to)) {
            for (uint64_t at = from; at < to;) {
                /* Something unknown may lead to any of its instructions. */
                add_target(s, t->address + at);
                follow_all(s);
                while (at < to && t->seen[at] & (SEEN_START | SEEN_INSIDE))
                    at++;
            }
        }
        from = to;
    }
}

/* The constant in eax before the site at offset, looking back through one straight line. */
static int64_t number_before(const struct text *t, uint64_t offset)
{
    for (unsigned steps = 0; steps < 40 && offset; steps++) {
        if (t->seen[offset] & SEEN_TARGET)
            return -1;
        uint64_t before = offset - 1;
        while (before && offset - before < 15 && !(t->seen[before] & SEEN_START))
            before--;
        struct insn i;
        if (!(t->seen[before] & SEEN_START) ||
            before + decode(t->bytes + before, t->size - before, t->address + before, &i) != offset)
            return -1;
        bool writes =
            i.dst_kind == OPERAND_REG && i.dst == REG_AX && i.op != OP_CMP && i.op != OP_TEST;
        if (writes && i.op == OP_MOV && i.src_kind == OPERAND_IMM && i.width >= 4)
            return i.width == 4 ? (int64_t)(uint32_t)i.imm : i.imm;
        if (writes && i.op == OP_XOR && i.src_kind == OPERAND_REG && i.src == REG_AX)
            return 0;
        if (writes || (i.op == OP_REGS && (i.imm & 1)) || (i.op == OP_CLOBBER && (i.imm & 1)) ||
            (i.op == OP_XCHG && (i.dst == REG_AX || i.src == REG_AX)) || i.op == OP_CALL ||
            i.op == OP_CALL_INDIRECT || i.op == OP_SYSCALL || i.op == OP_INT80 || i.op == OP_JMP ||
            i.op == OP_JMP_INDIRECT || i.op == OP_RET || i.op == OP_STOP)
            return -1;
        offset = before;
    }
    return -1;
}

static void collect_sites(struct sweep *s, const struct text *t)
{
    for (uint64_t at = 0; at + 1 < t->size; at++) {
        if (!(t->seen[at] & SEEN_START) || (t->bytes[at] != 0x0f && t->bytes[at] != 0xcd))
            continue;
        struct insn insn;
        decode(t->bytes + at, t->size - at, t->address + at, &insn);
        if (insn.op != OP_SYSCALL && insn.op != OP_INT80 && insn.op != OP_SYSENTER)
            continue;
        struct syscall_site *site = vec_add(s->arena, s->sites);
        site->address = t->address + at;
        site->length = insn.length;
        bool certain = insn.op == OP_SYSCALL && !s->loose[part(s, site->address)];
        site->number = certain ? number_before(t, at) : -1;
    }
}

static int by_slot(const void *x, const void *y)
{
    const struct import_slot *a = x, *b = y;
    return a->slot < b->slot ? -1 : a->slot > b->slot;
}

/* Imported functions and their slots, by slot. */
static void find_slots(struct arena *a, const struct elf_object *elf, import_slots *out)
{
    vec_each (r, &elf->relocations) {
        if (r->kind != RELOC_SYMBOLIC || !r->symbol || r->symbol >= elf->symbols.count)
            continue;
        const struct elf_symbol *symbol = &elf->symbols.items[r->symbol];
        bool function = symbol->type == STT_FUNC || symbol->type == STT_GNU_IFUNC;
        bool slot = r->plt || (r->type == R_X86_64_GLOB_DAT && function);
        if (!slot || symbol->section != SHN_UNDEF || !*symbol->name)
            continue;
        struct import_slot *import = vec_add(a, out);
        import->name = arena_strdup(a, symbol->name);
        import->version = symbol->version ? arena_strdup(a, symbol->version) : NULL;
        import->slot = r->address;
    }
    vec_sort(out, by_slot);
}

static struct import_slot *slot_at(const import_slots *slots, uint64_t address)
{
    struct import_slot key = {.slot = address};
    return slots->count ? bsearch(&key, slots->items, slots->count, sizeof key, by_slot) : NULL;
}

/* `call *slot(%rip)` and `jmp *slot(%rip)`, with one prefix at most. */
static void collect_calls(struct sweep *s, const struct text *t, const import_slots *slots,
                          slot_calls *calls)
{
    for (uint64_t at = 0; at + 7 <= t->size; at++) {
        const unsigned char *bytes = t->bytes + at;
        unsigned prefix = bytes[0] != 0xff;
        int32_t displacement = 0;
        if (!(t->seen[at] & SEEN_START) || bytes[prefix] != 0xff ||
            (bytes[prefix + 1] != 0x15 && bytes[prefix + 1] != 0x25))
            continue;
        memcpy(&displacement, bytes + prefix + 2, sizeof displacement);
        uint64_t next = t->address + at + prefix + 6;
        uint64_t slot = next + (uint64_t)(int64_t)displacement;
        struct insn insn;
        if (slot_at(slots, slot) &&
            decode(bytes, t->size - at, t->address + at, &insn) == prefix + 6)
            vec_push(s->arena, calls, ((struct slot_call){t->address + at, slot}));
    }
}

static void add_texts(struct sweep *s, const struct elf_object *elf)
{
    vec_each (segment, &elf->segments) {
        if (!(segment->flags & PF_X) || !segment->filesz)
            continue;
        const unsigned char *bytes = elf_bytes(elf, segment->vaddr, segment->filesz);
        if (!bytes)
            continue;
        struct text *t = vec_add(s->arena, &s->texts);
        *t = (struct text){bytes, segment->vaddr, segment->filesz,
                           arena_alloc(s->arena, segment->filesz + 16)};
    }
}

static int by_address(const void *x, const void *y)
{
    const struct syscall_site *a = x, *b = y;
    return a->address < b->address ? -1 : a->address > b->address;
}

enum status analyzer_sites(struct diag *d, struct arena *a, const void *image, size_t size,
                           const char *name, syscall_sites *out, slot_calls *calls)
{
    struct arena *own = arena_new();
    struct elf_object *elf = NULL;
    enum status status = elf_object_from_memory(d, own, image, size, name, &elf);
    if (!status)
        status = elf_object_load(d, elf);
    if (status) {
        arena_free(own);
        return status;
    }
    syscall_sites found = {0};
    struct functions functions;
    struct sweep s = {.arena = own, .functions = &functions, .sites = &found};
    functions_collect(own, elf, &functions);
    add_texts(&s, elf);
    add_target(&s, elf->entry);
    vec_each (range, &functions.ranges)
        add_target(&s, range->start);
    follow_all(&s);
    vec_each (range, &functions.ranges)
        fill_gaps(&s, range);
    find_loose(&s);
    vec_each (t, &s.texts)
        collect_sites(&s, t);
    vec_sort(&found, by_address);
    vec_each (site, &found)
        vec_push(a, out, *site);
    import_slots slots = {0};
    slot_calls through = {0};
    find_slots(own, elf, &slots);
    vec_each (t, &s.texts)
        collect_calls(&s, t, &slots, &through);
    vec_each (call, &through)
        vec_push(a, calls, *call);
    arena_free(own);
    return STATUS_OK;
}

/* Whether an address lies in a call-stub section, or the file has no section headers. */
static bool may_be_stub(const struct elf_object *elf, uint64_t address)
{
    if (!elf->sections.count)
        return address % 8 == 0;
    vec_each (s, &elf->sections)
        if (s->name && strncmp(s->name, ".plt", 4) == 0 && address >= s->address &&
            address - s->address < s->size)
            return true;
    return false;
}

/* Call stubs jump through their slot: `jmp *slot(%rip)`, after an optional endbr64. */
static void find_stubs(const struct elf_object *elf, import_slots *slots)
{
    vec_each (segment, &elf->segments) {
        const unsigned char *bytes =
            segment->flags & PF_X ? elf_bytes(elf, segment->vaddr, segment->filesz) : NULL;
        for (uint64_t at = 0; bytes && at + 6 <= segment->filesz; at++) {
            const unsigned char *hit = memchr(bytes + at, 0xff, segment->filesz - at - 5);
            if (!hit)
                break;
            at = (uint64_t)(hit - bytes);
            if (hit[1] != 0x25)
                continue;
            uint64_t start = segment->vaddr + at;
            int32_t displacement = 0;
            memcpy(&displacement, hit + 2, 4);
            struct import_slot *slot = slot_at(slots, start + 6 + (uint64_t)(int64_t)displacement);
            if (!slot)
                continue;
            if (at >= 1 && hit[-1] == 0xf2)
                start--; /* bnd jmp */
            uint64_t before = start - segment->vaddr;
            if (before >= 4 && memcmp(bytes + before - 4, "\xf3\x0f\x1e\xfa", 4) == 0)
                start -= 4;
            if (may_be_stub(elf, start) && !slot->stub)
                slot->stub = start;
        }
    }
}

enum status analyzer_imports(struct diag *d, struct arena *a, const void *image, size_t size,
                             const char *name, import_slots *out)
{
    struct arena *own = arena_new();
    struct elf_object *elf = NULL;
    enum status status = elf_object_from_memory(d, own, image, size, name, &elf);
    if (!status)
        status = elf_object_load(d, elf);
    if (status) {
        arena_free(own);
        return status;
    }
    find_slots(a, elf, out);
    find_stubs(elf, out);
    arena_free(own);
    return STATUS_OK;
}
