/* SPDX-License-Identifier: BSD-3-Clause
 * Calls whose need depends on other calls, on their arguments, or shows as a hang or a crash; known
 * by construction: see each line. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
    /* Either is enough: one of the two can go, the other then cannot. */
    int either = syscall(SYS_getpgid, 0) > 0;
    int other = syscall(SYS_gettid) > 0;
    if (!either && !other)
        return 1;

    /* Stubbable: an error has it call getppid instead, which is needed then. 0 is no good: that is
     * standard input, closed here. */
    close(0);
    long file = syscall(SYS_memfd_create, "x", 0);
    if (file < 0 ? syscall(SYS_getppid) <= 0 : write((int)file, "x", 1) != 1)
        return 2;

    /* Required: without it the program waits for ever. */
    while (syscall(SYS_times, NULL) <= 0)
        usleep(1000);

    /* Fakeable: an error is a crash. */
    if (syscall(SYS_umask, 022) < 0)
        abort();

    /* Required for one of its uses only: a copy of the descriptor. */
    int flags = fcntl(1, F_GETFD), copy = fcntl(1, F_DUPFD, 50);
    fcntl(1, F_SETFD, flags);
    if (copy < 50)
        return 3;

    return dprintf(copy, "fine\n") == 5 ? 0 : 5;
}
