/* SPDX-License-Identifier: BSD-3-Clause
 * Drawing graphs: DOT text in, a picture out, by the Graphviz libraries (no program is run). */
#ifndef COMMON_GRAPH_H
#define COMMON_GRAPH_H

#include "common/arena.h"
#include "common/diag.h"

/* Lays the graph out with engine ("dot", "neato", "patchwork" ...) and renders it as format ("svg",
 * "dot", "png" ...). *out is in the arena, NUL-terminated. STATUS_SYSTEM when Graphviz lacks the
 * engine or format, STATUS_INPUT when the text is not DOT. */
enum status graph_render(struct diag *d, struct arena *a, const char *dot, const char *engine,
                         const char *format, char **out, size_t *size);

/* The name as a quoted DOT identifier. */
const char *graph_quote(struct arena *a, const char *name);

#endif
