/* SPDX-License-Identifier: BSD-3-Clause */
#include "memanalyser/unwind.h"
#include "memanalyser/image.h"
#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#define PE_NONE 0xff /* DW_EH_PE_omit: no augmentation seen yet */

struct reader {
    const struct elf_file *f;
    const unsigned char *bytes;
    uint64_t size, at;
    bool bad;
};

static uint64_t take(struct reader *r, unsigned width)
{
    if (r->bad || width > r->size - r->at) {
        r->bad = true;
        return 0;
    }
    uint64_t v = elf_get(r->f, r->bytes + r->at, width);
    r->at += width;
    return v;
}

static uint64_t take_uleb(struct reader *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint64_t byte = take(r, 1);
        if (shift < 64)
            v |= (byte & 0x7f) << shift;
        if (r->bad || !(byte & 0x80))
            return v;
    }
}

/* Width of an encoded pointer; 0: variable or unknown. */
static unsigned encoded_width(const struct elf_file *f, unsigned encoding)
{
    switch (encoding & 0x0f) {
    case DW_EH_PE_absptr:
        return f->is64 ? 8 : 4;
    case DW_EH_PE_udata2:
    case DW_EH_PE_sdata2:
        return 2;
    case DW_EH_PE_udata4:
    case DW_EH_PE_sdata4:
        return 4;
    case DW_EH_PE_udata8:
    case DW_EH_PE_sdata8:
        return 8;
    default:
        return 0;
    }
}

static uint64_t extend(uint64_t v, unsigned width, bool sign)
{
    if (!sign || width == 8)
        return v;
    uint64_t top = UINT64_C(1) << (width * 8 - 1);
    return (v ^ top) - top;
}

/* The pointer encoding for FDE addresses that a CIE's augmentation string declares ('R'). */
static unsigned cie_encoding(const struct elf_file *f, const struct elf_section *s, uint64_t start,
                             uint64_t end)
{
    struct reader r = {f, f->data + s->offset, end, start, false};
    uint64_t version = take(&r, 1);
    char augmentation[16] = "";
    for (size_t i = 0;; i++) {
        char c = (char)take(&r, 1);
        if (r.bad || !c)
            break;
        if (i + 1 < sizeof augmentation)
            augmentation[i] = c;
    }
    take_uleb(&r); /* code alignment */
    take_uleb(&r); /* data alignment */
    if (version == 1)
        take(&r, 1);
    else
        take_uleb(&r);
    if (augmentation[0] != 'z')
        return DW_EH_PE_absptr;
    take_uleb(&r);
    for (const char *p = augmentation + 1; *p && !r.bad; p++) {
        if (*p == 'R')
            return (unsigned)take(&r, 1);
        if (*p == 'L') {
            take(&r, 1);
        } else if (*p == 'P') {
            unsigned encoding = (unsigned)take(&r, 1), width = encoded_width(f, encoding);
            if (!width)
                return PE_NONE;
            take(&r, width);
        } else if (*p != 'S' && *p != 'B') {
            return PE_NONE;
        }
    }
    return DW_EH_PE_absptr;
}

static void read_pc(const struct elf_file *f, const struct elf_section *s, uint64_t body,
                    uint64_t end, unsigned encoding, struct unwind_entry *e)
{
    struct reader r = {f, f->data + s->offset, end, body, false};
    unsigned width = encoding == PE_NONE ? 0 : encoded_width(f, encoding);
    if (!width || (encoding & DW_EH_PE_indirect))
        return;
    uint64_t pc = extend(take(&r, width), width, encoding & DW_EH_PE_signed);
    uint64_t range = take(&r, width);
    if ((encoding & 0x70) == DW_EH_PE_pcrel)
        pc += s->address + body;
    if (r.bad || pc + range < pc)
        return;
    e->pc = pc;
    e->pc_end = pc + range;
}

