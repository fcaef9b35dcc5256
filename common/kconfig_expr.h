/* SPDX-License-Identifier: BSD-3-Clause
 * Kconfig expressions: parsed, joined, evaluated with tri-state logic, printed in canonical text.
 * Grammar and semantics follow Documentation/kbuild/kconfig-language.rst of the Linux kernel:
 *     expr := symbol | symbol (= != < <= > >=) symbol | (expr) | !expr | expr && expr | expr ||
 * expr with n < m < y as values, && the minimum, || the maximum and ! the complement. A name nobody
 * defines has the value n and, in comparisons, its own name as text. */
#ifndef COMMON_KCONFIG_EXPR_H
#define COMMON_KCONFIG_EXPR_H

#include "common/arena.h"
#include "common/diag.h"
#include "common/vec.h"

enum { TRI_N, TRI_M, TRI_Y };

enum kexpr_kind {
    KEXPR_SYMBOL, /* name */
    KEXPR_CONST,  /* name: y, m, n, a number or the text of a quoted string */
    KEXPR_NOT,    /* left */
    KEXPR_AND,    /* left, right; chains lean to the right: a && (b && c) */
    KEXPR_OR,
    KEXPR_EQ, /* comparisons: left and right are SYMBOL or CONST */
    KEXPR_NE,
    KEXPR_LT,
    KEXPR_LE,
    KEXPR_GT,
    KEXPR_GE,
};

struct kexpr {
    enum kexpr_kind kind;
    const char *name;
    int symbol; /* free for the user of the tree: index of the symbol, -1 until bound */
    struct kexpr *left, *right;
};

/* What an expression sees of a symbol: its tri-state value, its text ("y", "4", "abc") and its
 * type (enum option_type of common/catalogue.h, -1 for a name without definition). */
struct kexpr_value {
    int tri;
    const char *text;
    int type;
};

struct kexpr_env {
    void *context;
    struct kexpr_value (*lookup)(void *context, const struct kexpr *symbol);
};

/* Parses a whole text. A failure is STATUS_INPUT with the column and what was expected, starting
 * with where. NULL or blank text gives NULL (no condition). The tree lives in the arena. */
enum status kexpr_parse(struct diag *d, struct arena *a, const char *where, const char *text,
                        struct kexpr **out);
/* Parses as much as is an expression; *rest points behind it (at "if", at a comment, at the end).
 */
enum status kexpr_parse_prefix(struct diag *d, struct arena *a, const char *where, const char *text,
                               struct kexpr **out, const char **rest);

/* Joins, dropping what changes nothing (y &&, n ||, repeated operands). NULL means y in the first,
 * and stays NULL; in kexpr_or NULL means y too, so that "no condition" absorbs. Operands are
 * shared, not copied. */
struct kexpr *kexpr_and(struct arena *a, struct kexpr *x, struct kexpr *y);
struct kexpr *kexpr_or(struct arena *a, struct kexpr *x, struct kexpr *y);
struct kexpr *kexpr_not(struct arena *a, struct kexpr *x);
struct kexpr *kexpr_symbol(struct arena *a, const char *name);
struct kexpr *kexpr_const(struct arena *a, const char *text);
struct kexpr *kexpr_compare(struct arena *a, enum kexpr_kind kind, struct kexpr *x,
                            struct kexpr *y);
/* The tree with every bare m replaced by m && MODULES, as the language asks of conditions. */
struct kexpr *kexpr_rewrite_m(struct arena *a, struct kexpr *e);

bool kexpr_equal(const struct kexpr *x, const struct kexpr *y);
bool kexpr_is_const(const struct kexpr *e, const char *text);
/* Whether e can only hold while the named symbol is not n: e is it, or a conjunction with it. */
bool kexpr_depends_on(const struct kexpr *e, const char *name);

/* TRI_N .. TRI_Y; NULL is TRI_Y. */
int kexpr_evaluate(const struct kexpr *e, const struct kexpr_env *env);
/* strcmp-like order of two values in a comparison: numbers where both are, else texts. */
int kexpr_order(struct kexpr_value x, struct kexpr_value y);

/* Appends each symbol name once, in order of appearance. */
void kexpr_names(struct arena *a, const struct kexpr *e, strings *names);
/* Canonical text; NULL for NULL. */
const char *kexpr_print(struct arena *a, const struct kexpr *e);
/* "text" with quotes and backslashes escaped, as .config and Kconfig files write strings. */
const char *kconfig_quote(struct arena *a, const char *text);
/* y, m, n and plain numbers need no quotes to be constants. */
bool kconfig_is_constant(const char *word);

#endif
