/* SPDX-License-Identifier: BSD-3-Clause */
#include "memanalyser/sharing.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL_PAGE = 4096, LARGE_PAGE = 2 << 20 };
/* Images larger than this are no unikernels, and comparing their pages would take hours. */
static const uint64_t most_memory = UINT64_C(16) << 30;

struct page {
    size_t image;
    uint64_t address;
    uint64_t hash;   /* of the content */
    uint64_t masked; /* of the content with relocated fields zeroed */
    bool zero, anywhere, in_place, when_masked;
};
typedef VEC(struct page) page_list;

struct comparison {
    struct arena *arena;
    const image_list *images;
    field_spans *fields; /* per image */
    uint64_t page_size;
    page_list pages;
    unsigned char *buffer, *other;
};

/* Where the page that an address is in ends; of the last page there is, the last address. */
static uint64_t page_end(const struct comparison *c, uint64_t address)
{
    uint64_t end = (address / c->page_size + 1) * c->page_size;
    return end ? end : UINT64_MAX;
}

/* ---- contents --------------------------------------------------------------------------- */

/* The page's bytes as the loader would make them. */
static void load_page(const struct comparison *c, const struct page *p, unsigned char *to)
{
    const struct elf_file *f = &c->images->items[p->image]->elf;
    uint64_t end = page_end(c, p->address);
    memset(to, 0, c->page_size);
    vec_each (g, &f->segments) {
        if (g->type != PT_LOAD)
            continue;
        uint64_t from = g->address > p->address ? g->address : p->address;
        uint64_t last = g->address + g->file_size;
        uint64_t upto = last < end ? last : end;
        if (from < upto)
            memcpy(to + (from - p->address), f->data + g->offset + (from - g->address),
                   upto - from);
    }
}

static void mask_page(const struct comparison *c, const struct page *p, unsigned char *bytes)
{
    const field_spans *fields = &c->fields[p->image];
    size_t low = 0, high = fields->count;
    while (low < high) { /* no field is longer than 16 bytes */
        size_t middle = low + (high - low) / 2;
        if (fields->items[middle].start + 16 <= p->address)
            low = middle + 1;
        else
            high = middle;
    }
    uint64_t end = page_end(c, p->address);
    for (; low < fields->count && fields->items[low].start < end; low++) {
        uint64_t from = fields->items[low].start, upto = fields->items[low].end;
        from = from > p->address ? from : p->address;
        upto = upto < end ? upto : end;
        if (from < upto)
            memset(bytes + (from - p->address), 0, upto - from);
    }
}

/* A multiplicative hash over words; equal pages are compared byte by byte afterwards. */
static uint64_t hash_bytes(const unsigned char *p, size_t size, bool *zero)
{
    uint64_t h = UINT64_C(0x9e3779b97f4a7c15), any = 0;
    for (size_t i = 0; i + 8 <= size; i += 8) {
        uint64_t w;
        memcpy(&w, p + i, 8);
        any |= w;
        h = (h ^ w) * UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
    }
    if (zero)
        *zero = any == 0;
    return h;
}

static void collect_image(struct comparison *c, size_t index)
{
    const struct image *image = c->images->items[index];
    uint64_t next = 0;
    VEC(struct field_span) loads = {0};
    vec_each (g, &image->elf.segments)
        if (g->type == PT_LOAD && g->memory_size)
            vec_push(c->arena, &loads,
                     ((struct field_span){g->address, g->address + g->memory_size}));
    for (size_t done = 0; done < loads.count; done++) {
        struct field_span *lowest = NULL;
        vec_each (l, &loads)
            if (l->start < l->end && (!lowest || l->start < lowest->start))
                lowest = l;
        if (!lowest)
            break;
        uint64_t at = lowest->start / c->page_size * c->page_size;
        for (at = at > next ? at : next; at < lowest->end; at = next) {
            struct page p = {.image = index, .address = at};
            load_page(c, &p, c->buffer);
            p.hash = hash_bytes(c->buffer, c->page_size, &p.zero);
            mask_page(c, &p, c->buffer);
            p.masked = hash_bytes(c->buffer, c->page_size, NULL);
            vec_push(c->arena, &c->pages, p);
            next = page_end(c, at);
        }
        lowest->end = lowest->start = 0;
    }
}

/* ---- comparing -------------------------------------------------------------------------- */

