/* SPDX-License-Identifier: BSD-3-Clause
 * Programs that use SIGTRAP themselves. When a breakpoint is met while SIGTRAP is blocked or
 * ignored, the kernel unblocks it and sets its action to the default (force_sig, kernel/signal.c),
 * because a fault cannot wait. The program would lose its handler: it is put back. */
#include "tracer/code.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

enum { KERNEL_SET = 8, TRAP_BIT = 1 << (SIGTRAP - 1) };

void trap_action_seen(struct task *task, const struct call *call)
{
    struct tracee *process = task->process;
    uint64_t handler = 0;
    if (call->abi != ABI_NATIVE || call->number != SYS_rt_sigaction || call->args[0] != SIGTRAP ||
        !call->args[1] ||
        memory_read(task->id, call->args[1], process->trap_action, sizeof process->trap_action) !=
            sizeof process->trap_action)
        return;
    memcpy(&handler, process->trap_action, sizeof handler);
    process->traps = handler != (uint64_t)(uintptr_t)SIG_DFL;
}

/* Whether the process still has what it asked for. */
static bool still_set(const struct tracee *process)
{
    char path[64], line[128];
    unsigned long long caught = 0, ignored = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)process->id);
    FILE *file = fopen(path, "re");
    if (!file)
        return true;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "SigIgn: %llx", &ignored) != 1)
            sscanf(line, "SigCgt: %llx", &caught);
    fclose(file);
    return ((caught | ignored) & TRAP_BIT) != 0;
}

void trap_action_restore(struct session *s, struct task *task)
{
    struct tracee *process = task->process;
    uint64_t mask, handler;
    if (!process->traps || still_set(process))
        return;
    uint64_t place =
        inject_room(s, task, process->space->code->gadget, sizeof process->trap_action);
    const uint64_t args[6] = {SIGTRAP, place, 0, KERNEL_SET};
    if (!place || !memory_write(task->id, place, process->trap_action, sizeof process->trap_action))
        return;
    inject_call(s, task, SYS_rt_sigaction, args);
    memcpy(&handler, process->trap_action, sizeof handler);
    /* With a handler, only being blocked can have cost it. */
    if (!task->lost && handler != (uint64_t)(uintptr_t)SIG_IGN &&
        ptrace(PTRACE_GETSIGMASK, task->id, (void *)sizeof mask, &mask) == 0) {
        mask |= TRAP_BIT;
        ptrace(PTRACE_SETSIGMASK, task->id, (void *)sizeof mask, &mask);
    }
}

bool trap_is_instruction(const struct task *task)
{
    siginfo_t info;
    return ptrace(PTRACE_GETSIGINFO, task->id, NULL, &info) == 0 &&
           (info.si_code == SI_KERNEL || info.si_code == TRAP_BRKPT);
}

bool trap_is_watch(const struct task *task)
{
    siginfo_t info;
    return ptrace(PTRACE_GETSIGINFO, task->id, NULL, &info) == 0 && info.si_code == TRAP_HWBKPT;
}
