/* SPDX-License-Identifier: BSD-3-Clause
 * Views that read the code. */
#ifndef MEMANALYSER_VIEWS_FLOW_H
#define MEMANALYSER_VIEWS_FLOW_H

#include "memanalyser/flow.h"
#include "memanalyser/views.h"

enum status view_metrics(struct diag *, struct image *, const struct view_options *,
                         struct table **);
enum status view_mix(struct diag *, struct image *, const struct view_options *, struct table **);
enum status view_calls(struct diag *, struct image *, const struct view_options *, struct table **);
enum status view_syscalls(struct diag *, struct image *, const struct view_options *,
                          struct table **);

/* DOT text of a function's control flow: a node per basic block with its instructions; taken
 * branches green, fallen-through ones red, blocks that end in a jump through a table dashed. */
enum status cfg_dot(struct diag *d, struct image *image, const struct function *f, char **out);
/* DOT text of who calls whom: functions, or libraries with the number of call sites. */
enum status callgraph_dot(struct diag *d, struct image *image, const struct view_options *options,
                          bool libraries, char **out);

#endif
