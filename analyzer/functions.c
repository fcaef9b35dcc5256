/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/functions.h"
#include <elf.h>
#include <stdlib.h>
#include <string.h>

/* DWARF pointer encodings (LSB, "DWARF extensions"). */
enum {
    ENC_OMIT = 0xff,
    ENC_INDIRECT = 0x80,
    ENC_PCREL = 0x10,
    ENC_DATAREL = 0x30,
    ENC_FUNCREL = 0x40,
};

/* A reader over mapped bytes that knows their virtual address. */
struct reader {
    const unsigned char *at, *end;
    uint64_t address; /* of at */
    bool bad;
};

static uint64_t read_fixed(struct reader *r, unsigned bytes)
{
    uint64_t value = 0;
    if ((size_t)(r->end - r->at) < bytes) {
        r->bad = true;
        return 0;
    }
    memcpy(&value, r->at, bytes);
    r->at += bytes;
    r->address += bytes;
    return value;
}

static uint64_t read_uleb(struct reader *r)
{
    uint64_t value = 0;
    for (unsigned shift = 0; !r->bad; shift += 7) {
        uint64_t byte = read_fixed(r, 1);
        if (shift < 64)
            value |= (byte & 0x7f) << shift;
        if (!(byte & 0x80))
            break;
    }
    return value;
}

static uint64_t read_signed(struct reader *r, unsigned bytes)
{
    unsigned shift = 64 - 8 * bytes;
    return (uint64_t)((int64_t)(read_fixed(r, bytes) << shift) >> shift);
}

/* A pointer as encoded; relative ones are made absolute. 0 stays 0, as in the unwinder. */
static uint64_t read_encoded(struct reader *r, unsigned encoding, uint64_t function, bool *indirect)
{
    if (encoding == ENC_OMIT)
        return 0;
    uint64_t place = r->address, value = 0;
    switch (encoding & 0xf) {
    case 0x0:
    case 0x4:
    case 0xc:
        value = read_fixed(r, 8);
        break;
    case 0x1:
        value = read_uleb(r);
        break;
    case 0x2:
        value = read_fixed(r, 2);
        break;
    case 0x3:
        value = read_fixed(r, 4);
        break;
    case 0xa:
        value = read_signed(r, 2);
        break;
    case 0xb:
        value = read_signed(r, 4);
        break;
    default:
        r->bad = true;
        return 0;
    }
    if (value && (encoding & 0x70) == ENC_PCREL)
        value += place;
    else if (value && (encoding & 0x70) == ENC_FUNCREL)
        value += function;
    if (indirect)
        *indirect = encoding & ENC_INDIRECT;
    return value;
}

struct cie {
    uint64_t address;
    unsigned pointer_encoding, lsda_encoding;
    bool augmented, valid;
};

static void read_cie(const struct elf_object *elf, uint64_t address, struct cie *cie)
{
    memset(cie, 0, sizeof *cie);
    cie->address = address;
    cie->lsda_encoding = ENC_OMIT;
    uint64_t available = 0;
    const unsigned char *bytes = elf_span(elf, address, &available);
    if (!bytes)
        return;
    struct reader r = {bytes, bytes + available, address, false};
    uint64_t length = read_fixed(&r, 4);
    if (r.bad || length > (uint64_t)(r.end - r.at))
        return;
    r.end = r.at + length;
    if (read_fixed(&r, 4) != 0)
        return;
    unsigned version = (unsigned)read_fixed(&r, 1);
    const char *augmentation = (const char *)r.at;
    while (!r.bad && read_fixed(&r, 1))
        ;
    if (r.bad)
        return;
    read_uleb(&r);
    read_uleb(&r);
    if (version == 1)
        read_fixed(&r, 1);
    else
        read_uleb(&r);
    if (augmentation[0] == 'z') {
        cie->augmented = true;
        read_uleb(&r);
        for (const char *c = augmentation + 1; *c && !r.bad; c++) {
            if (*c == 'R')
                cie->pointer_encoding = (unsigned)read_fixed(&r, 1);
            else if (*c == 'L')
                cie->lsda_encoding = (unsigned)read_fixed(&r, 1);
            else if (*c == 'P')
                read_encoded(&r, (unsigned)read_fixed(&r, 1), 0, NULL);
        }
    }
    cie->valid = !r.bad;
}

static void read_fde(struct arena *a, struct functions *out, struct reader *r,
                     const struct cie *cie)
{
    uint64_t start = read_encoded(r, cie->pointer_encoding, 0, NULL);
    uint64_t size = read_encoded(r, cie->pointer_encoding & 0xf, 0, NULL);
    uint64_t lsda = 0;
    if (cie->augmented) {
        read_uleb(r);
        lsda = read_encoded(r, cie->lsda_encoding, start, NULL);
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
    struct reader r = {bytes, bytes + available, address, false};
    struct cie cie = {0};
    while (!r.bad) {
        uint64_t length = read_fixed(&r, 4);
        if (length == 0xffffffff)
            length = read_fixed(&r, 8);
        if (r.bad || !length || length > (uint64_t)(r.end - r.at))
            break;
        struct reader entry = {r.at, r.at + length, r.address, false};
        uint64_t place = entry.address, id = read_fixed(&entry, 4);
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
    struct reader r = {bytes, bytes + available, range->lsda, false};
    unsigned start_encoding = (unsigned)read_fixed(&r, 1);
    uint64_t base = range->start;
    if (start_encoding != ENC_OMIT)
        base = read_encoded(&r, start_encoding, range->start, NULL);
    if ((unsigned)read_fixed(&r, 1) != ENC_OMIT)
        read_uleb(&r);
    unsigned encoding = (unsigned)read_fixed(&r, 1);
    uint64_t length = read_uleb(&r);
    if (r.bad || length > (uint64_t)(r.end - r.at))
        return;
    r.end = r.at + length;
    while (r.at < r.end && !r.bad) {
        uint64_t start = read_encoded(&r, encoding & 0xf, 0, NULL);
        uint64_t size = read_encoded(&r, encoding & 0xf, 0, NULL);
        uint64_t pad = read_encoded(&r, encoding & 0xf, 0, NULL);
        read_uleb(&r);
        if (r.bad)
            break;
        if (pad && elf_executable_at(elf, base + pad)) {
            struct landing_pad *p = vec_add(a, out);
            *p =
                (struct landing_pad){range->start + start, range->start + start + size, base + pad};
        }
    }
}
