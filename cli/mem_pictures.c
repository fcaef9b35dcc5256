/* SPDX-License-Identifier: BSD-3-Clause
 * --memanalyser --treemap, --page-map and --html. */
#include "cli/memanalyser.h"
#include "common/file.h"
#include "common/graph.h"
#include "memanalyser/pictures.h"
#include <string.h>

static enum status write_named(struct mem_options *o, const char *dir, const char *name,
                               const char *bytes, size_t size)
{
    const char *path = cli_path(o->cli, dir, name);
    enum status status = file_write(&o->cli->diag, path, bytes, size, 0);
    if (!status)
        diag_note(&o->cli->diag, "wrote %s", path);
    return status;
}

enum status mem_pictures(struct mem_options *o, struct image *image)
{
    struct diag *d = &o->cli->diag;
    const char *dir;
    char *text, *svg;
    size_t size;
    enum status status = mem_output_dir(o, image, &dir);
    if (!status && o->treemap) {
        diag_progress(d, 0, 0, "drawing the treemap");
        status = treemap_dot(image, &text);
        if (!status)
            status = graph_render(d, image->arena, text, "patchwork", "svg", &svg, &size);
        diag_progress_end(d);
        if (!status)
            status = write_named(o, dir, "treemap.svg", svg, size);
    }
    if (!status && o->page_map) {
        status = page_map_svg(image, &text);
        if (!status)
            status = write_named(o, dir, "pagemap.svg", text, strlen(text));
    }
    if (!status && o->html) {
        status = html_page(d, image, &text, &size);
        if (!status)
            status = write_named(o, dir, "report.html", text, size);
    }
    return status;
}
