/* SPDX-License-Identifier: BSD-3-Clause
 * The seccomp filters. For the seccomp engine every call stops. For the breakpoint engine only what
 * its breakpoints cannot see does: code that becomes executable, calls of another architecture's
 * table, and the few that would take a process out of the tracer's sight. A call that a filter
 * allows by number alone costs nothing (the kernel keeps a bitmap of those). */
#include "tracer/classify.h"
#include "tracer/raw.h"
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_ARG(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]))
#define TRACE       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE)
#define ALLOW       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
/* Skips the next n instructions unless the number is nr. */
#define UNLESS(nr, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, (n))
#define IF_BITS(bits) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), 0, 1)
/* Stops at nr where argument n has any of the bits, allows it otherwise. */
#define WATCH_BITS(nr, n, bits) UNLESS(nr, 4), LOAD_ARG(n), IF_BITS(bits), TRACE, ALLOW
#define WATCH_VALUE(nr, n, value)                                                                  \
    UNLESS(nr, 4), LOAD_ARG(n), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, 1), TRACE, ALLOW
#define WATCH(nr) UNLESS(nr, 1), TRACE
/* The vsyscall page cannot hold breakpoints: its three calls are told apart by their address. */
#define WATCH_VSYSCALL(nr)                                                                         \
    UNLESS(nr, 4),                                                                                 \
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,                                                         \
                 offsetof(struct seccomp_data, instruction_pointer) + 4),                          \
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffffffff, 0, 1), TRACE, ALLOW

static const struct sock_filter all[] = {TRACE};

static const struct sock_filter net[] = {
    LOAD(arch),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
    TRACE,
    LOAD(nr),
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, SYSCALL_LIMIT, 0, 1),
    TRACE, /* x32 numbers and nonsense */
    WATCH_BITS(SYS_mmap, 2, PROT_EXEC),
    WATCH_BITS(SYS_mprotect, 2, PROT_EXEC),
    WATCH_BITS(SYS_pkey_mprotect, 2, PROT_EXEC),
    WATCH_BITS(SYS_remap_file_pages, 2, PROT_EXEC),
    WATCH_BITS(SYS_shmat, 2, SHM_EXEC),
    WATCH_BITS(SYS_clone, 0, CLONE_UNTRACED),
    WATCH(SYS_clone3),
    WATCH_VALUE(SYS_rt_sigaction, 0, SIGTRAP),
    WATCH(SYS_ptrace),
    WATCH(SYS_seccomp),
    WATCH_VALUE(SYS_prctl, 0, PR_SET_SECCOMP),
    WATCH_VSYSCALL(SYS_gettimeofday),
    WATCH_VSYSCALL(SYS_time),
    WATCH_VSYSCALL(SYS_getcpu),
    ALLOW,
};

static struct sock_fprog *copy_filter(struct arena *a, const struct sock_filter *from, size_t count)
{
    struct sock_fprog *program = ARENA_NEW(a, struct sock_fprog);
    program->filter = arena_array(a, count, sizeof *from);
    program->len = (unsigned short)count;
    memcpy(program->filter, from, count * sizeof *from);
    return program;
}

struct sock_fprog *filter_for(struct arena *a, enum trace_engine engine,
                              const struct injection *injection)
{
    if (engine == ENGINE_BREAKPOINT)
        return copy_filter(a, net, sizeof net / sizeof net[0]);
    if (!injection)
        return copy_filter(a, all, sizeof all / sizeof all[0]);
    bool stop[SYSCALL_LIMIT] = {false};
    for (unsigned i = 0; i < SYSCALL_LIMIT; i++)
        stop[i] = injection->how[i] != 0;
    for (size_t i = 0; i < injection->feature_count; i++)
        stop[injection->features[i].number] |= injection->how[SYSCALL_LIMIT + i] != 0;
    /* Where the known calls are told, others stop too. */
    struct sock_filter filter[2 * SYSCALL_LIMIT + 8] = {
        LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0), ALLOW, LOAD(nr)};
    size_t count = 4;
    for (unsigned i = 0; i < SYSCALL_LIMIT; i++) {
        if (!stop[i] && !(injection->known && injection->known[i]))
            continue;
        filter[count++] = (struct sock_filter)UNLESS(i, 1);
        filter[count++] = stop[i] ? (struct sock_filter)TRACE : (struct sock_filter)ALLOW;
    }
    filter[count++] = injection->known ? (struct sock_filter)TRACE : (struct sock_filter)ALLOW;
    return copy_filter(a, filter, count);
}

int filter_install(const struct sock_fprog *program)
{
    const intptr_t filter = (intptr_t)program;
    long result = raw_call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter, 0, 0);
    if (result != -EACCES || raw_call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return (int)-result;
    return (int)-raw_call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter, 0, 0);
}
