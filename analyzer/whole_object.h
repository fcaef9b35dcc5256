/* SPDX-License-Identifier: BSD-3-Clause
 * Plug-ins whose code need not be followed. */
#ifndef ANALYZER_WHOLE_OBJECT_H
#define ANALYZER_WHOLE_OBJECT_H

#include "analyzer/graph.h"

/* The context that stands for all code of a plug-in that can add nothing but what its relocated
 * words are bound to; NULL: its code has to be followed. w: what the link map reaches by itself. */
struct context *whole_object(struct engine *e, const struct walk *w, struct object *o);

#endif
