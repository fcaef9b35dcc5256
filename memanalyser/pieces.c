/* SPDX-License-Identifier: BSD-3-Clause
 * Cutting file and memory into pieces so that every byte has exactly one. */
#include "memanalyser/image.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- padding ---------------------------------------------------------------------------- */

/* Bytes that assemblers and linkers fill gaps with: zeros, int3, and the multi-byte nops (Intel SDM
 * volume 2, "NOP"). */
static bool is_fill(const unsigned char *p, uint64_t size, bool code)
{
    static const unsigned char nops[] = {0x90, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0x80, 0x44,
                                         0x40, 0xcc, 0x8d, 0xb4, 0x26, 0xb6, 0x76, 0x74};
    for (uint64_t i = 0; i < size; i++) {
        if (!p[i])
            continue;
        if (!code || !memchr(nops, p[i], sizeof nops))
            return false;
    }
    return true;
}

/* Whether [start, end) of a section can only be there to align what begins at end. */
static bool is_padding(const struct image *image, const struct elf_section *s, uint64_t start,
                       uint64_t end)
{
    uint64_t address = s->address + end, alignment = address & -address;
    if (end < s->size && (end - start >= 4096 || (alignment && end - start >= alignment)))
        return false;
    if (end == s->size && end - start >= 4096)
        return false;
    if (s->type == SHT_NOBITS)
        return true;
    return is_fill(image->elf.data + s->offset + start, end - start, s->flags & SHF_EXECINSTR);
}

/* ---- sections --------------------------------------------------------------------------- */

struct cut {
    struct image *image;
    const struct elf_section *section;
    bool in_file, in_memory;
    size_t claim, name; /* next candidates */
};

static struct piece piece_of(const struct cut *c, uint64_t start, uint64_t end)
{
    const struct elf_section *s = c->section;
    return (struct piece){
        .offset = s->offset + start,
        .address = s->address + start,
        .size = end - start,
        .in_file = c->in_file,
        .in_memory = c->in_memory,
        .kind = s->flags & SHF_ALLOC ? PIECE_CONTENT : PIECE_TABLE,
        .section = s->index,
        .object = -1,
        .library = -1,
        .input = "",
        .label = s->name,
    };
}

static void own(const struct image *image, struct piece *p, const struct claim *claim)
{
    if (!claim)
        return;
    p->object = claim->object;
    p->library = claim->object >= 0 ? image->objects.items[claim->object].library : -1;
    p->input = claim->input;
    p->evidence = claim->evidence;
}

/* The next boundary after at, and what covers [at, boundary). */
static uint64_t advance(struct cut *c, uint64_t at, const struct claim **claim,
                        const struct named_range **name)
{
    const claims *cl = &c->image->claims[c->section->index];
    const named_ranges *nr = &c->image->names[c->section->index];
    while (c->claim < cl->count && cl->items[c->claim].end <= at)
        c->claim++;
    while (c->name < nr->count && nr->items[c->name].end <= at)
        c->name++;
    uint64_t end = c->section->size;
    *claim = NULL;
    *name = NULL;
    if (c->claim < cl->count) {
        const struct claim *k = &cl->items[c->claim];
        if (k->start <= at)
            *claim = k;
        uint64_t edge = k->start <= at ? k->end : k->start;
        end = edge < end ? edge : end;
    }
    if (c->name < nr->count) {
        const struct named_range *n = &nr->items[c->name];
        if (n->start <= at)
            *name = n;
        uint64_t edge = n->start <= at ? n->end : n->start;
        end = edge < end ? edge : end;
    }
    /* A symbol without a size reaches no further than the input section it is in. */
    if (*name && !*claim && !(*name)->symbol->size &&
        claim_at(c->image, c->section->index, (*name)->start))
        *name = NULL;
    return end;
}

static void cut_section(struct cut *c)
{
    struct image *image = c->image;
    const claims *cl = &image->claims[c->section->index];
    for (uint64_t at = 0; at < c->section->size;) {
        const struct claim *claim;
        const struct named_range *name;
        uint64_t end = advance(c, at, &claim, &name);
        struct piece p = piece_of(c, at, end);
        own(image, &p, claim);
        if (name) {
            p.symbol = name->symbol;
        } else if (p.kind == PIECE_CONTENT && is_padding(image, c->section, at, end)) {
            p.kind = PIECE_PADDING;
            p.label = "[padding]";
            if (!claim && c->claim < cl->count && cl->items[c->claim].start == end)
                own(image, &p, &cl->items[c->claim]);
            else if (!claim && c->claim && cl->items[c->claim - 1].end == at)
                own(image, &p, &cl->items[c->claim - 1]);
        }
        vec_push(image->arena, &image->pieces, p);
        at = end;
    }
}

