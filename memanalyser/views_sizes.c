/* SPDX-License-Identifier: BSD-3-Clause
 * What the pieces of an image add up to. */
#include "memanalyser/views.h"
#include "memanalyser/views_flow.h"
#include <stdlib.h>
#include <string.h>

const struct view views[] = {
    {"headers", "ELF header", false, view_headers},
    {"segments", "program headers", false, view_segments},
    {"sections", "section headers", false, view_sections},
    {"symbols", "symbols, in the table's order", false, view_symbols},
    {"relocations", "relocations", false, view_relocations},
    {"dynamic", "dynamic entries", false, view_dynamic},
    {"notes", "notes", false, view_notes},
    {"functions", "functions with exact bounds", false, view_functions},
    {"libraries", "text, rodata, data and bss per micro-library (default)", true, view_libraries},
    {"units", "the same per object or compile unit", true, view_objects},
    {"sizes", "bytes per symbol", true, view_symbol_sizes},
    {"section-sizes", "bytes per section, file and memory, with totals", true, view_section_sizes},
    {"mapping", "every byte: address, size, library, object, section, symbol", true, view_mapping},
    {"metrics", "per function: instructions, blocks, calls, stack", false, view_metrics},
    {"mix", "instructions by class", false, view_mix},
    {"calls", "call sites and what they call", false, view_calls},
    {"syscalls", "system call instructions, by object", false, view_syscalls},
    {"padding", "alignment waste by who needed it", true, view_padding},
};
const size_t view_count = sizeof views / sizeof *views;

const struct view *view_named(const char *name)
{
    for (size_t i = 0; i < view_count; i++)
        if (strcmp(views[i].name, name) == 0)
            return &views[i];
    return NULL;
}

enum size_class size_class_of(const struct elf_section *s)
{
    if (s->type == SHT_NOBITS)
        return SIZE_BSS;
    if (s->flags & SHF_EXECINSTR)
        return SIZE_TEXT;
    return s->flags & SHF_WRITE ? SIZE_DATA : SIZE_RODATA;
}

static void count_piece(const struct image *image, const struct piece *p, struct library_sizes *to)
{
    if (p->in_memory && p->kind == PIECE_PADDING)
        to->padding += p->size;
    else if (p->in_memory)
        to->memory[p->section ? size_class_of(&image->elf.sections.items[p->section])
                              : SIZE_RODATA] += p->size;
    if (p->in_file && p->kind != PIECE_PADDING)
        to->file += p->size;
    to->symbols += p->symbol != NULL;
}

void library_sizes_sum(const struct image *image, struct library_sizes *out)
{
    size_t count = image->libraries.count;
    memset(out, 0, (count + 1) * sizeof *out);
    vec_each (p, &image->pieces)
        count_piece(image, p, &out[p->library >= 0 ? (size_t)p->library : count]);
}

static uint64_t memory_of(const struct library_sizes *s)
{
    return s->memory[SIZE_TEXT] + s->memory[SIZE_RODATA] + s->memory[SIZE_DATA] +
           s->memory[SIZE_BSS];
}

static void size_cells(struct table *t, const struct library_sizes *s, uint64_t whole)
{
    for (int i = 0; i < SIZE_CLASSES; i++)
        table_number(t, (int64_t)s->memory[i]);
    table_number(t, (int64_t)s->padding);
    table_number(t, (int64_t)(memory_of(s) + s->padding));
    table_number(t, (int64_t)s->file);
    table_percent(t, memory_of(s) + s->padding, whole);
}

/* Largest in memory first; what belongs to no library last. */
struct order {
    const struct library_sizes *sizes;
    size_t index;
};

