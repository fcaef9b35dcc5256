/* SPDX-License-Identifier: BSD-3-Clause
 * Which calls the tests can do without. Calls that programs nearly always need are tried one by
 * one; the others together, as most of them can go at once. A group that fails is searched for the
 * call to blame among the last ones tried before it failed, else by halving the order in which they
 * were tried. A pass says something only about the calls that were really tried in that run. In the
 * end everything removable is removed at once, several times, and put back until that holds. */
#include "tracer/classify.h"
#include "tracer/trial.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>

enum { REPLICAS = 3, FINAL_RUNS = 5, SUSPECTS = 1, MODES = 2 };
enum verdict { UNTRIED, PASSES, FAILS, FLAKY };

/* Programs that start at all under a dynamic linker of today's need nearly all of these. */
static const int likely_required[] = {
    SYS_read,         SYS_write,         SYS_open,         SYS_openat,    SYS_mmap,
    SYS_execve,       SYS_fork,          SYS_vfork,        SYS_clone,     SYS_clone3,
    SYS_wait4,        SYS_exit_group,    SYS_arch_prctl,   SYS_mprotect,  SYS_newfstatat,
    SYS_pread64,      SYS_socket,        SYS_bind,         SYS_listen,    SYS_accept,
    SYS_accept4,      SYS_recvfrom,      SYS_recvmsg,      SYS_sendto,    SYS_sendmsg,
    SYS_writev,       SYS_epoll_create1, SYS_epoll_create, SYS_epoll_ctl, SYS_epoll_wait,
    SYS_epoll_pwait,  SYS_poll,          SYS_select,       SYS_pipe2,     SYS_pipe,
    SYS_rt_sigreturn, SYS_getdents64,    SYS_pwrite64,     SYS_dup2,      SYS_socketpair,
    SYS_lseek,        SYS_futex,
};

void injection_apply(struct session *s, struct task *task, const struct call *call)
{
    struct injection *injection = s->injection;
    const struct unit *unit = task->process->space->unit;
    struct user_regs_struct regs;
    if (!unit || !unit->program || call->abi != ABI_NATIVE || call->number < 0 ||
        call->number >= SYSCALL_LIMIT || !injection->how[call->number] ||
        ptrace(PTRACE_GETREGS, task->id, NULL, &regs) != 0)
        return;
    if (!injection->hit[call->number]) {
        injection->hit[call->number] = true;
        injection->order[injection->count++] = (int16_t)call->number;
    }
    injection->entered = task->process->entered;
    /* No such call: the kernel skips it and returns what is in the register. */
    regs.orig_rax = ~0ull;
    regs.rax = injection->how[call->number] == INJECT_ENOSYS ? (unsigned long long)-ENOSYS : 0;
    ptrace(PTRACE_SETREGS, task->id, NULL, &regs);
}

/* ---- the search ---- */

struct search {
    struct baseline *baseline;
    struct diag *diag;
    int calls[SYSCALL_LIMIT]; /* candidates */
    int count;
    enum verdict verdicts[MODES][SYSCALL_LIMIT];
    bool conflict[MODES][SYSCALL_LIMIT]; /* passes alone, not together with others */
};

static unsigned char mode_value(int mode)
{
    return mode ? INJECT_ZERO : INJECT_ENOSYS;
}

static bool is_likely_required(int number)
{
    for (size_t i = 0; i < sizeof likely_required / sizeof likely_required[0]; i++)
        if (likely_required[i] == number)
            return true;
    return false;
}

/* Tries calls alone: a failure is repeated unless it happened in the dynamic linker, whose path is
 * always the same. seen: failures already blamed on them. */
static enum status try_alone(struct search *s, int mode, const int *calls, int count, int seen)
{
    struct trial *trials = calloc((size_t)(count ? count : 1), sizeof *trials);
    if (!trials)
        return diag_fail(s->diag, STATUS_SYSTEM, "out of memory");
    for (int i = 0; i < count; i++)
        trials[i].how[calls[i]] = mode_value(mode);
    enum status status = trials_run(s->baseline, trials, (size_t)count);
    for (int i = 0; i < count && !status; i++) {
        enum verdict *verdict = &s->verdicts[mode][calls[i]];
        *verdict = trials[i].passed ? PASSES : FAILS;
        if (trials[i].passed || trials[i].early)
            continue;
        struct trial again[REPLICAS];
        int more = REPLICAS - 1 - seen;
        memset(again, 0, sizeof again);
        for (int r = 0; r < more; r++)
            again[r].how[calls[i]] = mode_value(mode);
        status = trials_run(s->baseline, again, (size_t)more);
        for (int r = 0; r < more && !status; r++)
            if (again[r].passed)
                *verdict = FLAKY;
    }
    free(trials);
    return status;
}

