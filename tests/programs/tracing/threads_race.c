/* SPDX-License-Identifier: BSD-3-Clause
 * Many threads meet the same system-call instructions for the first time at the same moment. */
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_barrier_t start;

static void *work(void *unused)
{
    (void)unused;
    for (int i = 0; i < 200; i++) {
        struct stat st;
        if (i % 20 == 0)
            pthread_barrier_wait(&start);
        if (getppid() < 0 || stat("/", &st) != 0 || lseek(0, 0, SEEK_CUR) == -2)
            return "failed";
        if (i == 100 && umask(022) == (mode_t)-1)
            return "failed";
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[16];
    const char *result = "fine";
    pthread_barrier_init(&start, NULL, 16);
    for (int i = 0; i < 16; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < 16; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        if (failed)
            result = failed;
    }
    puts(result);
    return 0;
}
