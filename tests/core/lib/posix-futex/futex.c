/* SPDX-License-Identifier: BSD-3-Clause
 * Waiting lets the others run until the word has another value or somebody wakes. */
#include <core/plat.h>
#include <core/sched.h>
#include <core/syscall.h>
#include <stddef.h>
#include <time.h>

enum { WAIT = 0, WAKE = 1, WAIT_BITSET = 9, WAKE_BITSET = 10, COMMAND = 0x7f };
static unsigned long wakes;

CORE_RAW6(futex, volatile int *, word, int, operation, int, value, const struct timespec *, limit,
          int *, second, int, mask)
{
    (void)second;
    (void)mask;
    int command = operation & COMMAND;
    if (command == WAKE || command == WAKE_BITSET) {
        wakes++;
        uk_sched_wait();
        return 0;
    }
    if (command != WAIT && command != WAIT_BITSET)
        return -ENOSYS;
    uint64_t end = UINT64_MAX;
    if (limit) {
        uint64_t ns = (uint64_t)limit->tv_sec * 1000000000u + (uint64_t)limit->tv_nsec;
        end = command == WAIT ? plat_monotonic_ns() + ns : ns;
    }
    if (*word != value)
        return -EAGAIN;
    for (unsigned long before = wakes; *word == value && wakes == before;) {
        if (plat_monotonic_ns() >= end)
            return -ETIMEDOUT;
        if (!uk_sched_wait() && !limit)
            return -EDEADLK; /* nobody else could ever change it */
    }
    return 0;
}

CORE_RAW2(set_robust_list, void *, head, size_t, size)
{
    (void)head;
    return size == 24 ? 0 : -EINVAL;
}