static int by_hash(const void *x, const void *y)
{
    const struct page *a = x, *b = y;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return (a->image > b->image) - (a->image < b->image);
}

static int by_masked(const void *x, const void *y)
{
    const struct page *a = x, *b = y;
    if (a->masked != b->masked)
        return a->masked < b->masked ? -1 : 1;
    return by_hash(x, y);
}

static int by_place(const void *x, const void *y)
{
    const struct page *a = x, *b = y;
    if (a->image != b->image)
        return a->image < b->image ? -1 : 1;
    return (a->address > b->address) - (a->address < b->address);
}

/* Whether all pages of a run of equal hashes really are equal (they are, save for a collision). */
static bool really_equal(const struct comparison *c, const struct page *a, const struct page *b)
{
    load_page(c, a, c->buffer);
    load_page(c, b, c->other);
    return memcmp(c->buffer, c->other, c->page_size) == 0;
}

static uint64_t mark_equal(struct comparison *c)
{
    uint64_t frames = 0;
    page_list *l = &c->pages;
    vec_sort(l, by_hash);
    for (size_t i = 0; i < l->count;) {
        size_t end = i + 1;
        while (end < l->count && l->items[end].hash == l->items[i].hash &&
               really_equal(c, &l->items[i], &l->items[end]))
            end++;
        frames += !l->items[i].zero;
        bool several = false;
        for (size_t k = i; k < end; k++)
            several |= l->items[k].image != l->items[i].image;
        for (size_t k = i; k < end; k++) {
            struct page *p = &l->items[k];
            p->anywhere = several;
            p->in_place = (k > i && p[-1].address == p->address) ||
                          (k + 1 < end && p[1].address == p->address);
        }
        i = end;
    }
    return frames;
}

static void mark_masked(struct comparison *c)
{
    page_list *l = &c->pages;
    vec_sort(l, by_masked);
    for (size_t i = 0; i < l->count;) {
        size_t end = i;
        bool several = false;
        for (; end < l->count && l->items[end].masked == l->items[i].masked; end++)
            several |= l->items[end].image != l->items[i].image;
        for (; i < end; i++)
            l->items[i].when_masked = several;
    }
}

static void compare(struct comparison *c, uint64_t page_size, uint64_t *frames)
{
    c->page_size = page_size;
    c->pages.count = 0;
    c->buffer = arena_alloc(c->arena, page_size);
    c->other = arena_alloc(c->arena, page_size);
    for (size_t i = 0; i < c->images->count; i++)
        collect_image(c, i);
    *frames = mark_equal(c);
    mark_masked(c);
    vec_sort(&c->pages, by_place);
}

static enum status check_sizes(struct diag *d, const image_list *images)
{
    vec_each (i, images) {
        if ((*i)->elf.relocatable || !(*i)->elf.segments.count)
            return diag_fail(d, STATUS_INPUT,
                             "%s: no segments to load, so no pages: link it to an image first",
                             (*i)->path);
        uint64_t size = image_memory_size(*i);
        if (size > most_memory)
            return diag_fail(d, STATUS_INPUT,
                             "%s: %" PRIu64 " bytes of memory: too large to compare by pages",
                             (*i)->path, size);
    }
    return STATUS_OK;
}

static struct comparison comparison_of(struct arena *a, const image_list *images)
{
    struct comparison c = {.arena = a, .images = images};
    c.fields = arena_array(a, images->count, sizeof *c.fields);
    for (size_t i = 0; i < images->count; i++)
        image_relocated_fields(images->items[i], &c.fields[i]);
    return c;
}

/* ---- tables ----------------------------------------------------------------------------- */

static void size_rows(struct comparison *c, struct table *t, uint64_t frames,
                      struct sharing_totals *totals)
{
    size_t count = c->images->count;
    uint64_t sums[5] = {0};
    for (size_t i = 0; i <= count; i++) {
        uint64_t n[5] = {0};
        vec_each (p, &c->pages) {
            if (p->image != i)
                continue;
            n[0]++;
            n[1] += p->zero;
            n[2] += p->anywhere && !p->zero;
            n[3] += p->in_place && !p->zero;
            n[4] += p->when_masked && !p->zero;
        }
        for (int k = 0; k < 5; k++)
            sums[k] += n[k];
        const uint64_t *show = i < count ? n : sums;
        table_number(t, (int64_t)c->page_size);
        table_text(t, i < count ? c->images->items[i]->path : "[all]");
        for (int k = 0; k < 5; k++)
            table_number(t, (int64_t)show[k]);
        table_percent(t, show[2], show[0] - show[1]);
        if (i < count) {
            table_empty(t);
            table_empty(t);
        } else {
            table_number(t, (int64_t)frames);
            table_number(t, (int64_t)((sums[0] - sums[1] - frames) * c->page_size));
        }
    }
    if (totals)
        *totals = (struct sharing_totals){sums[0], sums[1], frames};
}

