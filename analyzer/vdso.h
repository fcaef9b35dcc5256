/* SPDX-License-Identifier: BSD-3-Clause
 * Private to the analyzer: code that the kernel maps into every process and that programs find by
 * name. It answers without entering the kernel where it can, and enters it where it cannot. */
#ifndef ANALYZER_VDSO_H
#define ANALYZER_VDSO_H

#include "analyzer/graph.h"

/* The function of the vDSO that makes system call i of those it may make; NULL past the last. */
const char *vdso_call(unsigned i);
/* Whether an object names any of them. */
bool vdso_names(const struct object *o);
/* Finds out which objects name any of them: vdso_user() looks at no others. */
void vdso_look(struct engine *e);
/* What of a walk refers to the name under which a program looks that function up; NULL: nothing.
 * The C library (objects marked in inside, or NULL) makes the calls itself as well. */
const struct node *vdso_user(const struct walk *w, const char *call, const bool *inside);

#endif
