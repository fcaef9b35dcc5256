/* SPDX-License-Identifier: BSD-3-Clause
 * Untouched runs, what they allow a trial, and how a trial is judged. */
#include "tracer/trial.h"
#include "common/process.h"
#include "tracer/network.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    SLOWER = 5, /* a trial that takes this much longer hangs ... */
    SLACK_MS = 200,
    PATIENT = 4, /* ... unless it was only slow: then this much longer still */
    PATIENT_MS = 1000,
};

/* ---- in the process of a trial ---- */

/* What an untouched run found, for the tool's own process. */
static enum status keep(struct diag *d, const struct baseline *b, const char *file,
                        const struct profile_dynamic *run)
{
    struct profile whole = {.schema = PROFILE_SCHEMA,
                            .program = {.path = b->path, .arch = "", .type = ""},
                            .dynamic_part = *run};
    return profile_write(d, file, &whole);
}

static void tell(struct trial *trial, const struct injection *injection)
{
    trial->early = !trial->passed && injection->count && !injection->entered;
    trial->slow = !trial->passed && injection->timed_out;
    trial->fixed_port = injection->fixed_port;
    trial->ready_us = injection->ready_us;
    trial->tail_us = injection->tail_us;
    trial->end_us = injection->end_us;
    trial->count = injection->count;
    memcpy(trial->hit, injection->hit, sizeof trial->hit);
    memcpy(trial->order, injection->order, sizeof trial->order);
    memcpy(trial->appeared, injection->appeared, sizeof trial->appeared);
    memcpy(trial->instead, injection->instead, sizeof trial->instead);
}

void trial_make(const struct baseline *b, struct trial *trial)
{
    struct arena *a = arena_new();
    struct diag quiet = {.verbosity = -1};
    struct injection injection = {.features = b->features,
                                  .feature_count = b->feature_count,
                                  .known = b->known,
                                  .control = trial->keep != NULL};
    struct profile_dynamic run = {0};
    int64_t began = now_us();
    memcpy(injection.how, trial->how, sizeof injection.how);
    if (b->expected.step_ms)
        injection.expected = trial->patient || trial->keep ? &b->patient : &b->expected;
    if (b->private_network && !network_private()) {
        trial->broken = true;
        memcpy(trial->why, "no network namespace", sizeof "no network namespace");
        return;
    }
    enum status status = trace_runs(&quiet, a, b->path, &b->options, &injection, &run);
    /* A command of the test file that fails is a result; what the tool cannot do is not. */
    trial->broken = status == STATUS_SYSTEM;
    trial->passed = !status || status == STATUS_FOUND;
    trial->difference = injection.difference;
    if (!trial->passed)
        snprintf(trial->why, sizeof trial->why, "%.*s", (int)sizeof trial->why - 1, quiet.message);
    else if (trial->keep)
        trial->broken = keep(&quiet, b, trial->keep, &run) != STATUS_OK;
    else if (trial->difference.found)
        trial->passed = false;
    else
        trial->passed = expected_results(injection.expected, a, &run, &trial->difference);
    if (trial->difference.found)
        memcpy(trial->why, trial->difference.text, sizeof trial->why);
    tell(trial, &injection);
    trial->took_us = now_us() - began;
}

/* ---- untouched runs ---- */

/* Tests that write where other trials do too, or that have no folder to themselves, run in turn. */
static const char *shared_state(const struct baseline *b, const struct profile_dynamic *out)
{
    const struct test_file *tests = b->options.tests;
    if (tests && tests->type == TEST_EXEC && !tests->work_folder)
        return "the test file does not ask for a workFolder";
    vec_each (file, &out->files) {
        bool own = strncmp(file->path, "${DIR}", 6) == 0 || strncmp(file->path, "/dev/", 5) == 0 ||
                   strncmp(file->path, "/proc/", 6) == 0;
        /* What is gone afterwards was a temporary file, with a name of its own. */
        if (strcmp(file->access, "write") == 0 && !own && access(file->path, F_OK) == 0)
            return arena_printf(b->arena, "%s is written", file->path);
    }
    return NULL;
}

