/* SPDX-License-Identifier: BSD-3-Clause
 * Where a program's start-up ends: what can run once main() may have waited for events. */
#ifndef ANALYZER_PHASES_H
#define ANALYZER_PHASES_H

#include "analyzer/graph.h"

/* Adds to root an edge to everything that may run after main()'s first possible wait: what is
 * called behind a call that may wait, and code whose address start-up code keeps. Returns false
 * when main() was not found or never waits: then all of it counts as running. */
bool phases_after_wait(struct engine *e, const struct walk *started, struct root *root);

#endif
