/* SPDX-License-Identifier: BSD-3-Clause
 * Symbol versions (LSB Core, "Symbol Versioning"): version index -> name, from DT_VERDEF for what
 * an object defines and DT_VERNEED for what it imports. */
#include "analyzer/elf_private.h"
#include <elf.h>
#include <string.h>

enum { VERSION_LIMIT = 0x8000 }; /* an index has 15 bits */

static enum status bad(struct diag *d, const struct elf_object *o, const char *what,
                       uint64_t address)
{
    return diag_fail(d, STATUS_INPUT,
                     "%s: %s at address 0x%lx: an entry inside the file's segments with a name in "
                     "the string table was expected",
                     o->path, what, address);
}

static void set_version(struct elf_object *o, unsigned index, struct elf_version version)
{
    while (o->versions->table.count <= index)
        vec_add(o->arena, &o->versions->table);
    o->versions->table.items[index] = version;
}

static enum status read_definitions(struct diag *d, struct elf_object *o)
{
    uint64_t address = o->verdef;
    for (uint64_t i = 0; i < o->verdef_count && i < VERSION_LIMIT; i++) {
        Elf64_Verdef def;
        Elf64_Verdaux aux;
        const unsigned char *p = elf_bytes(o, address, sizeof def);
        if (!p)
            return bad(d, o, "DT_VERDEF", address);
        memcpy(&def, p, sizeof def);
        p = elf_bytes(o, address + def.vd_aux, sizeof aux);
        if (!p)
            return bad(d, o, "DT_VERDEF", address + def.vd_aux);
        memcpy(&aux, p, sizeof aux);
        const char *name = elf_dynamic_string(o, aux.vda_name);
        if (!name)
            return bad(d, o, "DT_VERDEF", address);
        if (!(def.vd_flags & VER_FLG_BASE)) /* the base version is the object's own name */
            set_version(o, def.vd_ndx & 0x7fff,
                        (struct elf_version){name, NULL, def.vd_hash, false});
        if (!def.vd_next)
            break;
        address += def.vd_next;
    }
    return STATUS_OK;
}

static enum status read_needed_names(struct diag *d, struct elf_object *o, uint64_t address,
                                     unsigned count, const char *file, unsigned *total)
{
    for (unsigned k = 0; k < count; k++) {
        Elf64_Vernaux aux;
        const unsigned char *p = elf_bytes(o, address, sizeof aux);
        if (!p || ++*total > VERSION_LIMIT)
            return bad(d, o, "DT_VERNEED", address);
        memcpy(&aux, p, sizeof aux);
        const char *name = elf_dynamic_string(o, aux.vna_name);
        if (!name)
            return bad(d, o, "DT_VERNEED", address);
        set_version(o, aux.vna_other & 0x7fff,
                    (struct elf_version){name, file, aux.vna_hash, aux.vna_other & 0x8000});
        if (!aux.vna_next)
            break;
        address += aux.vna_next;
    }
    return STATUS_OK;
}

static enum status read_needs(struct diag *d, struct elf_object *o)
{
    uint64_t address = o->verneed;
    unsigned total = 0;
    for (uint64_t i = 0; i < o->verneed_count && i < VERSION_LIMIT; i++) {
        Elf64_Verneed need;
        const unsigned char *p = elf_bytes(o, address, sizeof need);
        if (!p)
            return bad(d, o, "DT_VERNEED", address);
        memcpy(&need, p, sizeof need);
        const char *file = elf_dynamic_string(o, need.vn_file);
        if (!file)
            return bad(d, o, "DT_VERNEED", address);
        enum status status =
            read_needed_names(d, o, address + need.vn_aux, need.vn_cnt, file, &total);
        if (status)
            return status;
        if (!need.vn_next)
            break;
        address += need.vn_next;
    }
    return STATUS_OK;
}

enum status elf_read_versions(struct diag *d, struct elf_object *o)
{
    if (!o->versym)
        return STATUS_OK;
    uint64_t available;
    o->versions->versym = elf_span(o, o->versym, &available);
    if (!o->versions->versym)
        return bad(d, o, "DT_VERSYM", o->versym);
    o->versions->count = available / sizeof(Elf64_Versym);
    enum status status = read_definitions(d, o);
    return status ? status : read_needs(d, o);
}
