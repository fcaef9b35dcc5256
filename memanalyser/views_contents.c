/* SPDX-License-Identifier: BSD-3-Clause
 * What a file contains, as its own tables say. */
#include "memanalyser/views.h"
#include <inttypes.h>
#include <string.h>

static void row(struct table *t, const char *name, const char *value)
{
    table_text(t, name);
    table_text(t, value);
}

enum status view_headers(struct diag *d, struct image *image, const struct view_options *options,
                         struct table **out)
{
    (void)d;
    (void)options;
    struct arena *a = image->arena;
    const struct elf_file *f = &image->elf;
    struct table *t = table_new(a, "headers", "field value");
    row(t, "class", f->is64 ? "ELF64" : "ELF32");
    row(t, "data", f->big_endian ? "big endian" : "little endian");
    row(t, "os_abi", arena_printf(a, "%u", f->os_abi));
    row(t, "type", elf_type_name(a, f->type));
    row(t, "machine", elf_machine_name(a, f->machine));
    row(t, "flags", arena_printf(a, "0x%x", f->flags));
    row(t, "entry", arena_printf(a, "0x%" PRIx64, f->entry));
    row(t, "file size", arena_printf(a, "%" PRIu64, f->size));
    row(t, "program headers",
        arena_printf(a, "%zu of %u bytes at 0x%" PRIx64, f->segments.count, f->segment_entry,
                     f->segments_offset));
    row(t, "section headers",
        arena_printf(a, "%zu of %u bytes at 0x%" PRIx64, f->sections.count, f->section_entry,
                     f->sections_offset));
    row(t, "symbols from", image->has_twin ? image->twin.path : "the file itself");
    *out = t;
    return STATUS_OK;
}

enum status view_segments(struct diag *d, struct image *image, const struct view_options *options,
                          struct table **out)
{
    (void)d;
    (void)options;
    struct arena *a = image->arena;
    struct table *t = table_new(a, "segments",
                                "type offset:x address:x physical:x file:n memory:n flags align:x");
    vec_each (s, &image->elf.segments) {
        table_text(t, elf_segment_type_name(a, s->type));
        table_address(t, s->offset);
        table_address(t, s->address);
        table_address(t, s->physical);
        table_number(t, (int64_t)s->file_size);
        table_number(t, (int64_t)s->memory_size);
        table_text(t, arena_printf(a, "%s%s%s", s->flags & PF_R ? "R" : "",
                                   s->flags & PF_W ? "W" : "", s->flags & PF_X ? "X" : ""));
        table_address(t, s->align);
    }
    *out = t;
    return STATUS_OK;
}

enum status view_sections(struct diag *d, struct image *image, const struct view_options *options,
                          struct table **out)
{
    (void)d;
    (void)options;
    struct arena *a = image->arena;
    struct table *t = table_new(
        a, "sections",
        "index:n name type address:x offset:x size:n flags align:n entry:n link:n info:n");
    vec_each (s, &image->elf.sections) {
        if (!s->index)
            continue;
        table_number(t, s->index);
        table_text(t, s->name);
        table_text(t, elf_section_type_name(a, s->type));
        table_address(t, s->address);
        table_address(t, s->offset);
        table_number(t, (int64_t)s->size);
        table_text(t, elf_section_flags(a, s->flags));
        table_number(t, (int64_t)s->align);
        table_number(t, (int64_t)s->entry_size);
        table_number(t, s->link);
        table_number(t, s->info);
    }
    *out = t;
    return STATUS_OK;
}

static const char *symbol_section(const struct elf_file *f, const struct elf_symbol *s)
{
    if (s->section == ELF_UNDEFINED)
        return "UND";
    if (s->section == ELF_ABSOLUTE)
        return "ABS";
    if (s->section == ELF_COMMON)
        return "COM";
    return s->section < f->sections.count ? f->sections.items[s->section].name : "?";
}

/* The symbol's name; of a section symbol its section's. */
static const char *symbol_name(struct arena *a, const struct elf_file *f,
                               const struct elf_symbol *s, const struct view_options *options)
{
    if (s->type == STT_SECTION && !*s->name && s->section < f->sections.count)
        return f->sections.items[s->section].name;
    return options->demangle ? demangle(a, s->name) : s->name;
}

enum status view_symbols(struct diag *d, struct image *image, const struct view_options *options,
                         struct table **out)
{
    static const char *const visibilities[] = {"DEFAULT", "INTERNAL", "HIDDEN", "PROTECTED"};
    struct arena *a = image->arena;
    /* Read again: image->symbols have thread-local values rebased. */
    elf_symbols symbols;
    enum status status = options->dynamic ? elf_symbols_read(d, a, &image->elf, true, &symbols)
                                          : elf_best_symbols(d, a, &image->twin, &symbols);
    if (status)
        return status;
    const struct elf_file *from = options->dynamic ? &image->elf : &image->twin;
    struct table *t = table_new(a, "symbols", "address:x size:n type bind visibility section name");
    vec_each (s, &symbols) {
        if (!s->index)
            continue;
        table_address(t, s->value);
        table_number(t, (int64_t)s->size);
        table_text(t, elf_symbol_type_name(a, s->type));
        table_text(t, elf_symbol_bind_name(a, s->bind));
        table_text(t, visibilities[s->visibility & 3]);
        table_text(t, symbol_section(from, s));
        table_text(t, symbol_name(a, from, s, options));
    }
    *out = t;
    return STATUS_OK;
}

