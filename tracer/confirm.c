/* SPDX-License-Identifier: BSD-3-Clause
 * Everything removable removed at once. Calls can depend on each other (either of two is enough;
 * one is needed only because another one failed), and a failure that happens now and then may not
 * have shown: whatever is to blame is found among the calls tried, by the order of first tries, and
 * put back or taken away in the other way, until the tests pass as often as is asked. */
#include "tracer/search.h"
#include <string.h>

enum { AT_ONCE = 4, POINTS = 3, VOID_LIMIT = 3 };

/* Runs it takes to trust a pass: the cheaper, the more. */
static int replicas(const struct search *s)
{
    int64_t took = s->baseline->took_us;
    return took < 60000 ? 16 : took < 300000 ? 8 : took < 1500000 ? 6 : 4;
}

/* All removable items, each in the preferred way where both will do. */
static void all_removed(const struct search *s, int preferred, unsigned char *how)
{
    memset(how, 0, ITEM_LIMIT);
    for (int i = 0; i < ITEM_LIMIT; i++) {
        if (!s->subjects[i].candidate)
            continue;
        bool whole = i >= SYSCALL_LIMIT && how[s->baseline->features[i - SYSCALL_LIMIT].number];
        int mode = removable(s, i, preferred) ? preferred : !preferred;
        if (!whole && removable(s, i, mode))
            how[i] = mode_value(mode);
    }
}

/* A run with several removed: rare enough to be given time. */
static struct job *joint_job(struct search *s, const unsigned char *how)
{
    struct job *job = job_new(s, JOB_JOINT, 0);
    job->trial.patient = true;
    memcpy(job->trial.how, how, ITEM_LIMIT);
    return job;
}

static int passes(struct job *const *jobs, int count)
{
    int passed = 0;
    for (int i = 0; i < count; i++)
        passed += jobs[i]->trial.passed;
    return passed;
}

/* count runs with the same removed. */
static enum status run_joint(struct search *s, const unsigned char *how, int count,
                             struct job **jobs)
{
    for (int i = 0; i < count; i++) {
        jobs[i] = joint_job(s, how);
        job_add(s, jobs[i]);
    }
    enum status status = search_run(s);
    for (int again = 0; again < VOID_LIMIT && !status; again++) {
        int voided = 0, passed = passes(jobs, count);
        /* Now and then: perhaps the tests' own. */
        if (passed && passed < count) {
            for (int i = 0; i < AT_ONCE; i++)
                search_control(s);
            status = search_run(s);
        }
        for (int i = 0; i < count; i++) {
            if (!job_void(s, jobs[i]))
                continue;
            jobs[i] = joint_job(s, how);
            job_add(s, jobs[i]);
            voided++;
        }
        if (!voided)
            break;
        status = search_run(s);
    }
    s->repetitions += count - 1;
    return status;
}

/* Only the first `length` of the order in which the failing run tried them. */
static void prefix_of(const struct trial *failed, int length, unsigned char *how)
{
    memset(how, 0, ITEM_LIMIT);
    for (int i = 0; i < length; i++)
        how[failed->order[i]] = failed->how[failed->order[i]];
}

/* The shortest prefix that fails ends with the one to blame. Several lengths are tried at once. */
static enum status find_blame(struct search *s, const struct trial *failed, int runs, int *blame)
{
    int good = 0, bad = failed->count;
    while (bad - good > 1 && !s->out_of_time) {
        struct job *jobs[POINTS][AT_ONCE * 2];
        int length[POINTS] = {0}, points = 0;
        for (int p = 1; p <= POINTS; p++) {
            int at = good + (bad - good) * p / (POINTS + 1);
            if (at > good && (!points || at > length[points - 1]))
                length[points++] = at;
        }
        for (int p = 0; p < points; p++)
            for (int r = 0; r < runs; r++) {
                unsigned char how[ITEM_LIMIT];
                prefix_of(failed, length[p], how);
                jobs[p][r] = joint_job(s, how);
                job_add(s, jobs[p][r]);
            }
        enum status status = search_run(s);
        if (status)
            return status;
        for (int p = points; p-- > 0;)
            if (passes(jobs[p], runs) < runs)
                bad = length[p];
        for (int p = 0; p < points; p++)
            if (length[p] < bad)
                good = length[p];
    }
    *blame = bad > 0 && !s->out_of_time ? failed->order[bad - 1] : -1;
    return STATUS_OK;
}

/* The one tried last before the failure: without it, does the rest pass? */
static enum status ask_suspect(struct search *s, const struct trial *failed, int runs, int *blame)
{
    struct job *jobs[AT_ONCE * 2];
    unsigned char how[ITEM_LIMIT];
    int suspect = failed->order[failed->count - 1];
    memcpy(how, failed->how, sizeof how);
    how[suspect] = INJECT_NOT;
    enum status status = run_joint(s, how, runs, jobs);
    if (!status && passes(jobs, runs) == runs)
        *blame = suspect;
    return status;
}

