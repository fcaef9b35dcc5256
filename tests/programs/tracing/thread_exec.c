/* SPDX-License-Identifier: BSD-3-Clause
 * A thread other than the first executes a program while more threads run. */
#include <pthread.h>
#include <unistd.h>

static void *spin(void *unused)
{
    for (;;)
        getppid();
    return unused;
}

static void *go(void *unused)
{
    usleep(20000);
    execl("/bin/echo", "echo", "executed", (char *)NULL);
    return unused;
}

int main(void)
{
    pthread_t threads[4];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, spin, NULL);
    pthread_create(&threads[3], NULL, go, NULL);
    pthread_join(threads[3], NULL);
    return 1;
}
