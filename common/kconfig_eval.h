/* SPDX-License-Identifier: BSD-3-Clause
 * The value of every option of a catalogue under an assignment, as kconfig's --olddefconfig
 * computes it: visibility, dependencies, selects (which override dependencies), implies, first
 * matching default, choices, ranges. Semantics: Documentation/kbuild/kconfig-language.rst, checked
 * against kconfig's conf and against kconfiglib. Values are computed when asked for and kept until
 * the next assignment. */
#ifndef COMMON_KCONFIG_EVAL_H
#define COMMON_KCONFIG_EVAL_H

#include "common/catalogue.h"
#include "common/kconfig_expr.h"

struct kconfig;

/* Prepares a catalogue for evaluation; the catalogue and the arena must outlive the result. Fails
 * with STATUS_INPUT on an unreadable expression, naming option and column. Repeated names: the
 * first counts. */
enum status kconfig_new(struct diag *d, struct arena *a, const struct catalogue *c,
                        struct kconfig **out);

/* Options have the indices of catalogue.options. -1: no such option. */
int kconfig_find(const struct kconfig *k, const char *name);
size_t kconfig_count(const struct kconfig *k);
const struct catalogue_option *kconfig_option(const struct kconfig *k, int option);

/* Leaves out (or takes in again) an external repository: without it its options do not exist, as
 * when it is not given to the build. All take part at first. */
void kconfig_include(struct kconfig *k, const char *repository, bool included);

/* Forgets all assignments. */
void kconfig_clear(struct kconfig *k);
/* Assigns what a .config line would: "y", "m", "n" for bool and tristate, digits for int, hex
 * digits with or without 0x for hex, any text (unquoted) for string; copied. False, and nothing
 * assigned, where the type does not admit the text. In a choice the member set to y last is the
 * chosen one. */
bool kconfig_set(struct kconfig *k, int option, const char *value);
/* Takes one assignment back. */
void kconfig_unset(struct kconfig *k, int option);
/* The assigned text; NULL: none. */
const char *kconfig_assigned(const struct kconfig *k, int option);

/* TRI_N .. TRI_Y; TRI_N for options that are neither bool nor tristate. */
int kconfig_tri(struct kconfig *k, int option);
/* "y", "m", "n", or the text; never NULL. Valid until the next assignment. */
const char *kconfig_value(struct kconfig *k, int option);
/* How far it can be set by hand now. */
int kconfig_visibility(struct kconfig *k, int option);
/* Its dependencies now. */
int kconfig_dependencies(struct kconfig *k, int option);
/* The value that selects force on it now. */
int kconfig_selected(struct kconfig *k, int option);
/* Whether .config has a line for it. */
bool kconfig_written(struct kconfig *k, int option);
/* Whether a select forces it although its dependencies are not met. */
bool kconfig_unmet(struct kconfig *k, int option);
/* Index into catalogue.options of a choice's chosen member; -1: none. choice: index into
 * catalogue.choices. */
int kconfig_chosen(struct kconfig *k, int choice);
/* Any expression under the present values. Names are looked up; no binding needed. */
int kconfig_evaluate(struct kconfig *k, const struct kexpr *e);
/* An expression of the catalogue's text, evaluated; TRI_N where it cannot be parsed. */
int kconfig_evaluate_text(struct kconfig *k, const char *text);

/* The parsed conditions, for those who build on them (NULL: y, except that an option that is never
 * visible has the constant n). The conditions of selects, implies and defaults hold only where
 * kconfig_depends holds too. */
struct kexpr *kconfig_visible_expr(const struct kconfig *k, int option);
struct kexpr *kconfig_depends_expr(const struct kconfig *k, int option);

/* Why an option does not have the value it was assigned (or would be): one line for the user, NULL
 * when it has it. */
const char *kconfig_why_not(struct kconfig *k, struct arena *a, const char *name,
                            const char *wanted);

/* Reads assignments from the text of a .config, as kconfig does; where names it in messages. Names
 * the catalogue does not have and values that do not fit are appended to ignored ("NAME: why"). */
enum status kconfig_read_text(struct diag *d, struct kconfig *k, const char *where,
                              const char *text, strings *ignored);
/* The same from a file. */
enum status kconfig_read_file(struct diag *d, struct kconfig *k, const char *path,
                              strings *ignored);
/* The .config: the lines kconfig writes, in its order, without comments. In the arena. */
const char *kconfig_write_text(struct kconfig *k, struct arena *a);

#endif