/* Found to blame: does it fail by itself, always or now and then, or only together with others? */
static enum status settle(struct search *s, int item, int mode)
{
    struct subject *x = &s->subjects[item];
    int count = replicas(s), before = x->fails[mode];
    for (int i = 0; i < count; i++) {
        struct job *job = job_new(s, JOB_ALONE, mode);
        job->item = item;
        job->trial.how[item] = mode_value(mode);
        job_add(s, job);
    }
    s->repetitions += count;
    enum status status = search_run(s);
    if (!status && x->fails[mode] == before)
        x->conflict[mode] = true;
    return status;
}

static enum status shrink(struct search *s, struct job *const *jobs, int count)
{
    const struct trial *failed = NULL;
    int passed = passes(jobs, count), blame = -1;
    for (int i = 0; i < count; i++)
        if (!jobs[i]->trial.passed && (!failed || jobs[i]->trial.count < failed->count))
            failed = &jobs[i]->trial;
    /* A failure that always happens shows at once. */
    int runs = passed == 0 ? 1 : passed * 2 < count ? AT_ONCE : AT_ONCE * 2;
    if (!failed || !failed->count) {
        s->noise++;
        return STATUS_OK;
    }
    enum status status = ask_suspect(s, failed, runs, &blame);
    if (!status && blame < 0)
        status = find_blame(s, failed, runs, &blame);
    if (status || blame < 0)
        return status;
    return settle(s, blame, failed->how[blame] == INJECT_ZERO);
}

static void keep_appeared(struct search *s, struct job *const *jobs, int count)
{
    for (int r = 0; r < count; r++)
        for (int i = 0; i < SYSCALL_LIMIT; i++) {
            if (!jobs[r]->trial.appeared[i] || s->appeared[i])
                continue;
            s->appeared[i] = true;
            s->instead[i] = jobs[r]->trial.instead[i];
        }
}

static enum status confirm_mode(struct search *s, int preferred, int wanted, int *confirmed)
{
    enum { NOISE_LIMIT = 4 };
    struct job *jobs[2 * AT_ONCE];
    unsigned char how[ITEM_LIMIT], former[ITEM_LIMIT] = {0};
    int noise = s->noise;
    *confirmed = 0;
    memset(former, 0xff, sizeof former);
    while (*confirmed < wanted && s->noise - noise < NOISE_LIMIT) {
        all_removed(s, preferred, how);
        if (memcmp(how, former, sizeof how) != 0) {
            memcpy(former, how, sizeof how);
            *confirmed = 0;
            if (!preferred)
                memset(s->appeared, 0, sizeof s->appeared);
        }
        int count = wanted - *confirmed < AT_ONCE ? wanted - *confirmed : AT_ONCE;
        enum status status = run_joint(s, how, count, jobs);
        if (status || s->out_of_time)
            return status;
        if (passes(jobs, count) == count) {
            *confirmed += count;
            if (!preferred) {
                keep_appeared(s, jobs, count);
                memcpy(s->removed, how, sizeof how);
            }
            continue;
        }
        *confirmed = 0;
        status = shrink(s, jobs, count);
        if (status || s->out_of_time)
            return status;
    }
    return STATUS_OK;
}

enum status confirm(struct search *s)
{
    int wanted = replicas(s), faked = 0;
    s->confirmed = 0;
    /* First faked where possible: what that shows may change the answer, which comes last. */
    enum status status = confirm_mode(s, 1, wanted / 2, &faked);
    if (!status)
        status = confirm_mode(s, 0, wanted, &s->confirmed);
    return status;
}

/* ---- calls that are made instead ---- */

static const char *fallback_class(struct job *const *stub, struct job *const *fake, int runs)
{
    int stubs = passes(stub, runs), fakes = passes(fake, runs);
    if (stubs == runs || fakes == runs)
        return class_names[stubs != runs   ? CLASS_FAKEABLE
                           : fakes != runs ? CLASS_STUBBABLE
                                           : CLASS_ANY];
    return class_names[stubs || fakes ? CLASS_FLAKY : CLASS_REQUIRED];
}

enum status try_fallbacks(struct search *s, struct profile_dynamic *out)
{
    enum { RUNS = 2 };
    for (int i = 0; i < SYSCALL_LIMIT && s->confirmed; i++) {
        struct job *jobs[MODES][RUNS];
        if (!s->appeared[i])
            continue;
        for (int mode = 0; mode < MODES; mode++)
            for (int r = 0; r < RUNS; r++) {
                jobs[mode][r] = joint_job(s, s->removed);
                jobs[mode][r]->trial.how[i] = mode_value(mode);
                job_add(s, jobs[mode][r]);
            }
        s->repetitions += MODES * (RUNS - 1);
        enum status status = search_run(s);
        if (status)
            return status;
        struct profile_fallback *entry = vec_add(s->arena, &out->fallbacks);
        entry->name = syscall_name(i);
        entry->number = i;
        entry->instead_of = s->instead[i] >= 0 ? item_name(s, s->instead[i]) : NULL;
        entry->class_ =
            s->out_of_time ? class_names[CLASS_REQUIRED] : fallback_class(jobs[0], jobs[1], RUNS);
    }
    return STATUS_OK;
}
