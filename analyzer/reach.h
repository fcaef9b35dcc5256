/* SPDX-License-Identifier: BSD-3-Clause
 * Which system calls a program can make: the code analysis over a link map. */
#ifndef ANALYZER_REACH_H
#define ANALYZER_REACH_H

#include "analyzer/analyzer.h"
#include "analyzer/linkmap.h"

/* Fills out's syscalls, plugins, execs and unresolved. The objects of the map must be loaded
 * (elf_object_load); plug-ins found on the way are added to the map. With options->why, prints the
 * evidence of that call on standard error. Never fails on hostile code: what cannot be decided
 * stands in unresolved. */
enum status syscalls_analyze(struct diag *d, struct arena *a, struct linkmap *map,
                             const struct analyzer_options *options, struct profile_static *out);

#endif
