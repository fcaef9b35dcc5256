/* SPDX-License-Identifier: BSD-3-Clause
 * Calls made at the ends of chains of functions: by frames without a frame pointer, through a
 * library's code that calls back, below a signal handler, from a large frame. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile int sink;

__attribute__((noinline)) static void on_signal(int number)
{
    sink = getppid();
}

__attribute__((noinline)) static int by_value(const void *a, const void *b)
{
    sink = getpgrp();
    return *(const int *)a - *(const int *)b;
}

__attribute__((noinline)) static void large_frame(void)
{
    volatile char room[20000];
    memset((char *)room, 1, sizeof room);
    sink = syscall(SYS_getsid, room[7] - 1);
    sink += room[9];
}

__attribute__((noinline)) static void recursive(int depth)
{
    if (depth)
        recursive(depth - 1);
    else
        large_frame();
    sink++;
}

int main(void)
{
    int values[] = {3, 1, 2};
    for (int i = 0; i < 100; i++)
        sink = getuid();
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    qsort(values, 3, sizeof values[0], by_value);
    recursive(6);
    sync();
    return 0;
}
