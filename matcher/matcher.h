/* SPDX-License-Identifier: BSD-3-Clause
 * Interface of the matcher: profile x catalogue -> selection. */
#ifndef MATCHER_MATCHER_H
#define MATCHER_MATCHER_H

#include "common/catalogue.h"
#include "common/layout.h"
#include "common/profile.h"
#include "common/selection.h"

enum matcher_need { NEED_STATIC, NEED_DYNAMIC, NEED_REQUIRED };
enum matcher_mode { MODE_BINARY, MODE_SOURCE };

struct matcher_options {
    enum matcher_mode mode;
    enum matcher_need need;
    unsigned when;   /* WHEN_ bits of static calls that count; 0: WHEN_NORMAL | WHEN_ABORT */
    unsigned phases; /* PHASE_ bits that count; 0: all */
    bool plugins;    /* calls only plug-ins make count too */
    strings pin, forbid, prefer;  /* options or library names */
    const struct layout *weights; /* NULL: counts */
    strings facts; /* further facts for the catalogue's rules: "rdseed=no", "platform=kvm" */
    const char *architecture, *platform; /* "x86_64", "kvm"; NULL: these */
    bool keep_going;   /* needs that pins exclude are listed as missing, not refused */
    bool alternatives; /* fill selection.alternatives, at the price of one solution each */
};

/* Chooses the cheapest configuration. STATUS_FOUND: needs that nothing provides (out->missing says
 * which; the rest is chosen all the same). STATUS_INPUT: pins and needs that contradict each other
 * (the message holds a minimal conflicting subset), or a program that cannot run at all. */
enum status match(struct diag *d, struct arena *a, const struct profile *profile,
                  const struct catalogue *catalogue, const struct matcher_options *options,
                  struct selection *out);

/* Why an option or library (by name, with or without CONFIG_) is in or out, and what would have to
 * change for it to go or to come in: some lines of text, in the arena. The same failures as match;
 * an unknown name is STATUS_INPUT. */
enum status match_explain(struct diag *d, struct arena *a, const struct profile *profile,
                          const struct catalogue *catalogue, const struct matcher_options *options,
                          const char *name, const char **text);

/* Whether a catalogue suits mode and machine at all: no rule of kind "refuse" that looks at nothing
 * else holds (a loader that does not compile with a release). */
enum status match_suits(struct diag *d, struct arena *a, const struct catalogue *catalogue,
                        const struct matcher_options *options, bool *suits);

/* C source that registers a stub for each missing call of a selection: it reports being hit and
 * returns -ENOSYS. makefile gets the lines for Makefile.uk. Both in the arena, NULL where nothing
 * is missing. */
void match_stubs(struct arena *a, const struct selection *selection, const char **source,
                 const char **makefile);

/* One step of a plan: implementing this call ... */
struct plan_step {
    const char *call;
    const char *class_; /* worst class among the profiles that know it, or NULL */
    strings programs;   /* which need it */
    strings unlocks;    /* programs that miss nothing any more once this is there */
};
typedef VEC(struct plan_step) plan;

/* The order of implementing missing calls that unlocks most programs soonest (greedily by programs
 * completed per call). Selections are those of the programs, harmless refusals left out. */
void match_plan(struct arena *a, const struct selection *selections, size_t count, plan *out);

#endif
