/* SPDX-License-Identifier: BSD-3-Clause */
#include <core/plat.h>
#include <core/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { NS = 1000000000, LAST_CLOCK = 7, TIMER_ABSTIME = 1 };

CORE_SYSCALL2(int, clock_gettime, clockid_t, clock, struct timespec *, out)
{
    if (clock < 0 || clock > LAST_CLOCK)
        return -EINVAL;
    /* 0 and 5: the date, finely and coarsely; the others count from the start. */
    uint64_t ns = clock == 0 || clock == 5 ? plat_wall_ns() : plat_monotonic_ns();
    *out = (struct timespec){(time_t)(ns / NS), (long)(ns % NS)};
    return 0;
}

CORE_SYSCALL2(int, clock_getres, clockid_t, clock, struct timespec *, out)
{
    if (clock < 0 || clock > LAST_CLOCK)
        return -EINVAL;
    if (out)
        *out = (struct timespec){0, 1};
    return 0;
}

CORE_SYSCALL2(int, gettimeofday, struct timeval *, out, struct timezone *, zone)
{
    uint64_t ns = plat_wall_ns();
    if (out)
        *out = (struct timeval){(time_t)(ns / NS), (suseconds_t)(ns % NS / 1000)};
    if (zone)
        *zone = (struct timezone){0, 0};
    return 0;
}

CORE_SYSCALL1(time_t, time, time_t *, out)
{
    time_t now = (time_t)(plat_wall_ns() / NS);
    if (out)
        *out = now;
    return now;
}

CORE_SYSCALL2(int, nanosleep, const struct timespec *, wanted, struct timespec *, left)
{
    if (wanted->tv_sec < 0 || wanted->tv_nsec < 0 || wanted->tv_nsec >= NS)
        return -EINVAL;
    plat_sleep_ns((uint64_t)wanted->tv_sec * NS + (uint64_t)wanted->tv_nsec);
    if (left)
        *left = (struct timespec){0, 0};
    return 0;
}

CORE_RAW4(clock_nanosleep, clockid_t, clock, int, flags, const struct timespec *, wanted,
          struct timespec *, left)
{
    struct timespec now;
    if (!(flags & TIMER_ABSTIME))
        return uk_syscall_r_nanosleep((long)wanted, (long)left);
    long error = uk_syscall_r_clock_gettime(clock, (long)&now);
    if (error)
        return error;
    int64_t ns = (wanted->tv_sec - now.tv_sec) * NS + wanted->tv_nsec - now.tv_nsec;
    if (ns > 0)
        plat_sleep_ns((uint64_t)ns);
    return 0;
}

unsigned sleep(unsigned seconds)
{
    struct timespec t = {seconds, 0};
    nanosleep(&t, NULL);
    return 0;
}

int usleep(useconds_t us)
{
    struct timespec t = {us / 1000000, us % 1000000 * 1000L};
    return nanosleep(&t, NULL);
}
