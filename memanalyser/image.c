/* SPDX-License-Identifier: BSD-3-Clause
 * Opening images and giving their symbols extents. */
#include "memanalyser/image.h"
#include "common/file.h"
#include "memanalyser/dwarf_info.h"
#include "memanalyser/formats.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *const evidence_names[] = {"none",   "symbol",   "relocation", "content", "order",
                                      "unwind", "link map", "debug info", "itself",  NULL};
const char *const piece_kind_names[] = {"content", "padding", "header", "table", "gap", NULL};

static const struct elf_section *twin_section(const struct elf_file *elf,
                                              const struct elf_section *s)
{
    vec_each (t, &elf->sections) {
        if (t->type != SHT_NULL && t->size == s->size && t->address == s->address &&
            (t->flags & SHF_ALLOC) && strcmp(t->name, s->name) == 0)
            return t;
    }
    return NULL;
}

/* A twin is one when the image's allocated sections are all in it. */
static bool twins(const struct elf_file *elf, const struct elf_file *twin)
{
    size_t found = 0;
    vec_each (s, &elf->sections) {
        if (!(s->flags & SHF_ALLOC) || s->type == SHT_NULL)
            continue;
        if (!twin_section(twin, s))
            return false;
        found++;
    }
    return found > 0;
}

/* FOLDER/.build-id/ab/cdef.debug, where distributions put debug information; NULL: no build id. */
static const char *by_build_id(struct image *image, const char *folder)
{
    const struct elf_section *s = elf_section_by_name(&image->elf, ".note.gnu.build-id");
    const unsigned char *p = s ? elf_contents(&image->elf, s) : NULL;
    char id[2 * 64 + 1] = "";
    if (!p || s->size <= 18 || s->size > 16 + 64)
        return NULL;
    for (uint64_t i = 16; i < s->size; i++)
        snprintf(id + 2 * (i - 16), 3, "%02x", p[i]);
    return arena_printf(image->arena, "%s/.build-id/%.2s/%s.debug", folder, id, id + 2);
}

static enum status open_twin(struct diag *d, struct image *image, const char *given)
{
    const char *path = given ? given : arena_printf(image->arena, "%s.dbg", image->path);
    struct stat st;
    if (given && stat(given, &st) == 0 && S_ISDIR(st.st_mode)) {
        path = by_build_id(image, given);
        if (!path || !file_exists(path)) {
            image->twin = image->elf;
            return STATUS_OK;
        }
    }
    image->twin = image->elf;
    if (image->elf.relocatable || (!given && !file_exists(path)))
        return STATUS_OK;
    struct mapped file;
    struct elf_file twin;
    enum status status = mapped_open(d, path, &file);
    if (status)
        return status;
    status = elf_parse(d, image->arena, path, file.data, file.size, &twin);
    if (!status && !twins(&image->elf, &twin))
        status = diag_fail(d, STATUS_INPUT,
                           "%s: not the unstripped twin of %s: sections or addresses differ", path,
                           image->path);
    if (status) {
        mapped_close(&file);
        if (given)
            return status;
        diag_warn(d, "%s (going on without it)", d->message);
        d->message[0] = '\0';
        return STATUS_OK;
    }
    image->twin_file = file;
    image->twin = twin;
    image->has_twin = true;
    return STATUS_OK;
}

/* Section indices of the twin become those of the image. */
static void adopt_symbols(struct image *image)
{
    size_t count = image->twin.sections.count;
    uint32_t *translated = arena_array(image->arena, count, sizeof *translated);
    for (size_t i = 1; i < count; i++) {
        const struct elf_section *s =
            image->has_twin ? twin_section(&image->elf, &image->twin.sections.items[i])
                            : &image->elf.sections.items[i];
        translated[i] = s ? s->index : ELF_ABSOLUTE;
    }
    vec_each (s, &image->symbols)
        if (s->section && s->section < count)
            s->section = translated[s->section];
}

/* Which of two symbols at one place names it: sized ones first, then functions and objects, then
 * global ones; shorter names, then the alphabet. */
static int rank(const struct elf_symbol *s)
{
    bool typed = s->type == STT_FUNC || s->type == STT_OBJECT || s->type == STT_GNU_IFUNC;
    return (s->size ? 4 : 0) + (typed ? 2 : 0) + (s->bind != STB_LOCAL);
}

static int by_place(const void *x, const void *y)
{
    const struct elf_symbol *a = *(const struct elf_symbol *const *)x,
                            *b = *(const struct elf_symbol *const *)y;
    if (a->section != b->section)
        return a->section < b->section ? -1 : 1;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    if (rank(a) != rank(b))
        return rank(b) - rank(a);
    if (a->size != b->size)
        return a->size > b->size ? -1 : 1;
    size_t la = strlen(a->name), lb = strlen(b->name);
    if (la != lb)
        return la < lb ? -1 : 1;
    int order = strcmp(a->name, b->name);
    return order ? order : (a->index > b->index) - (a->index < b->index);
}

/* Mapping symbols ($x, $d) of ARM and compiler-local labels name no range. */
static bool names_range(const struct image *image, const struct elf_symbol *s)
{
    if (!s->section || s->section >= image->elf.sections.count || !*s->name)
        return false;
    if (s->type == STT_SECTION || s->type == STT_FILE || s->name[0] == '$' ||
        strncmp(s->name, ".L", 2) == 0)
        return false;
    const struct elf_section *section = &image->elf.sections.items[s->section];
    uint64_t base = image->elf.relocatable || s->type == STT_TLS ? 0 : section->address;
    return s->value >= base && s->value - base < section->size;
}

