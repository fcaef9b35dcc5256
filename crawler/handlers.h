/* SPDX-License-Identifier: BSD-3-Clause
 * Private to crawler/: system calls that are registered but do nothing. */
#ifndef CRAWLER_HANDLERS_H
#define CRAWLER_HANDLERS_H

#include "common/vec.h"

struct handler {
    const char *name;     /* of the system call */
    const char *constant; /* what it returns where it does nothing else ("0", "-ENOSYS"); NULL */
};
typedef VEC(struct handler) handlers;

/* Finds the handlers a C source defines with UK_SYSCALL_DEFINE and its relatives
 * (UK_SYSCALL_R_DEFINE, UK_LLSYSCALL_R_E_DEFINE, ...). A body that only discards its arguments,
 * prints or warns, and returns a constant is a constant one; everything else, conditional code
 * included, is not. */
void handlers_find(struct arena *a, const char *source, handlers *out);

#endif
