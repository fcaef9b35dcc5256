/* SPDX-License-Identifier: BSD-3-Clause
 * Dynamic relocations of all encodings in one sorted array. RELR: the generic ABI's compact form,
 * an address word followed by bitmaps of the 63 words after it. */
#include "analyzer/elf_private.h"
#include <elf.h>
#include <stdlib.h>
#include <string.h>

struct kind_of_type {
    uint16_t type;
    uint8_t kind;
};

static const struct kind_of_type x86_64_kinds[] = {
    {R_X86_64_RELATIVE, RELOC_RELATIVE},   {R_X86_64_64, RELOC_SYMBOLIC},
    {R_X86_64_GLOB_DAT, RELOC_SYMBOLIC},   {R_X86_64_JUMP_SLOT, RELOC_SYMBOLIC},
    {R_X86_64_COPY, RELOC_COPY},           {R_X86_64_IRELATIVE, RELOC_IRELATIVE},
    {R_X86_64_TPOFF64, RELOC_TLS},         {R_X86_64_DTPMOD64, RELOC_TLS},
    {R_X86_64_DTPOFF64, RELOC_TLS},        {R_X86_64_TLSDESC, RELOC_TLSDESC},
    {R_X86_64_RELATIVE64, RELOC_RELATIVE}, {0},
};

static const struct kind_of_type aarch64_kinds[] = {
    {R_AARCH64_RELATIVE, RELOC_RELATIVE},
    {R_AARCH64_ABS64, RELOC_SYMBOLIC},
    {R_AARCH64_GLOB_DAT, RELOC_SYMBOLIC},
    {R_AARCH64_JUMP_SLOT, RELOC_SYMBOLIC},
    {R_AARCH64_COPY, RELOC_COPY},
    {R_AARCH64_IRELATIVE, RELOC_IRELATIVE},
    {R_AARCH64_TLS_TPREL, RELOC_TLS},
    {R_AARCH64_TLS_DTPMOD, RELOC_TLS},
    {R_AARCH64_TLS_DTPREL, RELOC_TLS},
    {R_AARCH64_TLSDESC, RELOC_TLSDESC},
    {0},
};

static uint8_t kind_of(const struct elf_object *o, uint16_t type, uint32_t symbol)
{
    const struct kind_of_type *k = o->machine == EM_AARCH64 ? aarch64_kinds : x86_64_kinds;
    while (k->type && k->type != type)
        k++;
    /* Against no symbol, the word becomes the load address plus the addend. */
    return k->type && k->kind == RELOC_SYMBOLIC && !symbol ? RELOC_RELATIVE
           : k->type                                       ? k->kind
                                                           : RELOC_OTHER;
}

static enum status bad_word(struct diag *d, const struct elf_object *o, const char *table,
                            uint64_t address)
{
    return diag_fail(d, STATUS_INPUT,
                     "%s: %s: the word at address 0x%lx to be relocated lies outside the segments",
                     o->path, table, address);
}

static enum status add(struct diag *d, struct elf_object *o, const char *table, const Elf64_Rela *r,
                       bool addend_in_place, bool plt)
{
    uint16_t type = (uint16_t)ELF64_R_TYPE(r->r_info);
    if (!ELF64_R_TYPE(r->r_info))
        return STATUS_OK;
    uint64_t in_place = 0;
    if (addend_in_place ? !elf_word(o, r->r_offset, 8, &in_place) : !elf_segment_at(o, r->r_offset))
        return bad_word(d, o, table, r->r_offset);
    uint32_t symbol = (uint32_t)ELF64_R_SYM(r->r_info);
    struct elf_relocation *out = vec_add(o->arena, &o->relocations);
    *out = (struct elf_relocation){.address = r->r_offset,
                                   .addend = addend_in_place ? (int64_t)in_place : r->r_addend,
                                   .symbol = symbol,
                                   .type = type,
                                   .kind = kind_of(o, type, symbol),
                                   .plt = plt};
    return STATUS_OK;
}

/* A table at an address checked when the dynamic section was read. */
static enum status read_table(struct diag *d, struct elf_object *o, const char *name,
                              struct elf_range range, bool rel, bool plt)
{
    size_t entry = rel ? sizeof(Elf64_Rel) : sizeof(Elf64_Rela);
    const unsigned char *p = elf_bytes(o, range.address, range.size);
    for (uint64_t i = 0; p && i < range.size / entry; i++) {
        Elf64_Rela r = {0};
        memcpy(&r, p + i * entry, entry);
        enum status status = add(d, o, name, &r, rel, plt);
        if (status)
            return status;
    }
    return STATUS_OK;
}

