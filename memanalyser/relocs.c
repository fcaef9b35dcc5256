/* SPDX-License-Identifier: BSD-3-Clause
 * What the fields of a relocatable object's code and data refer to. */
#include "memanalyser/image.h"
#include <inttypes.h>
#include <stdlib.h>

static int by_offset(const void *x, const void *y)
{
    const struct elf_reloc *a = x, *b = y;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

static void read_all(struct image *image)
{
    struct diag quiet = {.verbosity = -1};
    image->relocs = arena_array(image->arena, image->elf.sections.count + 1, sizeof *image->relocs);
    vec_each (s, &image->elf.sections) {
        elf_relocs some;
        if (!image->elf.relocatable || (s->type != SHT_RELA && s->type != SHT_REL) || !s->info ||
            s->info >= image->elf.sections.count ||
            elf_relocs_read(&quiet, image->arena, &image->elf, s, &some))
            continue;
        vec_sort(&some, by_offset);
        image->relocs[s->info] = some;
    }
}

const struct elf_reloc *image_reloc_in(struct image *image, uint32_t section, uint64_t start,
                                       uint64_t end)
{
    if (!image->relocs)
        read_all(image);
    const elf_relocs *relocs = &image->relocs[section];
    size_t low = 0, high = relocs->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (relocs->items[middle].offset < start)
            low = middle + 1;
        else
            high = middle;
    }
    return low < relocs->count && relocs->items[low].offset < end ? &relocs->items[low] : NULL;
}

const char *image_reloc_target(struct image *image, const struct elf_reloc *r, uint64_t end,
                               const struct elf_symbol **symbol)
{
    const struct elf_symbol *s =
        r->symbol < image->symbols.count ? &image->symbols.items[r->symbol] : NULL;
    const char *name = s ? s->name : "";
    if (s && s->type == STT_SECTION && s->section < image->elf.sections.count)
        name = image->elf.sections.items[s->section].name;
    if (symbol)
        *symbol = s;
    /* A relative field counts from its own place: -4 is the usual distance to its end. */
    int64_t addend = r->addend;
    if (image->machine == EM_X86_64 &&
        (r->type == R_X86_64_PC32 || r->type == R_X86_64_PLT32 || r->type == R_X86_64_GOTPCREL ||
         r->type == R_X86_64_GOTPCRELX || r->type == R_X86_64_REX_GOTPCRELX))
        addend = (int64_t)((uint64_t)addend + (end - r->offset));
    if (!addend)
        return name;
    return arena_printf(image->arena, "%s%c0x%" PRIx64, name, addend < 0 ? '-' : '+',
                        addend < 0 ? -(uint64_t)addend : (uint64_t)addend);
}

uint64_t elf_reloc_size(uint16_t machine, uint32_t type)
{
    if (machine == EM_X86_64)
        return type == R_X86_64_64 || type == R_X86_64_PC64 || type == R_X86_64_GOTOFF64 ||
                       type == R_X86_64_DTPOFF64 || type == R_X86_64_TPOFF64
                   ? 8
                   : 4;
    return machine == EM_AARCH64 && (type == R_AARCH64_ABS64 || type == R_AARCH64_PREL64) ? 8 : 4;
}
