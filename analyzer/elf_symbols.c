/* SPDX-License-Identifier: BSD-3-Clause
 * Dynamic and static symbols. */
#include "analyzer/elf_private.h"
#include <elf.h>
#include <stdlib.h>
#include <string.h>

static void decode(const Elf64_Sym *raw, const char *name, struct elf_symbol *out)
{
    *out = (struct elf_symbol){.name = name,
                               .value = raw->st_value,
                               .size = raw->st_size,
                               .section = raw->st_shndx,
                               .type = ELF64_ST_TYPE(raw->st_info),
                               .bind = ELF64_ST_BIND(raw->st_info),
                               .visibility = ELF64_ST_VISIBILITY(raw->st_other)};
}

bool elf_dynamic_symbol(const struct elf_object *o, uint64_t n, struct elf_symbol *out)
{
    if (n >= o->tables->symbols_available)
        return false;
    Elf64_Sym raw;
    memcpy(&raw, o->tables->symbols + n * sizeof raw, sizeof raw);
    const char *name = elf_dynamic_string(o, raw.st_name);
    if (!name)
        return false;
    decode(&raw, name, out);
    const struct elf_versions *v = o->versions;
    if (v->versym && n < v->count) {
        uint16_t word = elf_get16(v->versym + 2 * n);
        out->version_index = word & 0x7fff;
        out->hidden = word & 0x8000;
        if (out->version_index < v->table.count)
            out->version = v->table.items[out->version_index].name;
    }
    return true;
}

/* The symbol table has no count of its own: the largest of what the hash table reaches, what
 * relocations refer to, and what a section header says. */
static uint64_t count_symbols(const struct elf_object *o)
{
    const struct elf_hash *h = o->hash;
    uint64_t count = o->symtab ? 1 : 0;
    if (h->gnu) {
        uint64_t last = 0;
        for (uint64_t i = 0; i < h->buckets; i++) {
            uint64_t n = elf_get32(h->bucket + 4 * i);
            last = n > last ? n : last;
        }
        if (last >= h->first && last)
            for (uint64_t k = last - h->first; k < h->chains; k++, last++)
                if (elf_get32(h->chain + 4 * k) & 1)
                    break;
        count = last + 1;
    } else if (h->buckets) {
        count = h->chains;
    }
    vec_each (r, &o->relocations)
        count = r->symbol && r->symbol >= count ? (uint64_t)r->symbol + 1 : count;
    vec_each (s, &o->sections)
        if (s->type == SHT_DYNSYM && s->address == o->symtab && s->size / sizeof(Elf64_Sym) > count)
            count = s->size / sizeof(Elf64_Sym);
    return count;
}

static enum status read_dynamic_symbols(struct diag *d, struct elf_object *o)
{
    uint64_t count = count_symbols(o);
    if (count > o->tables->symbols_available)
        return diag_fail(d, STATUS_INPUT,
                         "%s: dynamic symbol table at address 0x%lx: %lu symbols were expected, "
                         "its segment ends after %lu",
                         o->path, o->symtab, count, o->tables->symbols_available);
    o->symbols.items = arena_array(o->arena, count, sizeof *o->symbols.items);
    o->symbols.count = o->symbols.capacity = count;
    for (uint64_t n = 0; n < count; n++)
        if (!elf_dynamic_symbol(o, n, &o->symbols.items[n]))
            return diag_fail(
                d, STATUS_INPUT,
                "%s: dynamic symbol %lu: its name lies outside the string table (0x%lx "
                "bytes at address 0x%lx)",
                o->path, n, o->tables->strings_size, o->strtab);
    return STATUS_OK;
}

/* .symtab serves for names only: what is wrong with it is left out. */
static void read_static_symbols(struct elf_object *o)
{
    vec_each (s, &o->sections) {
        if (s->type != SHT_SYMTAB || s->link >= o->sections.count)
            continue;
        const struct elf_section *table = &o->sections.items[s->link];
        if (table->type != SHT_STRTAB || !table->size)
            continue;
        const char *text = (const char *)o->data + table->offset;
        if (text[table->size - 1])
            continue;
        uint64_t count = s->size / sizeof(Elf64_Sym);
        o->static_symbols.items = arena_array(o->arena, count, sizeof *o->static_symbols.items);
        o->static_symbols.capacity = count;
        o->static_symbols.count = 0;
        for (uint64_t n = 0; n < count; n++) {
            Elf64_Sym raw;
            memcpy(&raw, o->data + s->offset + n * sizeof raw, sizeof raw);
            if (raw.st_name < table->size)
                decode(&raw, text + raw.st_name,
                       &o->static_symbols.items[o->static_symbols.count++]);
        }
    }
}

enum status elf_read_symbols(struct diag *d, struct elf_object *o)
{
    enum status status = read_dynamic_symbols(d, o);
    if (!status)
        read_static_symbols(o);
    return status;
}

static bool names_a_place(const struct elf_object *o, const struct elf_symbol *s)
{
    return s->section != SHN_UNDEF && s->section != SHN_ABS && *s->name &&
           (s->type == STT_FUNC || s->type == STT_OBJECT || s->type == STT_GNU_IFUNC ||
            s->type == STT_NOTYPE) &&
           elf_segment_at(o, s->value);
}

static int rank(const struct elf_symbol *s)
{
    return (s->type == STT_NOTYPE ? 4 : 0) + (s->bind == STB_LOCAL ? 2 : 0) +
           (s->bind == STB_WEAK ? 1 : 0);
}

/* By address; at one address the best name last, so that a search from above meets it first. */
static int by_place(const void *x, const void *y)
{
    const struct elf_symbol *a = *(const struct elf_symbol *const *)x;
    const struct elf_symbol *b = *(const struct elf_symbol *const *)y;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    if (rank(a) != rank(b))
        return rank(b) - rank(a);
    return strcmp(b->name, a->name);
}

static void build_index(const struct elf_object *o, struct elf_nearest_index *index)
{
    index->built = true;
    size_t entry = sizeof(const struct elf_symbol *);
    index->items = arena_array(o->arena, o->symbols.count + o->static_symbols.count, entry);
    vec_each (s, &o->symbols)
        if (names_a_place(o, s))
            index->items[index->count++] = s;
    vec_each (s, &o->static_symbols)
        if (names_a_place(o, s))
            index->items[index->count++] = s;
    qsort(index->items, index->count, entry, by_place);
}

const struct elf_symbol *elf_nearest(const struct elf_object *o, uint64_t address)
{
    if (!o->nearest->built)
        build_index(o, o->nearest);
    size_t low = 0, high = o->nearest->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (o->nearest->items[middle]->value <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return NULL;
    /* A symbol whose extent covers the address, a few places back at most, else the nearest. */
    const struct elf_symbol *nearest = o->nearest->items[low - 1];
    for (size_t k = low; k > 0 && low - k < 8; k--) {
        const struct elf_symbol *s = o->nearest->items[k - 1];
        if (address - s->value < s->size)
            return s;
    }
    return elf_segment_at(o, nearest->value) == elf_segment_at(o, address) ? nearest : NULL;
}
