/* SPDX-License-Identifier: BSD-3-Clause
 * Why a system call is not in the static set: which code of the link map could make it, and what
 * would have to be reached for that. */
#ifndef ANALYZER_ABSENCE_H
#define ANALYZER_ABSENCE_H

#include "analyzer/graph.h"

/* Prints it on standard error. all: a walk from every root, plug-ins included; what it does not
 * reach is never reached. number: of the call where the program runs. */
void absence_print(struct engine *e, const struct walk *all, const char *call, int64_t number);

#endif