static bool lines_reach(const struct baseline *b)
{
    return b->options.tests && b->options.tests->type == TEST_STDIN;
}

/* One run's results against the first one's; marks what varies. */
static bool compare_runs(struct baseline *b, const struct profile_dynamic *run, bool *stable)
{
    const struct profile_dynamic *first = &b->runs[0];
    if (run->tests.count != first->tests.count) {
        b->unsound = "the number of results";
        return false;
    }
    for (size_t i = 0; i < first->tests.count; i++) {
        const struct profile_test *x = &first->tests.items[i], *y = &run->tests.items[i];
        if (!same_status(x->status, y->status, b->expected.by_line)) {
            b->unsound =
                arena_printf(b->arena, "\"%s\": %s, then %s", x->command, x->status, y->status);
            return false;
        }
        stable[i] = stable[i] && same_output(b->expected.ignore, b->arena, x, y);
    }
    return true;
}

static void judge(struct baseline *b)
{
    const struct profile_dynamic *first = &b->runs[0];
    size_t count = first->tests.count, commands = 0;
    bool *stable = arena_array(b->arena, count + 1, sizeof *stable);
    b->stable = stable;
    b->expected.run = first;
    b->expected.stable = stable;
    b->expected.by_line = lines_reach(b);
    b->expected.ignore = b->options.tests ? &b->options.tests->ignore : NULL;
    if (b->options.tests)
        commands = b->options.tests->commands.count;
    for (size_t i = 0; i < count; i++)
        /* Where lines reach the program one by one, only all of its output is sure. */
        stable[i] = !lines_reach(b) || i % (commands + 1) == commands;
    b->sound = true;
    for (size_t r = 1; r < BASELINES && b->sound; r++)
        b->sound = compare_runs(b, &b->runs[r], stable);
}

bool baseline_learn(struct baseline *b, const struct trial *trial, bool *news)
{
    size_t count = b->runs[0].tests.count;
    bool *stable = arena_array(b->arena, count + 1, sizeof *stable);
    struct profile whole;
    struct diag quiet = {.verbosity = -1};
    memcpy(stable, b->stable, count * sizeof *stable);
    *news = false;
    if (!trial->passed || profile_read(&quiet, b->arena, trial->keep, &whole) != STATUS_OK)
        return false;
    unlink(trial->keep);
    if (!compare_runs(b, &whole.dynamic_part, stable))
        return false;
    *news = memcmp(stable, b->stable, count * sizeof *stable) != 0;
    memcpy(b->stable, stable, count * sizeof *stable);
    return true;
}

static int limit(int64_t longest_ms)
{
    int64_t ms = longest_ms * SLOWER + SLACK_MS;
    return ms < INT32_MAX / (2 * PATIENT) ? (int)ms : INT32_MAX / (2 * PATIENT);
}

static int64_t longest_step(const struct baseline *b, size_t index)
{
    int64_t longest = 0;
    for (size_t r = 0; r < BASELINES; r++)
        if (b->runs[r].tests.items[index].duration_ms > longest)
            longest = b->runs[r].tests.items[index].duration_ms;
    return longest;
}