enum status sharing_pages(struct diag *d, struct arena *a, const image_list *images,
                          struct table **out, struct sharing_totals *totals)
{
    enum status status = check_sizes(d, images);
    if (status)
        return status;
    struct comparison c = comparison_of(a, images);
    struct table *t = table_new(a, "sharing",
                                "page_size:n image pages:n zero:n shared:n same_address:n "
                                "shared_masked:n share:p frames:n saved:n");
    uint64_t frames;
    diag_progress(d, 0, 0, "comparing pages");
    compare(&c, SMALL_PAGE, &frames);
    size_rows(&c, t, frames, totals);
    compare(&c, LARGE_PAGE, &frames);
    size_rows(&c, t, frames, NULL);
    diag_progress_end(d);
    *out = t;
    return STATUS_OK;
}

struct library_pages {
    const char *name;
    uint64_t images, pages, shared, masked, bytes, size, common;
};
typedef VEC(struct library_pages) library_list;

static struct library_pages *library_entry(struct arena *a, library_list *list, const char *name)
{
    vec_each (l, list)
        if (strcmp(l->name, name) == 0)
            return l;
    struct library_pages *l = vec_add(a, list);
    l->name = name;
    return l;
}

static const struct page *page_of(const struct comparison *c, size_t image, uint64_t address)
{
    struct page key = {.image = image, .address = address / c->page_size * c->page_size};
    return c->pages.count ? bsearch(&key, c->pages.items, c->pages.count, sizeof key, by_place)
                          : NULL;
}

/* Counts each page of an image once per library that has bytes in it. */
static void library_pages_of(struct comparison *c, size_t index, library_list *list)
{
    struct image *image = c->images->items[index];
    for (int library = 0; library < (int)image->libraries.count; library++) {
        struct library_pages *l = library_entry(c->arena, list, image->libraries.items[library]);
        const struct page *last = NULL;
        uint64_t bytes = 0;
        vec_each (p, &image->pieces) {
            if (p->library != library || !p->in_memory)
                continue;
            bytes += p->size;
            for (uint64_t at = p->address; at < p->address + p->size; at = page_end(c, at)) {
                const struct page *page = page_of(c, index, at);
                if (!page || page == last)
                    continue;
                last = page;
                l->pages++;
                l->shared += page->anywhere && !page->zero;
                l->masked += page->when_masked && !page->zero;
            }
        }
        l->images += bytes > 0;
        l->bytes += bytes;
        l->size = bytes > l->size ? bytes : l->size;
    }
}

enum status sharing_libraries(struct diag *d, struct arena *a, const image_list *images,
                              struct table **out)
{
    enum status status = check_sizes(d, images);
    if (status)
        return status;
    struct comparison c = comparison_of(a, images);
    library_list list = {0};
    uint64_t frames;
    compare(&c, SMALL_PAGE, &frames);
    for (size_t i = 0; i < images->count; i++)
        library_pages_of(&c, i, &list);
    struct table *t = table_new(a, "sharing-libraries",
                                "library images:n bytes:n pages:n shared:n shared_masked:n "
                                "share:p if_aligned:n");
    vec_each (l, &list) {
        /* Aligned, the images beyond the first map the first's pages. */
        uint64_t whole = (l->size + c.page_size - 1) / c.page_size;
        table_text(t, l->name);
        table_number(t, (int64_t)l->images);
        table_number(t, (int64_t)l->bytes);
        table_number(t, (int64_t)l->pages);
        table_number(t, (int64_t)l->shared);
        table_number(t, (int64_t)l->masked);
        table_percent(t, l->shared, l->pages);
        table_number(t, l->images > 1 ? (int64_t)(whole * l->images) : 0);
    }
    *out = t;
    return STATUS_OK;
}
