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

/* A source path with a component after "lib" names its library as micro-library trees do:
 * ".../lib/posix-fdio/open.c" is libposix_fdio's. -1: no such component. */
static int library_of_source(struct image *image, const char *path)
{
    const char *found = NULL;
    for (const char *p = path; (p = strstr(p, "lib/")); p++)
        if (p == path || p[-1] == '/')
            found = p + 4;
    const char *end = found ? strchr(found, '/') : NULL;
    if (!end || end == found)
        return -1;
    char *name = arena_printf(image->arena, "lib%.*s", (int)(end - found), found);
    for (char *p = name; *p; p++)
        *p = *p == '-' ? '_' : *p;
    return image_library(image, name);
}

/* The unit as an object, made at its first claim. */
struct unit {
    struct image *image;
    const char *name, *folder;
    int object;
};

static int unit_object(struct unit *u)
{
    struct arena *a = u->image->arena;
    if (u->object >= 0)
        return u->object;
    const char *path =
        u->name[0] == '/' || !u->folder ? u->name : arena_printf(a, "%s/%s", u->folder, u->name);
    vec_push(a, &u->image->objects,
             ((struct object){.path = arena_strdup(a, u->name),
                              .library = library_of_source(u->image, path)}));
    return u->object = (int)u->image->objects.count - 1;
}

static void claim_code(struct unit *u, Dwarf_Die *die)
{
    Dwarf_Addr base, start, end;
    for (ptrdiff_t at = 0; (at = dwarf_ranges(die, at, &base, &start, &end)) > 0;) {
        const struct elf_section *s = start < end ? elf_section_at(&u->image->elf, start) : NULL;
        if (s && end - s->address <= s->size)
            claim_add(
                u->image, s->index,
                (struct claim){start - s->address, end - s->address, unit_object(u), "", BY_DWARF});
    }
}

/* Variables at fixed addresses, as far as their symbols reach. */
static void claim_data(struct unit *u, Dwarf_Die *die)
{
    Dwarf_Die child;
    if (dwarf_child(die, &child))
        return;
    do {
        Dwarf_Attribute attribute;
        Dwarf_Op *ops;
        size_t count;
        if (dwarf_tag(&child) != DW_TAG_variable ||
            !dwarf_attr(&child, DW_AT_location, &attribute) ||
            dwarf_getlocation(&attribute, &ops, &count) || count != 1 || ops[0].atom != DW_OP_addr)
            continue;
        const struct elf_section *s = elf_section_at(&u->image->elf, ops[0].number);
        const struct named_range *n =
            s ? name_at(u->image, s->index, ops[0].number - s->address) : NULL;
        if (n && n->start == ops[0].number - s->address && n->symbol->type == STT_OBJECT)
            claim_add(u->image, s->index,
                      (struct claim){n->start, n->end, unit_object(u), "", BY_DWARF});
    } while (dwarf_siblingof(&child, &child) == 0);
}

static void claim_unit(struct image *image, Dwarf_Die *die)
{
    Dwarf_Attribute attribute;
    struct unit u = {.image = image, .name = dwarf_diename(die), .object = -1};
    if (!u.name)
        return;
    if (dwarf_attr(die, DW_AT_comp_dir, &attribute))
        u.folder = dwarf_formstring(&attribute);
    claim_code(&u, die);
    claim_data(&u, die);
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
