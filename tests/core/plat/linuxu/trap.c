/* SPDX-License-Identifier: BSD-3-Clause
 * Catching the system calls of a program that was loaded as it is: a seccomp filter lets through
 * only what the platform's own instruction makes, and turns all else into a signal, whose handler
 * gives the call to the core. */
#include "linuxu.h"
#include <core/plat.h>

enum { SIGSYS_ = 31, SA_SIGINFO_ = 4, SA_NODEFER_ = 0x40000000, SA_RESTORER_ = 0x04000000 };
enum { PR_SET_NO_NEW_PRIVS_ = 38, SECCOMP_SET_MODE_FILTER_ = 1 };
enum { RET_ALLOW = 0x7fff0000, RET_TRAP = 0x00030000 };
/* struct seccomp_data: number, architecture, instruction pointer (low word first) */
enum { DATA_IP_LOW = 8, DATA_IP_HIGH = 12 };
enum { BPF_LOAD = 0x20, BPF_EQUAL = 0x15, BPF_GREATER_EQUAL = 0x35, BPF_RETURN = 0x06 };
/* Places in the signal frame's register array (struct sigcontext). */
enum { REG_R8 = 0, REG_R9, REG_R10, REG_DI = 8, REG_SI, REG_DX = 12, REG_AX = 13 };
enum { UCONTEXT_REGISTERS = 40 }; /* bytes before them */

struct filter {
    uint16_t code;
    uint8_t yes, no;
    uint32_t value;
};

static plat_syscall_handler *handle;

static void on_call(int signal, void *info, char *context)
{
    long *r = (long *)(context + UCONTEXT_REGISTERS);
    (void)signal;
    (void)info;
    const long arguments[6] = {r[REG_DI], r[REG_SI], r[REG_DX], r[REG_R10], r[REG_R8], r[REG_R9]};
    r[REG_AX] = handle(r[REG_AX], arguments);
}

void plat_trap_syscalls(plat_syscall_handler *handler)
{
    handle = handler;
    struct {
        void (*handler)(int, void *, char *);
        unsigned long flags;
        const char *restorer;
        unsigned long mask;
    } action = {on_call, SA_SIGINFO_ | SA_NODEFER_ | SA_RESTORER_, linuxu_restorer, 0};
    /* The pointer that the filter sees is the one after the instruction. */
    uint32_t low = (uint32_t)(uintptr_t)linuxu_syscall_instruction;
    uint32_t high = (uint32_t)(uintptr_t)linuxu_restorer_end;
    struct filter filter[] = {
        {BPF_LOAD, 0, 0, DATA_IP_HIGH},      {BPF_EQUAL, 0, 4, 0},
        {BPF_LOAD, 0, 0, DATA_IP_LOW},       {BPF_GREATER_EQUAL, 0, 2, low},
        {BPF_GREATER_EQUAL, 1, 0, high + 1}, {BPF_RETURN, 0, 0, RET_ALLOW},
        {BPF_RETURN, 0, 0, RET_TRAP},
    };
    struct {
        uint16_t length;
        struct filter *filter;
    } program = {sizeof filter / sizeof filter[0], filter};
    static const char failed[] = "linuxu: cannot catch system calls\n";
    linuxu_syscall(HOST_RT_SIGACTION, SIGSYS_, (long)&action, 0, 8, 0, 0);
    linuxu_syscall(HOST_PRCTL, PR_SET_NO_NEW_PRIVS_, 1, 0, 0, 0, 0);
    if (linuxu_syscall(HOST_SECCOMP, SECCOMP_SET_MODE_FILTER_, 0, (long)&program, 0, 0, 0) < 0) {
        plat_console_write(failed, sizeof failed - 1);
        plat_exit(127);
    }
}
