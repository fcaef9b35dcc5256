/* SPDX-License-Identifier: BSD-3-Clause
 * --memanalyser --cfg and --callgraph: DOT and SVG files. */
#include "cli/memanalyser.h"
#include "common/file.h"
#include "common/graph.h"
#include "memanalyser/views_flow.h"
#include <string.h>

/* Beyond this many edges a drawing helps nobody and takes minutes. */
enum { MANY_EDGES = 2500 };

static enum status write_graph(struct mem_options *o, struct image *image, const char *name,
                               const char *dot)
{
    struct cli *cli = o->cli;
    struct diag *d = &cli->diag;
    const char *dir;
    enum status status = mem_output_dir(o, image, &dir);
    if (status)
        return status;
    const char *path = cli_path(cli, dir, arena_printf(cli->arena, "%s.dot", name));
    status = file_write(d, path, dot, strlen(dot), 0);
    if (status)
        return status;
    diag_note(d, "wrote %s", path);
    size_t edges = 0, size = 0;
    for (const char *p = dot; (p = strstr(p, " -> ")); p += 4)
        edges++;
    if (edges > MANY_EDGES) {
        diag_note(d, "not drawn: %zu edges; give --callgraph=libraries, or draw a part of it",
                  edges);
        return STATUS_OK;
    }
    char *svg;
    diag_progress(d, 0, 0, "drawing %s", name);
    status = graph_render(d, cli->arena, dot, "dot", "svg", &svg, &size);
    diag_progress_end(d);
    path = cli_path(cli, dir, arena_printf(cli->arena, "%s.svg", name));
    if (!status)
        status = file_write(d, path, svg, size, 0);
    if (!status)
        diag_note(d, "wrote %s", path);
    return status;
}

/* A function's name as part of a file name. */
static const char *file_name(struct arena *a, const char *name)
{
    char *copy = arena_strndup(a, name, strnlen(name, 100));
    for (char *p = copy; *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-", *p))
            *p = '_';
    return copy;
}

static enum status write_cfg(struct mem_options *o, struct image *image)
{
    functions list;
    char *dot;
    functions_find(image, &list);
    vec_each (f, &list) {
        if (strcmp(f->name, o->cfg) != 0 && strcmp(demangle(image->arena, f->name), o->cfg) != 0)
            continue;
        enum status status = cfg_dot(&o->cli->diag, image, f, &dot);
        return status ? status
                      : write_graph(
                            o, image,
                            arena_printf(image->arena, "cfg-%s", file_name(image->arena, o->cfg)),
                            dot);
    }
    return diag_fail(&o->cli->diag, STATUS_INPUT, "%s: no function '%s' (see --functions)",
                     image->path, o->cfg);
}

enum status mem_graphs(struct mem_options *o, struct image *image)
{
    enum status status = o->cfg ? write_cfg(o, image) : STATUS_OK;
    if (status || !o->callgraph)
        return status;
    bool libraries =
        *o->callgraph ? strcmp(o->callgraph, "libraries") == 0 : image->libraries.count > 1;
    char *dot;
    status = callgraph_dot(&o->cli->diag, image, &o->view, libraries, &dot);
    return status ? status : write_graph(o, image, "callgraph", dot);
}
