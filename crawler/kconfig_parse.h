/* SPDX-License-Identifier: BSD-3-Clause
 * Private to crawler/: Kconfig files read into a menu tree. The language is the one of
 * Documentation/kbuild/kconfig-language.rst in the Linux kernel, with kconfiglib's osource,
 * rsource, orsource, def_int, def_hex and def_string, as micro-library trees use them. Conditions
 * are kept where they were written; crawler/kconfig_flatten.h joins them. */
#ifndef CRAWLER_KCONFIG_PARSE_H
#define CRAWLER_KCONFIG_PARSE_H

#include "common/catalogue.h"
#include "common/kconfig_expr.h"
#include "crawler/kconfig_macro.h"

enum kmenu_kind { KMENU_ROOT, KMENU_MENU, KMENU_IF, KMENU_CHOICE, KMENU_CONFIG, KMENU_COMMENT };

struct kmenu_clause { /* default, select, imply */
    struct kexpr *value;
    struct kexpr *condition; /* NULL: always */
};
typedef VEC(struct kmenu_clause) kmenu_clauses;

struct kmenu_range {
    struct kexpr *low, *high, *condition;
};

/* One entry of the menu tree: a definition of an option, a choice, a menu, an if block. */
struct kmenu {
    enum kmenu_kind kind;
    const char *name; /* option's, or a named choice's; NULL: none */
    const char *file;
    size_t line;
    int type; /* enum option_type, -1: none given here */
    bool menuconfig, optional;
    struct kexpr *depends;       /* its own "depends on", or the if's condition */
    struct kexpr *visible_if;    /* of a menu */
    VEC(struct kexpr *) prompts; /* conditions, NULL: always */
    kmenu_clauses defaults, selects, implies;
    VEC(struct kmenu_range) ranges;
    VEC(struct kmenu *) children;
};

struct kparse_block {
    struct kmenu *menu;         /* what new entries belong to */
    struct kparse_input *input; /* the file that opened it and has to close it */
};

struct kparse {
    struct diag *diag;
    struct arena *arena;
    struct kmacros macros;
    struct kmenu *root;
    strings *problems;
    /* The path a name in a source statement stands for, in the arena; and what a generated file
     * holds (NULL: it is no generated one). */
    const char *(*path)(void *context, const char *name);
    const char *(*generated)(void *context, const char *name);
    const char *(*place)(void *context, const char *file); /* how problems name a file */
    void *context;
    /* the parser's own */
    struct kparse_input *input;
    size_t files, bytes;
    struct kmenu *entry; /* what attributes belong to now; NULL: nothing takes any */
    VEC(struct kparse_block) blocks;
};

/* Reads a file and everything it sources, adding to root. STATUS_INPUT with file:line and what was
 * expected. */
enum status kparse_file(struct kparse *k, const char *path);

#endif
