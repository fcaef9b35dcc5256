/* SPDX-License-Identifier: BSD-3-Clause
 * Format: glibc's sysdeps/generic/dl-cache.h. The file begins with the old table ("ld.so-1.7.0",
 * entries of 12 bytes) or at once with the new one ("glibc-ld.so.cache1.1", entries of 24 bytes
 * with hardware capabilities, then extensions that name the glibc-hwcaps subfolders). Entries are
 * sorted descending by a comparison that reads digits as numbers. */
#include "analyzer/ldso_cache.h"
#include <elf.h>
#include <stdbool.h>
#include <string.h>

enum {
    OLD_HEADER = 16,
    OLD_ENTRY = 12,
    NEW_HEADER = 48,
    NEW_ENTRY = 24,
    NEW_ALIGNMENT = 8,
    FLAG_ELF = 1,
    FLAG_X86_64 = 0x0303,  /* ELF, libc6, 64-bit x86-64 */
    FLAG_AARCH64 = 0x0a03, /* ELF, libc6, 64-bit AArch64 */
    TAG_HWCAPS = 1,
};
static const uint32_t EXTENSION_MAGIC = 0xeaa42174;
static const uint64_t HWCAP_NAMED = 1ull << 62;

struct ldso_cache {
    const unsigned char *entries;
    size_t count, entry_size;
    const char *text; /* what offsets count from */
    size_t text_size;
    const unsigned char *hwcaps; /* 32-bit text offsets of subfolder names */
    size_t hwcaps_count;
};

static uint32_t get32(const unsigned char *p)
{
    uint32_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

static const char *text_at(const struct ldso_cache *c, uint32_t offset)
{
    if (offset >= c->text_size || !memchr(c->text + offset, 0, c->text_size - offset))
        return NULL;
    return c->text + offset;
}

static void find_extensions(struct ldso_cache *c, const unsigned char *data, size_t size)
{
    uint32_t offset = get32(data + 32);
    if (!offset || offset > size || size - offset < 8 || get32(data + offset) != EXTENSION_MAGIC)
        return;
    uint32_t count = get32(data + offset + 4);
    for (uint64_t i = 0; i < count && offset + 8 + (i + 1) * 16 <= size; i++) {
        const unsigned char *section = data + offset + 8 + i * 16;
        uint32_t start = get32(section + 8), length = get32(section + 12);
        if (get32(section) == TAG_HWCAPS && start <= size && length <= size - start) {
            c->hwcaps = data + start;
            c->hwcaps_count = length / 4;
        }
    }
}

static bool parse_new(struct ldso_cache *c, const unsigned char *data, size_t size)
{
    if (size < NEW_HEADER || memcmp(data, "glibc-ld.so.cache1.1", 20) != 0)
        return false;
    c->count = get32(data + 20);
    c->entry_size = NEW_ENTRY;
    c->entries = data + NEW_HEADER;
    if (c->count > (size - NEW_HEADER) / NEW_ENTRY)
        return false;
    c->text = (const char *)data;
    c->text_size = size;
    find_extensions(c, data, size);
    return true;
}

struct ldso_cache *ldso_cache_parse(struct arena *a, const void *data, size_t size)
{
    struct ldso_cache *c = ARENA_NEW(a, struct ldso_cache);
    const unsigned char *bytes = data;
    if (parse_new(c, bytes, size))
        return c;
    if (size < OLD_HEADER || memcmp(data, "ld.so-1.7.0", 11) != 0)
        return NULL;
    size_t count = get32(bytes + 12);
    if (count > (size - OLD_HEADER) / OLD_ENTRY)
        return NULL;
    size_t end = OLD_HEADER + count * OLD_ENTRY;
    size_t next = (end + NEW_ALIGNMENT - 1) / NEW_ALIGNMENT * NEW_ALIGNMENT;
    if (next < size && parse_new(c, bytes + next, size - next))
        return c;
    *c = (struct ldso_cache){.entries = bytes + OLD_HEADER,
                             .count = count,
                             .entry_size = OLD_ENTRY,
                             .text = (const char *)bytes + end,
                             .text_size = size - end};
    return c;
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static unsigned number(const char **p)
{
    unsigned value = 0;
    while (digit(**p))
        value = value * 10 + (unsigned)(*(*p)++ - '0');
    return value;
}

static int compare(const char *a, const char *b)
{
    while (*a) {
        if (digit(*a) && digit(*b)) {
            unsigned x = number(&a), y = number(&b);
            if (x != y)
                return x < y ? -1 : 1;
        } else if (digit(*a) || digit(*b)) {
            return digit(*a) ? 1 : -1;
        } else if (*a != *b) {
            return *a - *b;
        } else {
            a++, b++;
        }
    }
    return *a - *b;
}

static int compare_entry(const struct ldso_cache *c, const char *name, size_t n)
{
    const char *key = text_at(c, get32(c->entries + n * c->entry_size + 4));
    return key ? compare(name, key) : -1;
}

/* Place of a named capability in the list of supported ones, from 1; 0: not supported. */
static size_t priority(const struct ldso_cache *c, uint64_t hwcap, const strings *supported)
{
    uint32_t index = (uint32_t)hwcap;
    const char *name = index < c->hwcaps_count ? text_at(c, get32(c->hwcaps + 4 * index)) : NULL;
    for (size_t i = 0; name && i < supported->count; i++)
        if (!strcmp(supported->items[i], name))
            return i + 1;
    return 0;
}

const char *ldso_cache_find(const struct ldso_cache *c, const char *name, ldso_hwcaps *hwcaps,
                            void *context, unsigned machine)
{
    size_t low = 0, high = c->count; /* the first entry not above name */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare_entry(c, name, middle) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    uint32_t wanted = machine == EM_AARCH64 ? FLAG_AARCH64 : FLAG_X86_64;
    const char *best = NULL;
    size_t best_priority = 0;
    for (; low < c->count && !compare_entry(c, name, low); low++) {
        const unsigned char *entry = c->entries + low * c->entry_size;
        uint32_t flags = get32(entry);
        const char *path = text_at(c, get32(entry + 8));
        if (!path || (flags != FLAG_ELF && flags != wanted))
            continue;
        uint64_t hwcap = 0;
        if (c->entry_size == NEW_ENTRY)
            memcpy(&hwcap, entry + 16, sizeof hwcap);
        if (hwcap >> 32 & HWCAP_NAMED >> 32) {
            size_t p = priority(c, hwcap, hwcaps(context));
            if (!p || (best && p >= best_priority))
                continue;
            best_priority = p;
            best = path;
        } else {
            /* Named capabilities come first; legacy capability bits need their own folders. */
            if (best)
                break;
            if (hwcap)
                continue;
            best = path;
            if (flags == wanted)
                break;
        }
    }
    return best;
}
