/* SPDX-License-Identifier: BSD-3-Clause
 * Which calls the tests can do without: untouched runs, the search, failures repeated, everything
 * away at once. Each phase has its share of the time. */
#include "common/process.h"
#include "common/sandbox.h"
#include "tracer/search.h"
#include "tracer/sets.h"
#include <string.h>

enum {
    BUDGET_S = 240,
    SEARCH_SHARE = 55, /* percent of the budget by whose end a phase starts no more trials */
    FEATURE_SHARE = 62,
    REPEAT_SHARE = 72,
};

/* ---- what to try ---- */

static void add_calls(struct search *s, const struct profile_dynamic *out)
{
    vec_each (call, &out->syscalls)
        if (call->number < SYSCALL_LIMIT && strcmp(call->name, syscall_name(call->number)) == 0)
            s->subjects[call->number].candidate = true;
}

/* Calls that only later untouched runs made are the program's own all the same. */
static void add_seen_later(struct search *s, struct profile_dynamic *out)
{
    for (int i = 0; i < SYSCALL_LIMIT; i++) {
        if (!s->baseline->known[i] || s->subjects[i].candidate)
            continue;
        struct profile_syscall *call = vec_add(s->arena, &out->syscalls);
        call->name = syscall_name(i);
        call->number = i;
        call->phases = PHASE_RUN;
        call->class_ = -1;
        s->subjects[i].candidate = true;
    }
    profile_syscalls_sort(&out->syscalls);
}

/* Uses of the multiplexed calls that are needed. Where there is one use only, it is the call. */
static void add_features(struct search *s, const struct profile_dynamic *out)
{
    struct baseline *b = s->baseline;
    vec_each (entry, &out->selectors) {
        int number = -1, uses = 0;
        const struct selector *selector = selector_find(entry, &number);
        if (!selector || !s->subjects[number].candidate || b->feature_count == FEATURE_LIMIT ||
            removable(s, number, 0) || removable(s, number, 1))
            continue;
        vec_each (other, &out->selectors)
            uses += strcmp(other->syscall, entry->syscall) == 0 &&
                    strcmp(other->argument, entry->argument) == 0;
        if (uses < 2)
            continue;
        s->subjects[SYSCALL_LIMIT + b->feature_count].candidate = true;
        b->features[b->feature_count++] = (struct feature){number, selector, entry->value};
    }
}

/* ---- the answer ---- */

static bool undecided(const struct search *s, int item)
{
    return verdict_of(s, item, 0) == UNTRIED || verdict_of(s, item, 1) == UNTRIED;
}

static int class_from(bool stubs, bool fakes, bool flaky)
{
    if (stubs || fakes)
        return stubs && fakes ? CLASS_ANY : stubs ? CLASS_STUBBABLE : CLASS_FAKEABLE;
    return flaky ? CLASS_FLAKY : CLASS_REQUIRED;
}

/* -1: not decided. */
static int class_of(const struct search *s, int item)
{
    bool flaky = verdict_of(s, item, 0) == FLAKY || verdict_of(s, item, 1) == FLAKY;
    bool stubs = removable(s, item, 0), fakes = removable(s, item, 1);
    if ((undecided(s, item) && !stubs && !fakes) ||
        ((stubs || fakes) && !s->confirmed && !s->removed[item]))
        return -1;
    return class_from(stubs, fakes, flaky);
}

static const char *alone_of(const struct search *s, int item, int class_)
{
    const struct subject *x = &s->subjects[item];
    if (!x->conflict[0] && !x->conflict[1])
        return NULL;
    int alone =
        class_from(verdict_of(s, item, 0) == PASSES, verdict_of(s, item, 1) == PASSES, false);
    return alone == class_ ? NULL : class_names[alone];
}

/* Uses that were not tried have what was found out about their call. */
static void classify_selectors(const struct search *s, struct profile_dynamic *out)
{
    vec_each (entry, &out->selectors) {
        int number = -1;
        const struct selector *selector = selector_find(entry, &number);
        if (!selector || !s->subjects[number].candidate)
            continue;
        int item = number;
        for (size_t i = 0; i < s->baseline->feature_count; i++) {
            const struct feature *f = &s->baseline->features[i];
            if (f->selector == selector && f->value == entry->value)
                item = SYSCALL_LIMIT + (int)i;
        }
        int class_ = class_of(s, item);
        entry->class_ = class_ >= 0 ? class_names[class_] : NULL;
    }
}

/* How many calls have no class. */
static int write_classes(const struct search *s, struct profile_dynamic *out)
{
    int open = 0;
    vec_each (call, &out->syscalls) {
        if (call->number >= SYSCALL_LIMIT || !s->subjects[call->number].candidate ||
            strcmp(call->name, syscall_name(call->number)) != 0)
            continue;
        call->class_ = class_of(s, (int)call->number);
        if (call->class_ >= 0)
            call->alone = alone_of(s, (int)call->number, call->class_);
        else
            open++;
    }
    return open;
}

