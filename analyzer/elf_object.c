/* SPDX-License-Identifier: BSD-3-Clause
 * Opening an ELF object: the file, its header, program headers and section headers. */
#include "analyzer/elf_private.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const elf_kind_names[] = {"static",      "static-pie", "dynamic",
                                      "dynamic-pie", "shared",     NULL};

struct mapping {
    void *address;
    size_t size;
};

static void unmap(void *resource)
{
    struct mapping *m = resource;
    munmap(m->address, m->size);
}

static bool inside(uint64_t offset, uint64_t size, uint64_t total)
{
    return offset <= total && size <= total - offset;
}

static enum status check_segment(struct diag *d, const struct elf_object *o, size_t n,
                                 const struct elf_segment *s)
{
    if (!inside(s->offset, s->filesz, o->size))
        return diag_fail(d, STATUS_INPUT,
                         "%s: truncated or damaged: program header %zu (type 0x%x) needs 0x%lx "
                         "bytes at offset 0x%lx, the file ends at 0x%zx",
                         o->path, n, s->type, s->filesz, s->offset, o->size);
    if (s->type != PT_LOAD)
        return STATUS_OK;
    if (s->filesz > s->memsz || s->vaddr + s->memsz < s->vaddr)
        return diag_fail(d, STATUS_INPUT,
                         "%s: program header %zu: file size 0x%lx, memory size 0x%lx at address "
                         "0x%lx do not make a segment",
                         o->path, n, s->filesz, s->memsz, s->vaddr);
    const struct elf_segment *last =
        o->segments.count ? &o->segments.items[o->segments.count - 1] : NULL;
    if (last && s->vaddr < last->vaddr + last->memsz)
        return diag_fail(d, STATUS_INPUT,
                         "%s: program header %zu: segment address 0x%lx; 0x%lx or above was "
                         "expected, after the segment before",
                         o->path, n, s->vaddr, last->vaddr + last->memsz);
    return STATUS_OK;
}

/* With more than 65534 entries, the real count stands in section header 0 (gABI, PN_XNUM). */
static uint64_t extended(const struct elf_object *o, const Elf64_Ehdr *h, size_t field,
                         uint64_t otherwise)
{
    if (!h->e_shoff || !inside(h->e_shoff, sizeof(Elf64_Shdr), o->size))
        return otherwise;
    Elf64_Shdr first;
    memcpy(&first, o->data + h->e_shoff, sizeof first);
    return field == offsetof(Elf64_Shdr, sh_size) ? first.sh_size : first.sh_info;
}

static enum status read_segments(struct diag *d, struct elf_object *o, const Elf64_Ehdr *h)
{
    uint64_t count = h->e_phnum;
    if (count == PN_XNUM)
        count = extended(o, h, offsetof(Elf64_Shdr, sh_info), count);
    if (count && h->e_phentsize != sizeof(Elf64_Phdr))
        return diag_fail(d, STATUS_INPUT,
                         "%s: offset 54: program header size %zu was expected, %u found", o->path,
                         sizeof(Elf64_Phdr), h->e_phentsize);
    if (!inside(h->e_phoff, count * sizeof(Elf64_Phdr), o->size))
        return diag_fail(d, STATUS_INPUT,
                         "%s: truncated or damaged: %lu program headers at offset 0x%lx, the file "
                         "ends at 0x%zx",
                         o->path, count, h->e_phoff, o->size);
    for (size_t i = 0; i < count; i++) {
        Elf64_Phdr p;
        memcpy(&p, o->data + h->e_phoff + i * sizeof p, sizeof p);
        struct elf_segment s = {.type = p.p_type,
                                .flags = p.p_flags,
                                .vaddr = p.p_vaddr,
                                .memsz = p.p_memsz,
                                .offset = p.p_offset,
                                .filesz = p.p_filesz,
                                .align = p.p_align};
        if (s.type == PT_NULL || s.type == PT_GNU_STACK || (s.type == PT_LOAD && !s.memsz))
            continue;
        enum status status = check_segment(d, o, i, &s);
        if (status)
            return status;
        if (s.type == PT_LOAD)
            vec_push(o->arena, &o->segments, s);
        else
            vec_push(o->arena, &o->other_headers, s);
    }
    if (!o->segments.count)
        return diag_fail(d, STATUS_INPUT,
                         "%s: no loadable segment: a program with code was expected (a file of "
                         "debugging information only?)",
                         o->path);
    return STATUS_OK;
}

