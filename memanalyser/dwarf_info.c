/* SPDX-License-Identifier: BSD-3-Clause */
#include "memanalyser/dwarf_info.h"
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

struct debug_info {
    Elf *elf;
    Dwarf *dwarf; /* NULL: none */
};

static struct debug_info *debug_info(struct image *image)
{
    if (image->debug)
        return image->debug;
    image->debug = ARENA_NEW(image->arena, struct debug_info);
    if (image->elf.relocatable)
        return image->debug; /* its debug information is not relocated */
    elf_version(EV_CURRENT);
    /* libelf only reads through this pointer (ELF_C_READ). */
    image->debug->elf = elf_memory((char *)image->twin.data, image->twin.size);
    if (image->debug->elf)
        image->debug->dwarf = dwarf_begin_elf(image->debug->elf, DWARF_C_READ, NULL);
    return image->debug;
}

void debug_info_close(struct image *image)
{
    if (!image->debug)
        return;
    if (image->debug->dwarf)
        dwarf_end(image->debug->dwarf);
    if (image->debug->elf)
        elf_end(image->debug->elf);
    image->debug = NULL;
}

const char *image_source_line(struct image *image, uint64_t address)
{
    Dwarf *dwarf = debug_info(image)->dwarf;
    Dwarf_Die unit;
    if (!dwarf || !dwarf_addrdie(dwarf, address, &unit))
        return NULL;
    Dwarf_Line *line = dwarf_getsrc_die(&unit, address);
    const char *file = line ? dwarf_linesrc(line, NULL, NULL) : NULL;
    int number = 0;
    if (!file || dwarf_lineno(line, &number))
        return NULL;
    return arena_printf(image->arena, "%s:%d", file, number);
}

/* A compile unit's code, as claims of the file it names. */
static void claim_unit(struct image *image, Dwarf_Die *unit)
{
    const char *name = dwarf_diename(unit);
    if (!name)
        return;
    Dwarf_Addr base, start, end;
    int object = -1;
    for (ptrdiff_t at = 0; (at = dwarf_ranges(unit, at, &base, &start, &end)) > 0;) {
        const struct elf_section *s = start < end ? elf_section_at(&image->elf, start) : NULL;
        if (!s || end - s->address > s->size)
            continue;
        if (object < 0) {
            vec_push(image->arena, &image->objects,
                     ((struct object){.path = arena_strdup(image->arena, name), .library = -1}));
            object = (int)image->objects.count - 1;
        }
        claim_add(image, s->index,
                  (struct claim){start - s->address, end - s->address, object, "", BY_DWARF});
    }
}

enum status image_claim_units(struct diag *d, struct image *image)
{
    Dwarf *dwarf = debug_info(image)->dwarf;
    Dwarf_CU *cu = NULL;
    Dwarf_Die unit;
    uint8_t type;
    size_t done = 0;
    while (dwarf && dwarf_get_units(dwarf, cu, &cu, NULL, &type, &unit, NULL) == 0) {
        if (type == DW_UT_compile || type == DW_UT_skeleton)
            claim_unit(image, &unit);
        if (++done % 256 == 0)
            diag_progress(d, done, 0, "reading compile units");
    }
    claims_settle(image);
    return STATUS_OK;
}
