/* SPDX-License-Identifier: BSD-3-Clause
 * Which pages several images have in common, and what placing libraries at common addresses gains.
 */
#ifndef MEMANALYSER_SHARING_H
#define MEMANALYSER_SHARING_H

#include "memanalyser/image.h"
#include "memanalyser/table.h"

typedef VEC(struct image *) image_list;

struct sharing_totals {
    uint64_t pages;  /* of all images */
    uint64_t zero;   /* all bytes zero */
    uint64_t frames; /* distinct contents but zero: what a system that shares equal pages needs */
};

/* One row per page size (4 KiB, 2 MiB) and image: pages, zero ones, those whose content another
 * image has too (anywhere; at the same address; when relocated fields are masked), and a total row
 * with the frames needed and the bytes saved. Tables belong to a; totals are those of 4 KiB pages.
 */
enum status sharing_pages(struct diag *d, struct arena *a, const image_list *images,
                          struct table **out, struct sharing_totals *totals);
/* Per library: pages it has bytes in, over all images that have it, and how many of those another
 * image has too; and how many there would be if it were aligned to pages at a common address. */
enum status sharing_libraries(struct diag *d, struct arena *a, const image_list *images,
                              struct table **out);

/* The GNU linker script (for -Wl,-T,FILE beside the build's own scripts) that places every library
 * which at least two of the images have at page-aligned addresses common to all of them; libraries
 * of all images first. Each class (text, rodata, data, bss) gets output sections of its own so that
 * strings are merged within a library only. base: first address to use, 0: after the largest image.
 */
enum status align_script(struct diag *d, struct arena *a, const image_list *images, uint64_t base,
                         char **out);

/* Relocated fields of an image as addresses, sorted: from the objects placed in it, or its dynamic
 * relocations. */
struct field_span {
    uint64_t start, end;
};
typedef VEC(struct field_span) field_spans;
void image_relocated_fields(struct image *image, field_spans *out);

#endif
