/* SPDX-License-Identifier: BSD-3-Clause
 * Signals that the program sends to itself: handlers run at once, unless blocked. */
#include <core/boot.h>
#include <core/syscall.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

enum { LAST_SIGNAL = 64, CONT = 18, CHLD = 17, WINCH = 28, URG = 23, KILL = 9, STOP = 19 };

/* As Linux passes it. */
struct action {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};
static struct action actions[LAST_SIGNAL + 1];
static uint64_t blocked, pending;
static struct {
    void *base;
    int flags;
    size_t size;
} alternate = {NULL, 2, 0};

static void deliver(int number)
{
    struct action *a = &actions[number];
    if (blocked >> (number - 1) & 1) {
        pending |= (uint64_t)1 << (number - 1);
        return;
    }
    if (a->handler == SIG_IGN)
        return;
    if (a->handler != SIG_DFL) {
        a->handler(number);
        return;
    }
    if (number != CONT && number != CHLD && number != WINCH && number != URG)
        ukboot_shutdown(128 + number);
}

CORE_RAW4(rt_sigaction, int, number, const struct action *, fresh, struct action *, old, size_t,
          size)
{
    if (number < 1 || number > LAST_SIGNAL || size != 8 ||
        (fresh && (number == KILL || number == STOP)))
        return -EINVAL;
    if (old)
        *old = actions[number];
    if (fresh)
        actions[number] = *fresh;
    return 0;
}

CORE_RAW4(rt_sigprocmask, int, how, const uint64_t *, set, uint64_t *, old, size_t, size)
{
    enum { BLOCK, UNBLOCK, SET };
    if (size != 8)
        return -EINVAL;
    if (old)
        *old = blocked;
    if (!set)
        return 0;
    if (how == BLOCK)
        blocked |= *set;
    else if (how == UNBLOCK)
        blocked &= ~*set;
    else if (how == SET)
        blocked = *set;
    else
        return -EINVAL;
    for (int i = 1; i <= LAST_SIGNAL; i++) {
        uint64_t bit = (uint64_t)1 << (i - 1);
        if (!(pending & bit) || (blocked & bit))
            continue;
        pending &= ~bit;
        deliver(i);
    }
    return 0;
}

CORE_RAW2(sigaltstack, const void *, fresh, void *, old)
{
    if (old)
        memcpy(old, &alternate, sizeof alternate);
    if (fresh)
        memcpy(&alternate, fresh, sizeof alternate);
    return 0;
}

CORE_SYSCALL2(int, kill, pid_t, pid, int, number)
{
    if (number < 0 || number > LAST_SIGNAL)
        return -EINVAL;
    if (pid > 1)
        return -ESRCH;
    if (number)
        deliver(number);
    return 0;
}

CORE_RAW2(tkill, pid_t, thread, int, number)
{
    return uk_syscall_r_kill(thread, number);
}

CORE_RAW3(tgkill, pid_t, group, pid_t, thread, int, number)
{
    (void)group;
    return uk_syscall_r_kill(thread, number);
}

void (*signal(int number, void (*handler)(int)))(int)
{
    struct action fresh = {handler, 0, NULL, 0}, old;
    if (core_result(uk_syscall_r_rt_sigaction(number, (long)&fresh, (long)&old, 8)) < 0)
        return SIG_ERR;
    return old.handler;
}

int raise(int number)
{
    return kill(1, number);
}
