/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/functions.h"
#include "common/dwarf_reader.h"
#include <dwarf.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

struct cie {
    uint64_t address;
    unsigned pointer_encoding, lsda_encoding;
    bool augmented, valid;
};

static void read_cie(const struct elf_object *elf, uint64_t address, struct cie *cie)
{
    memset(cie, 0, sizeof *cie);
    cie->address = address;
    cie->lsda_encoding = DW_EH_PE_omit;
    uint64_t available = 0;
    const unsigned char *bytes = elf_span(elf, address, &available);
    if (!bytes)
        return;
    struct dwarf_reader r = {bytes, bytes + available, address, false};
    uint64_t length = dwarf_fixed(&r, 4);
    if (r.bad || length > (uint64_t)(r.end - r.at))
        return;
    r.end = r.at + length;
    if (dwarf_fixed(&r, 4) != 0)
        return;
    unsigned version = (unsigned)dwarf_fixed(&r, 1);
    const char *augmentation = (const char *)r.at;
    while (!r.bad && dwarf_fixed(&r, 1))
        ;
    if (r.bad)
        return;
    dwarf_unsigned(&r);
    dwarf_unsigned(&r);
    if (version == 1)
        dwarf_fixed(&r, 1);
    else
        dwarf_unsigned(&r);
    if (augmentation[0] == 'z') {
        cie->augmented = true;
        dwarf_unsigned(&r);
        for (const char *c = augmentation + 1; *c && !r.bad; c++) {
            if (*c == 'R')
                cie->pointer_encoding = (unsigned)dwarf_fixed(&r, 1);
            else if (*c == 'L')
                cie->lsda_encoding = (unsigned)dwarf_fixed(&r, 1);
            else if (*c == 'P')
                dwarf_skip_pointer(&r, (unsigned)dwarf_fixed(&r, 1));
        }
    }
    cie->valid = !r.bad;
}

static void read_fde(struct arena *a, struct functions *out, struct dwarf_reader *r,
                     const struct cie *cie)
{
    uint64_t start = dwarf_pointer(r, cie->pointer_encoding, 0);
    uint64_t size = dwarf_pointer(r, cie->pointer_encoding & 0xf, 0);
    uint64_t lsda = 0;
    if (cie->augmented) {
        dwarf_unsigned(r);
        lsda = dwarf_pointer(r, cie->lsda_encoding, start);
    }
    if (r->bad || !size || start + size < start || !elf_executable_at(out->elf, start))
        return;
    struct function_range *range = vec_add(a, &out->ranges);
    *range = (struct function_range){start, start + size, lsda, true};
    out->unwind = true;
}

static void collect_unwind(struct arena *a, struct functions *out)
{
    const struct elf_object *elf = out->elf;
    uint64_t available = 0, address = elf->eh_frame.address;
    const unsigned char *bytes = elf->eh_frame.size ? elf_span(elf, address, &available) : NULL;
    if (!bytes)
        return;
    if (available > elf->eh_frame.size)
        available = elf->eh_frame.size;
    struct dwarf_reader r = {bytes, bytes + available, address, false};
    struct cie cie = {0};
    while (!r.bad) {
        uint64_t length = dwarf_fixed(&r, 4);
        if (length == 0xffffffff)
            length = dwarf_fixed(&r, 8);
        if (r.bad || !length || length > (uint64_t)(r.end - r.at))
            break;
        struct dwarf_reader entry = {r.at, r.at + length, r.address, false};
        uint64_t place = entry.address, id = dwarf_fixed(&entry, 4);
        if (id) {
            if (!cie.valid || cie.address != place - id)
                read_cie(elf, place - id, &cie);
            if (cie.valid)
                read_fde(a, out, &entry, &cie);
        }
        r.at += length;
        r.address += length;
    }
}

static void collect_symbols(struct arena *a, struct functions *out,
                            const struct elf_symbol *symbols, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct elf_symbol *s = &symbols[i];
        if ((s->type != STT_FUNC && s->type != STT_GNU_IFUNC) || s->section == SHN_UNDEF ||
            s->section == SHN_ABS || !s->value || !elf_executable_at(out->elf, s->value))
            continue;
        uint64_t size = s->size;
        if (s->value + size < s->value)
            size = 0;
        struct function_range *range = vec_add(a, &out->ranges);
        *range = (struct function_range){s->value, s->value + size, 0, false};
    }
}

/* Go's table of functions, present even in stripped Go programs (runtime/symtab.go: header of Go
 * 1.18 and later: magic, quantum, pointer size, counts, offsets). */
