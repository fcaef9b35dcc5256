/* SPDX-License-Identifier: BSD-3-Clause
 * Pictures of an image: treemap, page map, and a page that holds both with tables, search and zoom.
 * The image must be cut. Texts are in its arena; sizes in bytes. */
#ifndef MEMANALYSER_PICTURES_H
#define MEMANALYSER_PICTURES_H

#include "memanalyser/image.h"

/* Graphviz DOT for the patchwork engine: libraries as clusters, in them sections, in them symbols
 * by memory; symbols too small to see are summed up. */
enum status treemap_dot(struct image *image, char **out);
/* One square per 4 KiB page of memory, coloured by the library with most bytes in it; pages of
 * zeros that the file does not hold are hatched. */
enum status page_map_svg(struct image *image, char **out);
/* A self-contained HTML page. */
enum status html_page(struct diag *d, struct image *image, char **out, size_t *size);

/* "#rrggbb" for the index-th library (-1: none), the same in all pictures. */
const char *library_colour(struct arena *a, int library);
/* Library's name, "[no library]" for -1. */
const char *library_label(const struct image *image, int library);

#endif
