/* SPDX-License-Identifier: BSD-3-Clause
 * Private to the files of the --memanalyser tool. */
#ifndef CLI_MEMANALYSER_H
#define CLI_MEMANALYSER_H

#include "cli/cli.h"
#include "memanalyser/views.h"

enum output_form { FORM_TABLE, FORM_CSV, FORM_JSON };

struct mem_options {
    struct cli *cli;
    enum output_form form;
    struct view_options view;
    const char *sort;
    size_t top;
    VEC(const struct view *) views;
    VEC(uint64_t) addresses;
    bool addresses_from_input; /* --address - */
    const char *twin;          /* --debug-file */
    strings objects;           /* --objects */
    const char *link_map;      /* --map */
    bool disassemble;
    const char *range;     /* a function, START-END, or NULL: all */
    const char *cfg;       /* a function's name; NULL: no graph */
    const char *callgraph; /* "libraries", "functions", "": what is known; NULL: no graph */
    const char *diff;      /* the older image; NULL: no comparison */
    int diff_level;        /* enum diff_level */
    int64_t budget;        /* --diff fails when memory grew by more; -1: never */
    bool sharing, align, supplement, html, treemap, page_map, write_layout;
    uint64_t align_base;
    strings inputs;
    json_t *collected; /* --json: everything shown, printed at the end */
};

/* One ELF image or object to look at. */
struct mem_input {
    const char *path;           /* shown; "libx.a(y.o)" for a member */
    const unsigned char *bytes; /* a member's; NULL: the file at path */
    uint64_t size;
    const char *twin;   /* NULL: PATH.dbg where there is one */
    const char *folder; /* build folder beside it; NULL: none */
};

struct mem_session {
    struct mem_options *options;
    VEC(struct mem_input) inputs;
    VEC(struct mapped) mappings;
};

/* Turns the paths given (files, archives, build folders) into inputs (mem_inputs.c). */
enum status mem_inputs(struct mem_session *s);
void mem_inputs_close(struct mem_session *s);
/* Adds the inputs that one path stands for. */
enum status mem_add_path(struct mem_session *s, const char *path);
/* Opens the image and attributes its bytes. */
enum status mem_open(struct mem_session *s, const struct mem_input *input, struct image *image);

/* Sorts, cuts and prints one table in the form asked for. */
enum status mem_show(struct mem_options *o, const struct image *image, struct table *t);
/* The folder for files about that image, created. */
enum status mem_output_dir(struct mem_options *o, const struct image *image, const char **dir);
/* --cfg and --callgraph (mem_graphs.c). */
enum status mem_graphs(struct mem_options *o, struct image *image);
/* Tools over several images (mem_compare.c): each opens what it needs from the session's inputs. */
enum status mem_diff(struct mem_options *o, struct mem_session *s);
enum status mem_sharing(struct mem_options *o, struct mem_session *s);
enum status mem_align(struct mem_options *o, struct mem_session *s);
enum status mem_supplement(struct mem_options *o, struct mem_session *s);
/* The pictures and the page (mem_pictures.c). */
enum status mem_pictures(struct mem_options *o, struct image *image);
/* A file of the published tool's bin_analysis form (mem_batch.c). */
bool mem_is_batch(struct mem_options *o, const char *path);
enum status mem_batch(struct mem_options *o, const char *path);
enum status mem_disassemble(struct mem_options *o, struct image *image);
enum status mem_address_view(struct mem_options *o, struct image *image, struct table **out);

#endif
