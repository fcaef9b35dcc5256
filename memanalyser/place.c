/* SPDX-License-Identifier: BSD-3-Clause
 * Finding where a linker put each input section, from the objects and the image alone:
 *
 *  1. Symbols: every symbol of an input section that the image has too proposes a base address; the
 *     proposal with most votes whose bytes match (relocated fields masked) wins.
 *  2. Relocations: a placed section's relocated fields hold the addresses of what they refer to.
 *     They place sections without symbols, and each string of merged string sections.
 *  3. Content: bytes that occur once in what is still free.
 *
 * Exact where the image was linked without rewriting sections; what moved inside a section (linker
 * relaxation that deletes bytes) is simply not found, and stays unattributed. */
#include "memanalyser/place.h"
#include <stdlib.h>
#include <string.h>

/* ---- image symbols by name -------------------------------------------------------------- */

static int by_name(const void *x, const void *y)
{
    const struct elf_symbol *a = *(const struct elf_symbol *const *)x,
                            *b = *(const struct elf_symbol *const *)y;
    int order = strcmp(a->name, b->name);
    return order ? order : (a->index > b->index) - (a->index < b->index);
}

static bool comparable(const struct elf_symbol *s)
{
    return *s->name && s->type != STT_FILE && s->type != STT_SECTION;
}

static void index_names(struct placer *p)
{
    vec_each (s, &p->image->symbols) {
        if (comparable(s) && s->section && s->section < p->image->elf.sections.count)
            vec_push(p->arena, &p->by_name, s);
    }
    vec_sort(&p->by_name, by_name);
}

