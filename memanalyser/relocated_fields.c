/* SPDX-License-Identifier: BSD-3-Clause
 * Where in an image's memory addresses stand: what differs between two links of the same object. */
#include "memanalyser/place.h"
#include "memanalyser/sharing.h"
#include <stdlib.h>

static int by_start(const void *x, const void *y)
{
    const struct field_span *a = x, *b = y;
    return (a->start > b->start) - (a->start < b->start);
}

static void from_objects(struct image *image, field_spans *out)
{
    vec_each (o, &image->objects) {
        for (size_t i = 0; o->inputs && i < o->elf.sections.count; i++) {
            const struct input_section *in = &o->inputs[i];
            if (!in->placed || in->section->type == SHT_NOBITS)
                continue;
            uint64_t base = section_address(image, in->target, in->offset);
            vec_each (r, &in->relocs) {
                uint64_t size = elf_reloc_size(o->elf.machine, r->type);
                if (r->offset <= in->section->size && size <= in->section->size - r->offset)
                    vec_push(image->arena, out,
                             ((struct field_span){base + r->offset, base + r->offset + size}));
            }
        }
    }
}

static void from_dynamic(struct image *image, field_spans *out)
{
    struct diag quiet = {.verbosity = -1};
    uint64_t word = image->elf.is64 ? 8 : 4;
    vec_each (s, &image->elf.sections) {
        elf_relocs relocs;
        bool table = s->type == SHT_RELA || s->type == SHT_REL || s->type == SHT_RELR;
        if (!table || !(s->flags & SHF_ALLOC) ||
            elf_relocs_read(&quiet, image->arena, &image->elf, s, &relocs))
            continue;
        vec_each (r, &relocs)
            vec_push(image->arena, out, ((struct field_span){r->offset, r->offset + word}));
    }
}

void image_relocated_fields(struct image *image, field_spans *out)
{
    *out = (field_spans){0};
    from_objects(image, out);
    from_dynamic(image, out);
    vec_sort(out, by_start);
}