static void report(const struct search *s, const struct profile_dynamic *out, int open, int64_t us)
{
    int removed = 0, calls = 0, features = 0;
    for (int i = 0; i < ITEM_LIMIT; i++) {
        removed += i < SYSCALL_LIMIT && s->removed[i];
        calls += i < SYSCALL_LIMIT && s->subjects[i].candidate;
        features += i >= SYSCALL_LIMIT && s->subjects[i].candidate;
    }
    const char *uses = features ? arena_printf(s->arena, " and %d uses of calls", features) : "";
    diag_note(
        s->diag,
        "classified %d calls%s in %.0f s: %d trials (each alone would be %d), and %d more runs "
        "to make sure",
        calls, uses, (double)us / 1e6, s->searched, 2 * (calls + features),
        s->pool.trials - s->searched);
    if (s->confirmed)
        diag_note(s->diag, "with %d of the %d calls missing at once the tests passed %d times",
                  removed, calls, s->confirmed);
    else
        diag_warn(s->diag,
                  "not confirmed within the time: only the %d calls that one passing run missed at "
                  "once count as not needed",
                  removed);
    if (s->baseline->serial)
        diag_note(s->diag, "trials ran one at a time: %s", s->baseline->serial);
    if (s->noise)
        diag_warn(s->diag, "%d runs failed in which no call was missing yet", s->noise);
    if (open)
        diag_warn(s->diag,
                  "%d of %d calls were not decided within the time (--budget SECONDS gives more); "
                  "they count as needed",
                  open, (int)out->syscalls.count);
}

/* ---- the phases ---- */

static void start_phase(struct search *s, int64_t began_us, int64_t budget_us, int share)
{
    s->deadline_us = began_us + budget_us * share / 100;
    s->out_of_time = false;
}

static enum status phases(struct search *s, struct profile_dynamic *out, int64_t began,
                          int64_t budget)
{
    start_phase(s, began, budget, SEARCH_SHARE);
    enum status status = search_items(s, 0, SYSCALL_LIMIT);
    start_phase(s, began, budget, FEATURE_SHARE);
    if (!status && s->baseline->options.selectors) {
        add_features(s, out);
        status = search_items(s, SYSCALL_LIMIT, ITEM_LIMIT);
    }
    start_phase(s, began, budget, REPEAT_SHARE);
    if (!status)
        status = search_repeat(s);
    s->searched = s->pool.trials - s->repetitions - s->controls;
    start_phase(s, began, budget, 100);
    if (!status)
        status = confirm(s);
    if (!s->confirmed)
        memcpy(s->removed, s->best_how, sizeof s->removed);
    if (!status)
        status = try_fallbacks(s, out);
    return status;
}

/* Untouched runs once more, made as trials are, which is faster: they too have to agree. */
static enum status as_trials(struct search *s, int64_t deadline_us)
{
    s->deadline_us = deadline_us;
    for (int i = 0; i < BASELINES; i++)
        search_control(s);
    enum status status = search_run(s);
    s->baseline->sound = s->noise < BASELINES / 2;
    return status;
}

static enum status search_all(struct search *s, struct profile_dynamic *out)
{
    struct baseline *b = s->baseline;
    int64_t began = now_us();
    int64_t budget = (int64_t)(b->options.budget_s ? b->options.budget_s : BUDGET_S) * 1000000;
    diag_progress(s->diag, 0, 0, "classifying: untouched runs");
    enum status status = baseline_take(b, &s->pool, out);
    if (status)
        return status;
    add_calls(s, out);
    if (b->sound)
        status = as_trials(s, began + budget);
    if (status)
        return status;
    if (!b->sound) {
        diag_warn(s->diag,
                  "%s: untouched runs of the tests differ from each other (%s): nothing can be "
                  "told about single calls",
                  b->path, b->unsound);
        vec_each (call, &out->syscalls)
            call->class_ = CLASS_FLAKY;
        return STATUS_OK;
    }
    add_seen_later(s, out);
    status = phases(s, out, began, budget);
    if (status)
        return status;
    int open = write_classes(s, out);
    if (b->options.selectors)
        classify_selectors(s, out);
    report(s, out, open, now_us() - began);
    return STATUS_OK;
}

enum status classify(struct diag *d, struct arena *a, const char *path,
                     const struct tracer_options *options, struct profile_dynamic *out)
{
    struct baseline *b = ARENA_NEW(a, struct baseline);
    struct search *s = ARENA_NEW(a, struct search);
    *b = (struct baseline){.diag = d, .arena = a, .path = path, .options = *options};
    *s = (struct search){.baseline = b, .diag = d, .arena = a};
    enum status status = pool_open(&s->pool, b);
    if (status)
        return status;
    struct sandbox scratch;
    status = sandbox_open(d, a, true, NULL, &scratch);
    b->options.scratch = scratch.directory;
    if (!status)
        status = search_all(s, out);
    pool_close(&s->pool);
    sandbox_close(&scratch);
    pool_release_signals(&s->pool);
    return status;
}
