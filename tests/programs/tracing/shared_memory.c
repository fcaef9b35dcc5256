/* SPDX-License-Identifier: BSD-3-Clause
 * Processes that share their memory, but are no threads, at work at the same time. */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 4, CALLS = 3000, STACK = 64 * 1024 };
static atomic_long sum;

static int work(void *number)
{
    static const int numbers[] = {SYS_getpgrp, SYS_getppid, SYS_getuid, SYS_getgid};
    for (int i = 0; i < CALLS; i++) {
        syscall(numbers[((long)number + i) % CHILDREN]);
        sum++;
    }
    if ((long)number == 3)
        syscall(SYS_sched_get_priority_max, 0);
    return 0;
}

int main(void)
{
    pid_t pids[CHILDREN];
    for (long i = 0; i < CHILDREN; i++) {
        char *stack = malloc(STACK);
        int flags = CLONE_VM | SIGCHLD | (i % 2 ? CLONE_FILES | CLONE_FS : 0) |
                    (i == 3 ? CLONE_SIGHAND : 0);
        pids[i] = clone(work, stack + STACK, flags, (void *)i);
        if (pids[i] < 0)
            return 1;
    }
    for (int i = 0; i < CALLS; i++)
        syscall(i % 2 ? SYS_getuid : SYS_geteuid);
    for (int i = 0; i < CHILDREN; i++)
        waitpid(pids[i], NULL, 0);
    printf("sum %ld\n", sum);
    return 0;
}
