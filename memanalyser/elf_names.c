/* SPDX-License-Identifier: BSD-3-Clause
 * Numbers of the ELF format and their names, as data. Names follow <elf.h> without the prefix. */
#include "memanalyser/elf_file.h"

struct name {
    uint64_t value;
    const char *text;
};

static const char *look_up(struct arena *a, const struct name *table, size_t count, uint64_t value)
{
    for (size_t i = 0; i < count; i++)
        if (table[i].value == value)
            return table[i].text;
    return arena_printf(a, "0x%llx", (unsigned long long)value);
}
#define LOOK_UP(a, table, value) look_up((a), (table), sizeof(table) / sizeof *(table), (value))

static const struct name section_types[] = {
    {SHT_NULL, "NULL"},
    {SHT_PROGBITS, "PROGBITS"},
    {SHT_SYMTAB, "SYMTAB"},
    {SHT_STRTAB, "STRTAB"},
    {SHT_RELA, "RELA"},
    {SHT_HASH, "HASH"},
    {SHT_DYNAMIC, "DYNAMIC"},
    {SHT_NOTE, "NOTE"},
    {SHT_NOBITS, "NOBITS"},
    {SHT_REL, "REL"},
    {SHT_DYNSYM, "DYNSYM"},
    {SHT_INIT_ARRAY, "INIT_ARRAY"},
    {SHT_FINI_ARRAY, "FINI_ARRAY"},
    {SHT_PREINIT_ARRAY, "PREINIT_ARRAY"},
    {SHT_GROUP, "GROUP"},
    {SHT_SYMTAB_SHNDX, "SYMTAB_SHNDX"},
    {SHT_RELR, "RELR"},
    {SHT_GNU_ATTRIBUTES, "GNU_ATTRIBUTES"},
    {SHT_GNU_HASH, "GNU_HASH"},
    {SHT_GNU_LIBLIST, "GNU_LIBLIST"},
    {SHT_GNU_verdef, "VERDEF"},
    {SHT_GNU_verneed, "VERNEED"},
    {SHT_GNU_versym, "VERSYM"},
    {SHT_X86_64_UNWIND, "X86_64_UNWIND"},
};

static const struct name segment_types[] = {
    {PT_NULL, "NULL"},
    {PT_LOAD, "LOAD"},
    {PT_DYNAMIC, "DYNAMIC"},
    {PT_INTERP, "INTERP"},
    {PT_NOTE, "NOTE"},
    {PT_SHLIB, "SHLIB"},
    {PT_PHDR, "PHDR"},
    {PT_TLS, "TLS"},
    {PT_GNU_EH_FRAME, "GNU_EH_FRAME"},
    {PT_GNU_STACK, "GNU_STACK"},
    {PT_GNU_RELRO, "GNU_RELRO"},
    {0x6474e553, "GNU_PROPERTY"},
};

static const struct name machines[] = {
    {EM_386, "i386"},    {EM_ARM, "arm"},     {EM_X86_64, "x86_64"}, {EM_AARCH64, "arm64"},
    {EM_PPC64, "ppc64"}, {EM_RISCV, "riscv"}, {EM_S390, "s390"},     {EM_MIPS, "mips"},
    {EM_BPF, "bpf"},     {EM_PPC, "ppc"},     {EM_68K, "m68k"},      {EM_SPARCV9, "sparcv9"},
};

static const struct name types[] = {
    {ET_NONE, "NONE"}, {ET_REL, "REL"}, {ET_EXEC, "EXEC"}, {ET_DYN, "DYN"}, {ET_CORE, "CORE"},
};

static const struct name symbol_types[] = {
    {STT_NOTYPE, "NOTYPE"}, {STT_OBJECT, "OBJECT"}, {STT_FUNC, "FUNC"}, {STT_SECTION, "SECTION"},
    {STT_FILE, "FILE"},     {STT_COMMON, "COMMON"}, {STT_TLS, "TLS"},   {STT_GNU_IFUNC, "IFUNC"},
};

