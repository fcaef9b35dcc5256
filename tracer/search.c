/* SPDX-License-Identifier: BSD-3-Clause
 * Adaptive group testing. Items that programs nearly always need are tried one by one: such a run
 * fails at once and costs little. The others are taken away in groups small enough to pass now and
 * then. A group that fails is looked into: the call tried last before the failure is the suspect;
 * it is tried alone, and the group without it, both at once. Where suspects are innocent the group
 * is halved. A pass says something only about calls that were really tried in that run. */
#include "tracer/search.h"
#include "common/process.h"
#include "tracer/sets.h"
#include <stdlib.h>
#include <string.h>

enum {
    ALONE_FROM = 40,    /* percent: likelier to be needed than this is tried alone */
    GROUP_FAILS = 100,  /* percent: failures expected in a group, at most */
    INNOCENT_LIMIT = 2, /* suspects in a row, then halving; 1 where only the output differed, which
                           tells less about when it went wrong */
    NOISE_LIMIT = 3,
    CONTROL_EVERY_MS = 2000,
    FEATURE_PRIOR = 35,
};

unsigned char mode_value(int mode)
{
    return mode ? INJECT_ZERO : INJECT_ENOSYS;
}

enum verdict verdict_of(const struct search *s, int item, int mode)
{
    const struct subject *x = &s->subjects[item];
    if (x->fails[mode])
        return x->passes[mode] ? FLAKY : FAILS;
    return x->passes[mode] || x->with_others[mode] ? PASSES : UNTRIED;
}

bool removable(const struct search *s, int item, int mode)
{
    return verdict_of(s, item, mode) == PASSES && !s->subjects[item].conflict[mode];
}

const char *item_name(const struct search *s, int item)
{
    if (item < SYSCALL_LIMIT)
        return syscall_name(item);
    const struct feature *feature = &s->baseline->features[item - SYSCALL_LIMIT];
    return selector_text(s->arena, feature->selector, feature->value);
}

/* ---- jobs ---- */

struct job *job_new(struct search *s, enum job_kind kind, int mode)
{
    struct job *job = ARENA_NEW(s->arena, struct job);
    job->kind = kind;
    job->mode = mode;
    job->item = job->suspect = -1;
    return job;
}

void job_add(struct search *s, struct job *job)
{
    job->next = NULL;
    if (s->last)
        s->last->next = job;
    else
        s->first = job;
    s->last = job;
}

static void job_add_urgent(struct search *s, struct job *job)
{
    job->next = s->urgent;
    s->urgent = job;
}

static struct job *next_job(struct search *s)
{
    struct job **from = s->urgent ? &s->urgent : &s->first, *job = *from;
    if (!job)
        return NULL;
    if (now_us() >= s->deadline_us) {
        s->out_of_time = true;
        s->urgent = s->first = s->last = NULL;
        return NULL;
    }
    *from = job->next;
    if (!s->first)
        s->last = NULL;
    return job;
}

static struct job *alone_job(struct search *s, int item, int mode)
{
    struct job *job = job_new(s, JOB_ALONE, mode);
    job->item = item;
    job->trial.how[item] = mode_value(mode);
    s->subjects[item].asked[mode] = true;
    return job;
}

/* ---- what a trial says ---- */

static void alone_done(struct search *s, struct job *job)
{
    const struct trial *t = &job->trial;
    struct subject *x = &s->subjects[job->item];
    if (t->passed) {
        x->passes[job->mode]++;
        return;
    }
    /* It may only have been slow: it is given more time before that counts. */
    if (t->slow && !t->patient) {
        struct job *again = alone_job(s, job->item, job->mode);
        again->trial.patient = true;
        s->repetitions++;
        job_add_urgent(s, again);
        return;
    }
    job->next = s->done;
    s->done = job;
    x->fails[job->mode]++;
    x->early[job->mode] |= t->early;
    x->fail_us[job->mode] = t->took_us;
}

/* ---- untouched runs in between: outputs that vary by themselves (a clock's minute, say) ---- */

bool job_void(const struct search *s, const struct job *job)
{
    const struct difference *d = &job->trial.difference;
    return !job->trial.passed && d->found && d->output && !s->baseline->stable[d->index];
}

void search_control(struct search *s)
{
    struct job *job = job_new(s, JOB_CONTROL, 0);
    job->trial.keep =
        arena_printf(s->arena, "%s/control%d.json", s->baseline->options.scratch, s->controls++);
    s->control_us = now_us();
    s->unchecked = false;
    job_add_urgent(s, job);
}

