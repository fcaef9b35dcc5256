/* SPDX-License-Identifier: BSD-3-Clause
 * Interface of the tracer: program + tests -> dynamic part of the profile. */
#ifndef TRACER_TRACER_H
#define TRACER_TRACER_H

#include "common/diag.h"
#include "common/profile.h"
#include "common/testfile.h"

enum trace_engine { ENGINE_AUTO, ENGINE_BREAKPOINT, ENGINE_SECCOMP, ENGINE_PTRACE };

struct tracer_options {
    enum trace_engine engine;
    const char *const
        *arguments; /* of the program, without argv[0]; NULL-terminated; may be NULL */
    const struct test_file *tests; /* NULL: none */
    strings command_lines; /* of a config file: argument lines, each a run; empty: one run */
    int wait_ms;           /* without tests: end the program after this time; 0: to its end */
    bool count, all_functions, classify;
};

/* Runs the program at path under the tracer and fills profile->dynamic_part. Failing tests are
 * recorded, not an error. Every process started is gone when this returns, and dies with the tool.
 */
enum status trace(struct diag *d, struct arena *a, const char *path,
                  const struct tracer_options *options, struct profile *profile);

#endif
