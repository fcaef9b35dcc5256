/* SPDX-License-Identifier: BSD-3-Clause
 * Private to crawler/: a menu tree turned into the catalogue's options and choices, conditions of
 * enclosing entries joined, several definitions of one option merged. */
#ifndef CRAWLER_KCONFIG_FLATTEN_H
#define CRAWLER_KCONFIG_FLATTEN_H

#include "crawler/kconfig_parse.h"

struct kflatten_owner {
    const char *repository; /* NULL: the core */
    const char *library;    /* NULL: none in particular */
};

struct kflatten {
    struct arena *arena;
    strings *problems;
    struct catalogue *out;
    /* Whose file it is. */
    struct kflatten_owner (*owner)(void *context, const char *file);
    /* How a text of the tree (a default, a condition) reads in the catalogue; NULL: as it is. */
    const char *(*publish)(void *context, const char *text);
    /* How a file is named in problems. */
    const char *(*place)(void *context, const char *file);
    void *context;
};

/* Appends to out->options and out->choices in the order of .config files, and what is odd (names
 * used but not defined, contradicting definitions) to problems. */
void kflatten(struct kflatten *f, const struct kmenu *root);

#endif
