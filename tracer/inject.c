/* SPDX-License-Identifier: BSD-3-Clause
 * Calls made by a traced process on the tracer's behalf: memory for copies of instructions, and
 * filters for code that no breakpoint can cover. The task must be stopped at a breakpoint or at the
 * end of a call. */
#include "tracer/code.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROOM = 16 * 1024, PAGE = 4096, FILTERS = 64 };

static const uint64_t near_limit = 0x78000000; /* well within a 32-bit displacement */

/* Runs the task to the end of the call its registers are set up for. */
static bool run_call(struct task *task)
{
    for (;;) {
        struct __ptrace_syscall_info info = {0};
        int status;
        if (ptrace(PTRACE_SYSCALL, task->id, NULL, NULL) != 0)
            return false;
        while (waitpid(task->id, &status, __WALL) < 0)
            if (errno != EINTR)
                return false;
        if (!WIFSTOPPED(status)) {
            task->lost = true;
            task->lost_status = status;
            return false;
        }
        int signal = WSTOPSIG(status);
        if (signal == (SIGTRAP | 0x80) &&
            ptrace(PTRACE_GET_SYSCALL_INFO, task->id, (void *)sizeof info, &info) > 0 &&
            info.op == PTRACE_SYSCALL_INFO_EXIT)
            return true;
        /* All signals that can be blocked are: this is SIGSTOP, to come again later. */
        if (!(status >> 16) && signal != (SIGTRAP | 0x80))
            syscall(SYS_tgkill, task->process->id, task->id, signal);
    }
}

int64_t inject_call(struct session *s, struct task *task, int64_t number, const uint64_t args[6])
{
    struct user_regs_struct saved, regs;
    uint64_t mask, all = ~0ull;
    const struct code *code = task->process->space->code;
    if (!code || !code->gadget || ptrace(PTRACE_GETREGS, task->id, NULL, &saved) != 0 ||
        ptrace(PTRACE_GETSIGMASK, task->id, (void *)sizeof mask, &mask) != 0)
        return -ESRCH;
    regs = saved;
    regs.rip = code->gadget;
    regs.rax = (unsigned long long)number;
    regs.orig_rax = ~0ull;
    regs.rdi = args[0];
    regs.rsi = args[1];
    regs.rdx = args[2];
    regs.r10 = args[3];
    regs.r8 = args[4];
    regs.r9 = args[5];
    s->stops += 2;
    if (ptrace(PTRACE_SETSIGMASK, task->id, (void *)sizeof all, &all) != 0 ||
        ptrace(PTRACE_SETREGS, task->id, NULL, &regs) != 0 || !run_call(task) ||
        ptrace(PTRACE_GETREGS, task->id, NULL, &regs) != 0)
        return -ESRCH;
    ptrace(PTRACE_SETREGS, task->id, NULL, &saved);
    ptrace(PTRACE_SETSIGMASK, task->id, (void *)sizeof mask, &mask);
    return (int64_t)regs.rax;
}

static bool is_near(uint64_t from, uint64_t to)
{
    return from - to + near_limit < 2 * near_limit;
}

uint64_t inject_room(struct session *s, struct task *task, uint64_t near, size_t size)
{
    struct code *code = task->process->space->code;
    struct room *room = code->rooms;
    while (room && (room->size - room->used < size || !is_near(room->start, near)))
        room = room->next;
    if (!room) {
        const uint64_t args[6] = {(near + (16 << 20)) & ~(uint64_t)(PAGE - 1),
                                  ROOM,
                                  PROT_READ | PROT_EXEC,
                                  MAP_PRIVATE | MAP_ANONYMOUS,
                                  ~0ull,
                                  0};
        int64_t got = inject_call(s, task, SYS_mmap, args);
        if (got < 0 && got > -PAGE)
            return 0;
        room = code_room(code, (uint64_t)got, ROOM);
    }
    uint64_t place = room->start + room->used;
    room->used += (size + 15) & ~(size_t)15;
    return place;
}

