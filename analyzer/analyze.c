/* SPDX-License-Identifier: BSD-3-Clause
 * From an ELF program to the static part of its profile: link map and symbols here, system calls by
 * the code analysis. */
#include "analyzer/analyzer.h"
#include "analyzer/linkmap.h"
#include "analyzer/reach.h"
#include "analyzer/statement.h"
#include <elf.h>
#include <stdlib.h>
#include <string.h>

static void fill_program(const struct elf_object *o, struct profile_program *p)
{
    *p = (struct profile_program){.path = o->path,
                                  .arch = o->machine == EM_AARCH64 ? "aarch64" : "x86_64",
                                  .build_id = o->build_id,
                                  .type = elf_kind_names[o->kind],
                                  .interpreter = o->interpreter,
                                  .language = o->language};
}

static void fill_libraries(const struct linkmap *map, struct profile_static *s)
{
    for (size_t i = 1; i < map->initial; i++) {
        const struct linkmap_object *o = &map->objects.items[i];
        struct profile_library *l = vec_add(map->arena, &s->libraries);
        *l = (struct profile_library){
            .soname = o->soname, .path = o->path, .needed_by = o->needed_by};
    }
    vec_each (m, &map->missing) {
        struct profile_library *l = vec_add(map->arena, &s->libraries);
        *l = (struct profile_library){
            .soname = m->soname, .needed_by = m->needed_by, .searched = m->searched};
    }
}

static bool has_copy(const struct elf_object *o, uint64_t n)
{
    const struct elf_symbol *s = &o->symbols.items[n];
    const struct elf_relocation *r = elf_relocation_at(o, s->value);
    return r && r->kind == RELOC_COPY;
}

static int by_name(const void *x, const void *y)
{
    const struct profile_symbol *a = x, *b = y;
    int order = strcmp(a->name, b->name);
    if (order || a->version == b->version)
        return order;
    if (!a->version || !b->version)
        return a->version ? 1 : -1;
    return strcmp(a->version, b->version);
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static void add_import(struct linkmap *map, struct profile_static *s, uint64_t n, bool copied)
{
    const struct elf_object *program = map->objects.items[0].elf;
    const struct elf_symbol *symbol = &program->symbols.items[n];
    struct linkmap_binding b = linkmap_bind(map, program, n, copied ? BIND_COPY : BIND_CALL);
    struct profile_symbol *out = vec_add(map->arena, &s->symbols);
    *out = (struct profile_symbol){.name = symbol->name,
                                   .version = symbol->version,
                                   .library = b.object ? map->objects.items[b.object->index].soname
                                                       : NULL};
}

/* Imports are what the program's own dynamic symbol table leaves undefined, and what it holds a
 * copy of; the rest it exports. */
static void fill_symbols(struct linkmap *map, bool exports, struct profile_static *s)
{
    const struct elf_object *program = map->objects.items[0].elf;
    for (uint64_t n = 1; n < program->symbols.count; n++) {
        const struct elf_symbol *symbol = &program->symbols.items[n];
        if (symbol->bind == STB_LOCAL || !*symbol->name)
            continue;
        bool copied = symbol->section != SHN_UNDEF && has_copy(program, n);
        if (symbol->section == SHN_UNDEF || copied)
            add_import(map, s, n, copied);
        else if (exports && symbol->visibility != STV_HIDDEN && symbol->visibility != STV_INTERNAL)
            vec_push(map->arena, &s->exported,
                     symbol->version ? arena_printf(map->arena, "%s%s%s", symbol->name,
                                                    symbol->hidden ? "@" : "@@", symbol->version)
                                     : symbol->name);
    }
    vec_sort(&s->symbols, by_name);
    vec_sort(&s->exported, by_text);
}

static const char *join(struct arena *a, const strings *list)
{
    const char *text = "";
    vec_each (item, list)
        text = arena_printf(a, "%s%s%s", text, *text ? ", " : "", *item);
    return text;
}

static enum status report_missing(struct diag *d, const struct linkmap *map)
{
    const struct linkmap_missing *m = map->missing.items;
    const char *more =
        map->missing.count == 1
            ? ""
            : arena_printf(map->arena, " (and %zu more that are missing)", map->missing.count - 1);
    return diag_fail(d, STATUS_FOUND, "%s: %s, needed by %s, was not found%s; looked in %s",
                     map->objects.items[0].elf->path, m->soname, join(map->arena, &m->needed_by),
                     more, join(map->arena, &m->searched));
}

enum status analyze(struct diag *d, struct arena *a, const char *path,
                    const struct analyzer_options *options, struct profile *profile)
{
    struct linkmap *map;
    const struct linkmap_options how = {.library_path = options->library_path,
                                        .root = options->root,
                                        .load = !options->libraries_only};
    enum status status = linkmap_build(d, a, path, &how, &map);
    if (status || (status = elf_object_load(d, map->objects.items[0].elf)))
        return status;
    vec_each (o, &map->objects)
        if (o->elf->trouble)
            diag_warn(d, "%s: %s", o->elf->path, o->elf->trouble);
    struct profile_static *s = &profile->static_part;
    fill_program(map->objects.items[0].elf, &profile->program);
    fill_libraries(map, s);
    fill_symbols(map, !options->libraries_only, s);
    s->present = true;
    if (!options->libraries_only && (status = syscalls_analyze(d, a, map, options, s)))
        return status;
    statement_fill(a, !options->libraries_only, profile);
    return map->missing.count ? report_missing(d, map) : STATUS_OK;
}
