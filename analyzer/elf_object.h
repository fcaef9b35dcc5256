/* SPDX-License-Identifier: BSD-3-Clause
 * One 64-bit little-endian ELF image (x86-64 or AArch64): program, shared object, dynamic linker or
 * vDSO. Everything is found through the program headers and the dynamic section, as the kernel and
 * the dynamic linker do; section headers only add what is there (they may be stripped). The file is
 * mapped, never trusted: every offset, size and index is checked before use.
 * Formats: System V gABI, the x86-64 and AArch64 psABIs, LSB (GNU hash, symbol versions). */
#ifndef ANALYZER_ELF_OBJECT_H
#define ANALYZER_ELF_OBJECT_H

#include "common/diag.h"
#include "common/vec.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A program header; offset and filesz are known to lie inside the file, vaddr + memsz not to wrap.
 */
struct elf_segment {
    uint32_t type, flags; /* PT_*, PF_R | PF_W | PF_X */
    uint64_t vaddr, memsz, offset, filesz, align;
};

/* A section header; sections reaching past the end of the file are left out. */
struct elf_section {
    const char *name;
    uint32_t type, link, info;
    uint64_t flags, address, offset, size, entsize;
};

struct elf_symbol {
    const char *name;    /* never NULL */
    const char *version; /* NULL: unversioned (or the base version) */
    uint64_t value, size;
    uint16_t section;       /* st_shndx: SHN_UNDEF for imports, SHN_ABS ... */
    uint16_t version_index; /* without the hidden bit; 0 local, 1 base */
    unsigned char type, bind, visibility;
    bool hidden; /* not the default version of its name ("name@VER", not "name@@VER") */
};

enum elf_relocation_kind {
    RELOC_OTHER,     /* a kind that leaves no pointer to code or data (sizes, PC-relative ...) */
    RELOC_RELATIVE,  /* word := load bias + addend */
    RELOC_SYMBOLIC,  /* word := address of symbol + addend (R_X86_64_64, GLOB_DAT, JUMP_SLOT) */
    RELOC_COPY,      /* bytes of the symbol's definition elsewhere are copied here */
    RELOC_IRELATIVE, /* word := result of calling load bias + addend */
    RELOC_TLS,       /* thread-local offset or module (TPOFF, DTPMOD, DTPOFF) */
    RELOC_TLSDESC,   /* two words: a resolver function inside the dynamic linker and its argument */
};

/* RELA, REL, JMPREL and DT_RELR alike. For REL and RELR the addend has been read from the word. */
struct elf_relocation {
    uint64_t address; /* virtual address of the word written */
    int64_t addend;
    uint32_t symbol; /* index into symbols; 0: none */
    uint16_t type;   /* R_X86_64_*, R_AARCH64_* */
    uint8_t kind;    /* enum elf_relocation_kind */
    bool plt;        /* from JMPREL: a lazily bound call slot */
};

enum elf_kind {
    ELF_STATIC,      /* ET_EXEC without interpreter and without needed libraries */
    ELF_STATIC_PIE,  /* ET_DYN that relocates itself */
    ELF_DYNAMIC,     /* ET_EXEC with an interpreter */
    ELF_DYNAMIC_PIE, /* ET_DYN with an interpreter */
    ELF_SHARED,      /* a library or the dynamic linker */
};
extern const char *const elf_kind_names[]; /* "static", "static-pie", "dynamic", ... */

/* DT_FILTER or DT_AUXILIARY: a library searched in place of, or before, the object itself. */
struct elf_filter {
    const char *name;
    bool optional; /* DT_AUXILIARY */
};

struct elf_range {
    uint64_t address, size; /* virtual address and bytes; size 0: none */
};

/* One library of a systemd-style .note.dlopen entry. */
struct elf_dlopen_note {
    strings sonames;                              /* alternatives, the preferred one first */
    const char *feature, *description, *priority; /* may be NULL */
};

/* Private, see elf_private.h. */
struct elf_tables;
struct elf_versions;
struct elf_hash;
struct elf_nearest_index;

struct elf_object {
    const char *path; /* as opened; the vDSO: its name */
    const char *name; /* DT_SONAME, or the path's last part: what documents call it */
    const char *soname;
    const unsigned char *data; /* the whole file, read-only, for the life of the arena */
    size_t size;
    dev_t device;
    ino_t inode;
    size_t index; /* place in the link map, set there */

    uint16_t machine, type; /* EM_X86_64 or EM_AARCH64; ET_EXEC or ET_DYN */
    enum elf_kind kind;
    uint64_t entry;
    const char *interpreter;                 /* PT_INTERP or NULL */
    const char *build_id;                    /* hexadecimal, or NULL */
    const char *language;                    /* "go" by its build information, else NULL */
    VEC(struct elf_segment) segments;        /* PT_LOAD, ascending, not overlapping */
    VEC(struct elf_segment) other_headers;   /* all other program headers */
    VEC(struct elf_section) sections;        /* may be empty */
    struct elf_range eh_frame, eh_frame_hdr; /* eh_frame.size may reach past its terminator */
    struct elf_range relro;
    struct elf_range tls; /* what the file gives first values to */

