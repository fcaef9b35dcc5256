/* SPDX-License-Identifier: BSD-3-Clause
 * Call stacks. Private to tracer/. */
#ifndef TRACER_STACK_H
#define TRACER_STACK_H

#include "tracer/session.h"

struct stack {
    VEC(struct profile_step) steps; /* innermost first */
};

/* The call stack of a task that is about to make a call, in the session's arena; NULL: it cannot be
 * told. */
struct stack *stack_take(struct session *s, const struct task *task, const struct call *call);
void stack_finish(struct session *s);

#endif
