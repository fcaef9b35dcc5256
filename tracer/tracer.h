/* SPDX-License-Identifier: BSD-3-Clause
 * Interface of the tracer: program + tests -> dynamic part of the profile. */
#ifndef TRACER_TRACER_H
#define TRACER_TRACER_H

#include "common/diag.h"
#include "common/profile.h"
#include "common/testfile.h"

enum trace_engine { ENGINE_AUTO, ENGINE_BREAKPOINT, ENGINE_SECCOMP, ENGINE_PTRACE };
/* "auto", "breakpoint", "seccomp", "ptrace", NULL: the values of --engine, in the enum's order. */
extern const char *const trace_engine_names[];

struct tracer_options {
    enum trace_engine engine;
    const char *name; /* argv[0], as the user wrote it (programs look at it); NULL: the path */
    const char *const
        *arguments; /* of the program, without argv[0]; NULL-terminated; may be NULL */
    const struct test_file *tests; /* NULL: none */
    strings command_lines; /* of a config file: argument lines, each a run; empty: one run */
    int wait_ms;           /* without tests: end the program after this time; 0: to its end */
    bool count;            /* --count: how often each call was made (slower: every call stops) */
    bool all_functions; /* --all-functions: exported functions of all libraries, not imports only */
    bool functions;     /* library functions called, into .symbols */
    bool evidence;      /* call stack at the first hit of each call */
    bool classify;      /* --classify: try the tests without each call */
    bool selectors;     /* --selectors: and without each use of multiplexed calls */
    int budget_s;       /* --budget: seconds for that; 0: the usual */
    const char *scratch; /* where working folders are made; NULL: TMPDIR or /tmp */
    int repeat;          /* runs of each command line; their union is kept; 0: 1 */
    int pid;             /* --pid: attach to this process instead of starting one; 0: not */
};

/* Runs the program at path under the tracer and fills profile->dynamic_part. Failing tests are
 * recorded, not an error. Every process started is gone when this returns, and dies with the tool.
 * STATUS_FOUND: the program was ended because it started processes without end; what was seen until
 * then is in the profile. */
enum status trace(struct diag *d, struct arena *a, const char *path,
                  const struct tracer_options *options, struct profile *profile);

#endif
