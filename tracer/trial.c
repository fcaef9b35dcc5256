/* SPDX-License-Identifier: BSD-3-Clause
 * Trials run in child processes: in parallel, and nothing one does to the tracer reaches another.
 * They die with the tool. */
#include "tracer/trial.h"
#include <errno.h>
#include <poll.h>
#include <regex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BASELINES = 3, SLACK_MS = 1000, SLOWER = 3, PARALLEL_LIMIT = 8, TRIAL_MS = 30000 };

/* ---- comparing ---- */

/* Where lines reach the program one by one, when its output comes is a matter of timing. */
static bool lines_reach(const struct baseline *b)
{
    return b->options.tests && b->options.tests->type == TEST_STDIN;
}

bool same_status(const char *x, const char *y, bool by_line)
{
    if (!by_line)
        return strcmp(x, y) == 0;
    size_t length = strcspn(x, ",");
    return length == strcspn(y, ",") && strncmp(x, y, length) == 0;
}

/* text with everything that matches one of the expressions taken out. */
static const char *masked(struct arena *a, const strings *ignore, const char *text)
{
    for (size_t i = 0; i < ignore->count; i++) {
        regex_t compiled;
        regmatch_t match;
        const char *rest = text, *result = "";
        if (regcomp(&compiled, ignore->items[i], REG_EXTENDED | REG_NEWLINE) != 0)
            continue;
        while (regexec(&compiled, rest, 1, &match, 0) == 0 && match.rm_eo > 0) {
            result = arena_printf(a, "%s%.*s", result, (int)match.rm_so, rest);
            rest += match.rm_eo;
        }
        text = arena_printf(a, "%s%s", result, rest);
        regfree(&compiled);
    }
    return text;
}

static bool same_output(const struct baseline *b, struct arena *a, const struct profile_test *x,
                        const struct profile_test *y)
{
    const char *left = x->output ? x->output : "", *right = y->output ? y->output : "";
    if (strcmp(left, right) == 0)
        return true;
    const strings *ignore = b->options.tests ? &b->options.tests->ignore : NULL;
    return ignore && ignore->count &&
           strcmp(masked(a, ignore, left), masked(a, ignore, right)) == 0;
}

static bool same_results(const struct baseline *b, struct arena *a,
                         const struct profile_dynamic *run)
{
    const struct profile_dynamic *expected = &b->runs[0];
    if (run->tests.count != expected->tests.count)
        return false;
    for (size_t i = 0; i < run->tests.count; i++) {
        if (!same_status(expected->tests.items[i].status, run->tests.items[i].status,
                         lines_reach(b)))
            return false;
        if (b->stable[i] && !same_output(b, a, &expected->tests.items[i], &run->tests.items[i]))
            return false;
    }
    return true;
}

/* ---- untouched runs ---- */

static void judge_stability(struct baseline *b)
{
    const struct profile_dynamic *first = &b->runs[0];
    b->sound = true;
    b->stable = arena_array(b->arena, first->tests.count + 1, sizeof *b->stable);
    for (size_t i = 0; i < first->tests.count; i++) {
        const struct profile_test *test = &first->tests.items[i];
        bool last = i + 1 == first->tests.count || !lines_reach(b);
        b->stable[i] = last;
        for (size_t r = 1; r < BASELINES && b->sound; r++) {
            b->sound = b->runs[r].tests.count == first->tests.count &&
                       same_status(test->status, b->runs[r].tests.items[i].status, lines_reach(b));
            b->stable[i] = b->stable[i] && b->sound &&
                           same_output(b, b->arena, test, &b->runs[r].tests.items[i]);
        }
    }
}

enum status baseline_take(struct baseline *b, struct diag *d, struct arena *a, const char *path,
                          const struct tracer_options *options)
{
    *b = (struct baseline){.diag = d, .arena = a, .path = path, .options = *options};
    int64_t longest = 0;
    b->options.repeat = 1;
    for (size_t r = 0; r < BASELINES; r++) {
        struct injection none = {0};
        enum status status = trace_runs(d, a, path, &b->options, &none, &b->runs[r]);
        if (status)
            return status;
        if (none.ready_us > b->ready_us)
            b->ready_us = none.ready_us;
        int64_t took = 0;
        for (size_t i = 0; i < b->runs[r].tests.count; i++)
            took += b->runs[r].tests.items[i].duration_ms;
        if (took > longest)
            longest = took;
    }
    judge_stability(b);
    /* A trial that takes much longer than that hangs. */
    int limit = (int)(longest * SLOWER + SLACK_MS);
    if (options->tests) {
        b->tests = *options->tests;
        if (!b->tests.timeout_ms || b->tests.timeout_ms > limit)
            b->tests.timeout_ms = limit;
        b->options.tests = &b->tests;
    } else if (!options->wait_ms) {
        b->options.wait_ms = limit;
    }
    return STATUS_OK;
}

