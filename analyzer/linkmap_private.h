/* SPDX-License-Identifier: BSD-3-Clause
 * Finding a library's file: what linkmap.c and the two loaders' searches share. */
#ifndef ANALYZER_LINKMAP_PRIVATE_H
#define ANALYZER_LINKMAP_PRIVATE_H

#include "analyzer/ldso_cache.h"
#include "analyzer/linkmap.h"

/* Whether a folder exists, asked once. */
struct known_folder {
    const char *path;
    bool exists;
};

struct alias {
    const char *name; /* a name an object answers to besides its DT_SONAME */
    size_t object;
};

struct linkmap_search {
    struct linkmap_options options;
    int root_fd;                   /* folder standing for "/", or -1 */
    strings environment;           /* folders of LD_LIBRARY_PATH */
    strings defaults;              /* the dynamic linker's own folders */
    strings subfolders;            /* "glibc-hwcaps/x86-64-v3/", ..., "" */
    strings hwcaps;                /* "x86-64-v3", ... */
    strings legacy;                /* "avx512_1", ...: folder names of older linkers */
    const char *lib, *platform;    /* $LIB, $PLATFORM (NULL: not asked for yet) */
    const struct elf_object *ldso; /* glibc's: where its build-time choices are read from */
    bool prepared;
    struct ldso_cache *cache; /* NULL: none */
    VEC(struct known_folder) folders;
    VEC(struct alias) aliases;
    /* Bytes of code that one dlopen() may bring; 0: no limit. What it brought, and whether that
     * was the reason of its failure. */
    uint64_t code_limit, code_added;
    bool too_large;
    strings plugins_seen; /* folders, databases ... that plug-in rules have dealt with */
};

/* One search: what for, on whose behalf, and where it led. */
struct library_query {
    const char *name;
    size_t caller; /* index of the needing object */
    struct elf_object *found;
    const char *found_by;
    strings searched;
};

/* Prepares the search for the map's program and interpreter (already in objects); for a static
 * program, from what its own C library has built in. */
void linkmap_search_prepare(struct linkmap *map);
/* Finds and opens a library file. STATUS_OK with query->found NULL: nowhere. */
enum status linkmap_search_glibc(struct diag *d, struct linkmap *map, struct library_query *query);
enum status linkmap_search_musl(struct diag *d, struct linkmap *map, struct library_query *query);
/* Whether a name stands for musl's own libc, which is its loader. */
bool linkmap_musl_is_self(const char *name);

/* Opens a file below the root; -1 and errno. */
int linkmap_open_file(const struct linkmap *map, const char *path);
/* Opens path as a library of the map's machine. *out NULL: not there, or for another machine, which
 * the search passes over. */
enum status linkmap_try_file(struct diag *d, struct linkmap *map, const char *path,
                             struct elf_object **out);
/* A file mapped read-only below the root; NULL when it cannot be. */
const void *linkmap_map_file(const struct linkmap *map, const char *path, size_t *size);
/* $PLATFORM; also fills how->hwcaps and how->legacy. Asked of the processor only when it matters,
 * as most programs' libraries all stand in the cache. */
const char *linkmap_platform(const struct linkmap *map);
/* Expands $ORIGIN, $LIB and $PLATFORM for an object. */
const char *linkmap_expand(const struct linkmap *map, size_t object, const char *text);
/* Splits at any of the separators; an empty piece is the present folder. Trailing slashes go. */
void linkmap_split(struct linkmap *map, size_t object, const char *list, const char *separators,
                   strings *out);
/* Adds a string once. */
void linkmap_note_searched(struct linkmap *map, strings *list, const char *where);

/* The glibc-hwcaps names this processor supports, best first, and its $PLATFORM ("haswell" or
 * "x86_64") and legacy capability folders ("avx512_1"), for a program of this machine. */
void linkmap_processor(struct arena *a, unsigned machine, strings *hwcaps, const char **platform,
                       strings *legacy);

#endif