/* ---- file and memory -------------------------------------------------------------------- */

/* A run of the file or of memory with its owner. */
struct span {
    uint64_t start, end;
    const struct elf_section *section; /* NULL: header */
    const char *label;
};
typedef VEC(struct span) spans;

static int by_start(const void *x, const void *y)
{
    const struct span *a = x, *b = y;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return (a->end > b->end) - (a->end < b->end);
}

static void run_piece(struct image *image, uint64_t start, uint64_t end, bool memory,
                      const char *label, enum piece_kind kind)
{
    if (start >= end)
        return;
    struct piece p = {.size = end - start,
                      .in_file = !memory,
                      .in_memory = memory,
                      .kind = kind,
                      .object = -1,
                      .library = -1,
                      .input = "",
                      .label = label};
    if (memory)
        p.address = start;
    else
        p.offset = start;
    vec_push(image->arena, &image->pieces, p);
}

/* Alignments of the section and of the segment that begins with it. */
static uint64_t alignment_of(const struct image *image, const struct elf_section *s)
{
    uint64_t align = s->align;
    vec_each (g, &image->elf.segments) {
        if (g->type == PT_LOAD && g->address <= s->address &&
            s->address - g->address < g->memory_size && g->align > align)
            align = g->align;
    }
    return align;
}

/* What no section holds. Zeros shorter than the alignment of the section that follows are its
 * padding, and its first library's; the rest is a gap. */
static void gap(struct image *image, uint64_t start, uint64_t end, bool memory,
                const struct elf_section *before)
{
    if (start >= end)
        return;
    bool aligns = before && (before->flags & SHF_ALLOC) &&
                  end - start <= alignment_of(image, before) &&
                  (memory || is_fill(image->elf.data + start, end - start, false));
    run_piece(image, start, end, memory, aligns ? "[alignment]" : "[gap]",
              aligns ? PIECE_PADDING : PIECE_GAP);
    if (aligns)
        own(image, &image->pieces.items[image->pieces.count - 1],
            claim_at(image, before->index, 0));
}

static void file_headers(const struct image *image, struct arena *a, spans *out)
{
    const struct elf_file *f = &image->elf;
    vec_push(a, out, ((struct span){0, f->header_size, NULL, "[ELF header]"}));
    if (f->segments.count)
        vec_push(a, out,
                 ((struct span){f->segments_offset,
                                f->segments_offset + f->segments.count * f->segment_entry, NULL,
                                "[program headers]"}));
    if (f->sections.count)
        vec_push(a, out,
                 ((struct span){f->sections_offset,
                                f->sections_offset + f->sections.count * f->section_entry, NULL,
                                "[section headers]"}));
}

/* Walks spans in order; what two of them claim goes to the first; whole sections are remembered as
 * visible, cut ones become plain runs. */
static void walk(struct image *image, spans *list, uint64_t start, uint64_t end, bool memory,
                 bool *whole)
{
    uint64_t at = start;
    vec_sort(list, by_start);
    vec_each (s, list) {
        uint64_t from = s->start > at ? s->start : at, to = s->end < end ? s->end : end;
        if (from >= to)
            continue;
        gap(image, at, from, memory, s->section);
        if (s->section && from == s->start && to == s->end)
            whole[s->section->index] = true;
        else
            run_piece(image, from, to, memory, s->section ? s->section->name : s->label,
                      s->section ? PIECE_TABLE : PIECE_HEADER);
        at = to;
    }
    gap(image, at, end, memory, NULL);
}

/* PT_LOAD segments, merged where they touch or overlap. */
static void loads(const struct image *image, struct arena *a, spans *out)
{
    spans all = {0};
    vec_each (g, &image->elf.segments)
        if (g->type == PT_LOAD && g->memory_size)
            vec_push(a, &all, ((struct span){g->address, g->address + g->memory_size, NULL, ""}));
    vec_sort(&all, by_start);
    vec_each (s, &all) {
        struct span *last = out->count ? &out->items[out->count - 1] : NULL;
        if (last && s->start <= last->end)
            last->end = s->end > last->end ? s->end : last->end;
        else
            vec_push(a, out, *s);
    }
}

