/* SPDX-License-Identifier: BSD-3-Clause
 * Calls that are not made: the kernel skips a call whose number is replaced by one that does not
 * exist, and returns what is in the result register. */
#include "tracer/classify.h"
#include "tracer/sets.h"
#include <errno.h>
#include <sys/ptrace.h>
#include <sys/user.h>

/* The item that this call is, of those to be taken away; -1: none. */
static int item_of(const struct injection *injection, const struct task *task,
                   const struct call *call)
{
    if (injection->how[call->number])
        return (int)call->number;
    for (size_t i = 0; i < injection->feature_count; i++) {
        const struct feature *feature = &injection->features[i];
        if (injection->how[SYSCALL_LIMIT + i] && feature->number == call->number &&
            selector_matches(feature->selector, task, call, feature->value))
            return SYSCALL_LIMIT + (int)i;
    }
    return -1;
}

static void note_unknown(struct injection *injection, int number)
{
    if (!injection->known || injection->known[number] || injection->appeared[number])
        return;
    injection->appeared[number] = true;
    injection->instead[number] =
        injection->count ? injection->order[injection->count - 1] : (int16_t)-1;
}

void injection_apply(struct session *s, struct task *task, const struct call *call)
{
    struct injection *injection = s->injection;
    const struct unit *unit = task->process->space->unit;
    struct user_regs_struct regs;
    if (!unit || !unit->program || call->abi != ABI_NATIVE || call->number < 0 ||
        call->number >= SYSCALL_LIMIT)
        return;
    note_unknown(injection, (int)call->number);
    int item = item_of(injection, task, call);
    if (item < 0 || ptrace(PTRACE_GETREGS, task->id, NULL, &regs) != 0)
        return;
    if (!injection->hit[item]) {
        injection->hit[item] = true;
        injection->order[injection->count++] = (int16_t)item;
    }
    injection->entered = task->process->entered;
    regs.orig_rax = ~0ull;
    regs.rax = injection->how[item] == INJECT_ENOSYS ? (unsigned long long)-ENOSYS : 0;
    ptrace(PTRACE_SETREGS, task->id, NULL, &regs);
}
