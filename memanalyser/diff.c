/* SPDX-License-Identifier: BSD-3-Clause */
#include "memanalyser/diff.h"
#include "memanalyser/functions.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *const diff_level_names[] = {"library", "section", "object", "symbol", NULL};

struct entry {
    const char *name, *section, *library;
    int64_t file, memory;
    uint64_t address; /* lowest in memory */
};
typedef VEC(struct entry) entries;

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* What a piece counts under. Symbols of one name in one library and section (statics) add up. */
static struct entry entry_of(const struct image *image, const struct piece *p,
                             enum diff_level level, bool demangled)
{
    struct entry e = {.library = p->library >= 0 ? image->libraries.items[p->library] : "",
                      .section = p->section ? image->elf.sections.items[p->section].name : p->label,
                      .file = p->in_file ? (int64_t)p->size : 0,
                      .memory = p->in_memory ? (int64_t)p->size : 0,
                      .address = p->in_memory ? p->address : UINT64_MAX};
    switch (level) {
    case DIFF_LIBRARY:
        e.name = *e.library ? e.library : "[no library]";
        e.section = "";
        break;
    case DIFF_SECTION:
        e.name = e.section;
        e.library = "";
        break;
    case DIFF_OBJECT:
        e.name = p->object >= 0 ? base_name(image->objects.items[p->object].path) : "[no object]";
        break;
    case DIFF_SYMBOL:
        e.name = p->kind == PIECE_PADDING ? "[padding]"
                 : !p->symbol             ? *p->input ? p->input : p->label
                 : demangled              ? demangle(image->arena, p->symbol->name)
                                          : p->symbol->name;
        break;
    }
    return e;
}

static int by_key(const void *x, const void *y)
{
    const struct entry *a = x, *b = y;
    int order = strcmp(a->library, b->library);
    if (!order)
        order = strcmp(a->section, b->section);
    return order ? order : strcmp(a->name, b->name);
}

static void collect(const struct image *image, enum diff_level level, bool demangled, entries *out)
{
    vec_each (p, &image->pieces)
        vec_push(image->arena, out, entry_of(image, p, level, demangled));
    vec_sort(out, by_key);
    size_t kept = 0;
    for (size_t i = 0; i < out->count; i++) {
        const struct entry *e = &out->items[i];
        struct entry *last = kept ? &out->items[kept - 1] : NULL;
        if (last && by_key(last, e) == 0) {
            last->file += e->file;
            last->memory += e->memory;
            last->address = e->address < last->address ? e->address : last->address;
        } else {
            out->items[kept++] = *e;
        }
    }
    out->count = kept;
}

static const char *change_of(const struct entry *o, const struct entry *n)
{
    if (!o)
        return "new";
    if (!n)
        return "gone";
    int64_t change = n->memory - o->memory;
    if (!change)
        change = n->file - o->file;
    if (change)
        return change > 0 ? "grown" : "shrunk";
    return o->address != n->address ? "moved" : "same";
}

static void diff_row(struct table *t, const struct entry *o, const struct entry *n,
                     struct diff_totals *totals)
{
    static const struct entry nothing = {.name = "", .section = "", .library = ""};
    const struct entry *from = o ? o : &nothing, *to = n ? n : &nothing, *key = n ? n : from;
    table_text(t, change_of(o, n));
    table_text(t, key->name);
    table_text(t, key->section);
    table_text(t, key->library);
    table_number(t, from->memory);
    table_number(t, to->memory);
    table_number(t, to->memory - from->memory);
    table_number(t, from->file);
    table_number(t, to->file);
    table_number(t, to->file - from->file);
    totals->old_memory += from->memory;
    totals->new_memory += to->memory;
    totals->old_file += from->file;
    totals->new_file += to->file;
}

/* Largest change either way first. */
static int by_change(const void *x, const void *y)
{
    const struct table_cell *const *a = x, *const *b = y;
    int64_t ca = llabs((*a)[6].number), cb = llabs((*b)[6].number);
    if (ca != cb)
        return ca > cb ? -1 : 1;
    ca = llabs((*a)[9].number), cb = llabs((*b)[9].number);
    if (ca != cb)
        return ca > cb ? -1 : 1;
    return (*a > *b) - (*a < *b);
}

static void order_rows(struct table *t)
{
    size_t rows = table_rows(t), width = t->columns.count;
    const struct table_cell **order = arena_array(t->arena, rows, sizeof(struct table_cell *));
    for (size_t i = 0; i < rows; i++)
        order[i] = table_at(t, i, 0);
    if (rows > 1)
        qsort(order, rows, sizeof *order, by_change);
    struct table_cell *sorted = arena_array(t->arena, rows * width, sizeof *sorted);
    for (size_t i = 0; i < rows; i++)
        memcpy(sorted + i * width, order[i], width * sizeof *sorted);
    t->cells.items = sorted;
    t->cells.capacity = rows * width;
}

/* In front of all rows, so that --top never cuts it off. */
static void total_row(struct table *t, const struct diff_totals *totals)
{
    size_t width = t->columns.count, before = t->cells.count;
    static const char *const names[] = {"", "[total]", "", ""};
    const int64_t numbers[] = {
        totals->old_memory, totals->new_memory, totals->new_memory - totals->old_memory,
        totals->old_file,   totals->new_file,   totals->new_file - totals->old_file};
    for (size_t i = 0; i < 4; i++)
        table_text(t, names[i]);
    for (size_t i = 0; i < 6; i++)
        table_number(t, numbers[i]);
    struct table_cell *row = arena_array(t->arena, width, sizeof *row);
    memcpy(row, t->cells.items + before, width * sizeof *row);
    memmove(t->cells.items + width, t->cells.items, before * sizeof *row);
    memcpy(t->cells.items, row, width * sizeof *row);
}

enum status images_diff(struct diag *d, struct image *old_image, struct image *new_image,
                        enum diff_level level, bool demangled, struct table **out,
                        struct diff_totals *totals)
{
    entries old_list = {0}, new_list = {0};
    struct table *t = table_new(new_image->arena, "diff",
                                "change name section library old_memory:n new_memory:n memory:n "
                                "old_file:n new_file:n file:n");
    *totals = (struct diff_totals){0};
    collect(old_image, level, demangled, &old_list);
    collect(new_image, level, demangled, &new_list);
    for (size_t i = 0, k = 0; i < old_list.count || k < new_list.count;) {
        int order = i == old_list.count   ? 1
                    : k == new_list.count ? -1
                                          : by_key(&old_list.items[i], &new_list.items[k]);
        diff_row(t, order <= 0 ? &old_list.items[i] : NULL, order >= 0 ? &new_list.items[k] : NULL,
                 totals);
        i += order <= 0;
        k += order >= 0;
    }
    order_rows(t);
    total_row(t, totals);
    *out = t;
    bool exact = totals->old_file == (int64_t)old_image->elf.size &&
                 totals->new_file == (int64_t)new_image->elf.size &&
                 totals->old_memory == (int64_t)image_memory_size(old_image) &&
                 totals->new_memory == (int64_t)image_memory_size(new_image);
    return exact ? STATUS_OK
                 : diag_fail(d, STATUS_SYSTEM, "%s: internal error: the difference does not add up",
                             new_image->path);
}
