/* SPDX-License-Identifier: BSD-3-Clause
 * The HTML page: page.html with the image's facts put where it says DATA. */
#include "memanalyser/functions.h"
#include "memanalyser/pictures.h"
#include "memanalyser/views.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

__asm__(".section .rodata\n"
        ".global memanalyser_page\n"
        "memanalyser_page:\n"
        ".incbin \"memanalyser/page.html\"\n"
        ".byte 0\n"
        ".previous\n");
extern const char memanalyser_page[];

/* Pieces beyond this are summed up per library and section: browsers have limits. */
enum { MANY_PIECES = 250000 };

static json_t *text_json(struct arena *a, const char *text)
{
    json_t *s = json_string(text);
    if (s)
        return s;
    char *copy = arena_strdup(a, text);
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    return json_string(copy);
}

static json_t *libraries_json(struct image *image)
{
    json_t *list = json_array();
    for (int i = -1; i < (int)image->libraries.count; i++)
        json_array_append_new(list,
                              json_pack("[oo]", text_json(image->arena, library_label(image, i)),
                                        json_string(library_colour(image->arena, i))));
    return list;
}

static json_t *sections_json(struct image *image)
{
    json_t *list = json_array();
    vec_each (s, &image->elf.sections)
        json_array_append_new(list,
                              text_json(image->arena, s->index ? s->name : "[headers and gaps]"));
    return list;
}

static const char *name_of(struct image *image, const struct piece *p)
{
    if (p->symbol)
        return demangle(image->arena, p->symbol->name);
    return p->kind == PIECE_PADDING ? "[padding]" : *p->input ? p->input : p->label;
}

/* [address or null, size, section, library + 1, name, bits: 1 file, 2 memory, kind << 2] */
static json_t *pieces_json(struct image *image)
{
    json_t *list = json_array();
    size_t shown = 0;
    vec_each (p, &image->pieces) {
        if (++shown > MANY_PIECES && p->size < PIECE_GAP)
            continue;
        json_t *row = json_array();
        json_array_append_new(
            row, p->in_memory ? json_string(arena_printf(image->arena, "%" PRIx64, p->address))
                              : json_null());
        json_array_append_new(row, json_integer((json_int_t)p->size));
        json_array_append_new(row, json_integer(p->section));
        json_array_append_new(row, json_integer(p->library + 1));
        json_array_append_new(row, text_json(image->arena, name_of(image, p)));
        json_array_append_new(
            row, json_integer((p->in_file ? 1 : 0) | (p->in_memory ? 2 : 0) | (int)p->kind << 2));
        json_array_append_new(list, row);
    }
    return list;
}

/* Appends the JSON text with "<" written as \u003c: "</script>" must not end the script it is in.
 */
static char *copy_escaped(char *to, const char *json)
{
    for (; *json; json++) {
        if (*json == '<') {
            for (const char *e = "\\u003c"; *e; e++)
                *to++ = *e;
        } else {
            *to++ = *json;
        }
    }
    return to;
}

enum status html_page(struct diag *d, struct image *image, char **out, size_t *size)
{
    json_t *data = json_pack(
        "{sosIsIsososo}", "path", text_json(image->arena, image->path), "file",
        (json_int_t)image->elf.size, "memory", (json_int_t)image_memory_size(image), "libraries",
        libraries_json(image), "sections", sections_json(image), "pieces", pieces_json(image));
    char *json = data ? json_dumps(data, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    const char *mark = strstr(memanalyser_page, "/*DATA*/null");
    json_decref(data);
    if (!json || !mark) {
        free(json);
        return diag_fail(d, STATUS_SYSTEM, "%s: the page cannot be made", image->path);
    }
    size_t escapes = 0, head = (size_t)(mark - memanalyser_page);
    for (const char *c = json; *c; c++)
        escapes += *c == '<';
    const char *tail = mark + strlen("/*DATA*/null");
    size_t needed = head + strlen(json) + escapes * 5 + strlen(tail) + 1;
    char *page = arena_alloc(image->arena, needed);
    memcpy(page, memanalyser_page, head);
    char *p = copy_escaped(page + head, json);
    free(json);
    memcpy(p, tail, strlen(tail) + 1);
    *out = page;
    *size = (size_t)(p - page) + strlen(tail);
    return STATUS_OK;
}
