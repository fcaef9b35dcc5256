/* SPDX-License-Identifier: BSD-3-Clause
 * Shell commands of a test. Private to tracer/. */
#ifndef TRACER_SHELL_H
#define TRACER_SHELL_H

#include "common/drive.h"
#include "tracer/script.h"

/* Like subprocess_run; standard error is merged into the output. PORT, DIR and PROGRAM are in the
 * command's environment. What it leaves running in the background stays until the run ends. */
enum status shell_run(struct script *script, struct diag *d, struct subprocess *p);
/* What the engine has processes install; NULL: nothing. */
const struct sock_fprog *script_filter(struct script *script);
/* The tool's own environment with "NAME=value" additions that replace what it holds. */
const char *const *environment_with(struct arena *a, const strings *additions);

#endif
