/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _PTHREAD_H
#define _PTHREAD_H

struct uk_thread;
typedef struct uk_thread *pthread_t;
typedef int pthread_attr_t, pthread_mutexattr_t;
typedef struct {
    int locked;
} pthread_mutex_t;
#define PTHREAD_MUTEX_INITIALIZER                                                                  \
    {                                                                                              \
        0                                                                                          \
    }

int pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*function)(void *),
                   void *argument);
int pthread_join(pthread_t t, void **result);
int pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attributes);
int pthread_mutex_lock(pthread_mutex_t *m);
int pthread_mutex_unlock(pthread_mutex_t *m);
int pthread_mutex_destroy(pthread_mutex_t *m);

#endif
