/* SPDX-License-Identifier: BSD-3-Clause
 * Finding the description of a function's frames (FDE) and its common part (CIE). Formats: LSB
 * Core, "Exception Frames"; DWARF 5, 6.4.1. */
#include "tracer/unwind.h"
#include <stdlib.h>
#include <string.h>

enum { FORM = 0x0f }; /* of a pointer's encoding */

/* ---- reading ---- */

struct dwarf_reader reader_of(struct piece piece, size_t offset)
{
    if (offset > piece.size)
        return (struct dwarf_reader){.bad = true};
    return (struct dwarf_reader){piece.data + offset, piece.data + piece.size,
                                 piece.address + offset, false};
}

struct piece reader_piece(struct dwarf_reader *r, uint64_t size)
{
    if (size > (size_t)(r->end - r->at)) {
        r->bad = true;
        return (struct piece){0};
    }
    struct piece piece = {r->at, (size_t)size, r->address};
    r->at += size;
    r->address += size;
    return piece;
}

/* ---- entries ---- */

/* One entry of the table, its bounds; false: the end. */
struct entry {
    struct dwarf_reader reader; /* behind the identifier */
    bool common;
    size_t cie; /* of an FDE: where its CIE is */
    size_t next;
};

static bool read_entry(const struct binary *binary, size_t offset, struct entry *e)
{
    struct dwarf_reader r = reader_of(binary->frames, offset);
    bool wide = false;
    uint64_t length = dwarf_fixed(&r, 4);
    if (length == 0xffffffff) {
        length = dwarf_fixed(&r, 8);
        wide = true;
    }
    if (r.bad || !length || length > (size_t)(r.end - r.at))
        return false;
    r.end = r.at + length;
    size_t here = (size_t)(r.at - binary->frames.data);
    e->next = here + (size_t)length;
    uint64_t id = dwarf_fixed(&r, wide && binary->debug_frames ? 8 : 4);
    if (binary->debug_frames) {
        e->common = id == (wide ? ~0ull : 0xffffffff);
        e->cie = (size_t)id;
    } else {
        e->common = id == 0;
        if (!e->common && id > here)
            return false;
        e->cie = here - (size_t)id;
    }
    e->reader = r;
    return !r.bad;
}

static void read_augmentation(struct dwarf_reader *r, const char *letters, struct cie *cie)
{
    uint64_t size = dwarf_unsigned(r);
    struct dwarf_reader data = reader_of(reader_piece(r, size), 0);
    for (; *letters && !data.bad; letters++) {
        if (*letters == 'R')
            cie->encoding = (unsigned char)dwarf_fixed(&data, 1);
        else if (*letters == 'L')
            dwarf_fixed(&data, 1);
        else if (*letters == 'P')
            dwarf_skip_pointer(&data, (unsigned)dwarf_fixed(&data, 1));
        else if (*letters == 'S')
            cie->signal = true;
        else
            break;
    }
}

static bool read_cie(const struct binary *binary, size_t offset, struct cie *cie)
{
    struct entry e;
    *cie = (struct cie){0};
    if (!read_entry(binary, offset, &e) || !e.common)
        return false;
    struct dwarf_reader r = e.reader;
    uint64_t version = dwarf_fixed(&r, 1);
    const char *letters = (const char *)r.at;
    size_t length = strnlen(letters, (size_t)(r.end - r.at));
    reader_piece(&r, length + 1);
    if (r.bad || version < 1 || version > 4 || version == 2)
        return false;
    if (version == 4) /* sizes of addresses and of segment selectors */
        dwarf_fixed(&r, 2);
    cie->code_step = dwarf_unsigned(&r);
    cie->data_step = dwarf_signed(&r);
    uint64_t back = version == 1 ? dwarf_fixed(&r, 1) : dwarf_unsigned(&r);
    cie->sized = *letters == 'z';
    if (cie->sized)
        read_augmentation(&r, letters + 1, cie);
    else if (*letters)
        return false;
    cie->program = (struct piece){r.at, (size_t)(r.end - r.at), r.address};
    return !r.bad && back == DWARF_RIP;
}

static bool read_fde(const struct binary *binary, size_t offset, struct fde *fde)
{
    struct entry e;
    if (!read_entry(binary, offset, &e) || e.common || !read_cie(binary, e.cie, &fde->cie))
        return false;
    struct dwarf_reader r = e.reader;
    fde->start = dwarf_pointer(&r, fde->cie.encoding, 0);
    fde->end = fde->start + dwarf_pointer(&r, fde->cie.encoding & FORM, 0);
    if (fde->cie.sized)
        reader_piece(&r, dwarf_unsigned(&r));
    fde->program = (struct piece){r.at, (size_t)(r.end - r.at), r.address};
    return !r.bad;
}

/* ---- finding one ---- */

static int by_start(const void *x, const void *y)
{
    const struct fde_place *a = x, *b = y;
    return a->start < b->start ? -1 : a->start > b->start;
}

/* Where no search header is: all of the table, once. */
static void make_index(struct arena *a, struct binary *binary)
{
    VEC(struct fde_place) places = {0};
    struct entry e;
    struct fde fde;
    for (size_t at = 0; read_entry(binary, at, &e); at = e.next)
        if (!e.common && read_fde(binary, at, &fde) && fde.end > fde.start)
            vec_push(a, &places, ((struct fde_place){fde.start, fde.end, at}));
    vec_sort(&places, by_start);
    binary->fdes = places.items;
    binary->fde_count = places.count;
    binary->indexed = true;
}

static bool find_indexed(struct arena *a, struct binary *binary, uint64_t address, size_t *offset)
{
    if (!binary->indexed)
        make_index(a, binary);
    size_t low = 0, high = binary->fde_count;
    while (low < high) { /* the last that starts at or before address */
        size_t middle = low + (high - low) / 2;
        if (binary->fdes[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low || address >= binary->fdes[low - 1].end)
        return false;
    *offset = binary->fdes[low - 1].offset;
    return true;
}

static bool find_searched(const struct binary *binary, uint64_t address, size_t *offset)
{
    const struct piece *s = &binary->search;
    size_t low = 0, high = (s->size - 12) / 8;
    int32_t pair[2];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        memcpy(pair, s->data + 12 + middle * 8, sizeof pair);
        if (s->address + (uint64_t)(int64_t)pair[0] <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return false;
    memcpy(pair, s->data + 12 + (low - 1) * 8, sizeof pair);
    *offset = (size_t)(s->address + (uint64_t)(int64_t)pair[1] - binary->frames.address);
    return *offset < binary->frames.size;
}

bool unwind_find(struct arena *a, struct binary *binary, uint64_t address, struct fde *out)
{
    size_t offset = 0;
    bool found =
        binary->frames.data && (binary->search.data ? find_searched(binary, address, &offset)
                                                    : find_indexed(a, binary, address, &offset));
    return found && read_fde(binary, offset, out) && address >= out->start && address < out->end;
}
