/* SPDX-License-Identifier: BSD-3-Clause
 * Threads cancelled while they wait in a call: the stack is unwound from a signal handler through the
 * call's instruction, and the destructors on the way run only where the unwinder knows that place. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static int ends[2], destroyed;

struct guard {
    ~guard() { destroyed++; }
};

static void *wait_for_ever(void *)
{
    guard here;
    char byte;
    dup2(ends[0], 0);
    while (read(0, &byte, 1) >= 0)
        continue;
    return nullptr;
}

int main()
{
    for (int i = 0; i < 500; i++)
        getppid();
    for (int i = 0; i < 5; i++) {
        pthread_t thread;
        if (pipe(ends) != 0)
            return 1;
        pthread_create(&thread, nullptr, wait_for_ever, nullptr);
        usleep(30000);
        pthread_cancel(thread);
        pthread_join(thread, nullptr);
    }
    printf("%d destroyed\n", destroyed);
    return 0;
}
