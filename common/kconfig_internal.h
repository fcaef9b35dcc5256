/* SPDX-License-Identifier: BSD-3-Clause
 * Private to common/kconfig_*.c: a catalogue compiled for evaluation. */
#ifndef COMMON_KCONFIG_INTERNAL_H
#define COMMON_KCONFIG_INTERNAL_H

#include "common/kconfig_eval.h"
#include "common/name_table.h"

struct kconfig_node;

struct kconfig_reverse { /* "from selects (or implies) me if condition" */
    struct kconfig_node *from;
    struct kexpr *condition;
};
typedef VEC(struct kconfig_reverse) kconfig_reverses;

struct kconfig_default {
    struct kexpr *value, *condition;
};

struct kconfig_range {
    struct kexpr *low, *high, *condition;
};

/* An option or a choice. */
struct kconfig_node {
    const struct catalogue_option *option; /* NULL: a choice */
    int type;
    bool is_choice, optional, prompt;
    bool excluded; /* its repository does not take part: as if nobody defined it */
    struct kexpr *visible_expr, *depends; /* NULL: y */
    kconfig_reverses selectors, impliers;
    VEC(struct kconfig_default) defaults;
    VEC(struct kconfig_range) ranges;
    struct kconfig_node *choice;        /* the choice it is a member of */
    VEC(struct kconfig_node *) members; /* of a choice */
    /* assigned */
    bool has_user;
    int user_tri;
    const char *user_text;
    struct kconfig_node *user_member; /* of a choice */
    /* computed */
    bool valid, written, unmet;
    int tri, visible, dependencies, selected, implied;
    const char *text;
    char clamped[24];
    struct kconfig_node *chosen; /* of a choice */
};

struct kconfig {
    struct arena *arena;
    const struct catalogue *catalogue;
    struct kconfig_node *nodes; /* the options, then the choices */
    size_t options, count;
    struct name_table names;
    struct kconfig_node *modules_node;
    int modules, depth;
    bool begun, too_deep;
};

/* Forgets computed values. */
void kconfig_invalidate(struct kconfig *k);

#endif
