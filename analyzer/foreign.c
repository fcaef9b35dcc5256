/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/foreign.h"
#include "common/syscalls.h"
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

/* i386 calls whose x86-64 counterpart has another name, from the kernel's tables. Where a suffix
 * alone differs (getuid32, stat64, ppoll_time64) none is needed. */
static const struct {
    const char *name, *here;
} counterparts[] = {
    {"mmap2", "mmap"},
    {"_llseek", "lseek"},
    {"_newselect", "select"},
    {"waitpid", "wait4"},
    {"ugetrlimit", "getrlimit"},
    {"umount", "umount2"},
    {"stime", "settimeofday"},
    {"nice", "setpriority"},
    {"signal", "rt_sigaction"},
    {"sigaction", "rt_sigaction"},
    {"sigreturn", "rt_sigreturn"},
    {"sigprocmask", "rt_sigprocmask"},
    {"sigpending", "rt_sigpending"},
    {"sigsuspend", "rt_sigsuspend"},
    {"sgetmask", "rt_sigprocmask"},
    {"ssetmask", "rt_sigprocmask"},
    {"readdir", "getdents"},
    {"olduname", "uname"},
    {"oldolduname", "uname"},
    {"oldstat", "stat"},
    {"oldfstat", "fstat"},
    {"oldlstat", "lstat"},
    {"fstatat64", "newfstatat"},
    {"fadvise64_64", "fadvise64"},
    {"pselect6_time64", "pselect6"},
    {"socketcall", "socket bind connect listen accept getsockname getpeername socketpair sendto "
                   "recvfrom shutdown setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg "
                   "sendmmsg"},
    {"ipc", "semop semget semctl semtimedop msgsnd msgrcv msgget msgctl shmat shmdt shmget shmctl"},
};

static int real_number(const char *name)
{
    int number = syscall_number(name);
    return syscall_exists(number) ? number : -1;
}

static int without_suffix(struct arena *a, const char *name)
{
    static const char *const suffixes[] = {"_time64", "64", "32"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        size_t cut = strlen(suffixes[i]);
        if (length <= cut || strcmp(name + length - cut, suffixes[i]) != 0)
            continue;
        char *base = arena_strdup(a, name);
        base[length - cut] = '\0';
        if (real_number(base) >= 0)
            return real_number(base);
    }
    return -1;
}

static unsigned from_list(struct arena *a, const char *list, int64_t out[FOREIGN_LIMIT])
{
    unsigned count = 0;
    char *words = arena_strdup(a, list), *save = NULL;
    for (char *w = strtok_r(words, " ", &save); w && count < FOREIGN_LIMIT;
         w = strtok_r(NULL, " ", &save))
        if (real_number(w) >= 0)
            out[count++] = real_number(w);
    return count;
}

unsigned foreign_i386(struct arena *a, int64_t number, int64_t out[FOREIGN_LIMIT],
                      const char **note)
{
    char *found = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86, (int)number);
    const char *name = found ? arena_strdup(a, found) : NULL;
    unsigned count = 0;
    free(found);
    if (!name) {
        *note = "no system call has this number";
        return 0;
    }
    for (size_t i = 0; i < sizeof counterparts / sizeof *counterparts; i++)
        if (strcmp(counterparts[i].name, name) == 0)
            count = from_list(a, counterparts[i].here, out);
    if (!count && real_number(name) >= 0)
        out[count++] = real_number(name);
    if (!count && without_suffix(a, name) >= 0)
        out[count++] = without_suffix(a, name);
    *note = count ? arena_printf(a, "int 0x80: the 32-bit system call %s, listed as %s%s", name,
                                 syscall_name(out[0]), count > 1 ? " and its like" : "")
                  : arena_printf(a, "int 0x80: the 32-bit system call %s has no x86-64 counterpart",
                                 name);
    return count;
}

int64_t foreign_x32(struct arena *a, int64_t number, const char **note)
{
    char *found = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X32, (int)number | 1 << 30);
    int64_t here = found ? real_number(found) : -1;
    *note = here >= 0 ? arena_printf(a, "an x32 system call, listed as %s", syscall_name(here))
                      : "no system call has this number";
    free(found);
    return here;
}
