/* SPDX-License-Identifier: BSD-3-Clause
 * Interface of the builder: selection -> app folder -> image. */
#ifndef BUILDER_BUILDER_H
#define BUILDER_BUILDER_H

#include "common/catalogue.h"
#include "common/profile.h"
#include "common/selection.h"

struct builder_options {
    const char *source_dir; /* mode source: the program's C, C++ and assembly sources */
    const char *uk_root;    /* the core tree; NULL: write the app folder only */
    const char *uk_libs;    /* folder holding external libraries' trees (and app-elfloader) */
    bool no_make;
    int jobs;               /* 0: number of processors */
    bool olddefconfig_only; /* stop when the tree has accepted the configuration */
    /* Further files for the initrd (mode binary): absolute paths, folders with all they hold. */
    strings initrd_files;
    strings arguments; /* of the program, for the command line that runs the image */
    strings patches;   /* mode source: applied to a copy of the sources, in order */
    strings makefiles; /* their lines are added to Makefile.uk */
    /* Text of a C file to build along (stubs.c), and its lines for Makefile.uk; NULL: none. */
    const char *stubs, *stubs_makefile;
    const char *input_source; /* the same for a C file that sets up standard input; NULL: none */
};

struct build_result {
    const char *app_dir; /* absolute */
    strings files;       /* written, relative to app_dir, sorted */
    const char *image;   /* NULL: none was built */
    const char *debug_image;
    strings images;     /* all of them: one per platform */
    const char *initrd; /* absolute path; NULL: none */
    const char *reason; /* why there is no image; NULL when there is one */
    strings dropped;    /* "OPTION: reason": what the tree's configuration did not accept */
    strings undefined;  /* symbols that the link did not find */
    strings headers;    /* options of micro-libraries whose headers the build did not find */
    strings run;        /* command line that runs the image, word by word; empty: none */
    int64_t image_size; /* bytes */
    int64_t make_ms;
};

/* Writes the app folder at app_dir and, where a core is given, configures and makes; standard input
 * is never read. STATUS_FOUND: the tree dropped a requested option, or the link misses symbols or
 * headers (out->dropped, out->undefined and the message say which and what to do). STATUS_INPUT:
 * the program can never run this way, or a folder is not what it should be. STATUS_SYSTEM: a tool
 * of the host is missing or make failed otherwise. out is filled as far as it came. */
enum status build(struct diag *d, struct arena *a, const struct profile *profile,
                  const struct catalogue *catalogue, const struct selection *selection,
                  const struct builder_options *options, const char *app_dir,
                  struct build_result *out);

/* Clones git:URL@REV (REV: tag, branch or commit; none: HEAD) into the user's cache unless it is
 * there already, and gives its folder. STATUS_INPUT: no such revision; STATUS_SYSTEM: cannot be
 * cloned (the message says what to do by hand). */
enum status builder_fetch_core(struct diag *d, struct arena *a, const char *spec,
                               const char **folder);

/* Renders a catalogue as one Kconfig file that kconfig-conf reads; repositories whose name is in
 * excluded are left out. In the arena. */
const char *builder_kconfig(struct arena *a, const struct catalogue *catalogue,
                            const strings *excluded);

#endif
