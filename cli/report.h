/* SPDX-License-Identifier: BSD-3-Clause
 * report.html: everything the chain found out, in one self-contained page. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "builder/builder.h"
#include "common/catalogue.h"
#include "common/profile.h"
#include "common/selection.h"
#include "optimiser/optimiser.h"
#include "verifier/verifier.h"

struct report {
    const struct profile *profile;
    const struct catalogue *catalogue; /* NULL: no graph of micro-libraries */
    const struct selection *selection; /* NULL: nothing was matched */
    const struct build_result *built;  /* NULL: nothing was built */
    const struct verif *verif;         /* NULL: nothing was compared */
    const struct perf *perf;           /* NULL: nothing was measured */
    strings notes;                     /* what could not run, and why */
};

/* Writes the page to path. Graphs are drawn by Graphviz and inlined as SVG. */
enum status report_write(struct diag *d, struct arena *a, const char *path, const struct report *r);

#endif