static enum status add_relative(struct diag *d, struct elf_object *o, uint64_t address)
{
    uint64_t relative = o->machine == EM_AARCH64 ? R_AARCH64_RELATIVE : R_X86_64_RELATIVE;
    /* Each word needs relocating once: more is a lie, and would cost 63 times the table. */
    if (o->relocations.count > o->size / 4)
        return diag_fail(d, STATUS_INPUT,
                         "%s: DT_RELR at address 0x%lx: more relocations than the file has words",
                         o->path, o->relr.address);
    Elf64_Rela r = {.r_offset = address, .r_info = relative};
    return add(d, o, "DT_RELR", &r, true, false);
}

static enum status read_relr(struct diag *d, struct elf_object *o)
{
    const unsigned char *p = elf_bytes(o, o->relr.address, o->relr.size);
    uint64_t next = 0;
    for (uint64_t i = 0; p && i < o->relr.size / 8; i++) {
        uint64_t word = elf_get64(p + 8 * i);
        if (!(word & 1)) {
            enum status status = add_relative(d, o, word);
            if (status)
                return status;
            next = word + 8;
            continue;
        }
        for (unsigned bit = 1; bit < 64; bit++) {
            enum status status = word >> bit & 1 ? add_relative(d, o, next + 8 * (bit - 1)) : 0;
            if (status)
                return status;
        }
        next += 63 * 8;
    }
    return STATUS_OK;
}

static bool is_irelative(const struct elf_object *o, const unsigned char *p)
{
    uint64_t kind = o->machine == EM_AARCH64 ? R_AARCH64_IRELATIVE : R_X86_64_IRELATIVE;
    return elf_get64(p + 8) == kind && elf_writable_at(o, elf_get64(p)) &&
           elf_executable_at(o, elf_get64(p + 16));
}

/* A static program has no dynamic section: its start-up code applies the IRELATIVE relocations
 * between two linker symbols. They stand in an allocated RELA section, or, where section headers
 * are gone, are recognised in read-only memory by their shape. */
static enum status read_static_irelative(struct diag *d, struct elf_object *o)
{
    enum status status = STATUS_OK;
    vec_each (s, &o->sections)
        if (!status && s->type == SHT_RELA && s->flags & SHF_ALLOC)
            status =
                read_table(d, o, s->name, (struct elf_range){s->address, s->size}, false, true);
    if (o->sections.count)
        return status;
    vec_each (s, &o->segments) {
        if (s->flags & PF_W)
            continue;
        const unsigned char *p = o->data + s->offset;
        for (uint64_t i = -s->vaddr & 7; !status && i + 24 <= s->filesz; i += 8) {
            if (!is_irelative(o, p + i))
                continue;
            Elf64_Rela r;
            memcpy(&r, p + i, sizeof r);
            status = add(d, o, "IRELATIVE", &r, false, true);
        }
    }
    return status;
}

static int by_address(const void *x, const void *y)
{
    const struct elf_relocation *a = x, *b = y;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    if (a->symbol != b->symbol)
        return a->symbol < b->symbol ? -1 : 1;
    return (int)a->type - (int)b->type;
}

/* DT_JMPREL may lie inside DT_RELA's range: what is equal counts once. */
static void sort_unique(struct elf_object *o)
{
    struct elf_relocation *r = o->relocations.items;
    size_t count = o->relocations.count, kept = 0, i;
    for (i = 1; i < count && by_address(&r[i - 1], &r[i]) < 0; i++)
        continue;
    if (i >= count)
        return;
    qsort(r, count, sizeof *r, by_address);
    for (i = 0; i < count; i++) {
        if (kept && !by_address(&r[kept - 1], &r[i]) && r[kept - 1].addend == r[i].addend)
            r[kept - 1].plt |= r[i].plt;
        else
            r[kept++] = r[i];
    }
    o->relocations.count = kept;
}

enum status elf_read_relocations(struct diag *d, struct elf_object *o)
{
    enum status status;
    if ((status = read_relr(d, o)) ||
        (status = read_table(d, o, "DT_RELA", o->rela, false, false)) ||
        (status = read_table(d, o, "DT_REL", o->rel, true, false)) ||
        (status = read_table(d, o, "DT_JMPREL", o->jmprel, o->jmprel_is_rel, true)))
        return status;
    if (!o->dynamic && (status = read_static_irelative(d, o)))
        return status;
    sort_unique(o);
    return STATUS_OK;
}

size_t elf_relocation_from(const struct elf_object *o, uint64_t address)
{
    size_t low = 0, high = o->relocations.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (o->relocations.items[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct elf_relocation *elf_relocation_at(const struct elf_object *o, uint64_t address)
{
    size_t i = elf_relocation_from(o, address);
    return i < o->relocations.count && o->relocations.items[i].address == address
               ? &o->relocations.items[i]
               : NULL;
}