static const struct name symbol_binds[] = {
    {STB_LOCAL, "LOCAL"},
    {STB_GLOBAL, "GLOBAL"},
    {STB_WEAK, "WEAK"},
    {STB_GNU_UNIQUE, "UNIQUE"},
};

#define R(machine, name)                                                                           \
    {                                                                                              \
        R_##machine##_##name, "R_" #machine "_" #name                                              \
    }
static const struct name x86_64_relocs[] = {
    R(X86_64, NONE),
    R(X86_64, 64),
    R(X86_64, PC32),
    R(X86_64, GOT32),
    R(X86_64, PLT32),
    R(X86_64, COPY),
    R(X86_64, GLOB_DAT),
    R(X86_64, JUMP_SLOT),
    R(X86_64, RELATIVE),
    R(X86_64, GOTPCREL),
    R(X86_64, 32),
    R(X86_64, 32S),
    R(X86_64, 16),
    R(X86_64, PC16),
    R(X86_64, 8),
    R(X86_64, PC8),
    R(X86_64, DTPMOD64),
    R(X86_64, DTPOFF64),
    R(X86_64, TPOFF64),
    R(X86_64, TLSGD),
    R(X86_64, TLSLD),
    R(X86_64, DTPOFF32),
    R(X86_64, GOTTPOFF),
    R(X86_64, TPOFF32),
    R(X86_64, PC64),
    R(X86_64, GOTOFF64),
    R(X86_64, GOTPC32),
    R(X86_64, GOT64),
    R(X86_64, GOTPCREL64),
    R(X86_64, GOTPC64),
    R(X86_64, GOTPLT64),
    R(X86_64, PLTOFF64),
    R(X86_64, SIZE32),
    R(X86_64, SIZE64),
    R(X86_64, GOTPC32_TLSDESC),
    R(X86_64, TLSDESC_CALL),
    R(X86_64, TLSDESC),
    R(X86_64, IRELATIVE),
    R(X86_64, RELATIVE64),
    R(X86_64, GOTPCRELX),
    R(X86_64, REX_GOTPCRELX),
};
static const struct name i386_relocs[] = {
    R(386, NONE),         R(386, 32),
    R(386, PC32),         R(386, GOT32),
    R(386, PLT32),        R(386, COPY),
    R(386, GLOB_DAT),     R(386, JMP_SLOT),
    R(386, RELATIVE),     R(386, GOTOFF),
    R(386, GOTPC),        R(386, 16),
    R(386, PC16),         R(386, 8),
    R(386, PC8),          R(386, TLS_TPOFF),
    R(386, TLS_DTPMOD32), R(386, TLS_DTPOFF32),
    R(386, IRELATIVE),    R(386, GOT32X),
};
static const struct name arm64_relocs[] = {
    R(AARCH64, NONE),
    R(AARCH64, ABS64),
    R(AARCH64, ABS32),
    R(AARCH64, ABS16),
    R(AARCH64, PREL64),
    R(AARCH64, PREL32),
    R(AARCH64, PREL16),
    R(AARCH64, LD_PREL_LO19),
    R(AARCH64, ADR_PREL_LO21),
    R(AARCH64, ADR_PREL_PG_HI21),
    R(AARCH64, ADD_ABS_LO12_NC),
    R(AARCH64, LDST8_ABS_LO12_NC),
    R(AARCH64, LDST16_ABS_LO12_NC),
    R(AARCH64, LDST32_ABS_LO12_NC),
    R(AARCH64, LDST64_ABS_LO12_NC),
    R(AARCH64, LDST128_ABS_LO12_NC),
    R(AARCH64, TSTBR14),
    R(AARCH64, CONDBR19),
    R(AARCH64, JUMP26),
    R(AARCH64, CALL26),
    R(AARCH64, ADR_GOT_PAGE),
    R(AARCH64, LD64_GOT_LO12_NC),
    R(AARCH64, COPY),
    R(AARCH64, GLOB_DAT),
    R(AARCH64, JUMP_SLOT),
    R(AARCH64, RELATIVE),
    R(AARCH64, TLS_DTPMOD),
    R(AARCH64, TLS_DTPREL),
    R(AARCH64, TLS_TPREL),
    R(AARCH64, TLSDESC),
    R(AARCH64, IRELATIVE),
};
#undef R

