/* SPDX-License-Identifier: BSD-3-Clause
 * A program that stands for sources: a position-independent executable that needs some libraries
 * and calls each of a list of their functions from a function of its own, so that the analysis of
 * binaries can say what those reach. It is never run. */
#include "analyzer/source_elf.h"
#include <elf.h>
#include <string.h>

enum { PAGE = 4096, CALL_SIZE = 8, START_SIZE = 16, MAIN_SIZE = 8 };

typedef VEC(char) bytes;

struct writer {
    struct arena *a;
    bytes names; /* .dynstr */
    VEC(Elf64_Sym) symbols;
    VEC(Elf64_Rela) relocations;
    VEC(Elf64_Dyn) dynamic;
};

static uint32_t add_name(struct writer *w, const char *name)
{
    uint32_t at = (uint32_t)w->names.count;
    for (const char *c = name; *c; c++)
        vec_push(w->a, &w->names, *c);
    vec_push(w->a, &w->names, '\0');
    return at;
}

static uint64_t add_symbol(struct writer *w, const char *name, unsigned type, uint16_t section,
                           uint64_t value, uint64_t size)
{
    vec_push(w->a, &w->symbols,
             ((Elf64_Sym){.st_name = add_name(w, name),
                          .st_info = (unsigned char)ELF64_ST_INFO(STB_GLOBAL, type),
                          .st_shndx = section,
                          .st_value = value,
                          .st_size = size}));
    return w->symbols.count - 1;
}

static void add_relocation(struct writer *w, uint64_t at, uint64_t symbol, uint32_t type,
                           int64_t addend)
{
    vec_push(w->a, &w->relocations, ((Elf64_Rela){at, ELF64_R_INFO(symbol, type), addend}));
}

static void add_dynamic(struct writer *w, int64_t tag, uint64_t value)
{
    vec_push(w->a, &w->dynamic, ((Elf64_Dyn){.d_tag = tag, .d_un.d_val = value}));
}

static void put_code(char *at, const char *opcode, size_t size, int64_t displacement)
{
    int32_t relative = (int32_t)displacement;
    memcpy(at, opcode, size);
    memcpy(at + size, &relative, sizeof relative);
}

/* The places of everything in the file, equal to the virtual addresses. */
struct places {
    uint64_t interpreter, code, symbols, names, hash, relocations, dynamic, table, slots, end;
};

static uint64_t rounded(uint64_t value, uint64_t to)
{
    return (value + to - 1) / to * to;
}

static void write_code(char *image, const struct places *p, size_t functions)
{
    char *at = image + p->code;
    uint64_t main_at = p->code + START_SIZE, slot = p->slots;
    /* _start: lea main(%rip), %rdi; call *slot(%rip); hlt */
    put_code(at, "\x48\x8d\x3d", 3, (int64_t)(main_at - (p->code + 7)));
    put_code(at + 7, "\xff\x15", 2, (int64_t)(slot - (p->code + 13)));
    at[13] = (char)0xf4;
    /* main: lea table(%rip), %rax; ret */
    put_code(image + main_at, "\x48\x8d\x05", 3, (int64_t)(p->table - (main_at + 7)));
    image[main_at + 7] = (char)0xc3;
    for (size_t i = 0; i < functions; i++) { /* call *slot(%rip); ret */
        uint64_t from = main_at + MAIN_SIZE + i * CALL_SIZE;
        slot += 8;
        put_code(image + from, "\xff\x15", 2, (int64_t)(slot - (from + 6)));
        image[from + 6] = (char)0xc3;
    }
}

static void write_headers(char *image, const struct places *p, const char *interpreter)
{
    Elf64_Ehdr h = {.e_type = ET_DYN,
                    .e_machine = EM_X86_64,
                    .e_version = EV_CURRENT,
                    .e_entry = p->code,
                    .e_phoff = sizeof h,
                    .e_ehsize = sizeof h,
                    .e_phentsize = sizeof(Elf64_Phdr),
                    .e_phnum = 4};
    memcpy(h.e_ident, ELFMAG, SELFMAG);
    h.e_ident[EI_CLASS] = ELFCLASS64;
    h.e_ident[EI_DATA] = ELFDATA2LSB;
    h.e_ident[EI_VERSION] = EV_CURRENT;
    uint64_t text = p->dynamic, data = p->end - p->dynamic;
    const Elf64_Phdr segments[] = {
        {PT_INTERP, PF_R, p->interpreter, p->interpreter, p->interpreter, strlen(interpreter) + 1,
         strlen(interpreter) + 1, 1},
        {PT_LOAD, PF_R | PF_X, 0, 0, 0, text, text, PAGE},
        {PT_LOAD, PF_R | PF_W, p->dynamic, p->dynamic, p->dynamic, data, data, PAGE},
        {PT_DYNAMIC, PF_R | PF_W, p->dynamic, p->dynamic, p->dynamic, p->table - p->dynamic,
         p->table - p->dynamic, 8},
    };
    memcpy(image, &h, sizeof h);
    memcpy(image + sizeof h, segments, sizeof segments);
}

