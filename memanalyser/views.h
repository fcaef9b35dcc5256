/* SPDX-License-Identifier: BSD-3-Clause
 * What the memanalyser shows, each view one table. All tables belong to the image's arena. Sizes
 * are bytes. Views of several inputs are put under each other by the command line, with a column in
 * front that names the input. */
#ifndef MEMANALYSER_VIEWS_H
#define MEMANALYSER_VIEWS_H

#include "common/layout.h"
#include "memanalyser/functions.h"
#include "memanalyser/image.h"
#include "memanalyser/table.h"

struct view_options {
    bool demangle;
    bool dynamic; /* symbols: the dynamic table */
};

struct view {
    const char *name; /* as in --NAME and in JSON */
    const char *summary;
    bool pieces; /* needs image_cut */
    enum status (*make)(struct diag *d, struct image *image, const struct view_options *options,
                        struct table **out);
};
extern const struct view views[];
extern const size_t view_count;
const struct view *view_named(const char *name);

/* contents (views_contents.c) */
enum status view_headers(struct diag *, struct image *, const struct view_options *,
                         struct table **);
enum status view_segments(struct diag *, struct image *, const struct view_options *,
                          struct table **);
enum status view_sections(struct diag *, struct image *, const struct view_options *,
                          struct table **);
enum status view_symbols(struct diag *, struct image *, const struct view_options *,
                         struct table **);
enum status view_relocations(struct diag *, struct image *, const struct view_options *,
                             struct table **);
enum status view_dynamic(struct diag *, struct image *, const struct view_options *,
                         struct table **);
enum status view_notes(struct diag *, struct image *, const struct view_options *, struct table **);
enum status view_functions(struct diag *, struct image *, const struct view_options *,
                           struct table **);
/* sizes (views_sizes.c) */
enum status view_libraries(struct diag *, struct image *, const struct view_options *,
                           struct table **);
enum status view_objects(struct diag *, struct image *, const struct view_options *,
                         struct table **);
enum status view_symbol_sizes(struct diag *, struct image *, const struct view_options *,
                              struct table **);
enum status view_section_sizes(struct diag *, struct image *, const struct view_options *,
                               struct table **);
enum status view_mapping(struct diag *, struct image *, const struct view_options *,
                         struct table **);
enum status view_padding(struct diag *, struct image *, const struct view_options *,
                         struct table **);

/* The four kinds of memory a library takes. */
enum size_class { SIZE_TEXT, SIZE_RODATA, SIZE_DATA, SIZE_BSS, SIZE_CLASSES };
/* Of an allocated section. */
enum size_class size_class_of(const struct elf_section *s);

/* What one library (or object) takes; padding is counted apart from the four classes. */
struct library_sizes {
    uint64_t memory[SIZE_CLASSES];
    uint64_t padding; /* in memory */
    uint64_t file;    /* without padding */
    uint64_t symbols;
};
/* One per library of the image, and a last one for what belongs to none. */
void library_sizes_sum(const struct image *image, struct library_sizes *out);

/* The layout document; the image must be cut. */
void layout_fill(struct image *image, struct layout *out);

/* Name, section, library and source line of an address: a row of the table for each of count. */
enum status view_addresses(struct diag *d, struct image *image, const uint64_t *addresses,
                           size_t count, const struct view_options *options, struct table **out);

#endif
