/* SPDX-License-Identifier: BSD-3-Clause
 * Private to crawler/: Kconfig's macro language (kconfig-macro-language.rst of the Linux kernel):
 * variables, user-defined functions and the built-in ones. */
#ifndef CRAWLER_KCONFIG_MACRO_H
#define CRAWLER_KCONFIG_MACRO_H

#include "common/arena.h"
#include "common/diag.h"
#include "common/jsonmap.h"

struct kmacro_variable {
    const char *name, *value;
    bool recursive; /* defined with "=": expanded when used */
    bool expanding;
};

struct kmacros {
    struct diag *diag;
    struct arena *arena;
    VEC(struct kmacro_variable) variables;
    strings *problems;
    bool trust_tree; /* commands may be run */
    /* Evaluates a command of the tree itself ("config-submenu.sh ..."); NULL or a false return:
     * not known. */
    bool (*command)(void *context, const char *command, const char **output);
    /* The text with stand-ins for folders replaced, for a command that is really run. */
    const char *(*real)(void *context, const char *text);
    const char *(*place)(void *context, const char *file); /* how problems name a file */
    void *context;
    const char *file; /* of the line being expanded, for messages and $(filename) */
    size_t line;
    int depth;
    size_t steps;            /* of one expansion */
    const char *unevaluated; /* the last command that was not, in the line being expanded */
};

/* Sets a simple variable, as the environment would. */
void kmacro_define(struct kmacros *m, const char *name, const char *value);
/* Handles "NAME = VALUE", ":=", "+=" ; op is the operator's first character. */
enum status kmacro_assign(struct kmacros *m, const char *name, char op, const char *value);
/* Expands every $(...) of text; the result is in the arena. Fails with file:line on unbalanced
 * parentheses, endless recursion and $(error-if,y,...). */
enum status kmacro_expand(struct kmacros *m, const char *text, const char **out);

#endif
