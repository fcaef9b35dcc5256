/* SPDX-License-Identifier: BSD-3-Clause
 * The tracing thread: what every stop means, and how the stopped thread goes on. See ptrace(2),
 * "PTRACE_SEIZE". Births are followed by the kernel's own means, so that no process is ever
 * outside; should the tool die in any way, the kernel kills all of them (PTRACE_O_EXITKILL). */
#include "tracer/classify.h"
#include "tracer/code.h"
#include "tracer/script.h"
#include <errno.h>
#include <limits.h>
#include <linux/audit.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
              PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL,
    SYSCALL_STOP = SIGTRAP | 0x80,
    TASK_LIMIT = 4 * PROCESS_LIMIT,
    PAGE = 4096,
    BIRTHS = 3,
    TRIES = 16,
    ERESTARTSYS = 512, /* the first of the kernel's own */
};

/* Every call stops, twice, without a filter. */
static bool stops_at_calls(const struct tracee *process)
{
    const struct space *space = process->space;
    return process->mode == MODE_PTRACE || space->plain || (space->trial && !space->quiet);
}

static void task_resume(struct session *s, struct task *task, int signal)
{
    if (s->ending || (task->process && task->process->launch && task->process->launch->killed)) {
        kill(task->process ? task->process->id : task->id, SIGKILL);
        return;
    }
    bool calls = task->wants_end ||
                 (task->process && (task->process->breeds || stops_at_calls(task->process)));
    /* ESRCH: killed meanwhile, its end is on the way. */
    ptrace(calls ? PTRACE_SYSCALL : PTRACE_CONT, task->id, NULL, (void *)(uintptr_t)signal);
}

/* ---- births and deaths ---- */

static void adopt(struct session *s, struct launch *launch)
{
    if (ptrace(PTRACE_SEIZE, launch->pid, NULL, (void *)(uintptr_t)OPTIONS) != 0) {
        s->seize_error = errno;
        kill(launch->pid, SIGKILL);
        return;
    }
    struct space *space = space_new(s, NULL);
    struct tracee *process = process_add(s, launch->pid, space, NULL);
    process->mode = MODE_FOLLOW;
    process->launch = launch;
    launch->seized = true;
    meeting_member(s->meeting, launch, 1);
    task_add(s, launch->pid, process);
    kill(launch->pid, SIGCONT);
}

void loop_end(struct session *s)
{
    struct task *task = NULL, *next = NULL;
    s->ending = true;
    /* Also those whose birth nobody has announced: their parent may be dead by now. */
    HASH_ITER (hh, s->tasks, task, next) {
        if (!task->ended_early)
            kill(task->process ? task->process->id : task->id, SIGKILL);
    }
}

static void bound_births(struct session *s)
{
    if (s->fork_limit || s->ending)
        return;
    if (HASH_COUNT(s->processes) <= PROCESS_LIMIT && HASH_COUNT(s->tasks) <= TASK_LIMIT)
        return;
    s->fork_limit = s->ending = true;
    struct tracee *process = NULL, *next = NULL;
    HASH_ITER (hh, s->processes, process, next) {
        kill(process->id, SIGKILL);
    }
}

/* The flags with which the stopped parent made its child. */
static uint64_t clone_flags(const struct task *task, int event)
{
    struct user_regs_struct regs;
    uint64_t flags = 0;
    if (ptrace(PTRACE_GETREGS, task->id, NULL, &regs) != 0)
        return event == PTRACE_EVENT_VFORK ? CLONE_VM : 0;
    if (regs.cs == 0x23) /* 32-bit calls: clone is 120, its flags are in ebx */
        return regs.orig_rax == 120 ? regs.rbx : event == PTRACE_EVENT_VFORK ? CLONE_VM : 0;
    switch ((long)regs.orig_rax) {
    case SYS_clone:
        return regs.rdi;
    case SYS_clone3:
        memory_read(task->id, regs.rdi, &flags, sizeof flags);
        return flags;
    default:
        return event == PTRACE_EVENT_VFORK ? CLONE_VM : 0;
    }
}

