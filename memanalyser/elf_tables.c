/* SPDX-License-Identifier: BSD-3-Clause
 * Symbol and relocation tables of an ELF file. */
#include "memanalyser/elf_file.h"
#include <inttypes.h>
#include <string.h>

static const struct elf_section *linked_strings(const struct elf_file *f,
                                                const struct elf_section *s)
{
    const struct elf_section *table =
        s->link && s->link < f->sections.count ? &f->sections.items[s->link] : NULL;
    return table && table->type == SHT_STRTAB ? table : NULL;
}

/* SHT_SYMTAB_SHNDX of a symbol table: section indices beyond 0xff00. */
static const struct elf_section *index_table(const struct elf_file *f,
                                             const struct elf_section *symbols)
{
    vec_each (s, &f->sections)
        if (s->type == SHT_SYMTAB_SHNDX && s->link == symbols->index)
            return s;
    return NULL;
}

static uint32_t resolve_index(const struct elf_file *f, const struct elf_section *extended,
                              size_t i, uint32_t raw)
{
    if (raw == SHN_XINDEX && extended && (i + 1) * 4 <= extended->size)
        return (uint32_t)elf_get(f, f->data + extended->offset + i * 4, 4);
    return raw >= SHN_LORESERVE ? raw | 0xffff0000u : raw;
}

static struct elf_symbol symbol_decode(const struct elf_file *f, const unsigned char *p,
                                       uint32_t *name, uint32_t *section)
{
    struct elf_symbol s = {0};
    unsigned info, other;
    *name = (uint32_t)elf_get(f, p, 4);
    if (f->is64) {
        info = p[4], other = p[5];
        *section = (uint32_t)elf_get(f, p + 6, 2);
        s.value = elf_get(f, p + 8, 8);
        s.size = elf_get(f, p + 16, 8);
    } else {
        s.value = elf_get(f, p + 4, 4);
        s.size = elf_get(f, p + 8, 4);
        info = p[12], other = p[13];
        *section = (uint32_t)elf_get(f, p + 14, 2);
    }
    s.type = ELF64_ST_TYPE(info);
    s.bind = ELF64_ST_BIND(info);
    s.visibility = ELF64_ST_VISIBILITY(other);
    return s;
}

enum status elf_symbols_read(struct diag *d, struct arena *a, const struct elf_file *f,
                             bool dynamic, elf_symbols *out)
{
    const struct elf_section *table = NULL;
    *out = (elf_symbols){0};
    vec_each (s, &f->sections)
        if (!table && s->type == (dynamic ? SHT_DYNSYM : SHT_SYMTAB))
            table = s;
    if (!table || !table->size)
        return STATUS_OK;
    uint64_t entry = f->is64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
    if (table->entry_size != entry || table->size % entry)
        return diag_fail(d, STATUS_INPUT,
                         "%s: section %u (%s): 0x%" PRIx64
                         " bytes are not whole symbols of %" PRIu64 " bytes (sh_entsize %" PRIu64
                         ")",
                         f->path, table->index, table->name, table->size, entry, table->entry_size);
    const struct elf_section *table_strings = linked_strings(f, table);
    if (!table_strings)
        return diag_fail(d, STATUS_INPUT, "%s: section %u (%s): sh_link %u is not a string table",
                         f->path, table->index, table->name, table->link);
    const struct elf_section *extended = index_table(f, table);
    size_t count = table->size / entry;
    out->items = arena_array(a, count, sizeof *out->items);
    out->count = out->capacity = count;
    for (size_t i = 0; i < count; i++) {
        uint32_t name, section;
        struct elf_symbol s =
            symbol_decode(f, f->data + table->offset + i * entry, &name, &section);
        s.name = elf_table_string(f, table_strings, name);
        s.section = resolve_index(f, extended, i, section);
        s.index = (uint32_t)i;
        if (!s.name && name)
            return diag_fail(d, STATUS_INPUT,
                             "%s: symbol %zu: its name is at 0x%x of a string table of 0x%" PRIx64
                             " bytes",
                             f->path, i, name, table_strings->size);
        if (s.section < ELF_SPECIAL && s.section >= f->sections.count && s.section < 0xffffff00u)
            return diag_fail(d, STATUS_INPUT, "%s: symbol %zu (%s): section %u, there are %zu",
                             f->path, i, s.name, s.section, f->sections.count);
        if (!s.name)
            s.name = "";
        out->items[i] = s;
    }
    return STATUS_OK;
}

enum status elf_best_symbols(struct diag *d, struct arena *a, const struct elf_file *f,
                             elf_symbols *out)
{
    enum status status = elf_symbols_read(d, a, f, false, out);
    return status || out->count ? status : elf_symbols_read(d, a, f, true, out);
}

/* RELR: an address, then bitmaps of the words that follow it (gABI proposal, "SHT_RELR"). */
static void relr_decode(struct arena *a, const struct elf_file *f, const struct elf_section *s,
                        elf_relocs *out)
{
    unsigned word = f->is64 ? 8 : 4;
    uint64_t where = 0;
    uint32_t type = f->machine == EM_AARCH64 ? R_AARCH64_RELATIVE : R_X86_64_RELATIVE;
    for (uint64_t at = 0; at + word <= s->size; at += word) {
        uint64_t entry = elf_get(f, f->data + s->offset + at, word);
        if (!(entry & 1)) {
            vec_push(a, out, ((struct elf_reloc){.offset = entry, .type = type}));
            where = entry + word;
            continue;
        }
        for (unsigned bit = 1; bit < word * 8; bit++)
            if (entry >> bit & 1)
                vec_push(a, out,
                         ((struct elf_reloc){.offset = where + (bit - 1) * word, .type = type}));
        where += (uint64_t)(word * 8 - 1) * word;
    }
}

enum status elf_relocs_read(struct diag *d, struct arena *a, const struct elf_file *f,
                            const struct elf_section *s, elf_relocs *out)
{
    *out = (elf_relocs){0};
    if (s->type == SHT_RELR) {
        relr_decode(a, f, s, out);
        return STATUS_OK;
    }
    bool addend = s->type == SHT_RELA;
    unsigned word = f->is64 ? 8 : 4, entry = word * (addend ? 3 : 2);
    if (s->entry_size != entry || s->size % entry)
        return diag_fail(d, STATUS_INPUT,
                         "%s: section %u (%s): 0x%" PRIx64 " bytes are not whole relocations of %u",
                         f->path, s->index, s->name, s->size, entry);
    size_t count = s->size / entry;
    out->items = arena_array(a, count, sizeof *out->items);
    out->count = out->capacity = count;
    for (size_t i = 0; i < count; i++) {
        const unsigned char *p = f->data + s->offset + i * entry;
        uint64_t info = elf_get(f, p + word, word);
        struct elf_reloc *r = &out->items[i];
        r->offset = elf_get(f, p, word);
        r->type = f->is64 ? (uint32_t)info : (uint32_t)(info & 0xff);
        r->symbol = f->is64 ? (uint32_t)(info >> 32) : (uint32_t)(info >> 8);
        if (addend)
            r->addend =
                f->is64 ? (int64_t)elf_get(f, p + 16, 8) : (int32_t)(uint32_t)elf_get(f, p + 8, 4);
    }
    return STATUS_OK;
}
