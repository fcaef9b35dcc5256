/* SPDX-License-Identifier: BSD-3-Clause
 * --graph of --dep: the evidence of system calls as a picture. */
#ifndef CLI_DEP_GRAPH_H
#define CLI_DEP_GRAPH_H

#include "common/diag.h"
#include "common/profile.h"

/* The format that a file name asks for ("svg", "png", "dot"); NULL: none of these. */
const char *dep_graph_format(const char *file);
/* Draws the paths from the roots to each system call of the static set, or to only one (NULL: all),
 * and writes the picture to file. */
enum status dep_graph_write(struct diag *d, struct arena *a, const struct profile *profile,
                            const char *only, const char *file);

#endif
