/* SPDX-License-Identifier: BSD-3-Clause
 * What lies at an address. */
#include "memanalyser/views.h"
#include <inttypes.h>

static const char *place_name(struct image *image, const struct elf_section *s, uint64_t address,
                              const struct view_options *options)
{
    const struct named_range *n = s ? name_at(image, s->index, address - s->address) : NULL;
    if (!n)
        return NULL;
    const char *name =
        options->demangle ? demangle(image->arena, n->symbol->name) : n->symbol->name;
    uint64_t base = n->symbol->value + (image->elf.relocatable ? s->address : 0);
    if (n->symbol->type == STT_TLS)
        base += s->address;
    return base == address ? name
                           : arena_printf(image->arena, "%s+0x%" PRIx64, name, address - base);
}

enum status view_addresses(struct diag *d, struct image *image, const uint64_t *addresses,
                           size_t count, const struct view_options *options, struct table **out)
{
    (void)d;
    struct arena *a = image->arena;
    struct table *t = table_new(a, "addresses", "address:x symbol section library object source");
    for (size_t i = 0; i < count; i++) {
        const struct elf_section *s = elf_section_at(&image->elf, addresses[i]);
        const struct piece *p = piece_at(image, addresses[i]);
        table_address(t, addresses[i]);
        table_text(t, place_name(image, s, addresses[i], options));
        table_text(t, s ? s->name : p ? p->label : NULL);
        table_text(t, p && p->library >= 0 ? image->libraries.items[p->library] : NULL);
        table_text(t, p && p->object >= 0 ? image->objects.items[p->object].path : NULL);
        table_text(t, image_source_line(image, addresses[i]));
    }
    *out = t;
    return STATUS_OK;
}
