/* SPDX-License-Identifier: BSD-3-Clause
 * Interface of the crawler: a core's source tree and external repositories -> catalogue; graphs,
 * differences and inconsistencies of catalogues. */
#ifndef CRAWLER_CRAWLER_H
#define CRAWLER_CRAWLER_H

#include "common/catalogue.h"

struct crawler_options {
    const char *root;        /* the core's tree (UK_ROOT) */
    strings libraries;       /* folders of external libraries, in the order of L= */
    const char *application; /* folder of an application (A=); NULL: none */
    const char *name;        /* of the catalogue; NULL: the tree's folder's */
    const char *version;     /* NULL: what version.mk says */
    jm_pairs variables;      /* further variables of the build, as from the environment */
    bool trust_tree;         /* commands in $(shell,...) may be run */
};

/* Reads Config.uk, Makefile.uk and exportsyms.uk files. What is odd but bearable (undefined names,
 * clashes) is listed in out->problems; STATUS_INPUT, with file and line, where a file cannot be
 * read or understood. Everything lives in the arena. */
enum status crawl(struct diag *d, struct arena *a, const struct crawler_options *options,
                  struct catalogue *out);

/* Sub-folders of dir that hold a Config.uk or Makefile.uk, sorted; dir itself where it does. */
enum status crawl_library_folders(struct diag *d, struct arena *a, const char *dir, strings *out);

#endif
