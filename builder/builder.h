/* SPDX-License-Identifier: BSD-3-Clause
 * Interface of the builder: selection -> app folder -> image. */
#ifndef BUILDER_BUILDER_H
#define BUILDER_BUILDER_H

#include "common/catalogue.h"
#include "common/profile.h"
#include "common/selection.h"

struct builder_options {
    const char *source_dir; /* mode source: the program's C sources */
    const char *uk_root;    /* the core tree; NULL: write the app folder only */
    const char *uk_libs;    /* folder holding external libraries' trees (and app-elfloader) */
    bool no_make;
    int jobs; /* 0: number of processors */
    bool olddefconfig_only;
};

struct build_result {
    const char *app_dir;
    strings files;     /* written, relative to app_dir */
    const char *image; /* NULL: none was built */
    const char *debug_image;
    const char *initrd; /* NULL: none */
    const char *reason; /* why there is no image; NULL when there is one */
};

/* Writes the app folder at app_dir and, where a core is given, configures and makes. */
enum status build(struct diag *d, struct arena *a, const struct profile *profile,
                  const struct catalogue *catalogue, const struct selection *selection,
                  const struct builder_options *options, const char *app_dir,
                  struct build_result *out);

#endif
