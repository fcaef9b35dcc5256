/* SPDX-License-Identifier: BSD-3-Clause
 * Private to crawler/crawl*.c: one reading of a core and its external repositories. */
#ifndef CRAWLER_CRAWL_PRIVATE_H
#define CRAWLER_CRAWL_PRIVATE_H

#include "common/name_table.h"
#include "crawler/crawler.h"

struct repository {
    const char *name, *path; /* path: absolute */
    enum library_kind kind;
};

struct generated { /* what config-submenu.sh would have written */
    const char *name, *text;
};

struct crawl {
    struct diag *diag;
    struct arena *arena;
    const struct crawler_options *options;
    struct catalogue *out;
    strings problems;
    VEC(struct repository) repositories; /* the core first */
    VEC(struct generated) generated;
    const char *version, *codename;
    struct name_table libraries; /* by name, into out->libraries */
};

/* The repository a file belongs to: the one with the longest path above it; NULL: none. */
const struct repository *crawl_repository(const struct crawl *c, const char *file);
/* Reads every Makefile.uk into out->libraries and out->syscalls. */
enum status crawl_makefiles(struct crawl *c);
/* While reading, an option's library is the file that defines it; afterwards it is the library
 * whose folder is nearest above that file. */
void crawl_name_libraries(struct crawl *c);
/* Marks the calls whose handler, in the sources of the library that registers them, does nothing.
 */
void crawl_mark_constant_calls(struct crawl *c);

#endif
