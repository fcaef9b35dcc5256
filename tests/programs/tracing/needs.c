/* SPDX-License-Identifier: BSD-3-Clause
 * What it needs is known by construction: see each line. */
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int coin(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_nsec / 1000) & 1;
}

int main(void)
{
    if (syscall(SYS_getppid) <= 0) /* required: neither an error nor 0 will do */
        return 1;
    syscall(SYS_sync_file_range, -1, 0, 0, 0); /* any: nobody looks */
    if (syscall(SYS_umask, 022) < 0)           /* fakeable: 0 is fine */
        return 2;
    if (syscall(SYS_gettid) == 0) /* stubbable: an error is fine, 0 is not */
        return 3;
    if (syscall(SYS_sched_yield) == 0 && syscall(SYS_getpgid, 0) <= 0) /* any; required behind it */
        return 4;
    if (syscall(SYS_getpgrp) <= 0 && coin()) /* flaky without it */
        return 5;
    puts("fine");
    return 0;
}
