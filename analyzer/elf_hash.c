/* SPDX-License-Identifier: BSD-3-Clause
 * Looking dynamic symbols up by name in an object's own hash table: DT_GNU_HASH (a Bloom filter,
 * buckets and chains of hashes), else DT_HASH of the System V gABI. As for the dynamic linker, an
 * object with neither provides nothing. */
#include "analyzer/elf_private.h"
#include <elf.h>
#include <string.h>

uint32_t elf_hash_gnu(const char *name)
{
    uint32_t h = 5381;
    for (; *name; name++)
        h = h * 33 + (unsigned char)*name;
    return h;
}

uint32_t elf_hash_sysv(const char *name)
{
    uint32_t h = 0;
    for (; *name; name++) {
        h = (h << 4) + (unsigned char)*name;
        h = (h ^ (h >> 24 & 0xf0)) & 0x0fffffff;
    }
    return h;
}

static enum status bad(struct diag *d, const struct elf_object *o, const char *what,
                       uint64_t address)
{
    return diag_fail(d, STATUS_INPUT,
                     "%s: %s at address 0x%lx: a symbol hash table inside the file's segments was "
                     "expected",
                     o->path, what, address);
}

static enum status read_gnu(struct diag *d, struct elf_object *o)
{
    struct elf_hash *h = o->hash;
    uint64_t available;
    const unsigned char *p = elf_span(o, o->gnu_hash, &available);
    if (!p || available < 16)
        return bad(d, o, "DT_GNU_HASH", o->gnu_hash);
    h->gnu = true;
    h->buckets = elf_get32(p);
    h->first = elf_get32(p + 4);
    h->bloom_words = elf_get32(p + 8);
    h->bloom_shift = elf_get32(p + 12);
    uint64_t fixed = 16 + 8 * (uint64_t)h->bloom_words + 4 * (uint64_t)h->buckets;
    if (fixed > available || h->bloom_shift > 31 || (h->bloom_words & (h->bloom_words - 1)) ||
        !h->bloom_words)
        return bad(d, o, "DT_GNU_HASH", o->gnu_hash);
    h->bloom = p + 16;
    h->bucket = h->bloom + 8 * (uint64_t)h->bloom_words;
    h->chain = p + fixed;
    h->chains = (available - fixed) / 4;
    return STATUS_OK;
}

static enum status read_sysv(struct diag *d, struct elf_object *o)
{
    struct elf_hash *h = o->hash;
    uint64_t available;
    const unsigned char *p = elf_span(o, o->sysv_hash, &available);
    if (!p || available < 8)
        return bad(d, o, "DT_HASH", o->sysv_hash);
    h->buckets = elf_get32(p);
    h->chains = elf_get32(p + 4);
    if (8 + 4 * ((uint64_t)h->buckets + h->chains) > available)
        return bad(d, o, "DT_HASH", o->sysv_hash);
    h->bucket = p + 8;
    h->chain = h->bucket + 4 * (uint64_t)h->buckets;
    return STATUS_OK;
}

enum status elf_read_hash(struct diag *d, struct elf_object *o)
{
    if (!o->symtab)
        return STATUS_OK;
    if (o->gnu_hash)
        return read_gnu(d, o);
    return o->sysv_hash ? read_sysv(d, o) : STATUS_OK;
}

static uint64_t walk_gnu(const struct elf_hash *h, uint32_t hash,
                         bool (*match)(void *context, uint64_t n), void *context)
{
    uint64_t word = elf_get64(h->bloom + 8 * (uint64_t)(hash / 64 & (h->bloom_words - 1)));
    if (!(word >> hash % 64 & word >> (hash >> h->bloom_shift) % 64 & 1))
        return 0;
    uint64_t n = elf_get32(h->bucket + 4 * (uint64_t)(hash % h->buckets));
    if (!n || n < h->first)
        return 0;
    for (uint64_t k = n - h->first; k < h->chains; k++) {
        uint32_t value = elf_get32(h->chain + 4 * k);
        if ((value | 1) == (hash | 1) && match(context, k + h->first))
            return k + h->first;
        if (value & 1)
            break;
    }
    return 0;
}

static uint64_t walk_sysv(const struct elf_hash *h, uint32_t hash,
                          bool (*match)(void *context, uint64_t n), void *context)
{
    uint64_t n = elf_get32(h->bucket + 4 * (uint64_t)(hash % h->buckets));
    for (uint64_t steps = 0; n && n < h->chains && steps < h->chains; steps++) {
        if (match(context, n))
            return n;
        n = elf_get32(h->chain + 4 * n);
    }
    return 0;
}

uint64_t elf_hash_walk(const struct elf_object *o, uint32_t gnu, uint32_t sysv,
                       bool (*match)(void *context, uint64_t n), void *context)
{
    const struct elf_hash *h = o->hash;
    if (!h->buckets)
        return 0;
    return h->gnu ? walk_gnu(h, gnu, match, context) : walk_sysv(h, sysv, match, context);
}

struct wanted {
    const struct elf_object *object;
    const char *name;
};

static bool is_definition(void *context, uint64_t n)
{
    const struct wanted *w = context;
    struct elf_symbol s;
    return elf_dynamic_symbol(w->object, n, &s) && s.section != SHN_UNDEF &&
           !strcmp(s.name, w->name);
}

bool elf_defines(const struct elf_object *o, const char *name)
{
    struct wanted w = {o, name};
    return elf_hash_walk(o, elf_hash_gnu(name), elf_hash_sysv(name), is_definition, &w) != 0;
}
