/* SPDX-License-Identifier: BSD-3-Clause */
#include "memanalyser/elf_file.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than any machine's address space: sums of sizes cannot overflow. */
#define MOST_MEMORY (UINT64_C(1) << 48)

enum status mapped_open(struct diag *d, const char *path, struct mapped *out)
{
    *out = (struct mapped){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return diag_fail(d, STATUS_INPUT, "%s: cannot open: %s", path, strerror(errno));
    struct stat st;
    enum status status = STATUS_OK;
    if (fstat(fd, &st) != 0)
        status = diag_fail(d, STATUS_INPUT, "%s: cannot examine: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        status = diag_fail(d, STATUS_INPUT, "%s: not a regular file", path);
    else if (st.st_size > 0) {
        /* Private and writable: libelf decompresses section headers in place. */
        void *data = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
            status = diag_fail(d, STATUS_SYSTEM, "%s: cannot map: %s", path, strerror(errno));
        else
            *out = (struct mapped){data, (uint64_t)st.st_size};
    }
    close(fd);
    return status;
}

void mapped_close(struct mapped *m)
{
    if (m->data)
        munmap((void *)m->data, m->size);
    *m = (struct mapped){0};
}

bool elf_is(const unsigned char *data, uint64_t size)
{
    return size >= SELFMAG && memcmp(data, ELFMAG, SELFMAG) == 0;
}

uint64_t elf_get(const struct elf_file *f, const unsigned char *p, unsigned width)
{
    uint64_t v = 0;
    if (!f->big_endian) {
        memcpy(&v, p, width);
        return v;
    }
    for (unsigned i = 0; i < width; i++)
        v = v << 8 | p[i];
    return v;
}

/* Reads the fields of a header one after the other: a cursor over checked bytes. */
struct cursor {
    const struct elf_file *f;
    const unsigned char *p;
};

static uint64_t next(struct cursor *c, unsigned width)
{
    uint64_t v = elf_get(c->f, c->p, width);
    c->p += width;
    return v;
}

static uint64_t next_word(struct cursor *c)
{
    return next(c, c->f->is64 ? 8 : 4);
}

static struct elf_section section_decode(const struct elf_file *f, uint64_t at, uint32_t *name)
{
    struct cursor c = {f, f->data + at};
    struct elf_section s = {.name = ""};
    *name = (uint32_t)next(&c, 4);
    s.type = (uint32_t)next(&c, 4);
    s.flags = next_word(&c);
    s.address = next_word(&c);
    s.offset = next_word(&c);
    s.size = next_word(&c);
    s.link = (uint32_t)next(&c, 4);
    s.info = (uint32_t)next(&c, 4);
    s.align = next_word(&c);
    s.entry_size = next_word(&c);
    return s;
}

static struct elf_segment segment_decode(const struct elf_file *f, uint64_t at)
{
    struct cursor c = {f, f->data + at};
    struct elf_segment s = {.type = (uint32_t)next(&c, 4)};
    if (f->is64)
        s.flags = (uint32_t)next(&c, 4);
    s.offset = next_word(&c);
    s.address = next_word(&c);
    s.physical = next_word(&c);
    s.file_size = next_word(&c);
    s.memory_size = next_word(&c);
    if (!f->is64)
        s.flags = (uint32_t)next(&c, 4);
    s.align = next_word(&c);
    return s;
}

struct header_counts {
    uint64_t segments, sections, names;
};

static void header_decode(struct elf_file *f, struct header_counts *n)
{
    struct cursor c = {f, f->data + EI_NIDENT};
    f->type = (uint16_t)next(&c, 2);
    f->machine = (uint16_t)next(&c, 2);
    next(&c, 4);
    f->entry = next_word(&c);
    f->segments_offset = next_word(&c);
    f->sections_offset = next_word(&c);
    f->flags = (uint32_t)next(&c, 4);
    f->header_size = next(&c, 2);
    f->segment_entry = (uint32_t)next(&c, 2);
    n->segments = next(&c, 2);
    f->section_entry = (uint32_t)next(&c, 2);
    n->sections = next(&c, 2);
    n->names = next(&c, 2);
    f->relocatable = f->type == ET_REL;
}

static enum status header_check(struct diag *d, struct elf_file *f, struct header_counts *n)
{
    uint64_t minimum = f->is64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
    if (f->size < minimum)
        return diag_fail(d, STATUS_INPUT,
                         "%s: truncated: %" PRIu64 " bytes, an ELF header takes %" PRIu64, f->path,
                         f->size, minimum);
    header_decode(f, n);
    if (f->header_size < minimum || f->header_size > f->size)
        return diag_fail(d, STATUS_INPUT,
                         "%s: e_ehsize is %" PRIu64 ", at least %" PRIu64 " expected", f->path,
                         f->header_size, minimum);
    uint64_t section = f->is64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
    uint64_t segment = f->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    if (f->sections_offset && f->section_entry < section)
        return diag_fail(d, STATUS_INPUT, "%s: e_shentsize is %u, at least %" PRIu64 " expected",
                         f->path, f->section_entry, section);
    if (n->segments && f->segment_entry < segment)
        return diag_fail(d, STATUS_INPUT, "%s: e_phentsize is %u, at least %" PRIu64 " expected",
                         f->path, f->segment_entry, segment);
    if (f->sections_offset &&
        (f->sections_offset > f->size || f->size - f->sections_offset < section))
        return diag_fail(d, STATUS_INPUT,
                         "%s: truncated: the section headers should be at offset 0x%" PRIx64
                         ", the file has %" PRIu64 " bytes",
                         f->path, f->sections_offset, f->size);
    if (!f->sections_offset)
        n->sections = 0;
    return STATUS_OK;
}

/* Counts of 0xff00 and more stand in the null section header (gABI "Extended numbering"). */
static void extended_counts(struct elf_file *f, struct header_counts *n)
{
    if (!f->sections_offset)
        return;
    uint32_t name;
    struct elf_section null = section_decode(f, f->sections_offset, &name);
    if (n->sections == 0)
        n->sections = null.size;
    if (n->names == SHN_XINDEX)
        n->names = null.link;
    if (n->segments == PN_XNUM)
        n->segments = null.info;
}

static enum status table_check(struct diag *d, const struct elf_file *f, const char *what,
                               uint64_t offset, uint64_t count, uint64_t entry)
{
    if (!count)
        return STATUS_OK;
    if (offset > f->size || count > (f->size - offset) / entry)
        return diag_fail(d, STATUS_INPUT,
                         "%s: truncated: %" PRIu64 " %s headers of %" PRIu64
                         " bytes at offset 0x%" PRIx64 " end past the file's %" PRIu64 " bytes",
                         f->path, count, what, entry, offset, f->size);
    if (offset < f->header_size)
        return diag_fail(d, STATUS_INPUT,
                         "%s: the %s headers (offset 0x%" PRIx64 ") overlap the ELF header",
                         f->path, what, offset);
    return STATUS_OK;
}

static enum status section_check(struct diag *d, const struct elf_file *f,
                                 const struct elf_section *s)
{
    if (s->type == SHT_NOBITS || s->type == SHT_NULL) {
        if (s->type == SHT_NOBITS && (s->size > MOST_MEMORY || s->address + s->size < s->address))
            return diag_fail(d, STATUS_INPUT,
                             "%s: section %u (%s): 0x%" PRIx64 " bytes at address 0x%" PRIx64
                             " are impossible",
                             f->path, s->index, s->name, s->size, s->address);
        return STATUS_OK;
    }
    if (s->offset > f->size || s->size > f->size - s->offset)
        return diag_fail(d, STATUS_INPUT,
                         "%s: section %u (%s): 0x%" PRIx64 " bytes at offset 0x%" PRIx64
                         " end past the file's %" PRIu64 " bytes",
                         f->path, s->index, s->name, s->size, s->offset, f->size);
    if (s->address + s->size < s->address)
        return diag_fail(d, STATUS_INPUT, "%s: section %u (%s): its addresses wrap around", f->path,
                         s->index, s->name);
    return STATUS_OK;
}

static enum status names_check(struct diag *d, struct elf_file *f, const uint32_t *names)
{
    const struct elf_section *table =
        f->names_section < f->sections.count ? &f->sections.items[f->names_section] : NULL;
    if (f->sections.count && f->names_section && !table)
        return diag_fail(d, STATUS_INPUT, "%s: e_shstrndx %u, there are %zu sections", f->path,
                         f->names_section, f->sections.count);
    if (!table || table->type == SHT_NULL)
        return STATUS_OK;
    if (table->type != SHT_STRTAB)
        return diag_fail(d, STATUS_INPUT, "%s: e_shstrndx %u is not a string table", f->path,
                         f->names_section);
    enum status status = section_check(d, f, table);
    for (size_t i = 1; !status && i < f->sections.count; i++) {
        const char *name = elf_table_string(f, table, names[i]);
        if (!name)
            return diag_fail(d, STATUS_INPUT,
                             "%s: section %zu: its name is at 0x%x of a string table of 0x%" PRIx64
                             " bytes",
                             f->path, i, names[i], table->size);
        f->sections.items[i].name = name;
    }
    return status;
}

static int by_offset(const void *x, const void *y)
{
    const struct elf_section *a = *(const struct elf_section *const *)x,
                             *b = *(const struct elf_section *const *)y;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

/* No byte of the file may belong to two sections, or to a section and the section header table. */
static enum status overlap_check(struct diag *d, struct arena *a, const struct elf_file *f)
{
    VEC(const struct elf_section *) order = {0};
    vec_each (s, &f->sections)
        if (elf_file_size(s))
            vec_push(a, &order, s);
    vec_sort(&order, by_offset);
    uint64_t table_end = f->sections_offset + f->sections.count * f->section_entry;
    for (size_t i = 0; i < order.count; i++) {
        const struct elf_section *s = order.items[i];
        const struct elf_section *before = i ? order.items[i - 1] : NULL;
        if (before && before->offset + before->size > s->offset)
            return diag_fail(d, STATUS_INPUT,
                             "%s: sections %u (%s) and %u (%s) overlap in the file at 0x%" PRIx64,
                             f->path, before->index, before->name, s->index, s->name, s->offset);
        if (s->offset < table_end && s->offset + s->size > f->sections_offset)
            return diag_fail(d, STATUS_INPUT,
                             "%s: section %u (%s) overlaps the section header table at 0x%" PRIx64,
                             f->path, s->index, s->name, f->sections_offset);
    }
    return STATUS_OK;
}

static enum status sections_read(struct diag *d, struct arena *a, struct elf_file *f,
                                 const struct header_counts *n)
{
    enum status status =
        table_check(d, f, "section", f->sections_offset, n->sections, f->section_entry);
    if (status)
        return status;
    f->sections.items = arena_array(a, n->sections, sizeof *f->sections.items);
    f->sections.count = f->sections.capacity = n->sections;
    f->names_section = (uint32_t)n->names;
    uint32_t *names = arena_array(a, n->sections, sizeof *names);
    for (size_t i = 0; i < n->sections; i++) {
        f->sections.items[i] =
            section_decode(f, f->sections_offset + i * f->section_entry, &names[i]);
        f->sections.items[i].index = (uint32_t)i;
    }
    if (n->sections)
        f->sections.items[0].type = SHT_NULL; /* whatever it claims: index 0 means "no section" */
    status = names_check(d, f, names);
    for (size_t i = 1; !status && i < n->sections; i++)
        status = section_check(d, f, &f->sections.items[i]);
    return status ? status : overlap_check(d, a, f);
}

static enum status segments_read(struct diag *d, struct arena *a, struct elf_file *f,
                                 const struct header_counts *n)
{
    enum status status =
        table_check(d, f, "program", f->segments_offset, n->segments, f->segment_entry);
    if (status)
        return status;
    for (size_t i = 0; i < n->segments; i++) {
        struct elf_segment s = segment_decode(f, f->segments_offset + i * f->segment_entry);
        if (s.type == PT_LOAD && s.file_size &&
            (s.offset > f->size || s.file_size > f->size - s.offset))
            return diag_fail(d, STATUS_INPUT,
                             "%s: truncated: segment %zu: 0x%" PRIx64 " bytes at offset 0x%" PRIx64
                             " end past the file's %" PRIu64 " bytes",
                             f->path, i, s.file_size, s.offset, f->size);
        if (s.type == PT_LOAD && (s.memory_size < s.file_size || s.memory_size > MOST_MEMORY ||
                                  s.address + s.memory_size < s.address))
            return diag_fail(d, STATUS_INPUT,
                             "%s: segment %zu: impossible sizes (0x%" PRIx64
                             " in the file, 0x%" PRIx64 " in memory at 0x%" PRIx64 ")",
                             f->path, i, s.file_size, s.memory_size, s.address);
        vec_push(a, &f->segments, s);
    }
    return STATUS_OK;
}

enum status elf_parse(struct diag *d, struct arena *a, const char *path, const unsigned char *data,
                      uint64_t size, struct elf_file *out)
{
    struct elf_file f = {.path = path, .data = data, .size = size};
    struct header_counts n = {0};
    if (!elf_is(data, size))
        return diag_fail(d, STATUS_INPUT, "%s: not an ELF file", path);
    if (size < EI_NIDENT)
        return diag_fail(d, STATUS_INPUT, "%s: truncated: %" PRIu64 " bytes of an ELF header", path,
                         size);
    unsigned class = data[EI_CLASS], order = data[EI_DATA];
    if ((class != ELFCLASS32 && class != ELFCLASS64) ||
        (order != ELFDATA2LSB && order != ELFDATA2MSB))
        return diag_fail(d, STATUS_INPUT, "%s: unknown ELF class %u or byte order %u", path, class,
                         order);
    f.is64 = class == ELFCLASS64;
    f.big_endian = order == ELFDATA2MSB;
    f.os_abi = data[EI_OSABI];
    enum status status = header_check(d, &f, &n);
    if (status)
        return status;
    extended_counts(&f, &n);
    status = sections_read(d, a, &f, &n);
    if (!status)
        status = segments_read(d, a, &f, &n);
    *out = f;
    return status;
}

const unsigned char *elf_contents(const struct elf_file *f, const struct elf_section *s)
{
    return elf_file_size(s) ? f->data + s->offset : NULL;
}

const struct elf_section *elf_section_by_name(const struct elf_file *f, const char *name)
{
    vec_each (s, &f->sections)
        if (s->type != SHT_NULL && strcmp(s->name, name) == 0)
            return s;
    return NULL;
}

const struct elf_section *elf_section_at(const struct elf_file *f, uint64_t address)
{
    vec_each (s, &f->sections) {
        uint64_t size = elf_memory_size(s);
        if (size && address >= s->address && address - s->address < size)
            return s;
    }
    return NULL;
}

uint64_t elf_memory_size(const struct elf_section *s)
{
    bool tbss = s->type == SHT_NOBITS && (s->flags & SHF_TLS);
    return s->type != SHT_NULL && (s->flags & SHF_ALLOC) && !tbss ? s->size : 0;
}

uint64_t elf_file_size(const struct elf_section *s)
{
    return s->type == SHT_NOBITS || s->type == SHT_NULL ? 0 : s->size;
}

const char *elf_table_string(const struct elf_file *f, const struct elf_section *table,
                             uint64_t offset)
{
    if (!table || offset >= elf_file_size(table))
        return NULL;
    const char *s = (const char *)f->data + table->offset + offset;
    return memchr(s, 0, table->size - offset) ? s : NULL;
}
