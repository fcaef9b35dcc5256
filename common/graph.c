/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/graph.h"
#include <graphviz/gvc.h>
#include <string.h>

/* Graphviz complains on standard error by itself; the caller gets one message instead. */
static int silent(char *text)
{
    (void)text;
    return 0;
}

/* One context for the whole run: Graphviz's text layout keeps, in a static variable, the font name
 * of the layout before, and a context takes its font names with it when it is freed. */
static GVC_t *graphviz(void)
{
    static GVC_t *context;
    if (!context)
        context = gvContext();
    return context;
}

enum status graph_render(struct diag *d, struct arena *a, const char *dot, const char *engine,
                         const char *format, char **out, size_t *size)
{
    agseterr(AGMAX);
    agseterrf(silent);
    *out = NULL;
    *size = 0;
    Agraph_t *graph = agmemread(dot);
    if (!graph)
        return diag_fail(d, STATUS_INPUT, "a graph to be drawn is not valid DOT");
    GVC_t *context = graphviz();
    /* Freeing the layout of a large graph with frames frees some edges twice (2.43): such a graph
     * stays until the process ends. */
    bool frames = strstr(dot, "subgraph cluster");
    char *data = NULL;
    unsigned length = 0;
    enum status status = STATUS_OK;
    if (!context || gvLayout(context, graph, engine) != 0) {
        status = diag_fail(d, STATUS_SYSTEM, "Graphviz cannot lay a graph out with '%s'", engine);
    } else {
        if (gvRenderData(context, graph, format, &data, &length) != 0 || !data)
            status = diag_fail(d, STATUS_SYSTEM, "Graphviz cannot draw as '%s'", format);
        if (!frames)
            gvFreeLayout(context, graph);
    }
    if (!status && data) {
        *out = arena_strndup(a, data, length);
        *size = strlen(*out);
        if (*size != length) { /* binary formats hold NUL bytes */
            *out = arena_alloc(a, (size_t)length + 1);
            memcpy(*out, data, length);
            *size = length;
        }
    }
    if (data)
        gvFreeRenderData(data);
    if (!frames)
        agclose(graph);
    return status;
}

const char *graph_quote(struct arena *a, const char *name)
{
    char *quoted = arena_alloc(a, strlen(name) * 2 + 3);
    char *p = quoted;
    *p++ = '"';
    for (; *name; name++) {
        if (*name == '"' || *name == '\\')
            *p++ = '\\';
        *p++ = *name;
    }
    *p++ = '"';
    return quoted;
}
