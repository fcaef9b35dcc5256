/* SPDX-License-Identifier: BSD-3-Clause
 * What the memanalyser knows about one ELF file: its bytes, its symbols (perhaps from a .dbg twin),
 * the objects it was linked from, and which of them each byte belongs to.
 *
 * The invariant of the whole module: the pieces of an image cover every byte of its file exactly
 * once and every byte of its memory exactly once (pieces_check). What nothing explains is a piece
 * without a library, never left out. */
#ifndef MEMANALYSER_IMAGE_H
#define MEMANALYSER_IMAGE_H

#include "memanalyser/elf_file.h"

/* How a byte came to its library. */
enum evidence {
    BY_NOTHING,
    BY_SYMBOL,   /* symbols of the object found at matching distances in the image */
    BY_RELOC,    /* a placed section's relocation points here */
    BY_CONTENT,  /* the object's bytes, relocated fields masked, are here and nowhere else */
    BY_ORDER,    /* the only place left between its neighbours */
    BY_UNWIND,   /* unwind information of a function of that library */
    BY_LINK_MAP, /* the linker's map file says so */
    BY_DWARF,    /* a compile unit covers it */
    BY_ITSELF,   /* the input is the object */
};
extern const char *const evidence_names[];

struct object {
    const char *path; /* as found: FOLDER/libx.o, libx.a(member.o), or a source file for BY_DWARF */
    int library;      /* index into image.libraries, -1: none known */
    struct elf_file elf;
    elf_symbols symbols;
    struct input_section *inputs; /* one per section of elf (place.c) */
};

/* A run of bytes of an image section that one input section of one object contributed. */
struct claim {
    uint64_t start, end; /* offsets in the image section */
    int object;          /* -1: none */
    const char *input;   /* input section's name, "" unknown */
    enum evidence evidence;
};
typedef VEC(struct claim) claims;

/* A symbol as a range of its section; ranges of one section do not overlap. */
struct named_range {
    uint64_t start, end; /* offsets in the section */
    const struct elf_symbol *symbol;
};
typedef VEC(struct named_range) named_ranges;

enum piece_kind {
    PIECE_CONTENT,
    PIECE_PADDING, /* alignment between contents; belongs to what needed it */
    PIECE_HEADER,  /* ELF and program headers, section headers */
    PIECE_TABLE,   /* not loaded: symbol tables, debug information, comments */
    PIECE_GAP,     /* in no section */
};
extern const char *const piece_kind_names[];

struct piece {
    uint64_t offset, address, size; /* bytes */
    bool in_file, in_memory;
    enum piece_kind kind;
    uint32_t section; /* 0: none */
    int object;       /* -1: none */
    int library;      /* -1: none */
    const char *input;
    const struct elf_symbol *symbol; /* NULL: none */
    const char *label;               /* what it is where there is neither object nor symbol */
    enum evidence evidence;
};
typedef VEC(struct piece) pieces;

struct image {
    struct arena *arena;
    const char *path;
    struct mapped file, twin_file;
    struct elf_file elf;
    struct elf_file
        twin; /* where symbols and debug information come from; elf itself, or the .dbg */
    bool has_twin;
    uint16_t machine; /* of the code: a twin's, as boot loaders want x86-64 kernels in 32-bit ELF */
    bool is64;
    elf_symbols symbols; /* of twin; section and value refer to elf's sections */
    named_ranges *names; /* per section of elf */
    strings libraries;
    VEC(struct object) objects;
    VEC(struct mapped) mappings; /* of objects and archives */
    claims *claims;              /* per section of elf, sorted, disjoint */
    pieces pieces;
    elf_relocs *relocs;       /* per section, sorted; read at the first question (relocs.c) */
    struct debug_info *debug; /* opened at the first question (dwarf.c) */
};

/* Opens the ELF image at path (bytes mapped until image_close). A twin PATH.dbg (or twin, where
 * given) supplies symbols when it has the same sections at the same addresses. */
enum status image_open(struct diag *d, struct arena *a, const char *path, const char *twin,
                       struct image *out);
/* The same for bytes that are already there (an archive's member); they must outlive the image. */
enum status image_open_bytes(struct diag *d, struct arena *a, const char *path,
                             const unsigned char *data, uint64_t size, struct image *out);
void image_close(struct image *image);

/* Adds an object file, an archive, or every lib*.o and app*.o of a build folder as the libraries
 * the image was linked from. */
enum status image_add_objects(struct diag *d, struct image *image, const char *path);
/* Index of a library by name, added where new. */
int image_library(struct image *image, const char *name);
/* libvfscore.o -> "libvfscore". */
const char *library_name_of(struct arena *a, const char *path);

/* Finds out where the added objects' sections went (place.c). */
enum status image_place(struct diag *d, struct image *image);
/* Claims for what is left from the linker's map (linkmap.c), DWARF compile units (dwarf.c), or, for
 * a relocatable object, the file itself. */
enum status image_read_link_map(struct diag *d, struct image *image, const char *path);
enum status image_claim_itself(struct image *image);
enum status image_claim_units(struct diag *d, struct image *image);
/* Unwind tables follow the functions they describe. */
enum status image_claim_unwind(struct diag *d, struct image *image);
/* Adds [start, end) of a section where nothing is claimed yet; an overlap keeps the older claim. */
void claim_add(struct image *image, uint32_t section, struct claim claim);
/* Sorts all claims and makes them disjoint. Called between the steps above. */
void claims_settle(struct image *image);
/* The claim that holds the offset, NULL: none. */
const struct claim *claim_at(const struct image *image, uint32_t section, uint64_t offset);

/* Cuts file and memory into image->pieces, from claims and symbols. */
enum status image_cut(struct diag *d, struct image *image);
/* Bytes the image takes in memory: the union of its PT_LOAD segments, or, for relocatable objects,
 * its allocated sections. */
uint64_t image_memory_size(const struct image *image);
/* Proves the invariant; STATUS_SYSTEM says where it does not hold. */
enum status pieces_check(struct diag *d, const struct image *image);

/* Relocatable objects: the first relocation within [start, end) of a section, NULL: none; and what
 * it refers to, "name+0x8", for an instruction that ends at end. */
const struct elf_reloc *image_reloc_in(struct image *image, uint32_t section, uint64_t start,
                                       uint64_t end);
const char *image_reloc_target(struct image *image, const struct elf_reloc *r, uint64_t end,
                               const struct elf_symbol **symbol);

/* "file.c:12" from debug information, NULL where there is none. In the arena. */
const char *image_source_line(struct image *image, uint64_t address);

/* What lies at a section's offset or at an address. */
const struct named_range *name_at(const struct image *image, uint32_t section, uint64_t offset);
const struct piece *piece_at(const struct image *image, uint64_t address);
/* Virtual address of an offset in a section (relocatable objects: the offset itself). */
uint64_t section_address(const struct image *image, uint32_t section, uint64_t offset);

#endif