#define LOAD_IP(half)                                                                              \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + (half))
#define JUMP(how, value, yes, no) BPF_JUMP(BPF_JMP | (how) | BPF_K, (value), (yes), (no))

bool inject_filter(struct session *s, struct task *task, uint64_t near,
                   const struct sock_fprog *filter, bool bound)
{
    struct code *code = task->process->space->code;
    struct {
        uint64_t count, filter;
    } program = {filter->len, 0};
    size_t size = filter->len * sizeof filter->filter[0];
    uint64_t place = code->nets < FILTERS ? inject_room(s, task, near, size + sizeof program) : 0;
    if (!place)
        return false;
    program.filter = place + sizeof program;
    if (!memory_write(task->id, place, &program, sizeof program) ||
        !memory_write(task->id, place + sizeof program, filter->filter, size))
        return false;
    const uint64_t install[6] = {SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, place};
    int64_t result = inject_call(s, task, SYS_seccomp, install);
    if (result == -EACCES && bound) { /* without privileges */
        const uint64_t no_more[6] = {PR_SET_NO_NEW_PRIVS, 1};
        inject_call(s, task, SYS_prctl, no_more);
        result = inject_call(s, task, SYS_seccomp, install);
    }
    code->nets++;
    return result == 0;
}

bool inject_net(struct session *s, struct task *task, uint64_t start, uint64_t end)
{
    uint32_t low = (uint32_t)start, high = (uint32_t)(start >> 32);
    uint32_t end_low = (uint32_t)end, end_high = (uint32_t)(end >> 32);
    /* The pointer is behind the instruction: start < ip <= end. */
    struct sock_filter filter[] = {
        LOAD_IP(4),
        JUMP(BPF_JGT, high, 3, 0), /* above the first half: only the end matters */
        JUMP(BPF_JEQ, high, 0, 7), /* below: allowed */
        LOAD_IP(0),
        JUMP(BPF_JGT, low, 0, 5),
        LOAD_IP(4),
        JUMP(BPF_JGT, end_high, 3, 0),
        JUMP(BPF_JEQ, end_high, 0, 3),
        LOAD_IP(0),
        JUMP(BPF_JGT, end_low, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
    };
    const struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    return inject_filter(s, task, start, &program, true);
}

/* Lets through the numbers known: runs of those that follow each other. One that finds no room
 * stops, which is no harm. Returns how many instructions. */
static size_t pass_known(struct sock_filter *filter, size_t room, const bool known[SYSCALL_LIMIT])
{
    size_t n = 0;
    filter[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (unsigned i = 0; i < SYSCALL_LIMIT && n + 3 <= room; i++) {
        unsigned last = i;
        if (!known[i])
            continue;
        while (last + 1 < SYSCALL_LIMIT && known[last + 1])
            last++;
        if (last > i)
            filter[n++] = (struct sock_filter)JUMP(BPF_JGE, i, 0, 2);
        filter[n++] = last > i ? (struct sock_filter)JUMP(BPF_JGT, last, 1, 0)
                               : (struct sock_filter)JUMP(BPF_JEQ, i, 0, 1);
        filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        i = last;
    }
    return n;
}

bool inject_known(struct session *s, struct task *task, const bool known[SYSCALL_LIMIT],
                  uint64_t site)
{
    enum { LARGEST = 200 };
    const uint64_t ip = site + 2; /* the pointer is behind the instruction */
    const struct sock_filter tail[] = {
        LOAD_IP(0),
        JUMP(BPF_JEQ, (uint32_t)ip, 0, 3),
        LOAD_IP(4),
        JUMP(BPF_JEQ, (uint32_t)(ip >> 32), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_filter filter[LARGEST];
    size_t n = pass_known(filter, LARGEST - sizeof tail / sizeof tail[0], known);
    memcpy(filter + n, tail, sizeof tail);
    n += sizeof tail / sizeof tail[0];
    const struct sock_fprog program = {(unsigned short)n, filter};
    return inject_filter(s, task, site, &program, false);
}