#define T(name)                                                                                    \
    {                                                                                              \
        DT_##name, #name                                                                           \
    }
static const struct name dynamic_tags[] = {
    T(NULL),         T(NEEDED),        T(PLTRELSZ),
    T(PLTGOT),       T(HASH),          T(STRTAB),
    T(SYMTAB),       T(RELA),          T(RELASZ),
    T(RELAENT),      T(STRSZ),         T(SYMENT),
    T(INIT),         T(FINI),          T(SONAME),
    T(RPATH),        T(SYMBOLIC),      T(REL),
    T(RELSZ),        T(RELENT),        T(PLTREL),
    T(DEBUG),        T(TEXTREL),       T(JMPREL),
    T(BIND_NOW),     T(INIT_ARRAY),    T(FINI_ARRAY),
    T(INIT_ARRAYSZ), T(FINI_ARRAYSZ),  T(RUNPATH),
    T(FLAGS),        T(PREINIT_ARRAY), T(PREINIT_ARRAYSZ),
    T(GNU_HASH),     T(VERSYM),        T(RELACOUNT),
    T(RELCOUNT),     T(FLAGS_1),       T(VERDEF),
    T(VERDEFNUM),    T(VERNEED),       T(VERNEEDNUM),
    {35, "RELRSZ"},  {36, "RELR"},     {37, "RELRENT"},
};
#undef T

const char *elf_section_type_name(struct arena *a, uint32_t type)
{
    return LOOK_UP(a, section_types, type);
}

const char *elf_segment_type_name(struct arena *a, uint32_t type)
{
    return LOOK_UP(a, segment_types, type);
}

const char *elf_machine_name(struct arena *a, uint16_t machine)
{
    return LOOK_UP(a, machines, machine);
}

const char *elf_type_name(struct arena *a, uint16_t type)
{
    return LOOK_UP(a, types, type);
}

const char *elf_symbol_type_name(struct arena *a, unsigned type)
{
    return LOOK_UP(a, symbol_types, type);
}

const char *elf_symbol_bind_name(struct arena *a, unsigned bind)
{
    return LOOK_UP(a, symbol_binds, bind);
}

const char *elf_dynamic_tag_name(struct arena *a, uint64_t tag)
{
    return LOOK_UP(a, dynamic_tags, tag);
}

const char *elf_reloc_name(struct arena *a, uint16_t machine, uint32_t type)
{
    if (machine == EM_X86_64)
        return LOOK_UP(a, x86_64_relocs, type);
    if (machine == EM_386)
        return LOOK_UP(a, i386_relocs, type);
    if (machine == EM_AARCH64)
        return LOOK_UP(a, arm64_relocs, type);
    return arena_printf(a, "0x%x", type);
}

const char *elf_section_flags(struct arena *a, uint64_t flags)
{
    static const struct {
        uint64_t bit;
        char letter;
    } letters[] = {
        {SHF_WRITE, 'W'},      {SHF_ALLOC, 'A'},
        {SHF_EXECINSTR, 'X'},  {SHF_MERGE, 'M'},
        {SHF_STRINGS, 'S'},    {SHF_INFO_LINK, 'I'},
        {SHF_LINK_ORDER, 'L'}, {SHF_OS_NONCONFORMING, 'O'},
        {SHF_GROUP, 'G'},      {SHF_TLS, 'T'},
        {SHF_COMPRESSED, 'C'}, {SHF_GNU_RETAIN, 'R'},
        {SHF_EXCLUDE, 'E'},
    };
    char *text = arena_alloc(a, sizeof letters / sizeof *letters + 1);
    size_t used = 0;
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (flags & letters[i].bit)
            text[used++] = letters[i].letter;
    return text;
}
