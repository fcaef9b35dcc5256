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
    const char *architecture, *platform; /* "x86_64", "kvm" */
};

/* Chooses the cheapest configuration. STATUS_FOUND: needs that nothing provides (out->missing says
 * which; the rest is chosen all the same). STATUS_INPUT: pins and needs that contradict each other
 * (the message holds a minimal conflicting subset). */
enum status match(struct diag *d, struct arena *a, const struct profile *profile,
                  const struct catalogue *catalogue, const struct matcher_options *options,
                  struct selection *out);

#endif
