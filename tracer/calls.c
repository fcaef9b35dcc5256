/* SPDX-License-Identifier: BSD-3-Clause
 * Facts about single system calls that the tracer needs. */
#include "tracer/sets.h"
#include <limits.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

/* Calls that wait for something from outside; condition on an argument, where one is needed to
 * tell a wait from a look. */
static const struct {
    int number;
    enum { ALWAYS, STANDARD_INPUT, TIMEOUT, COMPLETIONS } when;
} waits[] = {
    {SYS_accept, ALWAYS},       {SYS_accept4, ALWAYS},         {SYS_epoll_wait, ALWAYS},
    {SYS_epoll_pwait, ALWAYS},  {SYS_epoll_pwait2, ALWAYS},    {SYS_poll, TIMEOUT},
    {SYS_ppoll, ALWAYS},        {SYS_select, ALWAYS},          {SYS_pselect6, ALWAYS},
    {SYS_read, STANDARD_INPUT}, {SYS_readv, STANDARD_INPUT},   {SYS_rt_sigsuspend, ALWAYS},
    {SYS_pause, ALWAYS},        {SYS_rt_sigtimedwait, ALWAYS}, {SYS_io_uring_enter, COMPLETIONS},
};

bool call_waits(const struct call *call)
{
    if (call->abi != ABI_NATIVE)
        return false;
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        if (waits[i].number != call->number)
            continue;
        switch (waits[i].when) {
        case ALWAYS:
            return true;
        case STANDARD_INPUT:
            return (uint32_t)call->args[0] == 0;
        case TIMEOUT:     /* poll: 0 only looks */
        case COMPLETIONS: /* io_uring_enter: how many to wait for */
            return (uint32_t)call->args[2] != 0;
        }
    }
    return false;
}

bool call_may_wait(const struct tracee *process, int number)
{
    for (size_t i = 0; i < sizeof waits / sizeof waits[0] && !process->waited; i++)
        if (waits[i].number == number)
            return true;
    return false;
}

/* What can bring a process out of sight of breakpoints: code that becomes executable, a child that
 * nobody traces, another handler of SIGTRAP, a filter of its own. */
static const int gated[] = {SYS_mmap,    SYS_mprotect, SYS_pkey_mprotect, SYS_remap_file_pages,
                            SYS_shmat,   SYS_clone,    SYS_clone3,        SYS_rt_sigaction,
                            SYS_seccomp, SYS_prctl};

bool call_is_gated(const struct tracee *process, int number)
{
    for (size_t i = 0; i < sizeof gated / sizeof gated[0] && !process->filtered; i++)
        if (gated[i] == number)
            return true;
    return false;
}

bool call_opens_code(const struct call *call)
{
    return call->abi == ABI_NATIVE &&
           ((call->number == SYS_shmat && (call->args[2] & SHM_EXEC)) ||
            ((call->number == SYS_mmap || call->number == SYS_mprotect ||
              call->number == SYS_pkey_mprotect || call->number == SYS_remap_file_pages) &&
             (call->args[2] & PROT_EXEC)));
}

bool call_limits(const struct call *call)
{
    return call->abi == ABI_NATIVE &&
           ((call->number == SYS_seccomp && (uint32_t)call->args[0] <= SECCOMP_SET_MODE_FILTER) ||
            (call->number == SYS_prctl && (uint32_t)call->args[0] == PR_SET_SECCOMP));
}

bool call_is_delicate(const struct call *call)
{
    return call_opens_code(call) || call_limits(call) ||
           (call->abi == ABI_NATIVE &&
            ((call->number == SYS_clone && (call->args[0] & CLONE_UNTRACED)) ||
             call->number == SYS_clone3 ||
             (call->number == SYS_rt_sigaction && call->args[0] == SIGTRAP)));
}

bool call_is_watched(const struct tracee *process, int number)
{
    const struct unit *unit = process->space->unit;
    return call_may_wait(process, number) ||
           (unit && unit->program &&
            (selectors_watch(number) || files_watch(number) || number == SYS_io_uring_enter));
}

unsigned call_patience(const struct tracee *process, int number)
{
    if (number == SYS_io_uring_enter) /* what it is about lies in the ring, another every time */
        return UINT_MAX;
    return call_may_wait(process, number) ? 256 : 32;
}

const char *call_name(struct arena *a, enum abi abi, int64_t number)
{
    const char *native = syscall_name(number);
    if (abi == ABI_NATIVE)
        return native ? native : arena_printf(a, "syscall_%lld", (long long)number);
    if (abi == ABI_X32)
        return native ? arena_printf(a, "x32:%s", native)
                      : arena_printf(a, "x32:syscall_%lld", (long long)number);
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86, (int)number);
    const char *result = name ? arena_printf(a, "int80:%s", name)
                              : arena_printf(a, "int80:syscall_%lld", (long long)number);
    free(name);
    return result;
}
