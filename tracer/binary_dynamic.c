/* SPDX-License-Identifier: BSD-3-Clause
 * What a shared object says of itself to the dynamic linker: its name, and which names it defines.
 * Format: System V gABI, "Dynamic Section" and "Hash Table"; DT_GNU_HASH as GNU ld writes it. */
#include "tracer/binary.h"
#include <string.h>

static uint32_t get32(const unsigned char *p)
{
    uint32_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

/* The value of a dynamic entry; 0: there is none. */
static uint64_t entry(const struct binary *binary, int64_t tag)
{
    Elf64_Dyn d;
    struct piece p = binary->dynamic ? binary_piece(binary, binary->dynamic) : (struct piece){0};
    for (size_t at = 0; at + sizeof d <= p.size; at += sizeof d) {
        memcpy(&d, p.data + at, sizeof d);
        if (d.d_tag == tag)
            return d.d_un.d_val;
        if (d.d_tag == DT_NULL)
            break;
    }
    return 0;
}

static const char *string_at(struct piece names, uint64_t offset)
{
    if (offset >= names.size)
        return NULL;
    const char *text = (const char *)names.data + offset;
    return strnlen(text, names.size - offset) < names.size - offset ? text : NULL;
}

const char *binary_soname(const struct binary *binary)
{
    uint64_t offset = entry(binary, DT_SONAME);
    const char *name =
        offset ? string_at(binary_piece(binary, entry(binary, DT_STRTAB)), offset) : NULL;
    return name && *name ? name : NULL;
}

struct lookup {
    const char *name;
    struct piece symbols, strings;
};

static bool defined(const struct lookup *l, uint64_t index)
{
    Elf64_Sym symbol;
    if (index >= l->symbols.size / sizeof symbol)
        return false;
    memcpy(&symbol, l->symbols.data + index * sizeof symbol, sizeof symbol);
    const char *name = symbol.st_shndx == SHN_UNDEF ? NULL : string_at(l->strings, symbol.st_name);
    return name && strcmp(name, l->name) == 0;
}

/* A header of four words, the Bloom filter of 64-bit words, buckets, chains of hashes whose last
 * bit ends them. */
static bool in_gnu_hash(const struct lookup *l, struct piece table)
{
    uint32_t hash = 5381;
    for (const char *p = l->name; *p; p++)
        hash = hash * 33 + (unsigned char)*p;
    if (table.size < 16)
        return false;
    uint32_t buckets = get32(table.data), first = get32(table.data + 4);
    uint64_t start = 16 + 8 * (uint64_t)get32(table.data + 8), chains = start + 4ull * buckets;
    if (!buckets || chains > table.size)
        return false;
    uint64_t index = get32(table.data + start + 4ull * (hash % buckets));
    if (index < first)
        return false;
    for (uint64_t at = chains + 4 * (index - first); at + 4 <= table.size; at += 4, index++) {
        uint32_t value = get32(table.data + at);
        if ((value | 1) == (hash | 1) && defined(l, index))
            return true;
        if (value & 1)
            break;
    }
    return false;
}

static bool in_hash(const struct lookup *l, struct piece table)
{
    uint32_t hash = 0;
    for (const char *p = l->name; *p; p++) {
        hash = (hash << 4) + (unsigned char)*p;
        hash = (hash ^ (hash >> 24 & 0xf0)) & 0x0fffffff;
    }
    if (table.size < 8)
        return false;
    uint32_t buckets = get32(table.data), count = get32(table.data + 4);
    if (!buckets || 8 + 4 * ((uint64_t)buckets + count) > table.size)
        return false;
    const unsigned char *chains = table.data + 8 + 4ull * buckets;
    uint32_t index = get32(table.data + 8 + 4ull * (hash % buckets));
    for (uint32_t steps = 0; index && index < count && steps < count; steps++) {
        if (defined(l, index))
            return true;
        index = get32(chains + 4ull * index);
    }
    return false;
}

bool binary_defines(const struct binary *binary, const char *name)
{
    uint64_t gnu = entry(binary, DT_GNU_HASH), plain = entry(binary, DT_HASH);
    const struct lookup l = {name, binary_piece(binary, entry(binary, DT_SYMTAB)),
                             binary_piece(binary, entry(binary, DT_STRTAB))};
    if (gnu)
        return in_gnu_hash(&l, binary_piece(binary, gnu));
    return plain && in_hash(&l, binary_piece(binary, plain));
}
