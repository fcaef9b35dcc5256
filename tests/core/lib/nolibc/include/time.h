/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _TIME_H
#define _TIME_H

#include <sys/types.h>

#define CLOCK_REALTIME  0
#define CLOCK_MONOTONIC 1

struct timespec {
    time_t tv_sec;
    long tv_nsec;
};

time_t time(time_t *out);
int clock_gettime(clockid_t clock, struct timespec *out);
int clock_getres(clockid_t clock, struct timespec *out);
int nanosleep(const struct timespec *wanted, struct timespec *left);

#endif
