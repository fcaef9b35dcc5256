/* SPDX-License-Identifier: BSD-3-Clause
 * What the parts of the analysis of system calls share: roots.c, calls_found.c and reach.c. */
#ifndef ANALYZER_REACH_PRIVATE_H
#define ANALYZER_REACH_PRIVATE_H

#include "analyzer/foreign.h"
#include "analyzer/graph.h"
#include "analyzer/guards.h"
#include "analyzer/plugins.h"
#include "analyzer/reach.h"
#include "common/syscalls.h"

struct analysis {
    struct diag *diag;
    struct arena *arena;
    struct linkmap *map;
    const struct analyzer_options *options;
    struct profile_static *out;
    struct engine engine;
    struct root *loader, *lookups, *start, *constructors, *destructors;
    size_t hooks_done;
    plugin_candidates candidates;
    VEC(struct root *) plugin_roots; /* one per candidate */
};

/* A call that something reached makes; no phases: nothing does. */
struct found {
    unsigned phases, when;
    const struct walk *walk; /* of the evidence */
    const struct node *node;
    uint64_t at;
};

/* roots.c */

/* Roots of everything that runs without being called, over all objects of the link map. */
void reach_add_roots(struct analysis *a);
/* The fixed point, with what is looked up by name. */
void reach_fixed_point(struct analysis *a);
/* Loads the plug-ins that what was reached asks for, until there are no more; each has a root. */
enum status reach_run_plugins(struct analysis *a);
void reach_keep_by_loader(struct analysis *a, const struct walk *loader, struct root *run,
                          struct root *last);

/* calls_found.c; calls are numbered as the architecture's own table does. */

const char *reach_call_name(const struct analysis *a, int64_t number);
/* -1: the architecture has no such call. */
int reach_call_number(const struct analysis *a, const char *name);
/* The numbers of what a site asks for; how many. */
unsigned reach_site_numbers(struct analysis *a, struct context *c, const struct call_site *site,
                            int64_t numbers[FOREIGN_LIMIT]);
/* Adds what a walk's sites of known number call. */
void reach_collect(struct analysis *a, const struct walk *w, unsigned phases, unsigned when,
                   struct found found[SYSCALL_LIMIT]);
void reach_collect_vdso(struct analysis *a, const struct walk *w, unsigned phases,
                        const bool *inside, struct found found[SYSCALL_LIMIT]);
void reach_collect_unknown(struct analysis *a, const struct walk *w, unsigned phases,
                           const bool *inside, struct found found[SYSCALL_LIMIT]);
void reach_add_restart(const struct analysis *a, struct found found[SYSCALL_LIMIT]);
void reach_add_signal_return(const struct analysis *a, struct found found[SYSCALL_LIMIT]);
void reach_tell_circumstances(struct analysis *a, const struct walk *w,
                              struct found found[SYSCALL_LIMIT]);

#endif
