/* SPDX-License-Identifier: BSD-3-Clause */
#include "memanalyser/pictures.h"
#include "common/graph.h"
#include "memanalyser/functions.h"
#include "memanalyser/text.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

const char *library_colour(struct arena *a, int library)
{
    if (library < 0)
        return "#c8c8c8";
    /* Hues a golden angle apart stay distinct; three lightnesses in turn. */
    double hue = (double)(library * 137 % 360) / 60.0, lightness = 0.62 + 0.08 * (library % 3);
    double chroma = (1 - (lightness > 0.5 ? 2 * lightness - 1 : 1 - 2 * lightness)) * 0.65;
    int sector = (int)hue;
    double part = hue - sector, up = chroma * (sector % 2 ? 1 - part : part);
    double rgb[3] = {0};
    static const int order[6][2] = {{0, 1}, {1, 0}, {1, 2}, {2, 1}, {2, 0}, {0, 2}};
    rgb[order[sector][0]] = chroma;
    rgb[order[sector][1]] = up;
    int byte[3];
    for (int i = 0; i < 3; i++)
        byte[i] = (int)((rgb[i] + lightness - chroma / 2) * 255.0 + 0.5);
    return arena_printf(a, "#%02x%02x%02x", byte[0] & 255, byte[1] & 255, byte[2] & 255);
}

const char *library_label(const struct image *image, int library)
{
    return library >= 0 ? image->libraries.items[library] : "[no library]";
}

/* ---- treemap ---------------------------------------------------------------------------- */

struct cell {
    int library;
    uint32_t section;
    const char *name;
    uint64_t size;
};
typedef VEC(struct cell) cells;

static int by_key(const void *x, const void *y)
{
    const struct cell *a = x, *b = y;
    if (a->library != b->library)
        return a->library < b->library ? -1 : 1;
    if (a->section != b->section)
        return a->section < b->section ? -1 : 1;
    return strcmp(a->name, b->name);
}

static const char *piece_name(struct image *image, const struct piece *p)
{
    if (p->kind == PIECE_PADDING)
        return "[padding]";
    if (p->symbol)
        return demangle(image->arena, p->symbol->name);
    return p->input && *p->input ? p->input : p->label;
}

static void collect_cells(struct image *image, uint64_t smallest, cells *out)
{
    vec_each (p, &image->pieces) {
        if (p->in_memory)
            vec_push(
                image->arena, out,
                ((struct cell){p->library, p->section,
                               p->size < smallest ? "[small]" : piece_name(image, p), p->size}));
    }
    vec_sort(out, by_key);
    size_t kept = 0;
    for (size_t i = 0; i < out->count; i++) {
        if (kept && by_key(&out->items[kept - 1], &out->items[i]) == 0)
            out->items[kept - 1].size += out->items[i].size;
        else
            out->items[kept++] = out->items[i];
    }
    out->count = kept;
}

static const char *section_label(const struct image *image, uint32_t section)
{
    return section ? image->elf.sections.items[section].name : "[headers and gaps]";
}

static void cell_node(struct image *image, struct text *t, size_t index, const struct cell *c,
                      uint64_t whole)
{
    struct arena *a = image->arena;
    const char *tip =
        arena_printf(a, "%s %s: %s, %" PRIu64 " bytes", library_label(image, c->library),
                     section_label(image, c->section), c->name, c->size);
    bool room = c->size * 400 > whole;
    text_addf(t, "n%zu [area=%.6f label=%s tooltip=%s fillcolor=\"%s\"];\n", index,
              (double)c->size * 480.0 / (double)whole + 1e-5,
              graph_quote(a, room ? arena_printf(a, "%.24s\n%.24s\n%" PRIu64,
                                                 library_label(image, c->library), c->name, c->size)
                                  : ""),
              graph_quote(a, tip), library_colour(a, c->library));
}

enum status treemap_dot(struct image *image, char **out)
{
    uint64_t whole = image_memory_size(image);
    cells list = {0};
    collect_cells(image, whole / 2000 + 1, &list);
    struct text t = {.arena = image->arena};
    text_add(&t,
             "graph treemap {\nnode [shape=box style=filled color=white penwidth=0.4 fontsize=7 "
             "fontname=\"sans-serif\"];\n");
    for (size_t i = 0; i < list.count; i++) {
        const struct cell *c = &list.items[i], *before = i ? c - 1 : NULL;
        bool library = !before || before->library != c->library;
        bool section = library || before->section != c->section;
        if (section && before)
            text_add(&t, "}\n");
        if (library && before)
            text_add(&t, "}\n");
        if (library)
            text_addf(&t, "subgraph cluster_%zu {\nlabel=%s;\n", i,
                      graph_quote(image->arena, library_label(image, c->library)));
        if (section)
            text_addf(&t, "subgraph cluster_s%zu {\nlabel=%s;\n", i,
                      graph_quote(image->arena, section_label(image, c->section)));
        cell_node(image, &t, i, c, whole ? whole : 1);
    }
    text_add(&t, list.count ? "}\n}\n}\n" : "}\n");
    *out = t.bytes;
    return STATUS_OK;
}

