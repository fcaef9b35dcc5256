/* SPDX-License-Identifier: BSD-3-Clause
 * Thousands of threads that live for one call, joined or detached, and a first thread that is gone
 * before the others. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ROUNDS = 400, WIDTH = 6 };
static atomic_int calls;

static void *one(void *number)
{
    static const int numbers[] = {SYS_getuid,  SYS_getgid,  SYS_geteuid,
                                  SYS_getegid, SYS_getppid, SYS_gettid};
    syscall(numbers[(long)number % WIDTH]);
    calls++;
    return NULL;
}

static void *last(void *first)
{
    pthread_join(*(pthread_t *)first, NULL);
    getsid(0);
    printf("%d calls\n", calls);
    fflush(stdout);
    exit(0);
}

int main(void)
{
    static pthread_t self, other;
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (int i = 0; i < ROUNDS; i++) {
        pthread_t threads[WIDTH];
        int before = calls;
        for (long k = 0; k < WIDTH; k++)
            if (pthread_create(&threads[k], i % 4 ? NULL : &detached, one, (void *)k) != 0)
                return 1;
        for (int k = 0; k < WIDTH && i % 4; k++)
            pthread_join(threads[k], NULL);
        while (calls < before + WIDTH)
            usleep(100);
    }
    self = pthread_self();
    pthread_create(&other, NULL, last, &self);
    pthread_exit(NULL);
}
