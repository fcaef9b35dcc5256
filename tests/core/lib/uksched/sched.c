/* SPDX-License-Identifier: BSD-3-Clause */
#include <core/sched.h>
#include <core/syscall.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>

static const struct uk_scheduler *scheduler;

void uk_sched_register(const struct uk_scheduler *chosen)
{
    scheduler = chosen;
}

struct uk_thread *uk_thread_create(void *(*function)(void *), void *argument)
{
    return scheduler ? scheduler->create(function, argument) : NULL;
}

void *uk_thread_join(struct uk_thread *t)
{
    return scheduler->join(t);
}

bool uk_sched_wait(void)
{
    if (scheduler)
        scheduler->yield();
    return scheduler != NULL;
}

CORE_SYSCALL0(int, sched_yield)
{
    uk_sched_wait();
    return 0;
}

CORE_RAW3(sched_getaffinity, int, pid, size_t, size, void *, mask)
{
    (void)pid;
    if (size < 8)
        return -EINVAL;
    memset(mask, 0, size);
    *(char *)mask = 1;
    return 8;
}
