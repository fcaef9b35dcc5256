/* SPDX-License-Identifier: BSD-3-Clause */
#include <core/sched.h>
#include <errno.h>
#include <pthread.h>

int pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*function)(void *),
                   void *argument)
{
    (void)attributes;
    *out = uk_thread_create(function, argument);
    return *out ? 0 : EAGAIN;
}

int pthread_join(pthread_t t, void **result)
{
    void *value = uk_thread_join(t);
    if (result)
        *result = value;
    return 0;
}

int pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attributes)
{
    (void)attributes;
    m->locked = 0;
    return 0;
}

int pthread_mutex_lock(pthread_mutex_t *m)
{
    while (m->locked)
        uk_sched_wait();
    m->locked = 1;
    return 0;
}

int pthread_mutex_unlock(pthread_mutex_t *m)
{
    m->locked = 0;
    return 0;
}

int pthread_mutex_destroy(pthread_mutex_t *m)
{
    return m->locked ? EBUSY : 0;
}