/* Symbols: 0, the start function, those called, then what the program itself has. */
static void fill(struct writer *w, const struct places *p, const strings *functions)
{
    uint64_t main_at = p->code + START_SIZE;
    w->symbols.count = w->relocations.count = w->names.count = w->dynamic.count = 0;
    vec_push(w->a, &w->names, '\0');
    vec_push(w->a, &w->symbols, (Elf64_Sym){0});
    uint64_t start = add_symbol(w, "__libc_start_main", STT_FUNC, SHN_UNDEF, 0, 0);
    add_relocation(w, p->slots, start, R_X86_64_GLOB_DAT, 0);
    for (size_t i = 0; i < functions->count; i++) {
        uint64_t symbol = add_symbol(w, functions->items[i], STT_FUNC, SHN_UNDEF, 0, 0);
        add_relocation(w, p->slots + 8 + 8 * i, symbol, R_X86_64_GLOB_DAT, 0);
    }
    for (size_t i = 0; i < functions->count; i++) {
        uint64_t at = main_at + MAIN_SIZE + i * CALL_SIZE;
        const char *name = arena_printf(w->a, SOURCE_CALL "%s", functions->items[i]);
        add_symbol(w, name, STT_FUNC, 1, at, CALL_SIZE);
        add_relocation(w, p->table + 8 * i, 0, R_X86_64_RELATIVE, (int64_t)at);
    }
    add_symbol(w, "main", STT_FUNC, 1, main_at, MAIN_SIZE);
}

static void fill_dynamic(struct writer *w, const struct places *p, const strings *libraries)
{
    vec_each (library, libraries)
        add_dynamic(w, DT_NEEDED, add_name(w, *library));
    add_dynamic(w, DT_HASH, p->hash);
    add_dynamic(w, DT_STRTAB, p->names);
    add_dynamic(w, DT_SYMTAB, p->symbols);
    add_dynamic(w, DT_STRSZ, w->names.count);
    add_dynamic(w, DT_SYMENT, sizeof(Elf64_Sym));
    add_dynamic(w, DT_RELA, p->relocations);
    add_dynamic(w, DT_RELASZ, w->relocations.count * sizeof(Elf64_Rela));
    add_dynamic(w, DT_RELAENT, sizeof(Elf64_Rela));
    add_dynamic(w, DT_FLAGS, DF_BIND_NOW);
    add_dynamic(w, DT_NULL, 0);
}

static void place(const struct writer *w, const char *interpreter, size_t functions,
                  struct places *p)
{
    p->interpreter = sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr);
    p->code = rounded(p->interpreter + strlen(interpreter) + 1, 16);
    p->symbols = rounded(p->code + START_SIZE + MAIN_SIZE + functions * CALL_SIZE, 8);
    p->names = p->symbols + w->symbols.count * sizeof(Elf64_Sym);
    p->hash = rounded(p->names + w->names.count, 8);
    p->relocations = rounded(p->hash + 4 * (2 + 1 + w->symbols.count), 8);
    p->dynamic = rounded(p->relocations + w->relocations.count * sizeof(Elf64_Rela), PAGE);
    p->table = p->dynamic + w->dynamic.count * sizeof(Elf64_Dyn);
    p->slots = p->table + 8 * functions;
    p->end = p->slots + 8 * (functions + 1);
}

const char *source_elf(struct arena *a, const char *interpreter, const strings *libraries,
                       const strings *functions, size_t *size)
{
    struct writer w = {.a = a};
    struct places p = {0};
    for (int pass = 0; pass < 2; pass++) { /* the first finds out the sizes */
        fill(&w, &p, functions);
        fill_dynamic(&w, &p, libraries);
        place(&w, interpreter, functions->count, &p);
    }
    fill(&w, &p, functions);
    fill_dynamic(&w, &p, libraries);
    char *image = arena_alloc(a, p.end);
    write_headers(image, &p, interpreter);
    memcpy(image + p.interpreter, interpreter, strlen(interpreter) + 1);
    write_code(image, &p, functions->count);
    memcpy(image + p.symbols, w.symbols.items, w.symbols.count * sizeof(Elf64_Sym));
    memcpy(image + p.names, w.names.items, w.names.count);
    /* One bucket, all symbols in one chain. */
    uint32_t *hash = arena_array(a, 3 + w.symbols.count, sizeof *hash);
    hash[0] = 1;
    hash[1] = (uint32_t)w.symbols.count;
    hash[2] = 1;
    for (size_t i = 1; i + 1 < w.symbols.count; i++)
        hash[3 + i] = (uint32_t)i + 1;
    memcpy(image + p.hash, hash, (3 + w.symbols.count) * sizeof *hash);
    memcpy(image + p.relocations, w.relocations.items, w.relocations.count * sizeof(Elf64_Rela));
    memcpy(image + p.dynamic, w.dynamic.items, w.dynamic.count * sizeof(Elf64_Dyn));
    *size = p.end;
    return image;
}
