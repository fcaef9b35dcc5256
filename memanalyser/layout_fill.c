/* SPDX-License-Identifier: BSD-3-Clause
 * From pieces to the layout document. */
#include "memanalyser/views.h"
#include <stdlib.h>
#include <string.h>

static int by_library_name(const void *x, const void *y)
{
    const struct layout_library *a = x, *b = y;
    return strcmp(a->name, b->name);
}

static int by_address(const void *x, const void *y)
{
    const struct layout_symbol *a = x, *b = y;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    int order = strcmp(a->section, b->section);
    return order ? order : strcmp(a->name, b->name);
}

static void fill_libraries(struct image *image, struct layout *out)
{
    struct arena *a = image->arena;
    size_t count = image->libraries.count;
    struct library_sizes *sizes = arena_array(a, count + 1, sizeof *sizes);
    library_sizes_sum(image, sizes);
    for (size_t i = 0; i < count; i++) {
        const struct library_sizes *s = &sizes[i];
        vec_push(a, &out->libraries,
                 ((struct layout_library){
                     image->libraries.items[i], (int64_t)s->memory[SIZE_TEXT],
                     (int64_t)s->memory[SIZE_RODATA], (int64_t)s->memory[SIZE_DATA],
                     (int64_t)s->memory[SIZE_BSS], (int64_t)s->file, (int64_t)s->padding}));
    }
    vec_sort(&out->libraries, by_library_name);
    const struct library_sizes *rest = &sizes[count];
    out->unattributed = (int64_t)rest->padding;
    for (int i = 0; i < SIZE_CLASSES; i++)
        out->unattributed += (int64_t)rest->memory[i];
}

static void fill_symbols(struct image *image, struct layout *out)
{
    const struct elf_symbol *previous = NULL;
    vec_each (p, &image->pieces) {
        if (!p->symbol || p->symbol == previous || !p->in_memory)
            continue;
        previous = p->symbol;
        int64_t size = (int64_t)p->symbol->size;
        vec_push(
            image->arena, &out->symbols,
            ((struct layout_symbol){p->symbol->name, p->address, size ? size : (int64_t)p->size,
                                    image->elf.sections.items[p->section].name,
                                    p->library >= 0 ? image->libraries.items[p->library] : NULL}));
    }
    vec_sort(&out->symbols, by_address);
}

void layout_fill(struct image *image, struct layout *out)
{
    *out = (struct layout){.schema = LAYOUT_SCHEMA,
                           .image = image->path,
                           .file_size = (int64_t)image->elf.size,
                           .memory_size = (int64_t)image_memory_size(image)};
    fill_libraries(image, out);
    vec_each (s, &image->elf.sections)
        if (elf_memory_size(s))
            vec_push(image->arena, &out->sections,
                     ((struct layout_section){s->name, s->address, (int64_t)s->size}));
    fill_symbols(image, out);
}