static enum status read_interpreter(struct diag *d, struct elf_object *o,
                                    const struct elf_segment *s)
{
    const char *text = (const char *)o->data + s->offset;
    if (!s->filesz || s->filesz > PATH_MAX || !memchr(text, 0, s->filesz))
        return diag_fail(d, STATUS_INPUT,
                         "%s: offset 0x%lx: the path of the dynamic linker was expected, a "
                         "terminated string of up to %d bytes",
                         o->path, s->offset, PATH_MAX);
    o->interpreter = text;
    return STATUS_OK;
}

static enum status read_special_headers(struct diag *d, struct elf_object *o)
{
    vec_each (s, &o->other_headers) {
        struct elf_range range = {s->vaddr, s->memsz};
        if (s->type == PT_INTERP) {
            enum status status = read_interpreter(d, o, s);
            if (status)
                return status;
        } else if (s->type == PT_GNU_EH_FRAME) {
            o->eh_frame_hdr = range;
        } else if (s->type == PT_GNU_RELRO) {
            o->relro = range;
        } else if (s->type == PT_TLS) {
            o->tls = (struct elf_range){s->vaddr, s->filesz};
        }
    }
    return STATUS_OK;
}

/* Section headers are not needed to run a program, so a bad table is no reason to refuse it. */
static void read_sections(struct elf_object *o, const Elf64_Ehdr *h)
{
    if (!h->e_shoff)
        return;
    uint64_t count = h->e_shnum ? h->e_shnum : extended(o, h, offsetof(Elf64_Shdr, sh_size), 0);
    if (h->e_shentsize != sizeof(Elf64_Shdr) || count > o->size / sizeof(Elf64_Shdr) ||
        !inside(h->e_shoff, count * sizeof(Elf64_Shdr), o->size)) {
        o->trouble = arena_printf(o->arena,
                                  "the section headers at offset 0x%lx lie outside the file "
                                  "(0x%zx bytes): ignored, as the kernel does",
                                  h->e_shoff, o->size);
        return;
    }
    uint64_t name_index = h->e_shstrndx;
    Elf64_Shdr names = {0};
    if (name_index == SHN_XINDEX) {
        memcpy(&names, o->data + h->e_shoff, sizeof names);
        name_index = names.sh_link;
    }
    if (name_index < count)
        memcpy(&names, o->data + h->e_shoff + name_index * sizeof names, sizeof names);
    if (name_index >= count || !inside(names.sh_offset, names.sh_size, o->size))
        names.sh_offset = names.sh_size = 0;
    const char *text = (const char *)o->data + names.sh_offset;
    for (size_t i = 0; i < count; i++) {
        Elf64_Shdr s;
        memcpy(&s, o->data + h->e_shoff + i * sizeof s, sizeof s);
        if (s.sh_type != SHT_NOBITS && !inside(s.sh_offset, s.sh_size, o->size))
            s = (Elf64_Shdr){0}; /* keeps its place: other headers refer to it by index */
        bool named =
            s.sh_name < names.sh_size && memchr(text + s.sh_name, 0, names.sh_size - s.sh_name);
        struct elf_section *section = vec_add(o->arena, &o->sections);
        *section = (struct elf_section){.name = named ? text + s.sh_name : "",
                                        .type = s.sh_type,
                                        .link = s.sh_link,
                                        .info = s.sh_info,
                                        .flags = s.sh_flags,
                                        .address = s.sh_addr,
                                        .offset = s.sh_offset,
                                        .size = s.sh_size,
                                        .entsize = s.sh_entsize};
        if (!strcmp(section->name, ".eh_frame") && s.sh_flags & SHF_ALLOC &&
            elf_bytes(o, s.sh_addr, s.sh_size))
            o->eh_frame = (struct elf_range){s.sh_addr, s.sh_size};
    }
}

/* What starts a process: with an interpreter it is dynamic; without, a position-independent
 * program is told from a library by its flag, or by having an entry point and no name. */
static enum elf_kind classify(const struct elf_object *o)
{
    if (o->type == ET_EXEC)
        return o->interpreter ? ELF_DYNAMIC : ELF_STATIC;
    if (o->interpreter)
        return ELF_DYNAMIC_PIE;
    if (o->flags_1 & DF_1_PIE || (o->entry && !o->soname && !o->needed.count))
        return ELF_STATIC_PIE;
    return ELF_SHARED;
}

