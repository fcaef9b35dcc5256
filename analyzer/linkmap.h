/* SPDX-License-Identifier: BSD-3-Clause
 * The link map: the objects a program starts with, found and ordered as its own dynamic linker
 * (glibc's ld.so or musl's) would, and symbols bound between them by that linker's scope rules. */
#ifndef ANALYZER_LINKMAP_H
#define ANALYZER_LINKMAP_H

#include "analyzer/elf_object.h"

enum { LINKMAP_NONE = SIZE_MAX };

/* How one object came into the map. Adding objects moves these; the elf_objects stay in place.
 * objects[i].elf->index == i. */
struct linkmap_object {
    struct elf_object *elf;
    const char *soname;   /* the name it was first asked for by; the program: its base name */
    const char *path;     /* where it was found, not canonicalised: what ld.so prints */
    const char *found_by; /* "RUNPATH of libx.so", "ld.so.cache", "default folders" ... */
    size_t loader;        /* object whose need loaded it first; LINKMAP_NONE: the program */
    VEC(size_t) needed;   /* its DT_NEEDED in order, as indices (missing ones left out) */
    strings needed_by;    /* names of all objects that need it, in link-map order */
    VEC(size_t) scopes;   /* indices into groups searched after the global scope (plug-ins) */
};

/* A library that was not found. */
struct linkmap_missing {
    const char *soname;
    strings needed_by, searched; /* searched: files tried, or folders, in order, each once */
};

/* What one dlopen() brings: the object and its dependencies breadth first, the searched local
 * scope of all of them. Members may be objects that were there before. */
struct linkmap_group {
    size_t root;
    VEC(size_t) members;
};

struct linkmap {
    struct arena *arena;
    VEC(struct linkmap_object) objects; /* program first, in load order; then plug-ins */
    size_t initial;     /* objects present when the program starts: objects[0 .. initial) */
    size_t interpreter; /* the dynamic linker's index; LINKMAP_NONE: static */
    bool musl;          /* musl's loader: its search and binding rules */
    VEC(size_t) scope;  /* the global scope: indices in lookup order */
    VEC(size_t)
    relocation_order; /* of the initial objects: dependencies first, also that of their
                         constructors */
    VEC(struct linkmap_missing) missing;
    VEC(struct linkmap_group) groups;
    struct elf_object *vdso;    /* the running kernel's, not in objects; NULL: another machine */
    struct linkmap_search *how; /* private to the search */
};

struct linkmap_options {
    const char *library_path; /* LD_LIBRARY_PATH; NULL: none */
    const char *root;         /* folder that stands for "/"; NULL: "/" itself */
    bool load;                /* elf_object_load() every object */
};

/* Builds the map of the program at path (a file name outside options->root). Missing libraries are
 * listed in ->missing and are not an error; an object that is there but broken is, as for ld.so. */
enum status linkmap_build(struct diag *d, struct arena *a, const char *path,
                          const struct linkmap_options *options, struct linkmap **out);

/* Adds an object as dlopen() by caller (an index) of name would: with a slash a path, else searched
 * for under caller's RPATH/RUNPATH, the cache and the default folders. *group: index into groups.
 * STATUS_FOUND when there is no such file: nothing was added, d->message says so. */
enum status linkmap_dlopen(struct diag *d, struct linkmap *map, size_t caller, const char *name,
                           size_t *group);

enum linkmap_class {
    BIND_DATA, /* R_X86_64_64, GLOB_DAT: an undefined symbol with a value is a function's address */
    BIND_CALL, /* JUMP_SLOT and TLS kinds: only real definitions */
    BIND_COPY, /* COPY: the program itself is not searched */
};

struct linkmap_binding {
    const struct elf_object *object; /* NULL: nothing defines it */
    uint64_t symbol;                 /* index in object's dynamic symbol table */
    uint64_t address;                /* st_value: within object */
    bool ifunc;                      /* STT_GNU_IFUNC: address is the resolver */
    bool weak;                       /* undefined and weak: the word stays 0 */
    bool bound;                      /* linkmap_pointer(): by the name of a symbol */
};

/* Binds dynamic symbol number n of an object as the dynamic linker does when it relocates it. A
 * local, hidden or internal symbol binds to itself. */
struct linkmap_binding linkmap_bind(const struct linkmap *map, const struct elf_object *from,
                                    uint64_t n, enum linkmap_class kind);
/* dlsym(RTLD_DEFAULT, name), or dlvsym() with a version, in the global scope and, for a group other
 * than LINKMAP_NONE, that group alone (dlsym on a handle). */
struct linkmap_binding linkmap_find(const struct linkmap *map, size_t group, const char *name,
                                    const char *version);
/* What the word at an address of an object points to once relocated: {object, address}. Words
 * without a relocation give their raw value where that lies inside an ET_EXEC object (and the
 * object itself), else object NULL. COPY relocations are followed to the copied word's own. For
 * IRELATIVE and bound IFUNC symbols ifunc is set and address is the resolver. */
struct linkmap_binding linkmap_pointer(const struct linkmap *map, const struct elf_object *o,
                                       uint64_t address);

#endif