static uint64_t symbol_offset(const struct image *image, const struct elf_symbol *s)
{
    if (image->elf.relocatable || s->type == STT_TLS)
        return s->value;
    return s->value - image->elf.sections.items[s->section].address;
}

/* TLS symbols count from the start of the TLS block: .tdata, then .tbss. */
static void rebase_tls(struct image *image)
{
    uint64_t block = UINT64_MAX;
    if (image->elf.relocatable)
        return;
    vec_each (g, &image->elf.segments)
        if (g->type == PT_TLS)
            block = g->address;
    vec_each (s, &image->symbols) {
        if (s->type != STT_TLS || !s->section || s->section >= image->elf.sections.count ||
            block == UINT64_MAX)
            continue;
        s->value += block - image->elf.sections.items[s->section].address;
    }
}

/* Ranges of one section from symbols sorted by place: a symbol without a size reaches to the next
 * one; an inner symbol interrupts an outer one, which resumes after it. */
static void ranges_of(struct image *image, const struct elf_symbol **sorted, size_t count,
                      uint64_t section_size, named_ranges *out)
{
    struct {
        uint64_t end;
        const struct elf_symbol *symbol;
    } stack[64];
    size_t depth = 0;
    uint64_t at = 0;
    for (size_t i = 0; i <= count; i++) {
        uint64_t start = i < count ? symbol_offset(image, sorted[i]) : section_size;
        if (i && i < count && start == symbol_offset(image, sorted[i - 1]))
            continue;
        while (depth && at < start) {
            uint64_t end = stack[depth - 1].end < start ? stack[depth - 1].end : start;
            if (end > at)
                vec_push(image->arena, out,
                         ((struct named_range){at, end, stack[depth - 1].symbol}));
            at = end > at ? end : at;
            if (stack[depth - 1].end <= at)
                depth--;
        }
        at = start;
        if (i == count)
            break;
        while (depth && stack[depth - 1].end <= start)
            depth--;
        uint64_t size = sorted[i]->size, end = section_size;
        for (size_t k = i + 1; !size && k < count; k++) {
            end = symbol_offset(image, sorted[k]);
            if (end != start)
                break;
            end = section_size;
        }
        if (size)
            end = size > section_size - start ? section_size : start + size;
        if (depth == sizeof stack / sizeof *stack)
            memmove(stack, stack + 1, --depth * sizeof *stack);
        stack[depth].end = end;
        stack[depth++].symbol = sorted[i];
    }
}

static void find_names(struct image *image)
{
    VEC(const struct elf_symbol *) sorted = {0};
    vec_each (s, &image->symbols)
        if (names_range(image, s))
            vec_push(image->arena, &sorted, s);
    vec_sort(&sorted, by_place);
    image->names = arena_array(image->arena, image->elf.sections.count + 1, sizeof *image->names);
    for (size_t i = 0; i < sorted.count;) {
        uint32_t section = sorted.items[i]->section;
        size_t end = i;
        while (end < sorted.count && sorted.items[end]->section == section)
            end++;
        ranges_of(image, sorted.items + i, end - i, image->elf.sections.items[section].size,
                  &image->names[section]);
        i = end;
    }
}

static enum status finish_open(struct diag *d, struct image *image)
{
    enum status status = elf_best_symbols(d, image->arena, &image->twin, &image->symbols);
    if (status)
        return status;
    image->machine = image->twin.machine;
    image->is64 = image->twin.is64;
    adopt_symbols(image);
    rebase_tls(image);
    find_names(image);
    image->claims = arena_array(image->arena, image->elf.sections.count + 1, sizeof *image->claims);
    return STATUS_OK;
}

enum status image_open_bytes(struct diag *d, struct arena *a, const char *path,
                             const unsigned char *data, uint64_t size, struct image *out)
{
    *out = (struct image){.arena = a, .path = path};
    if (!elf_is(data, size))
        return format_refuse(d, path, data, size);
    enum status status = elf_parse(d, a, path, data, size, &out->elf);
    if (status)
        return status;
    out->twin = out->elf;
    return finish_open(d, out);
}

enum status image_open(struct diag *d, struct arena *a, const char *path, const char *twin,
                       struct image *out)
{
    *out = (struct image){.arena = a, .path = path};
    enum status status = mapped_open(d, path, &out->file);
    if (status)
        return status;
    if (!elf_is(out->file.data, out->file.size))
        status = format_refuse(d, path, out->file.data, out->file.size);
    if (!status)
        status = elf_parse(d, a, path, out->file.data, out->file.size, &out->elf);
    if (!status)
        status = open_twin(d, out, twin);
    if (!status)
        status = finish_open(d, out);
    if (status)
        image_close(out);
    return status;
}

void image_close(struct image *image)
{
    debug_info_close(image);
    mapped_close(&image->file);
    mapped_close(&image->twin_file);
    vec_each (m, &image->mappings)
        mapped_close(m);
    image->mappings.count = 0;
}

int image_library(struct image *image, const char *name)
{
    for (size_t i = 0; i < image->libraries.count; i++)
        if (strcmp(image->libraries.items[i], name) == 0)
            return (int)i;
    vec_push(image->arena, &image->libraries, arena_strdup(image->arena, name));
    return (int)image->libraries.count - 1;
}

const struct named_range *name_at(const struct image *image, uint32_t section, uint64_t offset)
{
    const named_ranges *names = &image->names[section];
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (names->items[middle].end <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < names->count && names->items[low].start <= offset ? &names->items[low] : NULL;
}

uint64_t section_address(const struct image *image, uint32_t section, uint64_t offset)
{
    return image->elf.sections.items[section].address + offset;
}