static enum status parse(struct diag *d, struct elf_object *o)
{
    enum status status = elf_identify(d, o->arena, o->path, o->data, o->size);
    if (status)
        return status;
    Elf64_Ehdr h;
    memcpy(&h, o->data, sizeof h);
    o->machine = h.e_machine;
    o->type = h.e_type;
    o->entry = h.e_entry;
    if ((status = read_segments(d, o, &h)) || (status = read_special_headers(d, o)))
        return status;
    read_sections(o, &h);
    elf_locate_eh_frame(o);
    if ((status = elf_read_dynamic(d, o)))
        return status;
    elf_read_notes(o);
    o->kind = classify(o);
    if (!o->soname && o->name == o->path && strrchr(o->path, '/'))
        o->name = strrchr(o->path, '/') + 1;
    else if (o->soname)
        o->name = o->soname;
    return STATUS_OK;
}

static struct elf_object *new_object(struct arena *a, const void *data, size_t size,
                                     const char *name)
{
    struct elf_object *o = ARENA_NEW(a, struct elf_object);
    o->arena = a;
    o->data = data;
    o->size = size;
    o->path = o->name = arena_strdup(a, name);
    o->index = SIZE_MAX;
    o->nearest = ARENA_NEW(a, struct elf_nearest_index);
    return o;
}

enum status elf_object_from_memory(struct diag *d, struct arena *a, const void *data, size_t size,
                                   const char *name, struct elf_object **out)
{
    *out = new_object(a, data, size, name);
    return parse(d, *out);
}

static enum status map_file(struct diag *d, struct arena *a, const char *path, int fd,
                            struct elf_object **out)
{
    struct stat st;
    if (fstat(fd, &st))
        return diag_fail(d, STATUS_INPUT, "%s: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return diag_fail(d, STATUS_INPUT, "%s: a folder, an ELF program was expected", path);
    if (!S_ISREG(st.st_mode))
        return diag_fail(d, STATUS_INPUT, "%s: not a regular file, an ELF program was expected",
                         path);
    struct mapping *m = ARENA_NEW(a, struct mapping);
    m->size = (size_t)st.st_size;
    if (m->size) {
        m->address = mmap(NULL, m->size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (m->address == MAP_FAILED)
            return diag_fail(d, STATUS_SYSTEM, "%s: cannot map %zu bytes: %s", path, m->size,
                             strerror(errno));
        arena_defer(a, unmap, m);
    }
    *out = new_object(a, m->address, m->size, path);
    (*out)->mapped = m->size > 0;
    (*out)->device = st.st_dev;
    (*out)->inode = st.st_ino;
    return STATUS_OK;
}

void elf_object_spare(const struct elf_object *o)
{
    if (o->mapped)
        madvise((void *)(uintptr_t)o->data, o->size, MADV_DONTNEED);
}

enum status elf_object_open_fd(struct diag *d, struct arena *a, int fd, const char *path,
                               struct elf_object **out)
{
    enum status status = map_file(d, a, path, fd, out);
    return status ? status : parse(d, *out);
}

enum status elf_object_open_library(struct diag *d, struct arena *a, int fd, const char *path,
                                    unsigned machine, struct elf_object **out)
{
    struct elf_object *o = NULL;
    *out = NULL;
    enum status status = map_file(d, a, path, fd, &o);
    if (status || !o)
        return status;
    const unsigned char *p = o->data;
    bool elf = o->size >= 20 && !memcmp(p, ELFMAG, SELFMAG);
    if (elf && (p[EI_CLASS] != ELFCLASS64 || p[EI_DATA] != ELFDATA2LSB ||
                (p[18] | (unsigned)p[19] << 8) != machine))
        return STATUS_OK;
    status = parse(d, o);
    *out = status ? NULL : o;
    return status;
}

enum status elf_object_open(struct diag *d, struct arena *a, const char *path,
                            struct elf_object **out)
{
    /* Not waiting for a writer, should it be a FIFO. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return diag_fail(d, STATUS_INPUT, "%s: cannot be read: %s", path, strerror(errno));
    enum status status = elf_object_open_fd(d, a, fd, path, out);
    close(fd);
    return status;
}

enum status elf_object_load(struct diag *d, struct elf_object *o)
{
    if (o->loaded)
        return STATUS_OK;
    enum status status;
    if ((status = elf_read_relocations(d, o)) || (status = elf_read_symbols(d, o)))
        return status;
    o->loaded = true;
    return STATUS_OK;
}
