/* SPDX-License-Identifier: BSD-3-Clause
 * The dynamic section, read as the dynamic linker does: through PT_DYNAMIC and virtual addresses.
 */
#include "analyzer/elf_private.h"
#include <elf.h>
#include <string.h>

/* Where the value of a tag goes; string tags hold an offset until the string table is known. */
static const struct {
    int64_t tag;
    size_t offset; /* of a uint64_t member */
} plain_tags[] = {
#define TAG(tag_, member)                                                                          \
    {                                                                                              \
        tag_, offsetof(struct elf_object, member)                                                  \
    }
    TAG(DT_SYMTAB, symtab),
    TAG(DT_STRTAB, strtab),
    TAG(DT_STRSZ, strtab_size),
    TAG(DT_HASH, sysv_hash),
    TAG(DT_GNU_HASH, gnu_hash),
    TAG(DT_VERSYM, versym),
    TAG(DT_VERNEED, verneed),
    TAG(DT_VERNEEDNUM, verneed_count),
    TAG(DT_VERDEF, verdef),
    TAG(DT_VERDEFNUM, verdef_count),
    TAG(DT_RELA, rela.address),
    TAG(DT_RELASZ, rela.size),
    TAG(DT_REL, rel.address),
    TAG(DT_RELSZ, rel.size),
    TAG(DT_JMPREL, jmprel.address),
    TAG(DT_PLTRELSZ, jmprel.size),
    TAG(DT_RELR, relr.address),
    TAG(DT_RELRSZ, relr.size),
    TAG(DT_INIT, init),
    TAG(DT_FINI, fini),
    TAG(DT_PREINIT_ARRAY, preinit_array.address),
    TAG(DT_PREINIT_ARRAYSZ, preinit_array.size),
    TAG(DT_INIT_ARRAY, init_array.address),
    TAG(DT_INIT_ARRAYSZ, init_array.size),
    TAG(DT_FINI_ARRAY, fini_array.address),
    TAG(DT_FINI_ARRAYSZ, fini_array.size),
    TAG(DT_PLTGOT, pltgot),
    TAG(DT_FLAGS_1, flags_1),
#undef TAG
};

/* Tags whose value is an offset into the string table. */
static const struct {
    int64_t tag;
    size_t offset; /* of a const char * member; 0: goes into a list */
    const char *name;
} string_tags[] = {
    {DT_NEEDED, 0, "DT_NEEDED"},
    {DT_SONAME, offsetof(struct elf_object, soname), "DT_SONAME"},
    {DT_RPATH, offsetof(struct elf_object, rpath), "DT_RPATH"},
    {DT_RUNPATH, offsetof(struct elf_object, runpath), "DT_RUNPATH"},
    {DT_FILTER, 0, "DT_FILTER"},
    {DT_AUXILIARY, 0, "DT_AUXILIARY"},
};

static void take_plain(struct elf_object *o, const Elf64_Dyn *entry)
{
    for (size_t i = 0; i < sizeof plain_tags / sizeof plain_tags[0]; i++)
        if (plain_tags[i].tag == entry->d_tag)
            memcpy((char *)o + plain_tags[i].offset, &entry->d_un.d_val, sizeof(uint64_t));
    if (entry->d_tag == DT_SYMBOLIC ||
        (entry->d_tag == DT_FLAGS && entry->d_un.d_val & DF_SYMBOLIC))
        o->symbolic = true;
    if (entry->d_tag == DT_BIND_NOW ||
        (entry->d_tag == DT_FLAGS && entry->d_un.d_val & DF_BIND_NOW))
        o->bind_now = true;
    if (entry->d_tag == DT_PLTREL)
        o->jmprel_is_rel = entry->d_un.d_val == DT_REL;
}

static enum status take_string(struct diag *d, struct elf_object *o, const Elf64_Dyn *entry)
{
    for (size_t i = 0; i < sizeof string_tags / sizeof string_tags[0]; i++) {
        if (string_tags[i].tag != entry->d_tag)
            continue;
        const char *text = elf_dynamic_string(o, entry->d_un.d_val);
        if (!text)
            return diag_fail(d, STATUS_INPUT,
                             "%s: %s: string offset 0x%lx lies outside the dynamic string table "
                             "(0x%lx bytes at address 0x%lx)",
                             o->path, string_tags[i].name, entry->d_un.d_val,
                             o->tables->strings_size, o->strtab);
        if (entry->d_tag == DT_NEEDED)
            vec_push(o->arena, &o->needed, text);
        else if (!string_tags[i].offset)
            vec_push(o->arena, &o->filters,
                     ((struct elf_filter){text, entry->d_tag == DT_AUXILIARY}));
        else
            memcpy((char *)o + string_tags[i].offset, &text, sizeof text);
    }
    return STATUS_OK;
}

