/* SPDX-License-Identifier: BSD-3-Clause
 * The graph as a page: crawler/page.html with the data put in. */
#include "crawler/library_graph.h"
#include <stdlib.h>
#include <string.h>

__asm__(".pushsection .rodata\n"
        ".global crawler_page\ncrawler_page:\n"
        ".incbin \"crawler/page.html\"\n"
        ".byte 0\n"
        ".popsection\n");
extern const char crawler_page[];

/* JSON inside a script element: no "<" may stand in it. */
static const char *data_text(struct arena *a, const struct jm_type *type, const void *value)
{
    json_t *json = jm_encode(type, value);
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (!text)
        return "{}";
    size_t extra = 0;
    for (const char *p = text; *p; p++)
        extra += *p == '<' ? 5 : 0;
    char *out = arena_alloc(a, strlen(text) + extra + 1), *to = out;
    for (const char *p = text; *p; p++) {
        if (*p == '<')
            to = stpcpy(to, "\\u003c");
        else
            *to++ = *p;
    }
    free(text);
    return out;
}

/* A picture inside a script element must not end it. */
static const char *picture_text(struct arena *a, const char *picture)
{
    if (!picture || strstr(picture, "</script"))
        return "";
    return arena_strdup(a, picture);
}

const char *library_graph_page(struct arena *a, const struct library_graph *graph,
                               const char *picture, const struct catalogue_difference *difference)
{
    const char *page = crawler_page, *out = "";
    const struct {
        const char *mark, *text;
    } parts[] = {
        {"@@DATA@@", data_text(a, &library_graph_type, graph)},
        {"@@DIFFERENCE@@",
         difference ? data_text(a, &catalogue_difference_type, difference) : "null"},
        {"@@PICTURE@@", picture_text(a, picture)},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *at = strstr(page, parts[i].mark);
        if (!at)
            return crawler_page;
        out = arena_printf(a, "%s%.*s%s", out, (int)(at - page), page, parts[i].text);
        page = at + strlen(parts[i].mark);
    }
    return arena_printf(a, "%s%s", out, page);
}
