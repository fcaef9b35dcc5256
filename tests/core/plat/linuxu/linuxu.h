/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LINUXU_H
#define LINUXU_H

long linuxu_syscall(long number, long a, long b, long c, long d, long e, long f);
extern const char linuxu_syscall_instruction[], linuxu_restorer[], linuxu_restorer_end[];

/* Numbers of the host's calls. */
enum {
    HOST_READ = 0,
    HOST_WRITE = 1,
    HOST_OPEN = 2,
    HOST_CLOSE = 3,
    HOST_LSEEK = 8,
    HOST_POLL = 7,
    HOST_MMAP = 9,
    HOST_RT_SIGACTION = 13,
    HOST_PAUSE = 34,
    HOST_NANOSLEEP = 35,
    HOST_ARCH_PRCTL = 158,
    HOST_PRCTL = 157,
    HOST_CLOCK_GETTIME = 228,
    HOST_EXIT_GROUP = 231,
    HOST_SECCOMP = 317,
    HOST_GETRANDOM = 318,
};

#endif