/* ---- page map --------------------------------------------------------------------------- */

enum { PAGE = 4096, COLUMNS = 64, SIDE = 12, MOST_PAGES = 65536 };

struct map_page {
    uint64_t address;
    int library;   /* of most bytes so far */
    uint64_t most; /* its bytes */
    uint64_t run;  /* bytes of the library being counted */
    int run_library;
    bool stored; /* the file holds bytes of it */
};
typedef VEC(struct map_page) map_pages;

static int by_address(const void *x, const void *y)
{
    const struct piece *a = *(const struct piece *const *)x, *b = *(const struct piece *const *)y;
    return (a->address > b->address) - (a->address < b->address);
}

/* Pages in order of address; a library's bytes in one page lie nearly always together. */
static void collect_pages(struct image *image, map_pages *out)
{
    VEC(const struct piece *) sorted = {0};
    vec_each (p, &image->pieces)
        if (p->in_memory)
            vec_push(image->arena, &sorted, p);
    vec_sort(&sorted, by_address);
    vec_each (s, &sorted) {
        const struct piece *p = *s;
        uint64_t end = p->address + p->size;
        for (uint64_t at = p->address; at < end && out->count < MOST_PAGES;) {
            uint64_t start = at / PAGE * PAGE, stop = start + PAGE < end ? start + PAGE : end;
            struct map_page *page = out->count ? &out->items[out->count - 1] : NULL;
            if (!page || page->address != start) {
                page = vec_add(image->arena, out);
                *page = (struct map_page){.address = start, .library = -1, .run_library = -1};
            }
            page->run = page->run_library == p->library ? page->run + (stop - at) : stop - at;
            page->run_library = p->library;
            if (page->run > page->most)
                page->most = page->run, page->library = p->library;
            page->stored |= p->in_file || !p->section;
            at = stop;
        }
    }
}

static void legend(const struct image *image, struct text *t, const bool *used, unsigned y)
{
    for (int i = -1; i < (int)image->libraries.count; i++) {
        if (!used[i + 1])
            continue;
        text_addf(t,
                  "<rect x=\"8\" y=\"%u\" width=\"10\" height=\"10\" fill=\"%s\"/>"
                  "<text x=\"24\" y=\"%u\">",
                  y, library_colour(t->arena, i), y + 9);
        text_add_xml(t, library_label(image, i));
        text_add(t, "</text>\n");
        y += 14;
    }
}

enum status page_map_svg(struct image *image, char **out)
{
    map_pages pages = {0};
    collect_pages(image, &pages);
    bool *used = arena_array(image->arena, image->libraries.count + 1, sizeof *used);
    unsigned names = 0, rows = (unsigned)(pages.count / COLUMNS + 1);
    vec_each (p, &pages) {
        names += !used[p->library + 1];
        used[p->library + 1] = true;
    }
    unsigned height = rows * SIDE + names * 14 + 48;
    struct text t = {.arena = image->arena};
    text_addf(&t,
              "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" "
              "font-family=\"sans-serif\" font-size=\"10\">\n"
              "<defs><pattern id=\"zero\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\">"
              "<path d=\"M0 4L4 0\" stroke=\"#fff\" stroke-width=\"1\"/></pattern></defs>\n"
              "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n<text x=\"8\" y=\"14\">",
              COLUMNS * SIDE + 16, height);
    text_add_xml(&t, image->path);
    text_addf(&t, ": %zu pages of 4 KiB; hatched: zero, not in the file</text>\n", pages.count);
    for (size_t i = 0; i < pages.count; i++) {
        const struct map_page *p = &pages.items[i];
        unsigned x = 8 + (unsigned)(i % COLUMNS) * SIDE, y = 22 + (unsigned)(i / COLUMNS) * SIDE;
        text_addf(&t, "<g><title>0x%" PRIx64 " ", p->address);
        text_add_xml(&t, library_label(image, p->library));
        text_addf(&t, "</title><rect x=\"%u\" y=\"%u\" width=\"%d\" height=\"%d\" fill=\"%s\"/>", x,
                  y, SIDE - 1, SIDE - 1, library_colour(t.arena, p->library));
        if (!p->stored)
            text_addf(&t,
                      "<rect x=\"%u\" y=\"%u\" width=\"%d\" height=\"%d\" fill=\"url(#zero)\"/>", x,
                      y, SIDE - 1, SIDE - 1);
        text_add(&t, "</g>\n");
    }
    legend(image, &t, used, 28 + rows * SIDE);
    text_add(&t, "</svg>\n");
    *out = t.bytes;
    return STATUS_OK;
}
