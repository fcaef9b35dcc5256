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
    strings inputs;
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
/* Opens the image and attributes its bytes. */
enum status mem_open(struct mem_session *s, const struct mem_input *input, struct image *image);

/* Sorts, cuts and prints one table in the form asked for. */
enum status mem_show(struct mem_options *o, struct image *image, struct table *t);
/* The folder for files about that image, created. */
enum status mem_output_dir(struct mem_options *o, const struct image *image, const char **dir);
/* --cfg and --callgraph (mem_graphs.c). */
enum status mem_graphs(struct mem_options *o, struct image *image);
enum status mem_disassemble(struct mem_options *o, struct image *image);
enum status mem_address_view(struct mem_options *o, struct image *image, struct table **out);

#endif