/* At the first stop of a process that a static program has forked. */
static void watch_again(struct task *task)
{
    if (!task->process->unwatched)
        return;
    task->process->unwatched = false;
    code_watch_exit(task);
}

/* A process that makes many others gets a filter at the end of a call: they inherit it, and start
 * the faster. */
static void expect_more(struct task *parent)
{
    struct tracee *process = parent->process;
    struct code *code = process->space->code;
    if (process->mode != MODE_BREAKPOINT || process->filtered || process->limited || !code ||
        ++code->births % BIRTHS)
        return;
    process->breeds = true;
    code->tries = 0;
}

static void born(struct session *s, struct task *parent, int event)
{
    unsigned long id = 0;
    if (ptrace(PTRACE_GETEVENTMSG, parent->id, NULL, &id) != 0 || !parent->process)
        return;
    struct tracee *process = parent->process;
    struct task *early = task_find(s, (pid_t)id);
    if (early && early->process) /* a stale entry: the kernel reuses ids */
        return;
    if (early && early->ended_early) {
        task_remove(s, early);
        return;
    }
    uint64_t flags = clone_flags(parent, event);
    if (!(flags & CLONE_THREAD)) {
        struct space *space = flags & CLONE_VM ? process->space : space_copy(s, process->space);
        process = process_add(s, (pid_t)id, space, process);
        process->unwatched = space->exit_watch && !process->leaving;
        expect_more(parent);
    }
    struct task *child = task_add(s, (pid_t)id, process);
    if (child->stopped_early) {
        child->stopped_early = false;
        watch_again(child);
        task_resume(s, child, 0);
    }
    bound_births(s);
}

static void ended(struct session *s, struct task *task, pid_t pid, int status)
{
    struct launch *launch = meeting_launch(s->meeting, pid);
    if (task && (task->process || task->stopped_early)) {
        task_remove(s, task);
    } else if (!launch) {
        task = task_add(s, pid, NULL);
        task->ended_early = true;
    }
    if (launch)
        meeting_ended(s->meeting, launch, status);
}

static void executed(struct session *s, struct task *task)
{
    unsigned long former = 0;
    ptrace(PTRACE_GETEVENTMSG, task->id, NULL, &former);
    /* A thread that executes a program takes the place of the first one; the others are gone. */
    struct task *old = former ? task_find(s, (pid_t)former) : NULL;
    if (old && old != task && old->process == task->process)
        task_remove(s, old);
    task->wants_end = false;
    exec_happened(s, task);
    task_resume(s, task, 0);
}

/* ---- calls ---- */

static bool fetch_call(const struct task *task, struct call *call, bool *entry, int64_t *result)
{
    struct __ptrace_syscall_info info = {0};
    if (ptrace(PTRACE_GET_SYSCALL_INFO, task->id, (void *)sizeof info, &info) <= 0)
        return false;
    *entry = info.op == PTRACE_SYSCALL_INFO_ENTRY || info.op == PTRACE_SYSCALL_INFO_SECCOMP;
    *result = info.exit.rval;
    call->abi = info.arch == AUDIT_ARCH_I386 ? ABI_I386 : ABI_NATIVE;
    call->ip = info.instruction_pointer - 2;
    call->sp = info.stack_pointer;
    call->number = (int64_t)info.entry.nr; /* .seccomp begins alike */
    if (call->abi == ABI_NATIVE && (call->number & X32_BIT)) {
        call->abi = ABI_X32;
        call->number &= ~X32_BIT;
    }
    for (size_t i = 0; i < 6; i++)
        call->args[i] = info.entry.args[i];
    return true;
}

/* A file mapped executable: what the dynamic linker and dlopen do with libraries. */
static bool maps_file(const struct call *call)
{
    return call->abi == ABI_NATIVE && call->number == SYS_mmap && (call->args[2] & PROT_EXEC) &&
           (int)call->args[4] >= 0 && !(call->args[3] & MAP_ANONYMOUS);
}

