/* SPDX-License-Identifier: BSD-3-Clause */
#include <core/boot.h>
#include <core/syscall.h>
#include <unistd.h>

int gettid(void);

CORE_SYSCALL0(pid_t, getpid)
{
    return 1;
}

CORE_SYSCALL0(pid_t, getppid)
{
    return 0;
}

CORE_SYSCALL0(int, gettid)
{
    return 1;
}

CORE_RAW1(exit_group, int, status)
{
    ukboot_shutdown(status);
}

CORE_RAW1(exit, int, status)
{
    ukboot_shutdown(status); /* the one thread is the last */
}

_Noreturn void _exit(int status)
{
    ukboot_shutdown(status);
}

#ifdef CONFIG_LIBPOSIX_PROCESS_THREADS
/* The word at the address would be cleared when this thread ends; as the image ends with it, nobody
 * can look. */
CORE_RAW1(set_tid_address, int *, address)
{
    (void)address;
    return uk_syscall_r_gettid();
}
#endif
