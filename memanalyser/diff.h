/* SPDX-License-Identifier: BSD-3-Clause
 * The difference between two images, piece by piece, so that the changes add up exactly to the
 * difference of the totals. */
#ifndef MEMANALYSER_DIFF_H
#define MEMANALYSER_DIFF_H

#include "memanalyser/image.h"
#include "memanalyser/table.h"

enum diff_level { DIFF_LIBRARY, DIFF_SECTION, DIFF_OBJECT, DIFF_SYMBOL };
extern const char *const diff_level_names[]; /* NULL-terminated */

struct diff_totals {
    int64_t old_file, new_file, old_memory, new_memory;
};

/* One row per library, section, object or symbol of either image: what became of it (new, gone,
 * grown, shrunk, moved, same), largest change of memory first, after a first row "[total]". Both
 * images must be cut; the table belongs to the newer one's arena. */
enum status images_diff(struct diag *d, struct image *old_image, struct image *new_image,
                        enum diff_level level, bool demangled, struct table **out,
                        struct diff_totals *totals);

#endif