/* From what untouched runs took: how long each part of a trial may take. */
static void set_limits(struct baseline *b, const struct trial *trials)
{
    size_t count = b->runs[0].tests.count;
    size_t commands = b->options.tests ? b->options.tests->commands.count : 0;
    int *usual = arena_array(b->arena, count + 1, sizeof *usual);
    int *more = arena_array(b->arena, count + 1, sizeof *more);
    int64_t ready_us = 0, tail_us = 0, end_us = 0;
    for (size_t r = 0; r < BASELINES; r++) {
        ready_us = trials[r].ready_us > ready_us ? trials[r].ready_us : ready_us;
        tail_us = trials[r].tail_us > tail_us ? trials[r].tail_us : tail_us;
        end_us = trials[r].end_us > end_us ? trials[r].end_us : end_us;
    }
    for (size_t i = 0; i < count; i++) {
        bool end = i % (commands + 1) == commands;
        usual[i] = limit(end ? tail_us / 1000 : longest_step(b, i));
        more[i] = usual[i] * PATIENT + PATIENT_MS;
    }
    b->expected.step_ms = usual;
    b->expected.ready_ms = limit(ready_us / 1000);
    b->expected.end_ms = limit(end_us / 1000);
    b->patient = b->expected;
    b->patient.step_ms = more;
    b->patient.ready_ms = b->expected.ready_ms * PATIENT + PATIENT_MS;
    b->patient.end_ms = b->expected.end_ms * PATIENT + PATIENT_MS;
}

/* Takes over what one untouched run told. */
static enum status take_run(struct baseline *b, const struct trial *trial, size_t index)
{
    struct profile whole;
    if (!trial->passed || trial->broken)
        return diag_fail(b->diag, trial->broken ? STATUS_SYSTEM : STATUS_INPUT,
                         "an untouched run of the tests failed: %s", trial->why);
    enum status status = profile_read(b->diag, b->arena, trial->keep, &whole);
    unlink(trial->keep);
    b->runs[index] = whole.dynamic_part;
    if (trial->took_us > b->took_us)
        b->took_us = trial->took_us;
    for (int i = 0; i < SYSCALL_LIMIT; i++)
        b->known[i] |= trial->appeared[i];
    return status;
}

static enum status run_all(struct pool *pool, struct trial *trials, size_t first, size_t end)
{
    enum status status = STATUS_OK;
    struct trial *done;
    size_t next = first, finished = first;
    while (!status && finished < end) {
        if (next < end && pool_has_room(pool)) {
            trials[next].keep = arena_printf(pool->baseline->arena, "%s/run%zu.json",
                                             pool->baseline->options.scratch, next);
            status = pool_start(pool, &trials[next++]);
            continue;
        }
        status = pool_finish(pool, &done);
        if (!status)
            status = take_run(pool->baseline, done, (size_t)(done - trials));
        finished++;
    }
    return status;
}

static void set_parallel(struct baseline *b, const struct trial *first)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    /* A port of its own choice is free in a network of its own only. */
    b->private_network = first->fixed_port && network_possible();
    if (first->fixed_port && !b->private_network && !b->serial)
        b->serial = "a fixed port is used";
    b->parallel = b->serial   ? 1
                  : cores < 1 ? 2
                  : cores * 2 > PARALLEL_LIMIT
                      ? PARALLEL_LIMIT
                      : (int)cores * 2; /* tests wait more than they work */
}

/* All but the first one. */
static enum status take_others(struct baseline *b, struct pool *pool, struct trial *trials)
{
    memset(trials + 1, 0, (BASELINES - 1) * sizeof *trials);
    b->took_us = trials[0].took_us;
    enum status status = run_all(pool, trials, 1, BASELINES);
    if (!status)
        judge(b);
    return status;
}

enum status baseline_take(struct baseline *b, struct pool *pool, const struct profile_dynamic *out)
{
    struct trial trials[BASELINES];
    memset(trials, 0, sizeof trials);
    b->options.repeat = 1;
    b->parallel = 1;
    vec_each (call, &out->syscalls)
        if (call->number < SYSCALL_LIMIT && strcmp(call->name, syscall_name(call->number)) == 0)
            b->known[call->number] = true;
    b->serial = shared_state(b, out);
    enum status status = run_all(pool, trials, 0, 1);
    if (status)
        return status;
    set_parallel(b, &trials[0]);
    status = take_others(b, pool, trials);
    if (!status && !b->sound && b->parallel > 1) {
        /* They may disturb each other. */
        b->parallel = 1;
        b->serial = "runs at the same time disturb each other";
        status = take_others(b, pool, trials);
    }
    if (!status && b->sound)
        set_limits(b, trials);
    return status;
}
