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
static const char *data_text(struct arena *a, const struct library_graph *graph)
{
    json_t *json = jm_encode(&library_graph_type, graph);
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
                               const char *picture)
{
    const char *page = crawler_page;
    static const char data[] = "@@DATA@@", drawn[] = "@@PICTURE@@";
    const char *first = strstr(page, data), *second = first ? strstr(first, drawn) : NULL;
    if (!second)
        return page;
    const char *head = arena_strndup(a, page, (size_t)(first - page));
    const char *middle = first + sizeof data - 1;
    const char *between = arena_strndup(a, middle, (size_t)(second - middle));
    return arena_printf(a, "%s%s%s%s%s", head, data_text(a, graph), between,
                        picture_text(a, picture), second + sizeof drawn - 1);
}
