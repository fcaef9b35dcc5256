/* SPDX-License-Identifier: BSD-3-Clause
 * Private to crawler/: make's words and conditionals as Kconfig expressions. */
#ifndef CRAWLER_MAKEFILE_CONDITION_H
#define CRAWLER_MAKEFILE_CONDITION_H

#include "crawler/makefile_uk.h"

/* Three outcomes are kept apart: an expression, always (NULL), and not known. */
struct makefile_condition {
    struct kexpr *expr;
    bool unknown;
};

/* When a word such as "$(CONFIG_X)" or "y" reads "y" (UK_PROVIDED_SYSCALLS-WORD). */
struct makefile_condition makefile_word(struct makefile_reader *r, const char *word);
/* The rest of an ifeq, ifneq, ifdef or ifndef line; keyword is one of these. */
struct makefile_condition makefile_if(struct makefile_reader *r, const char *keyword,
                                      const char *rest);
/* The variable's text as it was assigned; NULL: none. */
const char *makefile_variable(const struct makefile_reader *r, const char *name);

#endif
