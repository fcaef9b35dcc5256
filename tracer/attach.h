/* SPDX-License-Identifier: BSD-3-Clause
 * Watching a process that runs already. Private to tracer/. */
#ifndef TRACER_ATTACH_H
#define TRACER_ATTACH_H

#include "tracer/session.h"

/* Watches the process that the options name, for their time or until a signal to the tool; then
 * lets go of it. */
enum status attach_run(struct session *s);

#endif