static void collect_go(struct arena *a, struct functions *out)
{
    const struct elf_object *elf = out->elf;
    const struct elf_section *s = elf_section_named(elf, ".gopclntab");
    if (!s)
        s = elf_section_named(elf, ".data.rel.ro.gopclntab");
    uint64_t magic = 0, count = 0, text = 0, table = 0;
    if (!s || !elf_word(elf, s->address, 4, &magic) || (magic != 0xfffffff0 && magic != 0xfffffff1))
        return;
    if (!elf_word(elf, s->address + 8, 8, &count) || !elf_word(elf, s->address + 24, 8, &text) ||
        !elf_word(elf, s->address + 64, 8, &table) || count > s->size / 8 || table > s->size)
        return;
    const struct elf_section *code = elf_section_named(elf, ".text");
    if (!text && code)
        text = code->address; /* position-independent: filled in by a relocation */
    for (uint64_t i = 0; i < count; i++) {
        uint64_t from = 0, to = 0;
        if (!elf_word(elf, s->address + table + 8 * i, 4, &from) ||
            !elf_word(elf, s->address + table + 8 * i + 8, 4, &to))
            break;
        if (to <= from || !elf_executable_at(elf, text + from))
            continue;
        struct function_range *range = vec_add(a, &out->ranges);
        *range = (struct function_range){text + from, text + to, 0, false};
    }
}

static int by_start(const void *x, const void *y)
{
    const struct function_range *a = x, *b = y;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return (a->end < b->end) - (a->end > b->end); /* longest first */
}

/* Sorts, drops doubles, and ends those of unknown size where the next one starts. */
static void settle(struct functions *out)
{
    vec_sort(&out->ranges, by_start);
    size_t kept = 0;
    for (size_t i = 0; i < out->ranges.count; i++) {
        struct function_range range = out->ranges.items[i];
        struct function_range *last = kept ? &out->ranges.items[kept - 1] : NULL;
        if (last && last->start == range.start) {
            last->lsda = last->lsda ? last->lsda : range.lsda;
            last->unwind = last->unwind || range.unwind;
            continue;
        }
        out->ranges.items[kept++] = range;
    }
    out->ranges.count = kept;
    for (size_t i = 0; i < kept; i++) {
        struct function_range *range = &out->ranges.items[i];
        const struct elf_segment *segment = elf_segment_at(out->elf, range->start);
        uint64_t limit = segment ? segment->vaddr + segment->filesz : range->start;
        if (range->end == range->start)
            range->end = i + 1 < kept ? range[1].start : limit;
        if (range->end > limit)
            range->end = limit;
    }
}

void functions_collect(struct arena *a, const struct elf_object *elf, struct functions *out)
{
    memset(out, 0, sizeof *out);
    out->elf = elf;
    collect_unwind(a, out);
    collect_symbols(a, out, elf->symbols.items, elf->symbols.count);
    collect_symbols(a, out, elf->static_symbols.items, elf->static_symbols.count);
    collect_go(a, out);
    settle(out);
}

static size_t index_after(const struct functions *f, uint64_t address)
{
    size_t low = 0, high = f->ranges.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (f->ranges.items[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct function_range *functions_after(const struct functions *f, uint64_t address)
{
    size_t at = index_after(f, address);
    return at < f->ranges.count ? &f->ranges.items[at] : NULL;
}

const struct function_range *functions_at(const struct functions *f, uint64_t address)
{
    size_t low = index_after(f, address);
    /* A symbol inside a range may be shorter than what holds it: look a little further back. */
    for (size_t i = low; i-- > 0 && low - i <= 4;)
        if (address < f->ranges.items[i].end)
            return &f->ranges.items[i];
    return NULL;
}

void functions_landing_pads(struct arena *a, const struct elf_object *elf,
                            const struct function_range *range, landing_pads *out)
{
    uint64_t available = 0;
    const unsigned char *bytes = range->lsda ? elf_span(elf, range->lsda, &available) : NULL;
    if (!bytes)
        return;
    struct dwarf_reader r = {bytes, bytes + available, range->lsda, false};
    unsigned start_encoding = (unsigned)dwarf_fixed(&r, 1);
    uint64_t base = range->start;
    if (start_encoding != DW_EH_PE_omit)
        base = dwarf_pointer(&r, start_encoding, range->start);
    if ((unsigned)dwarf_fixed(&r, 1) != DW_EH_PE_omit)
        dwarf_unsigned(&r);
    unsigned encoding = (unsigned)dwarf_fixed(&r, 1);
    uint64_t length = dwarf_unsigned(&r);
    if (r.bad || length > (uint64_t)(r.end - r.at))
        return;
    r.end = r.at + length;
    while (r.at < r.end && !r.bad) {
        uint64_t start = dwarf_pointer(&r, encoding & 0xf, 0);
        uint64_t size = dwarf_pointer(&r, encoding & 0xf, 0);
        uint64_t pad = dwarf_pointer(&r, encoding & 0xf, 0);
        dwarf_unsigned(&r);
        if (r.bad)
            break;
        if (pad && elf_executable_at(elf, base + pad)) {
            struct landing_pad *p = vec_add(a, out);
            *p =
                (struct landing_pad){range->start + start, range->start + start + size, base + pad};
        }
    }
}
