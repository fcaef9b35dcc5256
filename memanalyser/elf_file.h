/* SPDX-License-Identifier: BSD-3-Clause
 * A checked view of one ELF file (32 or 64 bit, either byte order), mapped read-only. Every offset,
 * size, count and index is checked when it is opened, so that its users need not. The format:
 * System V ABI, chapters 4 and 5; elf(5).
 *
 * Not libbfd: it is lenient where this tool must be exact (it clamps sizes, invents sections, keeps
 * process-wide state) and needs several times the file's size in memory. libbfd names the formats
 * that are not ELF (formats.c), and its sister libopcodes disassembles (disasm.c). */
#ifndef MEMANALYSER_ELF_FILE_H
#define MEMANALYSER_ELF_FILE_H

#include "common/arena.h"
#include "common/diag.h"
#include "common/vec.h"
#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_section {
    const char *name; /* "" where there is none */
    uint32_t index, type, link, info;
    uint64_t flags, address, offset, size, align, entry_size;
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};

/* Section index of a symbol: a real one, or one of these. */
enum { ELF_UNDEFINED = 0 };
#define ELF_ABSOLUTE UINT32_C(0xfffffff1)
#define ELF_COMMON   UINT32_C(0xfffffff2)
#define ELF_SPECIAL  UINT32_C(0xfffffff0) /* this and above: not a section */

struct elf_symbol {
    const char *name;
    uint64_t value, size;
    uint32_t section;
    uint32_t index; /* in its table */
    unsigned char type, bind, visibility;
};
typedef VEC(struct elf_symbol) elf_symbols;

struct elf_reloc {
    uint64_t offset; /* relocatable object: within the section; else an address */
    int64_t addend;  /* 0 where the format keeps it in the place itself */
    uint32_t type, symbol;
};
typedef VEC(struct elf_reloc) elf_relocs;

struct elf_file {
    const char *path; /* as given; "libx.a(member.o)" for a member */
    const unsigned char *data;
    uint64_t size;
    bool is64, big_endian, relocatable;
    unsigned char os_abi;
    uint16_t type, machine;
    uint32_t flags;
    uint64_t entry;
    uint64_t segments_offset, sections_offset, header_size;
    uint32_t segment_entry, section_entry;
    VEC(struct elf_section) sections; /* index 0 is the null section */
    VEC(struct elf_segment) segments;
    uint32_t names_section; /* e_shstrndx */
};

/* A mapped file; unmapped by mapped_close. Empty files map to an empty view. */
struct mapped {
    const unsigned char *data;
    uint64_t size;
};
enum status mapped_open(struct diag *d, const char *path, struct mapped *out);
void mapped_close(struct mapped *m);

bool elf_is(const unsigned char *data, uint64_t size);

/* Reads and checks the headers of the ELF image at data, which must outlive *out. Strings point
 * into data or the arena. STATUS_INPUT with one message naming path, place and value. */
enum status elf_parse(struct diag *d, struct arena *a, const char *path, const unsigned char *data,
                      uint64_t size, struct elf_file *out);

/* Bytes of a section in the file, NULL for SHT_NOBITS and empty ones. */
const unsigned char *elf_contents(const struct elf_file *f, const struct elf_section *s);
/* The section of that name, NULL: none. */
const struct elf_section *elf_section_by_name(const struct elf_file *f, const char *name);
/* The allocated section that holds address (never .tbss), NULL: none. */
const struct elf_section *elf_section_at(const struct elf_file *f, uint64_t address);
/* Memory bytes of a section: 0 unless allocated. .tbss takes none (its copies live in threads). */
uint64_t elf_memory_size(const struct elf_section *s);
uint64_t elf_file_size(const struct elf_section *s);

/* An unsigned number of width 1, 2, 4 or 8 in the file's byte order; the caller checked bounds. */
uint64_t elf_get(const struct elf_file *f, const unsigned char *p, unsigned width);
/* The NUL-terminated string at offset of a string table, NULL when it is not inside. */
const char *elf_table_string(const struct elf_file *f, const struct elf_section *table,
                             uint64_t offset);

/* Every symbol of the SHT_SYMTAB (or, dynamic, SHT_DYNSYM) table, the null one included so that
 * indices fit. No table: an empty list. */
enum status elf_symbols_read(struct diag *d, struct arena *a, const struct elf_file *f,
                             bool dynamic, elf_symbols *out);
/* The relocations of one SHT_REL, SHT_RELA or SHT_RELR section. */
enum status elf_relocs_read(struct diag *d, struct arena *a, const struct elf_file *f,
                            const struct elf_section *s, elf_relocs *out);

/* Reads symbols from .symtab, or .dynsym where the file is stripped. */
enum status elf_best_symbols(struct diag *d, struct arena *a, const struct elf_file *f,
                             elf_symbols *out);
/* SHT_, PT_, machine ... names; "0x..." in the arena for unknown ones. */
const char *elf_section_type_name(struct arena *a, uint32_t type);
const char *elf_segment_type_name(struct arena *a, uint32_t type);
const char *elf_machine_name(struct arena *a, uint16_t machine);
const char *elf_type_name(struct arena *a, uint16_t type);
const char *elf_symbol_type_name(struct arena *a, unsigned type);
const char *elf_symbol_bind_name(struct arena *a, unsigned bind);
const char *elf_reloc_name(struct arena *a, uint16_t machine, uint32_t type);
/* Bytes of the field it relocates. */
uint64_t elf_reloc_size(uint16_t machine, uint32_t type);
const char *elf_dynamic_tag_name(struct arena *a, uint64_t tag);
/* "WAX" as readelf -S prints flags. */
const char *elf_section_flags(struct arena *a, uint64_t flags);

#endif
