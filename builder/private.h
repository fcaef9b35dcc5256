/* SPDX-License-Identifier: BSD-3-Clause
 * Private to builder/: one build and its steps. */
#ifndef BUILDER_PRIVATE_H
#define BUILDER_PRIVATE_H

#include "builder/builder.h"
#include "common/kconfig_eval.h"

/* An external library that takes part, in the order of L=. */
struct external {
    const char *repository; /* as the catalogue names it: "lib-lwip" */
    const char *folder;     /* absolute; NULL: not looked for (no core given) */
    const char *version;    /* NULL: unknown */
    bool application;       /* it is the loader */
};

/* A source file of the program. */
struct source {
    const char *path;    /* absolute */
    const char *variant; /* tells equal base names apart; NULL: not needed */
    const char *flags;   /* from compile_commands.json; NULL: none */
};

struct job {
    struct diag *d;
    struct arena *a;
    const struct profile *profile;
    const struct catalogue *catalogue;
    const struct selection *selection;
    const struct builder_options *options;
    struct build_result *out;
    bool binary;
    const char *name;          /* of the program, as make and kraft accept it: [a-z0-9-] */
    const char *library;       /* "apphello" */
    const char *uk_root;       /* absolute or NULL */
    const char *source_dir;    /* the sources, or their patched copy; NULL: none */
    const char *unpatched_dir; /* what source_dir is a patched copy of; NULL: it is none */
    const char *app_dir;       /* absolute */
    struct kconfig *model;     /* the selection, evaluated */
    strings excluded;          /* repositories that do not take part */
    VEC(struct external) externals;
    VEC(struct source) sources;
    strings include_dirs; /* absolute */
    bool whole_root;      /* the initrd is an archive, not the bare program */
};

/* A growing text. */
typedef VEC(char) text;
/* Another module has a text_add too; the linker sees this name. */
#define text_add builder_text_add
void text_add(struct arena *a, text *t, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Writes it as a file of the app folder and notes it in out->files. */
enum status text_write(struct job *j, const text *t, const char *name);

/* Adds a name to out->files. */
void note_file(struct job *j, const char *name);

/* What is set in the selection or follows from it; NULL: no such option. */
const char *job_value(struct job *j, const char *option);
bool job_enabled(struct job *j, const char *option);

/* Each step records its failure in j->d. */
enum status step_model(struct job *j);     /* evaluates the selection: model, excluded */
enum status step_externals(struct job *j); /* finds and orders external libraries */
enum status step_patches(struct job *j);   /* a patched copy of the sources: source_dir */
enum status step_sources(struct job *j);   /* mode source: sources and include folders */
enum status step_config(struct job *j);    /* .config and Kconfig */
enum status step_app_files(struct job *j); /* Config.uk, Makefile.uk, Makefile */
enum status step_kraftfile(struct job *j);
enum status step_initrd(struct job *j);
enum status step_configure(struct job *j); /* the tree's own olddefconfig */
enum status step_make(struct job *j);
void step_run_line(struct job *j); /* out->run */

/* A text in which paths below the sources lead to their patched copy. */
const char *patched_text(struct job *j, const char *words);

/* The variables of the tree's make: A=, L=, O=, C=. NULL-terminated, with first as its words before
 * them and goal last. */
const char *const *make_arguments(struct job *j, const char *goal, int jobs);
/* Path of the configuration that the tree works on. */
const char *job_config_path(struct job *j);

const char *job_log_path(struct job *j);
struct subprocess;
/* Keeps what make said in the log. */
void job_log(struct job *j, const struct subprocess *p);

/* Reads what make and its tools said; fills out->undefined. */
enum status diagnose_make(struct job *j, const char *output, const char *errors, int exit_status);
/* Micro-libraries of the catalogue that export a symbol: "libvfscore (LIBVFSCORE)", or NULL. */
const char *exporters_of(struct job *j, const char *symbol);

/* The cpio archive (newc): entries in the order added, deterministic. */
struct cpio;
struct cpio *cpio_new(struct arena *a);
/* Modification time of the entries added from here on, seconds since 1970; 0 at first. */
void cpio_time(struct cpio *c, int64_t mtime);
/* path without leading slash; folders above it must have been added. */
void cpio_add(struct cpio *c, const char *path, unsigned mode, const void *data, size_t size);
const char *cpio_finish(struct cpio *c, size_t *size);

#endif