void unwind_read(struct arena *a, const struct elf_file *f, const struct elf_section *s,
                 unwind_entries *out)
{
    struct reader r = {f, elf_contents(f, s), elf_file_size(s), 0, false};
    uint64_t known_cie = UINT64_MAX;
    unsigned encoding = PE_NONE;
    *out = (unwind_entries){0};
    while (r.bytes && r.at < r.size) {
        struct unwind_entry e = {.start = r.at};
        uint64_t length = take(&r, 4);
        if (length == 0xffffffff)
            length = take(&r, 8);
        if (r.bad || length < 4 || length > r.size - r.at)
            break;
        uint64_t body = r.at, id = take(&r, 4);
        e.end = body + length;
        e.cie = e.start;
        if (id != 0) {
            if (id > body)
                break;
            e.cie = body - id;
            if (e.cie != known_cie) {
                struct reader c = {f, r.bytes, r.size, e.cie, false};
                known_cie = e.cie;
                if (take(&c, 4) == 0xffffffff)
                    take(&c, 8);
                encoding = take(&c, 4) == 0 && !c.bad ? cie_encoding(f, s, c.at, r.size) : PE_NONE;
            }
            read_pc(f, s, body + 4, e.end, encoding, &e);
        }
        vec_push(a, out, e);
        r.at = e.end;
    }
}

static int by_cie(const void *x, const void *y)
{
    const struct unwind_entry *a = x, *b = y;
    if (a->cie != b->cie)
        return a->cie < b->cie ? -1 : 1;
    return (a->start > b->start) - (a->start < b->start);
}

static const struct claim *claim_of_pc(const struct image *image, uint64_t pc)
{
    const struct elf_section *s = elf_section_at(&image->elf, pc);
    return s ? claim_at(image, s->index, pc - s->address) : NULL;
}

/* .eh_frame_hdr's sorted table: 8 bytes per function, when encoded as compilers do (LSB, 10.6.2).
 */
static void claim_header(struct image *image)
{
    const struct elf_section *s = elf_section_by_name(&image->elf, ".eh_frame_hdr");
    const unsigned char *p = s ? elf_contents(&image->elf, s) : NULL;
    if (!p || s->size < 12 || p[1] != (DW_EH_PE_pcrel | DW_EH_PE_sdata4) ||
        p[2] != DW_EH_PE_udata4 || p[3] != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
        return;
    uint64_t count = elf_get(&image->elf, p + 8, 4);
    for (uint64_t i = 0; i < count && 12 + i * 8 + 8 <= s->size; i++) {
        uint64_t at = 12 + i * 8;
        uint64_t pc = s->address + extend(elf_get(&image->elf, p + at, 4), 4, true);
        const struct claim *c = claim_of_pc(image, pc);
        if (c && c->object >= 0)
            claim_add(image, s->index, (struct claim){at, at + 8, c->object, "", BY_UNWIND});
    }
}

enum status image_claim_unwind(struct diag *d, struct image *image)
{
    (void)d;
    const struct elf_section *s = elf_section_by_name(&image->elf, ".eh_frame");
    if (!s || image->elf.relocatable)
        return STATUS_OK;
    unwind_entries entries;
    unwind_read(image->arena, &image->elf, s, &entries);
    vec_sort(&entries, by_cie);
    /* A CIE sorts before its FDEs: the first of them whose function is known owns it. */
    struct unwind_entry *cie = NULL;
    vec_each (e, &entries) {
        if (e->start == e->cie) {
            cie = e;
            continue;
        }
        const struct claim *c = claim_of_pc(image, e->pc);
        if (!c || c->object < 0)
            continue;
        claim_add(image, s->index, (struct claim){e->start, e->end, c->object, "", BY_UNWIND});
        if (cie && cie->start == e->cie)
            claim_add(image, s->index,
                      (struct claim){cie->start, cie->end, c->object, "", BY_UNWIND});
        cie = NULL;
    }
    claim_header(image);
    claims_settle(image);
    return STATUS_OK;
}