static void reloc_rows(struct table *t, struct image *image, const struct elf_section *s,
                       const elf_relocs *relocs, const elf_symbols *symbols,
                       const struct view_options *options)
{
    vec_each (r, relocs) {
        table_text(t, s->name);
        table_address(t, r->offset);
        table_text(t, elf_reloc_name(image->arena, image->elf.machine, r->type));
        const struct elf_symbol *symbol =
            r->symbol && r->symbol < symbols->count ? &symbols->items[r->symbol] : NULL;
        table_text(t, symbol ? symbol_name(image->arena, &image->elf, symbol, options) : NULL);
        table_number(t, r->addend);
    }
}

enum status view_relocations(struct diag *d, struct image *image,
                             const struct view_options *options, struct table **out)
{
    struct arena *a = image->arena;
    struct table *t = table_new(a, "relocations", "section offset:x type symbol addend:n");
    elf_symbols normal, dynamic;
    enum status status = elf_symbols_read(d, a, &image->elf, false, &normal);
    if (!status)
        status = elf_symbols_read(d, a, &image->elf, true, &dynamic);
    vec_each (s, &image->elf.sections) {
        if (status)
            return status;
        if (s->type != SHT_RELA && s->type != SHT_REL && s->type != SHT_RELR)
            continue;
        elf_relocs relocs;
        status = elf_relocs_read(d, a, &image->elf, s, &relocs);
        bool of_dynamic = s->link < image->elf.sections.count &&
                          image->elf.sections.items[s->link].type == SHT_DYNSYM;
        if (!status)
            reloc_rows(t, image, s, &relocs, of_dynamic ? &dynamic : &normal, options);
    }
    *out = t;
    return status;
}

static bool tag_is_string(uint64_t tag)
{
    return tag == DT_NEEDED || tag == DT_SONAME || tag == DT_RPATH || tag == DT_RUNPATH ||
           tag == DT_AUXILIARY || tag == DT_FILTER;
}

enum status view_dynamic(struct diag *d, struct image *image, const struct view_options *options,
                         struct table **out)
{
    (void)d;
    (void)options;
    struct arena *a = image->arena;
    const struct elf_file *f = &image->elf;
    struct table *t = table_new(a, "dynamic", "tag value:x text");
    unsigned word = f->is64 ? 8 : 4;
    vec_each (s, &f->sections) {
        if (s->type != SHT_DYNAMIC)
            continue;
        const struct elf_section *names =
            s->link < f->sections.count ? &f->sections.items[s->link] : NULL;
        for (uint64_t at = 0; at + 2 * word <= s->size; at += 2 * word) {
            uint64_t tag = elf_get(f, f->data + s->offset + at, word);
            uint64_t value = elf_get(f, f->data + s->offset + at + word, word);
            table_text(t, elf_dynamic_tag_name(a, tag));
            table_address(t, value);
            table_text(t, tag_is_string(tag) ? elf_table_string(f, names, value) : NULL);
            if (tag == DT_NULL)
                break;
        }
    }
    *out = t;
    return STATUS_OK;
}

static const char *hex(struct arena *a, const unsigned char *p, uint64_t size)
{
    uint64_t shown = size < 64 ? size : 64;
    char *text = arena_alloc(a, shown * 2 + 4);
    for (uint64_t i = 0; i < shown; i++)
        snprintf(text + 2 * i, 3, "%02x", p[i]);
    if (shown < size)
        memcpy(text + 2 * shown, "...", 4);
    return text;
}

/* Notes are Elf32_Nhdr, name and description, each padded to 4 bytes (8 where the section is so
 * aligned: .note.gnu.property). */
static void note_rows(struct table *t, const struct image *image, const struct elf_section *s)
{
    const struct elf_file *f = &image->elf;
    uint64_t align = s->align == 8 ? 8 : 4;
    const unsigned char *p = elf_contents(f, s);
    for (uint64_t at = 0; p && at + 12 <= s->size;) {
        uint64_t name_size = elf_get(f, p + at, 4), size = elf_get(f, p + at + 4, 4);
        uint64_t name_at = at + 12, data_at = (name_at + name_size + align - 1) & ~(align - 1);
        if (name_size > s->size || data_at > s->size || size > s->size - data_at)
            return;
        table_text(t, s->name);
        table_text(t, arena_strndup(image->arena, (const char *)p + name_at,
                                    strnlen((const char *)p + name_at, name_size)));
        table_number(t, (int64_t)elf_get(f, p + at + 8, 4));
        table_number(t, (int64_t)size);
        table_text(t, hex(image->arena, p + data_at, size));
        at = (data_at + size + align - 1) & ~(align - 1);
    }
}

enum status view_notes(struct diag *d, struct image *image, const struct view_options *options,
                       struct table **out)
{
    (void)d;
    (void)options;
    struct table *t = table_new(image->arena, "notes", "section owner type:n size:n data");
    vec_each (s, &image->elf.sections)
        if (s->type == SHT_NOTE)
            note_rows(t, image, s);
    *out = t;
    return STATUS_OK;
}

enum status view_functions(struct diag *d, struct image *image, const struct view_options *options,
                           struct table **out)
{
    (void)d;
    struct arena *a = image->arena;
    functions list;
    functions_find(image, &list);
    struct table *t = table_new(a, "functions", "address:x size:n section bounds library name");
    vec_each (f, &list) {
        const struct claim *c = claim_at(image, f->section, f->start);
        int library = c && c->object >= 0 ? image->objects.items[c->object].library : -1;
        table_address(t, section_address(image, f->section, f->start));
        table_number(t, (int64_t)(f->end - f->start));
        table_text(t, image->elf.sections.items[f->section].name);
        table_text(t, !f->symbol ? "unwind" : f->symbol->size ? "symbol" : "next symbol");
        table_text(t, library >= 0 ? image->libraries.items[library] : NULL);
        table_text(t, options->demangle ? demangle(a, f->name) : f->name);
    }
    *out = t;
    return STATUS_OK;
}
