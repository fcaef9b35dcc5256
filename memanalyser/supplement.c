/* SPDX-License-Identifier: BSD-3-Clause */
#include "memanalyser/supplement.h"
#include "memanalyser/views.h"
#include <stdlib.h>
#include <string.h>

#define S struct supplement_library
static const struct jm_field library_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "symbols", symbols, JM_STRINGS, .description = "defined, global or weak"),
    JM_FIELD(S, "undefined", undefined, JM_STRINGS, .description = "needed from other libraries"),
    JM_FIELD(S, "text", text, JM_INT),
    JM_FIELD(S, "rodata", rodata, JM_INT),
    JM_FIELD(S, "data", data, JM_INT),
    JM_FIELD(S, "bss", bss, JM_INT),
};
static const struct jm_type library_type = JM_TYPE(S, "library", NULL, library_fields);
#undef S

#define S struct supplement
static const struct jm_field supplement_fields[] = {
    JM_FIELD(S, "schema", schema, JM_STRING),
    JM_FIELD(S, "libraries", libraries, JM_ARRAY, .type = &library_type),
};
const struct jm_type supplement_type =
    JM_TYPE(S, "supplement", "Symbols and sizes of micro-library objects", supplement_fields);
#undef S

static struct supplement_library *library_entry(struct arena *a, struct supplement *s,
                                                const char *name)
{
    vec_each (l, &s->libraries)
        if (strcmp(l->name, name) == 0)
            return l;
    struct supplement_library *l = vec_add(a, &s->libraries);
    l->name = arena_strdup(a, name);
    return l;
}

void supplement_add(struct arena *a, struct supplement *s, const char *library,
                    const struct elf_file *elf, const elf_symbols *symbols)
{
    struct supplement_library *l = library_entry(a, s, library);
    s->schema = SUPPLEMENT_SCHEMA;
    int64_t *const sizes[] = {&l->text, &l->rodata, &l->data, &l->bss};
    vec_each (section, &elf->sections)
        if (section->flags & SHF_ALLOC)
            *sizes[size_class_of(section)] += (int64_t)section->size;
    vec_each (symbol, symbols) {
        if (symbol->bind == STB_LOCAL || !*symbol->name)
            continue;
        if (symbol->section == ELF_COMMON)
            l->bss += (int64_t)symbol->size;
        const char *name = arena_strdup(a, symbol->name);
        if (symbol->section != ELF_UNDEFINED)
            vec_push(a, &l->symbols, name);
        else
            vec_push(a, &l->undefined, name);
    }
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static void sort_unique(strings *list)
{
    vec_sort(list, by_text);
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (!kept || strcmp(list->items[kept - 1], list->items[i]) != 0)
            list->items[kept++] = list->items[i];
    list->count = kept;
}

static void remove_own(struct supplement_library *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->undefined.count; i++)
        if (!l->symbols.count || !bsearch(&l->undefined.items[i], l->symbols.items,
                                          l->symbols.count, sizeof *l->symbols.items, by_text))
            l->undefined.items[kept++] = l->undefined.items[i];
    l->undefined.count = kept;
}

static int by_name(const void *x, const void *y)
{
    const struct supplement_library *a = x, *b = y;
    return strcmp(a->name, b->name);
}

void supplement_finish(struct arena *a, struct supplement *s)
{
    (void)a;
    vec_sort(&s->libraries, by_name);
    vec_each (l, &s->libraries) {
        sort_unique(&l->symbols);
        sort_unique(&l->undefined);
        remove_own(l);
    }
}
