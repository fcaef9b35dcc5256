/* SPDX-License-Identifier: BSD-3-Clause
 * Libraries that come and go while the program runs, from several threads. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

static void *work(void *unused)
{
    (void)unused;
    for (int i = 0; i < 5; i++) {
        void *library = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
        int (*threadsafe)(void) =
            library ? (int (*)(void))dlsym(library, "sqlite3_threadsafe") : NULL;
        if (!threadsafe || threadsafe() < 0)
            return "failed";
        dlclose(library);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[3];
    const char *result = "fine";
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < 3; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        if (failed)
            result = failed;
    }
    puts(result);
    return 0;
}