static enum status try_group(struct search *s, int mode, const bool *group, struct trial *trial)
{
    memset(trial, 0, sizeof *trial);
    for (int i = 0; i < SYSCALL_LIMIT; i++)
        trial->how[i] = group[i] ? mode_value(mode) : INJECT_NOT;
    return trials_run(s->baseline, trial, 1);
}

/* The first call in the order of tries with which the run fails: found by halving. */
static enum status find_blame(struct search *s, int mode, const struct trial *failed, int *blame)
{
    int good = 0,
        bad = failed->count; /* injecting the first `good` passes, the first `bad` fails */
    while (bad - good > 1) {
        int middle = good + (bad - good) / 2;
        bool prefix[SYSCALL_LIMIT] = {false};
        struct trial trial;
        for (int i = 0; i < middle; i++)
            prefix[failed->order[i]] = true;
        enum status status = try_group(s, mode, prefix, &trial);
        if (status)
            return status;
        *(trial.passed ? &good : &bad) = middle;
    }
    *blame = bad > 0 ? failed->order[bad - 1] : -1;
    return STATUS_OK;
}

/* A group failed: takes at least one call out of it. */
static enum status blame_one(struct search *s, int mode, bool *group, const struct trial *failed)
{
    int suspects[SUSPECTS] = {0}, count = 0, blame = -1;
    bool found = false;
    for (int i = failed->count - 1; i >= 0 && count < SUSPECTS; i--)
        if (s->verdicts[mode][failed->order[i]] == UNTRIED)
            suspects[count++] = failed->order[i];
    enum status status = try_alone(s, mode, suspects, count, 1);
    for (int i = 0; i < count && !status; i++) {
        if (s->verdicts[mode][suspects[i]] == PASSES)
            continue;
        group[suspects[i]] = false;
        found = true;
    }
    if (status || found)
        return status;
    status = find_blame(s, mode, failed, &blame);
    if (status)
        return status;
    if (blame < 0) { /* it failed without a single try: by itself */
        memset(group, 0, SYSCALL_LIMIT * sizeof *group);
        return STATUS_OK;
    }
    group[blame] = false;
    if (s->verdicts[mode][blame] == UNTRIED)
        status = try_alone(s, mode, &blame, 1, 1);
    if (!status && s->verdicts[mode][blame] == PASSES)
        s->conflict[mode][blame] = true;
    return status;
}

static enum status search_mode(struct search *s, int mode)
{
    int alone[SYSCALL_LIMIT], count = 0;
    bool group[SYSCALL_LIMIT] = {false};
    for (int i = 0; i < s->count; i++)
        if (is_likely_required(s->calls[i]))
            alone[count++] = s->calls[i];
    enum status status = try_alone(s, mode, alone, count, 0);
    int left = 0;
    for (int i = 0; i < s->count; i++) {
        group[s->calls[i]] = s->verdicts[mode][s->calls[i]] == UNTRIED;
        left += group[s->calls[i]];
    }
    while (!status && left) {
        struct trial trial;
        status = try_group(s, mode, group, &trial);
        if (!status && !trial.passed)
            status = blame_one(s, mode, group, &trial);
        if (!status && trial.passed) {
            for (int i = 0; i < SYSCALL_LIMIT; i++)
                if (group[i] && trial.hit[i])
                    s->verdicts[mode][i] = PASSES;
            break;
        }
        left = 0;
        for (int i = 0; i < SYSCALL_LIMIT; i++)
            left += group[i];
    }
    /* Those that removed calls kept the program from trying. */
    count = 0;
    for (int i = 0; i < s->count; i++)
        if (s->verdicts[mode][s->calls[i]] == UNTRIED)
            alone[count++] = s->calls[i];
    return status ? status : try_alone(s, mode, alone, count, 0);
}

/* ---- everything at once ---- */

static bool removable(const struct search *s, int number)
{
    for (int mode = 0; mode < MODES; mode++)
        if (s->verdicts[mode][number] == PASSES && !s->conflict[mode][number])
            return true;
    return false;
}

static void all_removed(const struct search *s, const bool *kept, struct trial *trial)
{
    memset(trial, 0, sizeof *trial);
    for (int i = 0; i < s->count; i++) {
        int number = s->calls[i];
        bool stub = s->verdicts[0][number] == PASSES && !s->conflict[0][number];
        if (!kept[number] && removable(s, number))
            trial->how[number] = stub ? INJECT_ENOSYS : INJECT_ZERO;
    }
}

/* A call whose removal fails now and then passed by luck before: it is tried alone until that
 * shows.
 */