/* What failed for an output that varies by itself is done again. */
static void redo_void(struct search *s)
{
    struct job **from = &s->done;
    while (*from) {
        struct job *failed = *from;
        if (!job_void(s, failed)) {
            from = &failed->next;
            continue;
        }
        *from = failed->next;
        s->subjects[failed->item].fails[failed->mode]--;
        s->repetitions++;
        job_add(s, alone_job(s, failed->item, failed->mode));
    }
}

static void learned(struct search *s, size_t index)
{
    s->baseline->stable[index] = false;
    redo_void(s);
}

static void control_done(struct search *s, const struct job *job)
{
    bool news;
    s->noise += !baseline_learn(s->baseline, &job->trial, &news);
    if (news)
        redo_void(s);
}

/* ---- groups ---- */

static int group_size(const struct job *job)
{
    int size = 0;
    for (int i = 0; i < ITEM_LIMIT; i++)
        size += job->trial.how[i] != INJECT_NOT;
    return size;
}

static struct job *group_like(struct search *s, const struct job *from)
{
    struct job *job = job_new(s, JOB_GROUP, from->mode);
    memcpy(job->trial.how, from->trial.how, sizeof job->trial.how);
    return job;
}

/* Of those about which nothing is known, the one tried last. */
static int suspect_of(const struct search *s, const struct job *job)
{
    for (int i = job->trial.count - 1; i >= 0; i--)
        if (verdict_of(s, job->trial.order[i], job->mode) == UNTRIED)
            return job->trial.order[i];
    return -1;
}

/* Two groups: what was tried first, and the rest. */
static void halve(struct search *s, const struct job *job)
{
    struct job *one = job_new(s, JOB_GROUP, job->mode), *other = group_like(s, job);
    int half = job->trial.count / 2;
    for (int i = 0; i < half; i++) {
        int item = job->trial.order[i];
        one->trial.how[item] = mode_value(job->mode);
        other->trial.how[item] = INJECT_NOT;
    }
    job_add_urgent(s, other);
    job_add_urgent(s, one);
}

static void rest_without(struct search *s, const struct job *job, int suspect, int misses)
{
    if (group_size(job) < 2)
        return;
    struct job *rest = group_like(s, job);
    rest->trial.how[suspect] = INJECT_NOT;
    rest->suspect = suspect;
    rest->misses = misses;
    job_add_urgent(s, rest);
}

static void group_failed(struct search *s, struct job *job)
{
    const struct trial *t = &job->trial;
    if (t->count == 0 && t->difference.output) /* nothing was missing: it varies by itself */
        learned(s, t->difference.index);
    if (t->count == 0 || job_void(s, job)) {
        s->noise += !t->difference.output;
        if (job->again < NOISE_LIMIT) {
            struct job *again = group_like(s, job);
            again->again = job->again + 1;
            job_add_urgent(s, again);
        }
        return;
    }
    if (t->count == 1) { /* as good as alone: the others were not tried */
        job->item = t->order[0];
        rest_without(s, job, job->item, 0);
        if (verdict_of(s, job->item, job->mode) == UNTRIED)
            alone_done(s, job);
        return;
    }
    int suspect = suspect_of(s, job), misses = 0;
    if (job->suspect >= 0 && verdict_of(s, job->suspect, job->mode) == PASSES)
        misses = job->misses + 1;
    if (suspect < 0 || (misses >= INNOCENT_LIMIT - t->difference.output && t->count > 3)) {
        if (t->count > 1)
            halve(s, job);
        return;
    }
    rest_without(s, job, suspect, misses);
    if (!s->subjects[suspect].asked[job->mode])
        job_add_urgent(s, alone_job(s, suspect, job->mode));
}

/* The most that is known to be missed at once: what remains of an answer that is not confirmed. */
static void keep_best(struct search *s, const struct trial *t)
{
    if (!t->passed || t->count <= s->best)
        return;
    s->best = t->count;
    memset(s->best_how, 0, sizeof s->best_how);
    for (int i = 0; i < t->count; i++)
        s->best_how[t->order[i]] = t->how[t->order[i]];
}

static void job_done(struct search *s, struct job *job)
{
    const struct trial *t = &job->trial;
    static const char *const kinds[] = {"a group", "", "many", "nothing"};
    diag_debug(s->diag, 2, "%s %s%s (%d tried): %s%s, %lld ms", job->mode ? "faked" : "stubbed",
               kinds[job->kind], job->kind == JOB_ALONE ? item_name(s, job->item) : "", t->count,
               t->passed ? "passes" : "fails, ", t->passed ? "" : t->why,
               (long long)t->took_us / 1000);
    s->unchecked |= !t->passed && t->difference.output;
    if (job->kind == JOB_CONTROL) {
        control_done(s, job);
        return;
    }
    keep_best(s, t);
    if (job->kind == JOB_ALONE)
        alone_done(s, job);
    else if (job->kind == JOB_GROUP && !t->passed)
        group_failed(s, job);
    for (int i = 0; t->passed && job->kind != JOB_ALONE && i < t->count; i++)
        s->subjects[t->order[i]].with_others[t->how[t->order[i]] == INJECT_ZERO] = true;
}