static int by_memory(const void *x, const void *y)
{
    const struct order *a = x, *b = y;
    uint64_t ma = memory_of(a->sizes), mb = memory_of(b->sizes);
    if (ma != mb)
        return ma > mb ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

enum status view_libraries(struct diag *d, struct image *image, const struct view_options *options,
                           struct table **out)
{
    (void)d;
    (void)options;
    struct arena *a = image->arena;
    size_t count = image->libraries.count;
    struct library_sizes *sizes = arena_array(a, count + 1, sizeof *sizes);
    library_sizes_sum(image, sizes);
    struct order *order = arena_array(a, count + 1, sizeof *order);
    for (size_t i = 0; i < count; i++)
        order[i] = (struct order){&sizes[i], i};
    if (count > 1)
        qsort(order, count, sizeof *order, by_memory);
    order[count] = (struct order){&sizes[count], count};
    uint64_t whole = image_memory_size(image);
    struct table *t = table_new(
        a, "libraries", "library text:n rodata:n data:n bss:n padding:n memory:n file:n share:p");
    struct library_sizes total = {0};
    for (size_t i = 0; i <= count; i++) {
        const struct library_sizes *s = order[i].sizes;
        table_text(t, order[i].index < count ? image->libraries.items[order[i].index]
                                             : "[no library]");
        size_cells(t, s, whole);
        for (int k = 0; k < SIZE_CLASSES; k++)
            total.memory[k] += s->memory[k];
        total.padding += s->padding;
        total.file += s->file;
    }
    uint64_t file_padding = image->elf.size - total.file;
    table_text(t, "[padding in the file]");
    for (int i = 0; i < SIZE_CLASSES + 2; i++)
        table_number(t, 0);
    table_number(t, (int64_t)file_padding);
    table_empty(t);
    total.file += file_padding;
    table_text(t, "[total]");
    size_cells(t, &total, whole);
    *out = t;
    return STATUS_OK;
}

enum status view_objects(struct diag *d, struct image *image, const struct view_options *options,
                         struct table **out)
{
    (void)d;
    (void)options;
    struct arena *a = image->arena;
    size_t count = image->objects.count;
    struct library_sizes *sizes = arena_array(a, count + 1, sizeof *sizes);
    vec_each (p, &image->pieces)
        count_piece(image, p, &sizes[p->object >= 0 ? (size_t)p->object : count]);
    struct table *t =
        table_new(a, "units",
                  "object library text:n rodata:n data:n bss:n padding:n memory:n file:n share:p");
    uint64_t whole = image_memory_size(image);
    for (size_t i = 0; i <= count; i++) {
        int library = i < count ? image->objects.items[i].library : -1;
        table_text(t, i < count ? image->objects.items[i].path : "[no object]");
        table_text(t, library >= 0 ? image->libraries.items[library] : NULL);
        size_cells(t, &sizes[i], whole);
    }
    *out = t;
    return STATUS_OK;
}

/* Pieces of one symbol are neighbours in their section: sum them up, section by section. */
enum status view_symbol_sizes(struct diag *d, struct image *image,
                              const struct view_options *options, struct table **out)
{
    (void)d;
    struct arena *a = image->arena;
    struct table *t =
        table_new(a, "sizes", "symbol memory:n file:n section library object address:x");
    for (size_t i = 0; i < image->pieces.count;) {
        const struct piece *p = &image->pieces.items[i];
        if (!p->symbol || (!p->in_file && !p->in_memory)) {
            i++;
            continue;
        }
        uint64_t memory = 0, file = 0;
        size_t k = i;
        for (; k < image->pieces.count && image->pieces.items[k].symbol == p->symbol; k++) {
            const struct piece *q = &image->pieces.items[k];
            memory += q->in_memory ? q->size : 0;
            file += q->in_file ? q->size : 0;
        }
        table_text(t, options->demangle ? demangle(a, p->symbol->name) : p->symbol->name);
        table_number(t, (int64_t)memory);
        table_number(t, (int64_t)file);
        table_text(t, image->elf.sections.items[p->section].name);
        table_text(t, p->library >= 0 ? image->libraries.items[p->library] : NULL);
        table_text(t, p->object >= 0 ? image->objects.items[p->object].path : NULL);
        table_address(t, p->address);
        i = k;
    }
    *out = t;
    return table_finish(d, t, "memory", 0);
}

enum status view_section_sizes(struct diag *d, struct image *image,
                               const struct view_options *options, struct table **out)
{
    (void)d;
    (void)options;
    struct arena *a = image->arena;
    struct table *t = table_new(a, "section-sizes", "section file:n memory:n padding:n");
    uint64_t file_left = image->elf.size, memory_left = image_memory_size(image);
    uint64_t *padding = arena_array(a, image->elf.sections.count + 1, sizeof *padding);
    vec_each (p, &image->pieces)
        if (p->kind == PIECE_PADDING)
            padding[p->section] += p->size;
    vec_each (s, &image->elf.sections) {
        uint64_t file = elf_file_size(s), memory = elf_memory_size(s);
        if (!s->index)
            continue;
        table_text(t, s->name);
        table_number(t, (int64_t)file);
        table_number(t, (int64_t)memory);
        table_number(t, (int64_t)padding[s->index]);
        file_left -= file;
        memory_left -= memory;
    }
    table_text(t, "[headers and gaps]");
    table_number(t, (int64_t)file_left);
    table_number(t, (int64_t)memory_left);
    table_number(t, 0);
    table_text(t, "[total]");
    table_number(t, (int64_t)image->elf.size);
    table_number(t, (int64_t)image_memory_size(image));
    table_empty(t);
    *out = t;
    return STATUS_OK;
}

static void library_cell(struct table *t, const struct image *image, const struct piece *p)
{
    table_text(t, p->library >= 0 ? image->libraries.items[p->library] : NULL);
}

enum status view_mapping(struct diag *d, struct image *image, const struct view_options *options,
                         struct table **out)
{
    (void)d;
    struct arena *a = image->arena;
    struct table *t = table_new(a, "mapping",
                                "address:x offset:x size:n kind section library object input "
                                "symbol evidence");
    vec_each (p, &image->pieces) {
        if (p->in_memory)
            table_address(t, p->address);
        else
            table_empty(t);
        if (p->in_file)
            table_address(t, p->offset);
        else
            table_empty(t);
        table_number(t, (int64_t)p->size);
        table_text(t, piece_kind_names[p->kind]);
        table_text(t, p->section ? image->elf.sections.items[p->section].name : p->label);
        library_cell(t, image, p);
        table_text(t, p->object >= 0 ? image->objects.items[p->object].path : NULL);
        table_text(t, p->input);
        table_text(t, !p->symbol          ? NULL
                      : options->demangle ? demangle(a, p->symbol->name)
                                          : p->symbol->name);
        table_text(t, evidence_names[p->evidence]);
    }
    *out = t;
    return STATUS_OK;
}

enum status view_padding(struct diag *d, struct image *image, const struct view_options *options,
                         struct table **out)
{
    (void)d;
    (void)options;
    struct table *t =
        table_new(image->arena, "padding", "size:n address:x offset:x section library input");
    vec_each (p, &image->pieces) {
        if (p->kind != PIECE_PADDING && p->kind != PIECE_GAP)
            continue;
        table_number(t, (int64_t)p->size);
        if (p->in_memory)
            table_address(t, p->address);
        else
            table_empty(t);
        if (p->in_file)
            table_address(t, p->offset);
        else
            table_empty(t);
        table_text(t, p->section ? image->elf.sections.items[p->section].name : p->label);
        library_cell(t, image, p);
        table_text(t, p->input);
    }
    *out = t;
    return table_finish(d, t, "size", 0);
}