/* It is mapped at start: the call tells everything that /proc/PID/maps would. */
static void see_mapping(struct session *s, struct task *task, const struct call *call,
                        uint64_t start)
{
    char link[64], path[PATH_MAX];
    struct stat st;
    snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)task->id, (int)call->args[4]);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0)
        return;
    path[n] = '\0';
    record_library(s, task->process, path);
    if (task->process->mode == MODE_BREAKPOINT && !task->process->space->trial)
        return;
    const struct mapping m = {.start = start,
                              .end = (start + call->args[1] + PAGE - 1) & ~(uint64_t)(PAGE - 1),
                              .offset = call->args[5],
                              .executable = true,
                              .inode = stat(link, &st) == 0 ? st.st_ino : 0,
                              .path = path,
                              .status = &st};
    if (m.inode && m.end > m.start && S_ISREG(st.st_mode))
        code_file_mapped(s, task, &m);
}

/* clone and clone3 can make a child that nobody traces: not here. */
static void keep_traced(struct task *task, const struct call *call)
{
    uint64_t flags = 0;
    if (call->abi != ABI_NATIVE)
        return;
    if (call->number == SYS_clone && (call->args[0] & CLONE_UNTRACED)) {
        struct user_regs_struct regs;
        if (ptrace(PTRACE_GETREGS, task->id, NULL, &regs) == 0) {
            regs.rdi &= ~(uint64_t)CLONE_UNTRACED;
            ptrace(PTRACE_SETREGS, task->id, NULL, &regs);
        }
    }
    if (call->number == SYS_clone3 &&
        memory_read(task->id, call->args[0], &flags, sizeof flags) == sizeof flags &&
        (flags & CLONE_UNTRACED)) {
        flags &= ~(uint64_t)CLONE_UNTRACED;
        memory_write(task->id, call->args[0], &flags, sizeof flags);
    }
}

static void call_begins(struct session *s, struct task *task, const struct call *call, bool seccomp)
{
    enum mode mode = task->process->mode;
    keep_traced(task, call);
    if (mode == MODE_FOLLOW)
        return;
    if (mode == MODE_INJECT) {
        injection_apply(s, task, call);
        return;
    }
    bool plain = stops_at_calls(task->process);
    if (plain && seccomp) /* it has stopped at its entry just before */
        return;
    if (mode == MODE_BREAKPOINT)
        trap_action_seen(task, call);
    /* Its filter would end it for calls made on our behalf, and answers some before ours sees them.
     */
    if (call_limits(call)) {
        task->process->limited = true;
        code_give_up(s, task, "the program filters its own calls");
    }
    record_call(s, task, call);
    task->wants_end = mode == MODE_BREAKPOINT ? call_opens_code(call) : maps_file(call);
    task->call = *call;
}

/* Memory that the call made executable. */
static void code_opened(struct session *s, struct task *task, const struct call *call,
                        uint64_t result)
{
    bool given = call->number == SYS_mprotect || call->number == SYS_pkey_mprotect ||
                 call->number == SYS_remap_file_pages;
    uint64_t start = given ? call->args[0] : result;
    uint64_t size = call->number == SYS_shmat ? 1 : call->args[1];
    task->process->space->generation++;
    if (maps_file(call))
        see_mapping(s, task, call, start);
    if (task->process->mode == MODE_BREAKPOINT && !task->process->space->trial &&
        !task->process->space->plain)
        code_mapped(s, task, start, size > UINT64_MAX - start ? UINT64_MAX : start + size);
}

static void give_filter(struct session *s, struct task *task)
{
    struct tracee *process = task->process;
    bool legacy = process->space->legacy;
    /* A child that vfork has made shares the memory until it executes something, which we may hear
     * of after its parent goes on: soon. */
    if (!legacy && process->space->users > 1 && process->space->code->tries++ < TRIES)
        return;
    process->space->legacy = process->breeds = false;
    if (!code_filter(s, task, legacy) && legacy && !task->lost)
        diag_warn(
            s->diag,
            "%s: calls by int 0x80 or the vsyscall page may not be seen (try --engine ptrace)",
            process->space->unit->path);
}

