/* SPDX-License-Identifier: BSD-3-Clause
 * What the files reading an ELF object share among themselves. */
#ifndef ANALYZER_ELF_PRIVATE_H
#define ANALYZER_ELF_PRIVATE_H

#include "analyzer/elf_object.h"

/* One entry of the version table: what a version index of the object's symbols means. */
struct elf_version {
    const char *name; /* NULL: local, global or base */
    const char *file; /* the library a needed version is expected from; NULL: defined here */
    uint32_t hash;
    bool hidden; /* a needed version marked hidden: matches nothing but itself */
};

struct elf_versions {
    const unsigned char *versym; /* NULL: the object has no versions */
    uint64_t count;              /* entries of versym that are there */
    VEC(struct elf_version) table;
};

/* A hash table of dynamic symbols, bounds known. Words are read through memcpy. */
struct elf_hash {
    bool gnu;
    uint32_t buckets, first, bloom_words, bloom_shift; /* first: index of the first hashed symbol */
    const unsigned char *bloom, *bucket, *chain;
    uint64_t chains; /* 32-bit words from chain to the end of its segment */
};

/* The dynamic symbol and string tables, bounds known. */
struct elf_tables {
    const unsigned char *symbols;
    uint64_t symbols_available; /* entries to the end of the segment */
    const char *strings;
    uint64_t strings_size;
};

struct elf_nearest_index {
    bool built;
    const struct elf_symbol **items;
    size_t count;
};

static inline uint32_t elf_get32(const unsigned char *p)
{
    uint32_t value;
    __builtin_memcpy(&value, p, sizeof value);
    return value;
}

static inline uint64_t elf_get64(const unsigned char *p)
{
    uint64_t value;
    __builtin_memcpy(&value, p, sizeof value);
    return value;
}

static inline uint16_t elf_get16(const unsigned char *p)
{
    uint16_t value;
    __builtin_memcpy(&value, p, sizeof value);
    return value;
}

/* A string of the dynamic string table, NULL when the offset lies outside. */
static inline const char *elf_dynamic_string(const struct elf_object *o, uint64_t offset)
{
    return offset < o->tables->strings_size ? o->tables->strings + offset : NULL;
}

/* Refuses what is not an ELF program with a message that helps: scripts, folders' contents, other
 * machines, object files. STATUS_OK: the ELF header is whole and of a supported kind. */
enum status elf_identify(struct diag *d, struct arena *a, const char *path, const void *data,
                         size_t size);
/* Each reads its part into the object, checking everything. */
enum status elf_read_dynamic(struct diag *d, struct elf_object *o);
enum status elf_read_versions(struct diag *d, struct elf_object *o);
enum status elf_read_hash(struct diag *d, struct elf_object *o);
/* Finds .eh_frame without a section header for it, if it can be found. */
void elf_locate_eh_frame(struct elf_object *o);
void elf_read_notes(struct elf_object *o);
enum status elf_read_symbols(struct diag *d, struct elf_object *o);
enum status elf_read_relocations(struct diag *d, struct elf_object *o);

uint32_t elf_hash_gnu(const char *name);
uint32_t elf_hash_sysv(const char *name);
/* Calls match(context, n) for each dynamic symbol whose name hashes as asked for until it returns
 * true; gives that symbol's index, or 0. */
uint64_t elf_hash_walk(const struct elf_object *o, uint32_t gnu, uint32_t sysv,
                       bool (*match)(void *context, uint64_t n), void *context);

#endif