/* All image symbols of that name: the first of them (NULL: none) and how many. */
static const struct elf_symbol *const *find_name(const struct placer *p, const char *name,
                                                 size_t *count)
{
    size_t low = 0, high = p->by_name.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(p->by_name.items[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < p->by_name.count && strcmp(p->by_name.items[end]->name, name) == 0)
        end++;
    *count = end - low;
    return end > low ? &p->by_name.items[low] : NULL;
}

/* ---- places in the image ---------------------------------------------------------------- */

static int by_address(const void *x, const void *y)
{
    const struct elf_section *a = *(const struct elf_section *const *)x,
                             *b = *(const struct elf_section *const *)y;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

static void index_sections(struct placer *p)
{
    vec_each (s, &p->image->elf.sections)
        if (elf_memory_size(s))
            vec_push(p->arena, &p->loaded, s);
    vec_sort(&p->loaded, by_address);
}

const struct elf_section *placer_section_at(const struct placer *p, uint64_t address)
{
    size_t low = 0, high = p->loaded.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->loaded.items[middle]->address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return NULL;
    const struct elf_section *s = p->loaded.items[low - 1];
    return address - s->address < s->size ? s : NULL;
}

/* ---- relocations of an input section ---------------------------------------------------- */

static int by_offset(const void *x, const void *y)
{
    const struct elf_reloc *a = x, *b = y;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

static void read_relocs(struct placer *p, struct object *o)
{
    vec_each (s, &o->elf.sections) {
        if ((s->type != SHT_RELA && s->type != SHT_REL) || !s->info ||
            s->info >= o->elf.sections.count || o->inputs[s->info].relocs.count)
            continue;
        elf_relocs relocs = {0};
        if (elf_relocs_read(p->diag, p->arena, &o->elf, s, &relocs))
            continue;
        vec_sort(&relocs, by_offset);
        o->inputs[s->info].relocs = relocs;
    }
}

/* Bytes around a relocated field that linking may change: the field, and for relaxable GOT and TLS
 * accesses the instruction it belongs to (x86-64 psABI, "Linker optimization"). */
static void masked_span(uint16_t machine, const struct elf_reloc *r, uint64_t *start, uint64_t *end)
{
    uint64_t before = 0, size = 4;
    if (machine == EM_X86_64) {
        switch (r->type) {
        case R_X86_64_64:
        case R_X86_64_PC64:
        case R_X86_64_GOTOFF64:
        case R_X86_64_DTPOFF64:
        case R_X86_64_TPOFF64:
            size = 8;
            break;
        case R_X86_64_GOTPCREL:
        case R_X86_64_GOTPCRELX:
        case R_X86_64_REX_GOTPCRELX:
        case R_X86_64_GOTTPOFF:
            before = 3;
            break;
        case R_X86_64_TLSGD:
        case R_X86_64_TLSLD:
            before = 4, size = 12;
            break;
        }
    } else if (machine == EM_AARCH64) {
        size = r->type == R_AARCH64_ABS64 || r->type == R_AARCH64_PREL64 ? 8 : 4;
    } else {
        before = 4, size = 8;
    }
    *start = r->offset > before ? r->offset - before : 0;
    *end = r->offset + size;
}

bool placer_matches(const struct input_section *in, const struct elf_file *elf,
                    const unsigned char *image_bytes, uint64_t *compared)
{
    const unsigned char *mine = elf_contents(elf, in->section);
    uint64_t at = 0, size = in->section->size, wrong = 0, seen = 0;
    for (size_t i = 0; i <= in->relocs.count && at < size; i++) {
        uint64_t start = size, end = size;
        if (i < in->relocs.count)
            masked_span(elf->machine, &in->relocs.items[i], &start, &end);
        if (start > size)
            start = size;
        if (start > at) {
            seen += start - at;
            if (memcmp(mine + at, image_bytes + at, start - at) != 0)
                for (uint64_t k = at; k < start; k++)
                    wrong += mine[k] != image_bytes[k];
        }
        if (end > at)
            at = end;
    }
    *compared = seen;
    /* A tool may patch a few words of a linked image (build identifiers, boot information). */
    return wrong <= seen / 64;
}

/* ---- votes ------------------------------------------------------------------------------ */

enum { MANY_NAMESAKES = 16, MANY_VOTES = 64 };

void placer_vote(struct placer *p, struct input_section *in, uint64_t address, unsigned weight,
                 enum evidence evidence)
{
    vec_each (v, &in->votes) {
        if (v->address == address) {
            v->weight += weight;
            return;
        }
    }
    if (in->votes.count < MANY_VOTES)
        vec_push(p->arena, &in->votes, ((struct vote){address, weight, evidence}));
}

static void vote_by_symbols(struct placer *p, struct object *o)
{
    vec_each (s, &o->symbols) {
        if (!comparable(s) || !s->section || s->section >= o->elf.sections.count)
            continue;
        struct input_section *in = &o->inputs[s->section];
        if (!in->section || s->value > in->section->size)
            continue;
        size_t count;
        const struct elf_symbol *const *named = find_name(p, s->name, &count);
        for (size_t i = 0; named && i < count && count <= MANY_NAMESAKES; i++) {
            const struct elf_symbol *t = named[i];
            if (t->type == s->type && t->size == s->size && t->value >= s->value)
                placer_vote(p, in, t->value - s->value, count == 1 ? MANY_NAMESAKES : 1, BY_SYMBOL);
        }
    }
}

static bool fits(const struct input_section *in, const struct elf_section *target, uint64_t address)
{
    const struct elf_section *s = in->section;
    if (!target || s->size > target->size - (address - target->address))
        return false;
    if (s->type != SHT_NOBITS && target->type == SHT_NOBITS)
        return false;
    if ((s->flags ^ target->flags) & SHF_TLS)
        return false;
    return s->align < 2 || address % s->align == 0;
}

static const struct elf_section *tls_section(const struct placer *p, uint64_t address)
{
    vec_each (s, &p->image->elf.sections) {
        if ((s->flags & SHF_TLS) && address >= s->address && address - s->address < s->size)
            return s;
    }
    return NULL;
}

bool placer_try(struct placer *p, struct input_section *in, uint64_t address,
                enum evidence evidence, bool trusted)
{
    const struct elf_section *target =
        in->section->flags & SHF_TLS ? tls_section(p, address) : placer_section_at(p, address);
    if (!fits(in, target, address))
        return false;
    uint64_t compared = 0, offset = address - target->address;
    if (in->section->type != SHT_NOBITS &&
        !placer_matches(in, &in->object->elf, p->image->elf.data + target->offset + offset,
                        &compared) &&
        !trusted)
        return false;
    in->placed = true;
    in->target = target->index;
    in->offset = offset;
    claim_add(p->image, target->index,
              (struct claim){offset, offset + in->section->size, in->object_index,
                             in->section->name, evidence});
    vec_push(p->arena, &p->fresh, in);
    return true;
}

static int by_weight(const void *x, const void *y)
{
    const struct vote *a = x, *b = y;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return (a->address > b->address) - (a->address < b->address);
}

/* Takes the best proposal. Where bytes disagree (an image patched after linking), only proposals
 * that nothing contradicts are trusted. */
static bool elect(struct placer *p, struct input_section *in)
{
    if (in->placed || !in->votes.count)
        return in->placed;
    vec_sort(&in->votes, by_weight);
    vec_each (v, &in->votes)
        if (placer_try(p, in, v->address, v->evidence, false))
            return true;
    const struct vote *best = in->votes.items;
    if (in->votes.count == 1 && best->weight >= MANY_NAMESAKES)
        return placer_try(p, in, best->address, best->evidence, true);
    return false;
}

static void place_commons(struct placer *p, struct object *o, int object)
{
    vec_each (s, &o->symbols) {
        size_t count;
        const struct elf_symbol *const *named =
            s->section == ELF_COMMON ? find_name(p, s->name, &count) : NULL;
        if (!named)
            continue;
        const struct elf_symbol *t = named[0];
        const struct elf_section *target = &p->image->elf.sections.items[t->section];
        if (t->size != s->size || t->value < target->address)
            continue;
        uint64_t offset = t->value - target->address;
        if (offset < target->size && s->size <= target->size - offset)
            claim_add(p->image, t->section,
                      (struct claim){offset, offset + s->size, object, "COMMON", BY_SYMBOL});
    }
}

/* ---- the whole -------------------------------------------------------------------------- */

static void prepare(struct placer *p)
{
    vec_each (o, &p->image->objects) {
        o->inputs = arena_array(p->arena, o->elf.sections.count, sizeof *o->inputs);
        vec_each (s, &o->elf.sections) {
            if (!(s->flags & SHF_ALLOC) || !s->size || s->type == SHT_NULL || s->type == SHT_GROUP)
                continue;
            o->inputs[s->index].section = s;
            o->inputs[s->index].object = o;
            o->inputs[s->index].object_index = (int)(o - p->image->objects.items);
        }
        read_relocs(p, o);
    }
}

static bool elect_all(struct placer *p)
{
    bool any = false;
    vec_each (o, &p->image->objects) {
        for (size_t i = 0; i < o->elf.sections.count; i++) {
            struct input_section *in = &o->inputs[i];
            if (in->section && !in->placed && in->votes.count && !placer_is_merged(in->section))
                any |= elect(p, in);
        }
    }
    return any;
}

enum status image_place(struct diag *d, struct image *image)
{
    if (!image->objects.count || image->elf.relocatable)
        return STATUS_OK;
    struct placer p = {.image = image, .arena = image->arena, .diag = d};
    prepare(&p);
    index_names(&p);
    index_sections(&p);
    size_t done = 0;
    vec_each (o, &image->objects) {
        diag_progress(d, ++done, image->objects.count, "placing %s", o->path);
        vote_by_symbols(&p, o);
        place_commons(&p, o, (int)(o - image->objects.items));
    }
    do {
        elect_all(&p);
        placer_follow_relocs(&p);
    } while (elect_all(&p));
    claims_settle(image);
    if (placer_search_content(&p))
        do {
            placer_follow_relocs(&p);
        } while (elect_all(&p));
    claims_settle(image);
    diag_progress_end(d);
    return STATUS_OK;
}