static enum status blame_final(struct search *s, bool *kept, const struct trial *failed)
{
    int mode_of[SYSCALL_LIMIT], blame = -1, good = 0, bad = failed->count;
    for (int i = 0; i < failed->count; i++)
        mode_of[failed->order[i]] = failed->how[failed->order[i]] == INJECT_ENOSYS ? 0 : 1;
    while (bad - good > 1) {
        int middle = good + (bad - good) / 2;
        struct trial trials[REPLICAS];
        memset(trials, 0, sizeof trials);
        bool passed = true;
        for (int r = 0; r < REPLICAS; r++)
            for (int i = 0; i < middle; i++)
                trials[r].how[failed->order[i]] = failed->how[failed->order[i]];
        enum status status = trials_run(s->baseline, trials, REPLICAS);
        if (status)
            return status;
        for (int r = 0; r < REPLICAS; r++)
            passed = passed && trials[r].passed;
        *(passed ? &good : &bad) = middle;
    }
    if (bad > 0)
        blame = failed->order[bad - 1];
    if (blame < 0)
        return diag_fail(s->diag, STATUS_FOUND, "the tests fail by themselves now and then");
    struct trial alone[FINAL_RUNS];
    memset(alone, 0, sizeof alone);
    for (int r = 0; r < FINAL_RUNS; r++)
        alone[r].how[blame] = failed->how[blame];
    enum status status = trials_run(s->baseline, alone, FINAL_RUNS);
    int passes = 0;
    for (int r = 0; r < FINAL_RUNS && !status; r++)
        passes += alone[r].passed;
    int mode = mode_of[blame];
    if (passes == FINAL_RUNS)
        s->conflict[mode][blame] = kept[blame] = true;
    else
        s->verdicts[mode][blame] = passes ? FLAKY : FAILS;
    return status;
}

static enum status confirm(struct search *s, int *removed)
{
    bool kept[SYSCALL_LIMIT] = {false};
    for (;;) {
        struct trial trials[FINAL_RUNS];
        const struct trial *failed = NULL;
        for (int r = 0; r < FINAL_RUNS; r++)
            all_removed(s, kept, &trials[r]);
        enum status status = trials_run(s->baseline, trials, FINAL_RUNS);
        if (status)
            return status;
        for (int r = 0; r < FINAL_RUNS; r++)
            if (!trials[r].passed)
                failed = &trials[r];
        if (!failed) {
            for (int i = 0; i < SYSCALL_LIMIT; i++)
                *removed += trials[0].how[i] != INJECT_NOT;
            return STATUS_OK;
        }
        status = blame_final(s, kept, failed);
        if (status)
            return status;
    }
}

/* ---- the answer ---- */

static int class_of(const struct search *s, int number)
{
    enum verdict stub = s->verdicts[0][number], fake = s->verdicts[1][number];
    bool stubs = stub == PASSES && !s->conflict[0][number];
    bool fakes = fake == PASSES && !s->conflict[1][number];
    if (stubs || fakes)
        return stubs && fakes ? CLASS_ANY : stubs ? CLASS_STUBBABLE : CLASS_FAKEABLE;
    return stub == FLAKY || fake == FLAKY ? CLASS_FLAKY : CLASS_REQUIRED;
}

enum status classify(struct diag *d, struct arena *a, const char *path,
                     const struct tracer_options *options, struct profile_dynamic *out)
{
    struct baseline baseline;
    struct search *s = ARENA_NEW(a, struct search);
    s->baseline = &baseline;
    s->diag = d;
    diag_progress(d, 0, 0, "classifying: untouched runs");
    enum status status = baseline_take(&baseline, d, a, path, options);
    if (status)
        return status;
    if (!baseline.sound) {
        diag_warn(d,
                  "%s: untouched runs of the tests differ from each other: nothing can be told "
                  "about single calls",
                  path);
        vec_each (call, &out->syscalls)
            call->class_ = CLASS_FLAKY;
        return STATUS_OK;
    }
    vec_each (call, &out->syscalls)
        if (call->number < SYSCALL_LIMIT && strcmp(call->name, syscall_name(call->number)) == 0)
            s->calls[s->count++] = (int)call->number;
    int removed = 0;
    for (int mode = 0; mode < MODES && !status; mode++) {
        diag_progress(d, 0, 0, "classifying: %s calls", mode ? "faked" : "stubbed");
        status = search_mode(s, mode);
    }
    if (!status)
        status = confirm(s, &removed);
    if (status)
        return status;
    vec_each (call, &out->syscalls)
        if (call->number < SYSCALL_LIMIT && strcmp(call->name, syscall_name(call->number)) == 0)
            call->class_ = class_of(s, (int)call->number);
    diag_note(d,
              "classified %d calls in %d runs (trying each alone: %d); with %d of them removed at "
              "once the tests passed %d times",
              s->count, baseline.trials + 3, 2 * s->count, removed, FINAL_RUNS);
    return STATUS_OK;
}
