/* SPDX-License-Identifier: BSD-3-Clause
 * A program with breakpoints of its own, whose handler must see each of them, and that creates
 * threads with all signals blocked in between. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static volatile sig_atomic_t traps;

static void handler(int signal)
{
    (void)signal;
    traps++;
}

static void *work(void *unused)
{
    getppid();
    __asm__ volatile("int3");
    return unused;
}

int main(void)
{
    signal(SIGTRAP, handler);
    for (int i = 0; i < 10; i++) {
        pthread_t thread;
        __asm__ volatile("int3");
        pthread_create(&thread, NULL, work, NULL);
        pthread_join(thread, NULL);
        raise(SIGTRAP);
    }
    printf("%d traps\n", (int)traps);
    return traps == 30 ? 0 : 1;
}