static enum status find_tables(struct diag *d, struct elf_object *o)
{
    struct elf_tables *t = o->tables;
    if (o->strtab_size) {
        t->strings = (const char *)elf_bytes(o, o->strtab, o->strtab_size);
        if (!t->strings || t->strings[o->strtab_size - 1])
            return diag_fail(d, STATUS_INPUT,
                             "%s: dynamic string table: 0x%lx bytes at address 0x%lx, ending in a "
                             "zero byte, were expected",
                             o->path, o->strtab_size, o->strtab);
        t->strings_size = o->strtab_size;
    }
    if (o->symtab) {
        uint64_t available;
        t->symbols = elf_span(o, o->symtab, &available);
        if (!t->symbols)
            return diag_fail(d, STATUS_INPUT,
                             "%s: dynamic symbol table: address 0x%lx lies outside the file's "
                             "segments",
                             o->path, o->symtab);
        t->symbols_available = available / sizeof(Elf64_Sym);
    }
    return STATUS_OK;
}

static enum status check_array(struct diag *d, const struct elf_object *o, const char *name,
                               struct elf_range range, uint64_t entry)
{
    if (!range.size || (range.size % entry == 0 && elf_bytes(o, range.address, range.size)))
        return STATUS_OK;
    return diag_fail(d, STATUS_INPUT,
                     "%s: %s: 0x%lx bytes at address 0x%lx: a table of %lu-byte entries inside "
                     "the file's segments was expected",
                     o->path, name, range.size, range.address, entry);
}

static enum status check_arrays(struct diag *d, struct elf_object *o)
{
    const struct {
        const char *name;
        struct elf_range range;
        uint64_t entry;
    } arrays[] = {
        {"DT_RELA", o->rela, sizeof(Elf64_Rela)},
        {"DT_REL", o->rel, sizeof(Elf64_Rel)},
        {"DT_JMPREL", o->jmprel, o->jmprel_is_rel ? sizeof(Elf64_Rel) : sizeof(Elf64_Rela)},
        {"DT_RELR", o->relr, sizeof(uint64_t)},
        {"DT_PREINIT_ARRAY", o->preinit_array, sizeof(uint64_t)},
        {"DT_INIT_ARRAY", o->init_array, sizeof(uint64_t)},
        {"DT_FINI_ARRAY", o->fini_array, sizeof(uint64_t)},
    };
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        enum status status = check_array(d, o, arrays[i].name, arrays[i].range, arrays[i].entry);
        if (status)
            return status;
    }
    return STATUS_OK;
}

static enum status read_entries(struct diag *d, struct elf_object *o,
                                const struct elf_segment *segment)
{
    uint64_t count = segment->filesz / sizeof(Elf64_Dyn), used = 0;
    const unsigned char *p = elf_bytes(o, segment->vaddr, count * sizeof(Elf64_Dyn));
    if (!p)
        return diag_fail(d, STATUS_INPUT,
                         "%s: dynamic section: 0x%lx bytes at address 0x%lx lie outside the "
                         "file's segments",
                         o->path, segment->filesz, segment->vaddr);
    Elf64_Dyn entry;
    for (; used < count; used++) {
        memcpy(&entry, p + used * sizeof entry, sizeof entry);
        if (entry.d_tag == DT_NULL)
            break;
        take_plain(o, &entry);
    }
    enum status status = find_tables(d, o);
    for (uint64_t i = 0; !status && i < used; i++) {
        memcpy(&entry, p + i * sizeof entry, sizeof entry);
        status = take_string(d, o, &entry);
    }
    if (o->runpath) /* as ld.so: an RPATH beside a RUNPATH does not count */
        o->rpath = NULL;
    return status;
}

enum status elf_read_dynamic(struct diag *d, struct elf_object *o)
{
    o->tables = ARENA_NEW(o->arena, struct elf_tables);
    o->versions = ARENA_NEW(o->arena, struct elf_versions);
    o->hash = ARENA_NEW(o->arena, struct elf_hash);
    const struct elf_segment *dynamic = NULL;
    vec_each (s, &o->other_headers)
        if (s->type == PT_DYNAMIC)
            dynamic = s;
    if (!dynamic)
        return STATUS_OK;
    o->dynamic = true;
    enum status status;
    if ((status = read_entries(d, o, dynamic)) || (status = check_arrays(d, o)) ||
        (status = elf_read_versions(d, o)))
        return status;
    return elf_read_hash(d, o);
}
