/* SPDX-License-Identifier: BSD-3-Clause
 * A catalogue as a boolean formula: one literal per option, Kconfig's rules as clauses, so that a
 * model of the formula is exactly a configuration that olddefconfig leaves as it is and that no
 * select forces against a dependency. Private to the matcher. */
#ifndef MATCHER_MODEL_H
#define MATCHER_MODEL_H

#include "common/catalogue.h"
#include "common/kconfig_expr.h"
#include "matcher/sat.h"

/* The literals of one option; all sat_true or its negation where trivial. */
struct model_option {
    const struct catalogue_option *option; /* NULL: a name nobody defines */
    int literal;                           /* it is y (bool); false for other types */
    int visible;                           /* it can be set by hand */
    int depends;                           /* its dependencies hold */
    int selected;                          /* an enabled option selects it */
    int preset;     /* what it would be with no word from .config (without selects) */
    int repository; /* its repository takes part */
    const struct model_choice *choice;
    struct kexpr *depends_expr;
    const char *fixed; /* value given to a non-bool option; NULL: its default */
    bool compiling;    /* guards against definitions in a circle */
};

struct model_choice {
    const struct catalogue_choice *choice;
    int visible;
    int some;   /* a member is visible: then exactly one is chosen */
    int preset; /* the chosen member is the default one */
    VEC(struct model_option *) members;
};

/* "FROM selects TO if CONDITION" (or implies), as literals. */
struct model_edge {
    struct model_option *from, *to;
    int condition;
    bool imply;
};

struct model_repository {
    const char *name;
    int literal;
    bool core; /* always there */
};

struct model {
    struct arena *arena;
    struct diag *diag;
    struct sat *sat;
    const struct catalogue *catalogue;
    struct model_option *options; /* as in the catalogue, same indices */
    size_t option_count;
    VEC(struct model_choice) choices;
    VEC(struct model_edge) edges;
    VEC(struct model_repository) repositories;
    struct name_index *names;
};

/* Values for options that are not bool, which the formula must know beforehand. */
struct model_fixed {
    const char *option, *value;
};
typedef VEC(struct model_fixed) model_values;

/* Builds formula and clauses; m->sat must be freed with model_free, whatever the result. */
enum status model_build(struct diag *d, struct arena *a, const struct catalogue *catalogue,
                        const model_values *fixed, struct model *m);
void model_free(struct model *m);

/* NULL for a name that the catalogue does not define. */
struct model_option *model_find(const struct model *m, const char *name);
/* The literal equivalent to an expression over options. */
int model_expression(struct model *m, const struct kexpr *e);
/* The same from text; where names the place for messages. */
enum status model_text(struct model *m, const char *where, const char *text, int *literal);
/* The literal that says a repository takes part; sat_true for NULL, the core and unknown ones. */
int model_repository(const struct model *m, const char *name);

#endif
