/* SPDX-License-Identifier: BSD-3-Clause
 * The dependency analysis as the command line offers it: its options, and one call that runs the
 * analyzer and the tracer. Used by --dep and by the chain. */
#ifndef CLI_DEP_H
#define CLI_DEP_H

#include "analyzer/analyzer.h"
#include "cli/cli.h"
#include "tracer/tracer.h"

enum { DEP_DEFAULT_WAIT_MS = 10000 };

struct dep_options {
    struct cli *cli;
    bool only_static, only_dynamic, libraries;
    struct analyzer_options analyzer;
    struct tracer_options tracer;
    strings sources, link; /* --sources, --link */
    const char *batch;     /* --batch LIST; NULL: one program */
    const char *emit;      /* "seccomp-json", "systemd", "bpf"; NULL: none */
    const char *from;      /* "static", "dynamic", "union" */
    unsigned when;         /* WHEN_ bits that an emitted filter allows */
    bool no_plugins;       /* leave out of an emitted filter what only plug-ins call */
    const char *graph;     /* a file for the picture of the evidence; NULL: none */
    bool enforce;
    bool filter_args; /* filters allow calls only with arguments known to occur */
};

/* argp children: the analysis, and the filters made from it. Input is a struct dep_options, whose
 * .cli must be set. */
extern const struct argp dep_argp, dep_filter_argp;

/* Sets the defaults. */
void dep_options_init(struct dep_options *o, struct cli *cli);

/* Runs what the options ask for on cli->program and fills *profile. STATUS_FOUND (a library that is
 * missing) leaves a usable profile; other failures do not. */
enum status dep_run(struct dep_options *o, struct profile *profile);

#endif
