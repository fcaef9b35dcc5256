/* SPDX-License-Identifier: BSD-3-Clause
 * Headers of a mapped ELF file: segments, and the sections that unwinding and naming need. */
#include "tracer/binary.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { LARGEST_UNPACKED = 256 << 20 };

static bool inside(const struct binary *binary, uint64_t offset, uint64_t size)
{
    return offset <= binary->size && size <= binary->size - offset;
}

static bool read_header(const struct binary *binary, Elf64_Ehdr *h)
{
    if (binary->size < sizeof *h)
        return false;
    memcpy(h, binary->data, sizeof *h);
    return memcmp(h->e_ident, ELFMAG, SELFMAG) == 0 && h->e_ident[EI_CLASS] == ELFCLASS64 &&
           h->e_machine == EM_X86_64 && h->e_phentsize == sizeof(Elf64_Phdr) &&
           inside(binary, h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf64_Phdr));
}

struct piece binary_piece(const struct binary *binary, uint64_t address)
{
    vec_each (s, &binary->segments)
        if (address >= s->address && address - s->address < s->size)
            return (struct piece){binary->data + s->offset + (address - s->address),
                                  s->size - (address - s->address), address};
    return (struct piece){0};
}

bool binary_address(const struct binary *binary, uint64_t offset, uint64_t *address)
{
    vec_each (s, &binary->segments) {
        uint64_t slack = s->address % 4096; /* a mapping begins at a page */
        if (!s->executable || offset + slack < s->offset || offset >= s->offset + s->size)
            continue;
        *address = s->address + offset - s->offset;
        return true;
    }
    return false;
}

/* The search header, where it is as every linker writes it: version 1, .eh_frame by a relative
 * pointer, a 32-bit count, pairs of 32-bit distances from the header. */
static void find_search(struct binary *binary, uint64_t address)
{
    struct piece p = binary_piece(binary, address);
    int32_t distance;
    uint32_t count;
    if (p.size < 12 || p.data[0] != 1 || p.data[1] != 0x1b)
        return;
    memcpy(&distance, p.data + 4, sizeof distance);
    memcpy(&count, p.data + 8, sizeof count);
    binary->frames = binary_piece(binary, address + 4 + (uint64_t)(int64_t)distance);
    if (p.data[2] == 0x03 && p.data[3] == 0x3b && count <= (p.size - 12) / 8 && count) {
        p.size = 12 + (size_t)count * 8;
        binary->search = p;
    }
}

/* A section's bytes, unpacked where they are packed. */
static struct piece section_piece(struct arena *a, const struct binary *binary, const Elf64_Shdr *s)
{
    struct piece piece = {0};
    if (s->sh_type == SHT_NOBITS || !inside(binary, s->sh_offset, s->sh_size))
        return piece;
    piece = (struct piece){binary->data + s->sh_offset, s->sh_size, s->sh_addr};
    Elf64_Chdr packed;
    if (!(s->sh_flags & SHF_COMPRESSED))
        return piece;
    if (piece.size < sizeof packed)
        return (struct piece){0};
    memcpy(&packed, piece.data, sizeof packed);
    if (packed.ch_type != ELFCOMPRESS_ZLIB || packed.ch_size > LARGEST_UNPACKED)
        return (struct piece){0};
    uLongf size = packed.ch_size;
    unsigned char *out = arena_alloc(a, size + 1);
    if (uncompress(out, &size, piece.data + sizeof packed, piece.size - sizeof packed) != Z_OK)
        return (struct piece){0};
    return (struct piece){out, size, s->sh_addr};
}

struct sections {
    Elf64_Shdr symtab, dynsym, eh_frame, debug_frame;
    bool lines;
};