    bool dynamic; /* has a dynamic section */
    strings needed;
    const char *rpath, *runpath; /* as written; rpath NULL when there is a runpath */
    VEC(struct elf_filter) filters;
    uint64_t flags_1; /* DF_1_* */
    bool symbolic;    /* DT_SYMBOLIC or DF_SYMBOLIC */
    bool bind_now;
    bool mapped;         /* data is a mapping of the file */
    uint64_t init, fini; /* DT_INIT, DT_FINI; 0: none */
    struct elf_range preinit_array, init_array, fini_array;
    uint64_t pltgot;
    VEC(struct elf_dlopen_note) dlopen_notes;

    /* Filled by elf_object_load(); elf_object_open() leaves them empty. */
    VEC(struct elf_symbol) symbols; /* .dynsym, [0] is the null symbol: index = relocation's */
    VEC(struct elf_symbol) static_symbols;  /* .symtab, empty when stripped */
    VEC(struct elf_relocation) relocations; /* sorted by address */

    const char *trouble; /* what was ignored as the kernel would, to warn about; NULL: nothing */

    /* Private to elf_*.c. */
    struct arena *arena;
    bool loaded;
    struct elf_range rela, rel, jmprel, relr;
    bool jmprel_is_rel;
    uint64_t symtab, strtab, strtab_size, versym, gnu_hash, sysv_hash;
    uint64_t verneed, verneed_count, verdef, verdef_count;
    struct elf_tables *tables;
    struct elf_versions *versions;
    struct elf_hash *hash;
    struct elf_nearest_index *nearest;
};

/* Opens and checks headers, segments, dynamic section, version tables and notes. The file stays
 * mapped until the arena is freed. STATUS_INPUT and one message (file, offset, what was expected)
 * for anything that is not an executable or shared object this program can analyse. */
enum status elf_object_open(struct diag *d, struct arena *a, const char *path,
                            struct elf_object **out);
/* The same for a file already open, which the caller closes; path: what messages call it. */
enum status elf_object_open_fd(struct diag *d, struct arena *a, int fd, const char *path,
                               struct elf_object **out);
/* The same for a library of a certain machine: one for another is no error, *out is NULL then. */
enum status elf_object_open_library(struct diag *d, struct arena *a, int fd, const char *path,
                                    unsigned machine, struct elf_object **out);
/* The same for an image in memory (a file read whole, or a vDSO), which must outlive the arena's
 * use. name: what messages and documents call it. */
enum status elf_object_from_memory(struct diag *d, struct arena *a, const void *data, size_t size,
                                   const char *name, struct elf_object **out);
/* Gives the memory of a mapped file's pages back: they are read again when asked for. */
void elf_object_spare(const struct elf_object *o);
/* Decodes symbols, static symbols and relocations. Done once; later calls return at once. */
enum status elf_object_load(struct diag *d, struct elf_object *o);

/* The segment that holds a virtual address (within memsz), or NULL. */
const struct elf_segment *elf_segment_at(const struct elf_object *o, uint64_t address);
/* size file-backed bytes at a virtual address, NULL unless all lie within one segment's file part.
 * The pointer may be unaligned: read words with elf_word() or memcpy. */
const unsigned char *elf_bytes(const struct elf_object *o, uint64_t address, uint64_t size);
/* The file-backed bytes from an address to the end of its segment's file part; NULL: none. */
const unsigned char *elf_span(const struct elf_object *o, uint64_t address, uint64_t *available);
/* Copies what memory holds before relocation, zeros past the file part; false when unmapped. */
bool elf_copy(const struct elf_object *o, uint64_t address, void *to, uint64_t size);
/* Little-endian word of 1, 2, 4 or 8 bytes by elf_copy(), zero-extended. */
bool elf_word(const struct elf_object *o, uint64_t address, unsigned size, uint64_t *value);
/* A NUL-terminated string inside one segment's file part, or NULL. */
const char *elf_string(const struct elf_object *o, uint64_t address);
bool elf_executable_at(const struct elf_object *o, uint64_t address);
bool elf_writable_at(const struct elf_object *o, uint64_t address);
const struct elf_section *elf_section_named(const struct elf_object *o, const char *name);

/* The relocation of the word at exactly this address, or NULL (after elf_object_load()). */
const struct elf_relocation *elf_relocation_at(const struct elf_object *o, uint64_t address);
/* Index of the first relocation at or after an address. */
size_t elf_relocation_from(const struct elf_object *o, uint64_t address);
/* The function or object symbol that covers an address, or else the nearest one before it in the
 * same section or segment; global names win over local ones. NULL: none. */
const struct elf_symbol *elf_nearest(const struct elf_object *o, uint64_t address);
/* Whether the object's hash table holds a defined dynamic symbol of that name. */
bool elf_defines(const struct elf_object *o, const char *name);
/* The n-th dynamic symbol decoded without elf_object_load(); false past the end. */
bool elf_dynamic_symbol(const struct elf_object *o, uint64_t n, struct elf_symbol *out);

#endif