/* Headers that a segment loads: they take memory too. */
static void memory_headers(const struct image *image, struct arena *a, spans *out)
{
    spans headers = {0};
    file_headers(image, a, &headers);
    vec_each (g, &image->elf.segments) {
        if (g->type != PT_LOAD)
            continue;
        vec_each (h, &headers) {
            uint64_t from = h->start > g->offset ? h->start : g->offset;
            uint64_t to = h->end < g->offset + g->file_size ? h->end : g->offset + g->file_size;
            if (from < to)
                vec_push(a, out,
                         ((struct span){from - g->offset + g->address, to - g->offset + g->address,
                                        NULL, h->label}));
        }
    }
}

uint64_t image_memory_size(const struct image *image)
{
    uint64_t total = 0;
    if (image->elf.relocatable || !image->elf.segments.count) {
        vec_each (s, &image->elf.sections)
            total += elf_memory_size(s);
        return total;
    }
    struct arena *a = arena_new();
    spans list = {0};
    loads(image, a, &list);
    vec_each (s, &list)
        total += s->end - s->start;
    arena_free(a);
    return total;
}

static void walk_memory(struct image *image, bool *whole)
{
    struct arena *a = image->arena;
    spans list = {0}, memory = {0};
    if (image->elf.relocatable || !image->elf.segments.count) {
        vec_each (s, &image->elf.sections)
            whole[s->index] = elf_memory_size(s) > 0;
        return;
    }
    loads(image, a, &memory);
    vec_each (s, &image->elf.sections)
        if (elf_memory_size(s))
            vec_push(a, &list, ((struct span){s->address, s->address + s->size, s, s->name}));
    memory_headers(image, a, &list);
    vec_each (m, &memory)
        walk(image, &list, m->start, m->end, true, whole);
}

enum status image_cut(struct diag *d, struct image *image)
{
    struct arena *a = image->arena;
    size_t count = image->elf.sections.count;
    bool *in_file = arena_array(a, count + 1, sizeof *in_file);
    bool *in_memory = arena_array(a, count + 1, sizeof *in_memory);
    spans list = {0};
    image->pieces.count = 0;
    file_headers(image, a, &list);
    vec_each (s, &image->elf.sections)
        if (elf_file_size(s))
            vec_push(a, &list, ((struct span){s->offset, s->offset + s->size, s, s->name}));
    walk(image, &list, 0, image->elf.size, false, in_file);
    walk_memory(image, in_memory);
    for (size_t i = 1; i < count; i++) {
        struct cut c = {image, &image->elf.sections.items[i], in_file[i], in_memory[i], 0, 0};
        if (in_file[i] || in_memory[i])
            cut_section(&c);
    }
    return pieces_check(d, image);
}

enum status pieces_check(struct diag *d, const struct image *image)
{
    uint64_t file = 0, memory = 0, expected = image_memory_size(image);
    vec_each (p, &image->pieces) {
        file += p->in_file ? p->size : 0;
        memory += p->in_memory ? p->size : 0;
    }
    if (file != image->elf.size)
        return diag_fail(d, STATUS_SYSTEM,
                         "%s: internal error: %" PRIu64 " of %" PRIu64 " file bytes accounted for",
                         image->path, file, image->elf.size);
    if (memory != expected)
        return diag_fail(d, STATUS_SYSTEM,
                         "%s: internal error: %" PRIu64 " of %" PRIu64
                         " memory bytes accounted for",
                         image->path, memory, expected);
    return STATUS_OK;
}

const struct piece *piece_at(const struct image *image, uint64_t address)
{
    vec_each (p, &image->pieces)
        if (p->in_memory && address >= p->address && address - p->address < p->size)
            return p;
    return NULL;
}

enum status image_claim_itself(struct image *image)
{
    struct object object = {.path = image->path,
                            .library =
                                image_library(image, library_name_of(image->arena, image->path)),
                            .elf = image->elf};
    vec_push(image->arena, &image->objects, object);
    vec_each (s, &image->elf.sections)
        if (s->type != SHT_NULL && s->size)
            claim_add(
                image, s->index,
                (struct claim){0, s->size, (int)image->objects.count - 1, s->name, BY_ITSELF});
    return STATUS_OK;
}