static void show_progress(struct search *s)
{
    size_t all = 0, decided = 0;
    for (int i = 0; i < ITEM_LIMIT; i++)
        for (int mode = 0; mode < MODES && s->subjects[i].candidate; mode++) {
            all++;
            decided += verdict_of(s, i, mode) != UNTRIED;
        }
    diag_progress(s->diag, decided, all, "classifying: %d trials", s->pool.trials);
}

enum status search_run(struct search *s)
{
    enum status status = STATUS_OK;
    while (!status) {
        struct trial *done;
        bool idle = !s->pool.running && !s->urgent && !s->first;
        bool due =
            now_us() - s->control_us > (int64_t)CONTROL_EVERY_MS * 1000 + 3 * s->baseline->took_us;
        if (s->unchecked && (idle || due))
            search_control(s);
        struct job *job = pool_has_room(&s->pool) ? next_job(s) : NULL;
        if (job) {
            status = pool_start(&s->pool, &job->trial);
            continue;
        }
        if (!s->pool.running)
            break;
        status = pool_finish(&s->pool, &done);
        if (!status)
            job_done(s, (struct job *)done);
        show_progress(s);
    }
    return status;
}

/* ---- what to try ---- */

struct ranked {
    int item, prior;
};

static int by_prior(const void *x, const void *y)
{
    const struct ranked *a = x, *b = y;
    return a->prior != b->prior ? a->prior - b->prior : a->item - b->item;
}

static int prior_for(int item, int mode)
{
    return item < SYSCALL_LIMIT ? prior_of(item, mode) : FEATURE_PRIOR;
}

/* Jobs for all candidates without a verdict; alone: no groups. */
static int plan(struct search *s, int first, int end, int mode, bool alone)
{
    struct ranked list[ITEM_LIMIT] = {{0}};
    size_t count = 0;
    int expected = 0;
    for (int i = first; i < end; i++)
        if (s->subjects[i].candidate && verdict_of(s, i, mode) == UNTRIED)
            list[count++] = (struct ranked){i, prior_for(i, mode)};
    qsort(list, count, sizeof list[0], by_prior);
    struct job *group = NULL;
    for (size_t i = 0; i < count; i++) {
        if (alone || list[i].prior >= ALONE_FROM) {
            job_add(s, alone_job(s, list[i].item, mode));
            continue;
        }
        if (!group || expected + list[i].prior > GROUP_FAILS) {
            group = job_new(s, JOB_GROUP, mode);
            expected = 0;
            job_add(s, group);
        }
        expected += list[i].prior;
        group->trial.how[list[i].item] = mode_value(mode);
    }
    return (int)count;
}

enum status search_items(struct search *s, int first, int end)
{
    /* The second round has what removed calls kept the program from trying; what even that does not
     * settle is tried alone, which always gives a verdict. */
    for (int round = 0; round < 3; round++) {
        int left = 0;
        for (int mode = 0; mode < MODES; mode++)
            left += plan(s, first, end, mode, round == 2);
        if (!left)
            return STATUS_OK;
        enum status status = search_run(s);
        if (status || s->out_of_time)
            return status;
    }
    return STATUS_OK;
}

/* ---- certainty ---- */

/* How many failures it takes to call something required: the cheaper they are, the more. */
static int enough_failures(int64_t fail_us)
{
    return fail_us < 60000 ? 8 : fail_us < 300000 ? 5 : fail_us < 1500000 ? 3 : 2;
}

enum status search_repeat(struct search *s)
{
    for (int i = 0; i < ITEM_LIMIT; i++) {
        const struct subject *x = &s->subjects[i];
        bool failed = verdict_of(s, i, 0) == FAILS && verdict_of(s, i, 1) == FAILS;
        if (!x->candidate || !failed || (x->early[0] && x->early[1]))
            continue;
        int fails = x->fails[0] + x->fails[1];
        int64_t took = x->fail_us[0] > x->fail_us[1] ? x->fail_us[0] : x->fail_us[1];
        for (int n = fails, mode = 0; n < enough_failures(took); n++, mode = !mode) {
            job_add(s, alone_job(s, i, mode));
            s->repetitions++;
        }
    }
    return search_run(s);
}