/* ---- trials ---- */

/* In the child: never returns. */
static void make_trial(const struct baseline *b, struct trial *trial, int report)
{
    struct arena *a = arena_new();
    struct diag quiet = {.verbosity = -1};
    struct injection injection = {0};
    struct profile_dynamic run = {0};
    memcpy(injection.how, trial->how, sizeof injection.how);
    injection.expected = &b->runs[0];
    injection.by_line = lines_reach(b);
    injection.ready_ms = (int)(b->ready_us * SLOWER / 1000) + SLACK_MS;
    enum status status = trace_runs(&quiet, a, b->path, &b->options, &injection, &run);
    trial->passed = (!status || status == STATUS_FOUND) && same_results(b, a, &run);
    trial->early = !trial->passed && !injection.entered;
    memcpy(trial->hit, injection.hit, sizeof trial->hit);
    memcpy(trial->order, injection.order, sizeof trial->order);
    trial->count = injection.count;
    const char *from = (const char *)trial;
    for (size_t left = sizeof *trial; left;) {
        ssize_t n = write(report, from, left);
        if (n <= 0)
            _exit(1);
        from += n;
        left -= (size_t)n;
    }
    _exit(0);
}

struct worker {
    pid_t pid;
    int report;
    struct trial *trial;
};

static enum status start_worker(struct baseline *b, struct worker *w, struct trial *trial)
{
    int ends[2];
    pid_t parent = getpid();
    if (pipe(ends) != 0)
        return diag_fail(b->diag, STATUS_SYSTEM, "cannot create a pipe: %s", strerror(errno));
    w->pid = fork();
    if (w->pid == 0) {
        close(ends[0]);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        make_trial(b, trial, ends[1]);
    }
    int error = errno;
    close(ends[1]);
    w->report = ends[0];
    w->trial = trial;
    if (w->pid > 0)
        return STATUS_OK;
    close(ends[0]);
    return diag_fail(b->diag, STATUS_SYSTEM, "cannot start a process: %s", strerror(error));
}

static enum status finish_worker(struct baseline *b, struct worker *w)
{
    char *to = (char *)w->trial;
    size_t got = 0;
    /* Should a trial outlive all its limits, it has failed: its processes die with its tracer. */
    struct pollfd answer = {.fd = w->report, .events = POLLIN};
    bool answered = poll(&answer, 1, TRIAL_MS) > 0;
    if (!answered)
        kill(w->pid, SIGKILL);
    for (ssize_t n; answered && got < sizeof *w->trial; got += (size_t)n) {
        n = read(w->report, to + got, sizeof *w->trial - got);
        if (n <= 0)
            break;
    }
    close(w->report);
    int status;
    while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    b->trials++;
    return got == sizeof *w->trial || !answered
               ? STATUS_OK
               : diag_fail(b->diag, STATUS_SYSTEM, "a run of the classification broke off");
}

enum status trials_run(struct baseline *b, struct trial *trials, size_t count)
{
    struct worker workers[PARALLEL_LIMIT];
    long parallel = sysconf(_SC_NPROCESSORS_ONLN);
    parallel *= 2; /* tests wait more than they work */
    parallel = parallel < 1 ? 1 : parallel > PARALLEL_LIMIT ? PARALLEL_LIMIT : parallel;
    enum status status = STATUS_OK;
    size_t started = 0, finished = 0;
    /* In turn: the oldest is waited for while the others go on. */
    while (finished < started || (!status && started < count)) {
        if (!status && started < count && started - finished < (size_t)parallel) {
            status = start_worker(b, &workers[started % (size_t)parallel], &trials[started]);
            started += !status;
            continue;
        }
        enum status done = finish_worker(b, &workers[finished++ % (size_t)parallel]);
        if (!status)
            status = done;
    }
    return status;
}
