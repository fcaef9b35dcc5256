/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CORE_SCHED_H
#define CORE_SCHED_H

#include <stdbool.h>

struct uk_thread;
struct uk_scheduler {
    const char *name;
    struct uk_thread *(*create)(void *(*function)(void *), void *argument);
    void *(*join)(struct uk_thread *t);
    void (*yield)(void);
};

void uk_sched_register(const struct uk_scheduler *scheduler);
/* NULL: no scheduler or no memory. */
struct uk_thread *uk_thread_create(void *(*function)(void *), void *argument);
void *uk_thread_join(struct uk_thread *t);
/* Lets others run; false: there is no scheduler. */
bool uk_sched_wait(void);

#endif
