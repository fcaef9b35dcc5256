/* SPDX-License-Identifier: BSD-3-Clause
 * How a library defines a system call. CORE_SYSCALLn(type, name, type1, argument1, ...) { body }
 * gives uk_syscall_r_NAME(long ...), which returns a negative errno on failure and is what the
 * shim calls, and the C function NAME, which sets errno. CORE_RAWn gives the first alone. */
#ifndef CORE_SYSCALL_H
#define CORE_SYSCALL_H

#include <errno.h>

/* Turns a raw result into the C convention. */
static inline long core_result(long raw)
{
    if (raw < 0 && raw > -4096) {
        errno = (int)-raw;
        return -1;
    }
    return raw;
}

#define CORE_RAW0(name)                                                                            \
    long uk_syscall_r_##name(void);                                                                \
    long uk_syscall_r_##name(void)
#define CORE_RAW1(name, t1, a1)                                                                    \
    static long body_##name(t1 a1);                                                                \
    long uk_syscall_r_##name(long x1);                                                             \
    long uk_syscall_r_##name(long x1)                                                              \
    {                                                                                              \
        return body_##name((t1)x1);                                                                \
    }                                                                                              \
    static long body_##name(t1 a1)
#define CORE_RAW2(name, t1, a1, t2, a2)                                                            \
    static long body_##name(t1 a1, t2 a2);                                                         \
    long uk_syscall_r_##name(long x1, long x2);                                                    \
    long uk_syscall_r_##name(long x1, long x2)                                                     \
    {                                                                                              \
        return body_##name((t1)x1, (t2)x2);                                                        \
    }                                                                                              \
    static long body_##name(t1 a1, t2 a2)
#define CORE_RAW3(name, t1, a1, t2, a2, t3, a3)                                                    \
    static long body_##name(t1 a1, t2 a2, t3 a3);                                                  \
    long uk_syscall_r_##name(long x1, long x2, long x3);                                           \
    long uk_syscall_r_##name(long x1, long x2, long x3)                                            \
    {                                                                                              \
        return body_##name((t1)x1, (t2)x2, (t3)x3);                                                \
    }                                                                                              \
    static long body_##name(t1 a1, t2 a2, t3 a3)
#define CORE_RAW4(name, t1, a1, t2, a2, t3, a3, t4, a4)                                            \
    static long body_##name(t1 a1, t2 a2, t3 a3, t4 a4);                                           \
    long uk_syscall_r_##name(long x1, long x2, long x3, long x4);                                  \
    long uk_syscall_r_##name(long x1, long x2, long x3, long x4)                                   \
    {                                                                                              \
        return body_##name((t1)x1, (t2)x2, (t3)x3, (t4)x4);                                        \
    }                                                                                              \
    static long body_##name(t1 a1, t2 a2, t3 a3, t4 a4)
#define CORE_RAW5(name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5)                                    \
    static long body_##name(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5);                                    \
    long uk_syscall_r_##name(long x1, long x2, long x3, long x4, long x5);                         \
    long uk_syscall_r_##name(long x1, long x2, long x3, long x4, long x5)                          \
    {                                                                                              \
        return body_##name((t1)x1, (t2)x2, (t3)x3, (t4)x4, (t5)x5);                                \
    }                                                                                              \
    static long body_##name(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5)
#define CORE_RAW6(name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6)                            \
    static long body_##name(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6);                             \
    long uk_syscall_r_##name(long x1, long x2, long x3, long x4, long x5, long x6);                \
    long uk_syscall_r_##name(long x1, long x2, long x3, long x4, long x5, long x6)                 \
    {                                                                                              \
        return body_##name((t1)x1, (t2)x2, (t3)x3, (t4)x4, (t5)x5, (t6)x6);                        \
    }                                                                                              \
    static long body_##name(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6)

#define CORE_SYSCALL0(type, name)                                                                  \
    long uk_syscall_r_##name(void);                                                                \
    type name(void)                                                                                \
    {                                                                                              \
        return (type)core_result(uk_syscall_r_##name());                                           \
    }                                                                                              \
    CORE_RAW0(name)
#define CORE_SYSCALL1(type, name, t1, a1)                                                          \
    static long body_##name(t1 a1);                                                                \
    type name(t1 a1)                                                                               \
    {                                                                                              \
        return (type)core_result(body_##name(a1));                                                 \
    }                                                                                              \
    CORE_RAW1(name, t1, a1)
#define CORE_SYSCALL2(type, name, t1, a1, t2, a2)                                                  \
    static long body_##name(t1 a1, t2 a2);                                                         \
    type name(t1 a1, t2 a2)                                                                        \
    {                                                                                              \
        return (type)core_result(body_##name(a1, a2));                                             \
    }                                                                                              \
    CORE_RAW2(name, t1, a1, t2, a2)
#define CORE_SYSCALL3(type, name, t1, a1, t2, a2, t3, a3)                                          \
    static long body_##name(t1 a1, t2 a2, t3 a3);                                                  \
    type name(t1 a1, t2 a2, t3 a3)                                                                 \
    {                                                                                              \
        return (type)core_result(body_##name(a1, a2, a3));                                         \
    }                                                                                              \
    CORE_RAW3(name, t1, a1, t2, a2, t3, a3)
#define CORE_SYSCALL4(type, name, t1, a1, t2, a2, t3, a3, t4, a4)                                  \
    static long body_##name(t1 a1, t2 a2, t3 a3, t4 a4);                                           \
    type name(t1 a1, t2 a2, t3 a3, t4 a4)                                                          \
    {                                                                                              \
        return (type)core_result(body_##name(a1, a2, a3, a4));                                     \
    }                                                                                              \
    CORE_RAW4(name, t1, a1, t2, a2, t3, a3, t4, a4)
#define CORE_SYSCALL5(type, name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5)                          \
    static long body_##name(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5);                                    \
    type name(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5)                                                   \
    {                                                                                              \
        return (type)core_result(body_##name(a1, a2, a3, a4, a5));                                 \
    }                                                                                              \
    CORE_RAW5(name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5)
#define CORE_SYSCALL6(type, name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6)                  \
    static long body_##name(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6);                             \
    type name(t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6)                                            \
    {                                                                                              \
        return (type)core_result(body_##name(a1, a2, a3, a4, a5, a6));                             \
    }                                                                                              \
    CORE_RAW6(name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6)

#endif
