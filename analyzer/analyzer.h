/* SPDX-License-Identifier: BSD-3-Clause
 * Interface of the analyzer: ELF program -> static part of the profile. */
#ifndef ANALYZER_ANALYZER_H
#define ANALYZER_ANALYZER_H

#include "common/diag.h"
#include "common/profile.h"

struct analyzer_options {
    const char *library_path; /* LD_LIBRARY_PATH to honour; NULL: none */
    const char *root;         /* prefix under which libraries are looked for; NULL: "/" */
    strings plugins;          /* --plugin FILE|DIR */
    bool no_cache;
    bool libraries_only; /* stop after link map and imported symbols */
    size_t bound;        /* instructions whose values are followed; 0: the default */
    const char *why;     /* a system call to explain on standard error; NULL: none */
    const char *why_not; /* one whose absence is to be explained there */
};

/* Fills profile->program and profile->static_part for the ELF file at path (already looked up, see
 * program_find). Bad input: STATUS_INPUT and a message. A missing library is reported in
 * static_part.libraries (path NULL) and makes the result STATUS_FOUND, the rest being analysed. */
enum status analyze(struct diag *d, struct arena *a, const char *path,
                    const struct analyzer_options *options, struct profile *profile);

/* Sources in place of a program, for one that cannot be built here. */
struct source_options {
    strings paths; /* files, or folders with all they hold */
    strings link;  /* sonames or files of libraries it would be linked with, beside libc, libm and
                      the C++ ones */
    const char *program; /* its name; NULL: that of the file with main */
    struct analyzer_options analyzer;
};

/* The static part of a profile from C and C++ sources (program.type "source", static_part.sources):
 * what main reaches in them, as libclang sees it, and what the functions it calls reach in this
 * machine's libraries. Missing headers and functions of unknown libraries are no errors: the latter
 * are listed as unresolved. STATUS_INPUT: no sources, or several mains. */
enum status analyze_sources(struct diag *d, struct arena *a, const struct source_options *options,
                            struct profile *profile);

/* A syscall instruction (syscall, int 0x80, sysenter) of an object. */
struct syscall_site {
    uint64_t address; /* virtual address in the object */
    int64_t number;   /* proved constant on all paths, or -1: varies */
    unsigned char length;
};
typedef VEC(struct syscall_site) syscall_sites;

/* A call or jump through a slot that the dynamic linker fills with an imported function's address,
 * without a stub (-fno-plt). */
struct slot_call {
    uint64_t address, slot;
};
typedef VEC(struct slot_call) slot_calls;

/* All syscall instructions within decoded functions of the ELF image given as bytes (a file read
 * whole or a copied vDSO), sorted by address, and the calls through slots. Used by the tracer to
 * know where to plant. */
enum status analyzer_sites(struct diag *d, struct arena *a, const void *image, size_t size,
                           const char *name, syscall_sites *out, slot_calls *calls);

/* An imported function's call stub or slot, for the tracer's library-function breakpoints. */
struct import_slot {
    const char *name, *version;
    uint64_t stub; /* virtual address of its PLT entry, 0: none */
    uint64_t slot; /* virtual address of its GOT slot */
};
typedef VEC(struct import_slot) import_slots;
enum status analyzer_imports(struct diag *d, struct arena *a, const void *image, size_t size,
                             const char *name, import_slots *out);

#endif
