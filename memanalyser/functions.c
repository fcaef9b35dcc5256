/* SPDX-License-Identifier: BSD-3-Clause */
#include "memanalyser/functions.h"
#include "memanalyser/unwind.h"
#include <inttypes.h>
#include <libiberty/demangle.h>
#include <stdlib.h>
#include <string.h>

const char *demangle(struct arena *a, const char *name)
{
    if (strncmp(name, "_Z", 2) != 0 && strncmp(name, "_R", 2) != 0)
        return name;
    /* Mangled names nest without bound; what no compiler writes is not worth a deep recursion. */
    if (strlen(name) > 16384)
        return name;
    char *text = cplus_demangle(name, DMGL_PARAMS | DMGL_ANSI | DMGL_AUTO);
    if (!text)
        return name;
    const char *copy = arena_strdup(a, text);
    free(text);
    return copy;
}

static bool is_code(const struct image *image, uint32_t section)
{
    const struct elf_section *s = &image->elf.sections.items[section];
    return (s->flags & SHF_EXECINSTR) && s->type == SHT_PROGBITS;
}

static int by_start(const void *x, const void *y)
{
    const struct function *a = x, *b = y;
    if (a->section != b->section)
        return a->section < b->section ? -1 : 1;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return (a->symbol == NULL) - (b->symbol == NULL);
}

static void from_names(struct image *image, functions *out)
{
    for (uint32_t i = 1; i < image->elf.sections.count; i++) {
        if (!is_code(image, i))
            continue;
        const struct elf_symbol *previous = NULL;
        vec_each (n, &image->names[i]) {
            const struct elf_symbol *s = n->symbol;
            if (s == previous || s->type == STT_OBJECT)
                continue; /* resumed after an inner symbol */
            previous = s;
            uint64_t end = n->end;
            if (s->size && s->size <= image->elf.sections.items[i].size - n->start)
                end = n->start + s->size;
            vec_push(image->arena, out, ((struct function){s->name, i, n->start, end, s}));
        }
    }
}

/* Whether a function found so far (sorted) holds the offset. */
static bool covered(const functions *f, size_t count, uint32_t section, uint64_t offset)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct function *m = &f->items[middle];
        if (m->section < section || (m->section == section && m->start <= offset))
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return false;
    const struct function *f0 = &f->items[low - 1];
    return f0->section == section && offset < f0->end;
}

static void from_unwind(struct image *image, functions *out)
{
    const struct elf_section *s = elf_section_by_name(&image->elf, ".eh_frame");
    if (!s || image->elf.relocatable)
        return;
    unwind_entries entries;
    unwind_read(image->arena, &image->elf, s, &entries);
    size_t known = out->count;
    vec_each (e, &entries) {
        const struct elf_section *code =
            e->pc < e->pc_end ? elf_section_at(&image->elf, e->pc) : NULL;
        if (!code || !is_code(image, code->index) || e->pc_end - code->address > code->size)
            continue;
        uint64_t start = e->pc - code->address;
        if (covered(out, known, code->index, start))
            continue;
        vec_push(image->arena, out,
                 ((struct function){arena_printf(image->arena, "fun_%" PRIx64, e->pc), code->index,
                                    start, e->pc_end - code->address, NULL}));
    }
}

void functions_find(struct image *image, functions *out)
{
    *out = (functions){0};
    from_names(image, out);
    vec_sort(out, by_start);
    from_unwind(image, out);
    vec_sort(out, by_start);
    size_t kept = 0;
    for (size_t i = 0; i < out->count; i++) {
        struct function *last = kept ? &out->items[kept - 1] : NULL;
        if (last && last->section == out->items[i].section && last->start == out->items[i].start)
            continue;
        out->items[kept++] = out->items[i];
    }
    out->count = kept;
}

/* ---- procedure linkage table ------------------------------------------------------------ */

static int by_offset(const void *x, const void *y)
{
    const struct elf_reloc *a = x, *b = y;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

static const char *slot_name(const elf_relocs *slots, const elf_symbols *symbols, uint64_t address)
{
    size_t low = 0, high = slots->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (slots->items[middle].offset < address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == slots->count || slots->items[low].offset != address)
        return NULL;
    uint32_t i = slots->items[low].symbol;
    return i && i < symbols->count && *symbols->items[i].name ? symbols->items[i].name : NULL;
}

/* x86-64: an entry jumps through its slot, ff 25 disp32, perhaps behind endbr64 and bnd. */
static uint64_t slot_of_entry(const struct elf_section *s, const unsigned char *p, uint64_t at,
                              uint64_t size)
{
    for (uint64_t k = 0; k + 6 <= size && k < 8; k++) {
        if (p[k] != 0xff || p[k + 1] != 0x25)
            continue;
        int32_t displacement;
        memcpy(&displacement, p + k + 2, 4);
        return s->address + at + k + 6 + (uint64_t)(int64_t)displacement;
    }
    return 0;
}

static int by_range(const void *x, const void *y)
{
    const struct named_range *a = x, *b = y;
    return (a->start > b->start) - (a->start < b->start);
}

static void name_section(struct image *image, const struct elf_section *s, const elf_relocs *slots,
                         const elf_symbols *symbols)
{
    uint64_t entry = strcmp(s->name, ".plt.got") == 0 && s->entry_size == 8 ? 8 : 16;
    const unsigned char *bytes = elf_contents(&image->elf, s);
    for (uint64_t at = 0; bytes && at + entry <= s->size; at += entry) {
        uint64_t slot = slot_of_entry(s, bytes + at, at, entry);
        const char *name = slot ? slot_name(slots, symbols, slot) : NULL;
        if (!name || name_at(image, s->index, at))
            continue;
        struct elf_symbol *symbol = ARENA_NEW(image->arena, struct elf_symbol);
        *symbol = (struct elf_symbol){.name = arena_printf(image->arena, "%s@plt", name),
                                      .value = s->address + at,
                                      .size = entry,
                                      .section = s->index,
                                      .type = STT_FUNC};
        vec_push(image->arena, &image->names[s->index],
                 ((struct named_range){at, at + entry, symbol}));
    }
    vec_sort(&image->names[s->index], by_range);
}

void image_name_plt(struct diag *d, struct image *image)
{
    if (image->elf.machine != EM_X86_64 || image->elf.relocatable)
        return;
    elf_symbols symbols;
    elf_relocs slots = {0};
    if (elf_symbols_read(d, image->arena, &image->elf, true, &symbols))
        return;
    vec_each (s, &image->elf.sections) {
        elf_relocs some;
        if (s->type != SHT_RELA || !(s->flags & SHF_ALLOC) ||
            elf_relocs_read(d, image->arena, &image->elf, s, &some))
            continue;
        vec_each (r, &some)
            if (r->type == R_X86_64_JUMP_SLOT || r->type == R_X86_64_GLOB_DAT)
                vec_push(image->arena, &slots, *r);
    }
    vec_sort(&slots, by_offset);
    vec_each (s, &image->elf.sections) {
        if (strncmp(s->name, ".plt", 4) == 0 && (s->flags & SHF_EXECINSTR) &&
            image->names[s->index].count == 0)
            name_section(image, s, &slots, &symbols);
    }
}