static void call_ends(struct session *s, struct task *task, int64_t result)
{
    struct space *space = task->process->space;
    bool failed = result < 0 && result > -4096;
    if (task->wants_end && !failed)
        code_opened(s, task, &task->call, (uint64_t)result);
    task->wants_end = false;
    bool again = failed && result <= -ERESTARTSYS;
    if ((space->legacy || task->process->breeds) && !again && !task->lost && !space->plain)
        give_filter(s, task);
    /* A call that a signal has interrupted must not be disturbed: the kernel may begin it again. */
    if (space->trial && !space->quiet && !space->plain && !again && !task->lost &&
        --space->trial == 0)
        code_plant(s, task);
}

static void call_stop(struct session *s, struct task *task, bool seccomp)
{
    struct call call;
    bool entry = false;
    int64_t result = 0;
    if (fetch_call(task, &call, &entry, &result)) {
        if (entry)
            call_begins(s, task, &call, seccomp);
        else
            call_ends(s, task, result);
    }
    if (!task->lost)
        task_resume(s, task, 0);
}

/* ---- dispatch ---- */

static bool job_control(int signal)
{
    return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

static void stopped(struct session *s, struct task *task, int status)
{
    int signal = WSTOPSIG(status), event = status >> 16;
    s->stops++;
    watch_again(task);
    switch (event) {
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
        born(s, task, event);
        task_resume(s, task, 0);
        return;
    case PTRACE_EVENT_EXEC:
        executed(s, task);
        return;
    case PTRACE_EVENT_SECCOMP:
        call_stop(s, task, true);
        return;
    case PTRACE_EVENT_STOP:
        if (job_control(signal) && !s->ending)
            ptrace(PTRACE_LISTEN, task->id, NULL, NULL);
        else
            task_resume(s, task, 0);
        return;
    default:
        break;
    }
    if (signal == SYSCALL_STOP)
        call_stop(s, task, false);
    else if (signal == SIGTRAP && trap_happened(s, task)) {
        if (!task->lost)
            task_resume(s, task, 0);
    } else {
        code_leave_slot(task);
        task_resume(s, task, signal);
    }
}

void loop_event(struct session *s, pid_t pid, int status)
{
    struct task *task = task_find(s, pid);
    if (!WIFSTOPPED(status)) {
        ended(s, task, pid, status);
        return;
    }
    if (task && task->process) {
        stopped(s, task, status);
        /* It ended while it made a call for us, which waited for it there. */
        if (task->lost)
            ended(s, task, pid, task->lost_status);
        return;
    }
    struct launch *launch = task ? NULL : meeting_launch(s->meeting, pid);
    if (launch && !launch->seized) {
        adopt(s, launch);
        return;
    }
    /* A child that stopped before its parent's stop told of it: it waits for that. */
    task = task_add(s, pid, NULL);
    task->stopped_early = true;
    if (s->ending)
        kill(pid, SIGKILL);
}

void loop_run(struct session *s)
{
    for (;;) {
        int status;
        meeting_serve(s, s->meeting);
        pid_t pid = waitpid(-1, &status, __WALL | WUNTRACED);
        if (pid > 0)
            loop_event(s, pid, status);
        else if (errno == ECHILD && !meeting_wait(s->meeting))
            return;
    }
}

bool loop_briefly(struct session *s, struct launch *launch, int ms)
{
    /* Again and again: a signal that comes just before waitpid is lost. */
    const struct itimerspec when = {.it_value = {0, ms * 1000000}, .it_interval = {0, 1000000}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = MEETING_WAKE};
    int64_t until = now_us() + (int64_t)ms * 1000;
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
        return false;
    timer_settime(timer, 0, &when, NULL);
    while (!meeting_gone(s->meeting, launch) && now_us() < until) {
        int status;
        pid_t pid = waitpid(-1, &status, __WALL | WUNTRACED);
        if (pid > 0)
            loop_event(s, pid, status);
        else if (errno != EINTR)
            break;
    }
    timer_delete(timer);
    return meeting_gone(s->meeting, launch);
}
