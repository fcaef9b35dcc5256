/* SPDX-License-Identifier: BSD-3-Clause
 * --perf: its options, and its ways of measuring a point. */
#ifndef CLI_PERF_H
#define CLI_PERF_H

#include "cli/verif.h"
#include "optimiser/knobs.h"
#include "optimiser/measure.h"

struct perf_cli {
    struct cli *cli;
    struct verif_cli verif;
    struct build_options build;
    const char *measure;    /* --measure */
    const char *knobs_file; /* --knobs */
    strings knob;           /* --knob */
    strings objectives;     /* --objective */
    bool fresh;             /* --fresh */
    bool least;             /* --min-memory */
    bool no_verify;
    int64_t most;
    struct measuring measuring;
    struct perf_search search;
    struct knobs_file file;
    const char *dir, *work;
};

/* Prepares the search over the configurations of a core: profile, first selection, knobs, and the
 * functions that build, measure and verify a point. The returned state lives in the arena. */
enum status perf_core_prepare(struct perf_cli *p);
/* True when a core tree was named. */
bool perf_core_wanted(const struct perf_cli *p);

#endif