static void note_section(const struct binary *binary, const Elf64_Shdr *names, const Elf64_Shdr *s,
                         struct sections *out)
{
    if (s->sh_type == SHT_SYMTAB)
        out->symtab = *s;
    if (s->sh_type == SHT_DYNSYM)
        out->dynsym = *s;
    if (s->sh_name >= names->sh_size)
        return;
    const char *name = (const char *)binary->data + names->sh_offset + s->sh_name;
    size_t room = names->sh_size - s->sh_name;
    if (strnlen(name, room) == room)
        return;
    if (strcmp(name, ".eh_frame") == 0)
        out->eh_frame = *s;
    if (strcmp(name, ".debug_frame") == 0)
        out->debug_frame = *s;
    out->lines |= strcmp(name, ".debug_line") == 0 || strcmp(name, ".gnu_debugdata") == 0;
}

static void find_symbols(struct arena *a, struct binary *binary, const Elf64_Ehdr *h,
                         const Elf64_Shdr *table)
{
    Elf64_Shdr names;
    if (!table->sh_size || table->sh_link >= h->e_shnum)
        return;
    memcpy(&names, binary->data + h->e_shoff + table->sh_link * sizeof names, sizeof names);
    binary->symbols = section_piece(a, binary, table);
    binary->strings = section_piece(a, binary, &names);
}

static void find_sections(struct arena *a, struct binary *binary, const Elf64_Ehdr *h)
{
    struct sections found = {0};
    Elf64_Shdr names, s;
    if (h->e_shentsize != sizeof s || h->e_shstrndx >= h->e_shnum ||
        !inside(binary, h->e_shoff, (uint64_t)h->e_shnum * sizeof s))
        return;
    memcpy(&names, binary->data + h->e_shoff + h->e_shstrndx * sizeof names, sizeof names);
    if (!inside(binary, names.sh_offset, names.sh_size))
        return;
    for (unsigned i = 0; i < h->e_shnum; i++) {
        memcpy(&s, binary->data + h->e_shoff + i * sizeof s, sizeof s);
        note_section(binary, &names, &s, &found);
    }
    find_symbols(a, binary, h, found.symtab.sh_size ? &found.symtab : &found.dynsym);
    binary->lines = found.lines;
    if (!binary->search.data && found.eh_frame.sh_size)
        binary->frames = section_piece(a, binary, &found.eh_frame);
    if (!binary->frames.data && found.debug_frame.sh_size) {
        binary->frames = section_piece(a, binary, &found.debug_frame);
        binary->debug_frames = true;
    }
}

bool binary_open(struct arena *a, struct binary *binary)
{
    Elf64_Ehdr header;
    if (!read_header(binary, &header))
        return false;
    uint64_t search = 0;
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr p;
        memcpy(&p, binary->data + header.e_phoff + i * sizeof p, sizeof p);
        if (p.p_type == PT_GNU_EH_FRAME)
            search = p.p_vaddr;
        if (p.p_type == PT_DYNAMIC)
            binary->dynamic = p.p_vaddr;
        if (p.p_type != PT_LOAD || !inside(binary, p.p_offset, p.p_filesz))
            continue;
        vec_push(a, &binary->segments,
                 ((struct binary_segment){p.p_offset, p.p_vaddr, p.p_filesz, p.p_flags & PF_X}));
    }
    if (search)
        find_search(binary, search);
    find_sections(a, binary, &header);
    return true;
}

bool binary_map(struct binary *binary, int fd, uint64_t size)
{
    void *data = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    if (data == MAP_FAILED)
        return false;
    binary->data = data;
    binary->size = size;
    return binary->mapped = true;
}

struct binary *binary_named(struct arena *a, struct binary **all, const char *path)
{
    struct stat st;
    for (struct binary *b = *all; b; b = b->next)
        if (b->segments.count && strcmp(b->path, path) == 0)
            return b;
    struct binary *binary = ARENA_NEW(a, struct binary);
    *binary = (struct binary){.path = arena_strdup(a, path), .next = *all};
    *all = binary;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool good = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                binary_map(binary, fd, (uint64_t)st.st_size);
    if (fd >= 0)
        close(fd);
    return good && binary_open(a, binary) ? binary : NULL;
}

void binaries_close(struct binary *all)
{
    for (; all; all = all->next) {
        binary_close_debug(all);
        if (all->mapped)
            munmap((void *)(uintptr_t)all->data, all->size);
        all->mapped = false;
    }
}
