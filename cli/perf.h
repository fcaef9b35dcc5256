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
    bool quiet; /* results are not printed: the caller's document has standard output */
    int64_t most;
    struct measuring measuring;
    struct perf_search search;
    struct knobs_file file;
    const char *dir, *work;
};

/* "90s", "20m", "2h" in seconds; not positive: no time. */
double perf_time(const char *text);
/* Fills in what measuring needs, once p->dir is known. */
enum status perf_prepare(struct perf_cli *p);
/* Searches and writes perf.json, weights.json and perf.svg into p->dir; prints the result unless
 * p->quiet. */
enum status perf_search_all(struct perf_cli *p, struct perf *out);
/* For the chain: measures the image of p->verif, or with a budget searches from there. */
enum status perf_of_chain(struct perf_cli *p, struct perf *out);

/* Prepares the search over the configurations of a core: profile, first selection, knobs, and the
 * functions that build, measure and verify a point. The returned state lives in the arena. */
enum status perf_core_prepare(struct perf_cli *p);
/* True when a core tree was named. */
bool perf_core_wanted(const struct perf_cli *p);

#endif
