/* SPDX-License-Identifier: BSD-3-Clause
 * The runs of a program and what they add up to. */
#include "common/file.h"
#include "tracer/attach.h"
#include "tracer/binary.h"
#include "tracer/classify.h"
#include "tracer/code.h"
#include "tracer/script.h"
#include "tracer/stack.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A program without tests that is over within this time needs no other thread than the tracing one.
 */
enum { BRIEF_MS = 10 };

const char *const trace_engine_names[] = {"auto", "breakpoint", "seccomp", "ptrace", NULL};

/* ---- before the first run ---- */

static enum status check_program(struct diag *d, const char *path, struct stat *st)
{
    unsigned char magic[4] = {0};
    if (stat(path, st) != 0)
        return diag_fail(d, STATUS_INPUT, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st->st_mode))
        return diag_fail(d, STATUS_INPUT, "%s: not a regular file, a program was expected", path);
    if (access(path, X_OK) != 0)
        return diag_fail(d, STATUS_INPUT, "%s: cannot be executed: %s (chmod +x)", path,
                         strerror(errno));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, magic, sizeof magic);
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && (n != sizeof magic || memcmp(magic, "\177ELF", 4) != 0))
        return diag_fail(d, STATUS_INPUT, "%s: not an ELF program; trace its interpreter instead",
                         path);
    bool gains = (st->st_mode & S_ISUID && st->st_uid != geteuid()) ||
                 (st->st_mode & S_ISGID && st->st_gid != getegid());
    if (gains && geteuid() != 0)
        return diag_fail(d, STATUS_INPUT,
                         "%s: is set-user-ID or set-group-ID: the kernel takes those rights away "
                         "from a traced program, so that it would behave differently (run as root)",
                         path);
    return STATUS_OK;
}

/* Whether seccomp filters may be installed here. */
static bool filters_work(void)
{
    uint32_t action = SECCOMP_RET_TRACE;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static void choose_engine(struct session *s)
{
    enum trace_engine wished = s->options->engine;
    s->engine = wished;
    if (s->injection) {
        s->engine = ENGINE_SECCOMP;
        return;
    }
    if (wished == ENGINE_AUTO)
        s->engine = s->options->count ? ENGINE_SECCOMP : ENGINE_BREAKPOINT;
    if (s->engine != ENGINE_SECCOMP || filters_work())
        return;
    s->engine = ENGINE_PTRACE;
    diag_warn(s->diag, "seccomp filters are not allowed here: tracing by PTRACE_SYSCALL, slower");
}

/* ---- a run ---- */

static void keep_results(struct arena *a, const struct script *script, struct profile_dynamic *out)
{
    for (size_t i = 0; i < script->results.count; i++) {
        const struct profile_test *result = &script->results.items[i];
        struct profile_test *copy = vec_add(a, &out->tests);
        *copy = *result;
        copy->command = sandbox_mask(a, &script->box, result->command);
        copy->status = arena_strdup(a, result->status);
        copy->output = result->output ? sandbox_mask(a, &script->box, result->output) : NULL;
    }
}

static enum status explain(struct session *s, const struct script *script)
{
    if (s->seize_error)
        return diag_fail(s->diag, STATUS_SYSTEM,
                         "cannot trace processes here: %s (in a container: allow SYS_PTRACE; else "
                         "see /proc/sys/kernel/yama/ptrace_scope)",
                         strerror(s->seize_error));
    if (s->fork_limit)
        return diag_fail(s->diag, STATUS_FOUND,
                         "%s: started more than %d processes at once and was ended", s->path,
                         PROCESS_LIMIT);
    if (script->status)
        return diag_fail(s->diag, script->status, "%s", script->diag.message);
    return STATUS_OK;
}

/* Everything that happens between the start of the program and its end; false: a thread was
 * wanting.
 */
static bool follow(struct session *s, struct script *script)
{
    pthread_t thread;
    if (script_begin(script) && loop_briefly(s, script->program, BRIEF_MS)) {
        script_play(script); /* what is left of it waits for nothing */
        loop_run(s);
        return true;
    }
    if (pthread_create(&thread, NULL, script_play, script) != 0) {
        meeting_over(script->meeting);
        loop_run(s);
        return false;
    }
    loop_run(s);
    pthread_join(thread, NULL);
    guard_end(script);
    return true;
}

/* One run; line: arguments of a configuration line, or NULL. */
static enum status run(struct session *s, const char *const *line, struct arena *a,
                       struct profile_dynamic *out)
{
    struct meeting meeting;
    struct script script = {.session = s, .meeting = &meeting, .line = line};
    script.diag = *s->diag;
    script.arena = arena_new();
    arena_alloc(script.arena, 0); /* here first: malloc sets up much for another thread */
    sigset_t endings, kept;
    sigemptyset(&endings);
    ending_signals(&endings);
    struct sigaction ignore = {.sa_handler = SIG_IGN}, former;
    enum status status = meeting_open(s, &meeting);
    s->ending = s->fork_limit = false;
    sigaction(SIGPIPE, &ignore, &former);
    pthread_sigmask(SIG_BLOCK, &endings, &kept);
    if (!status && follow(s, &script)) {
        status = explain(s, &script);
        keep_results(a, &script, out);
        s->failed = script.exit_status > 0 || script.signal;
        if (script.diag.progress > s->diag->progress) /* its line is still there */
            s->diag->progress = script.diag.progress;
    } else if (!status) {
        status = diag_fail(s->diag, STATUS_SYSTEM, "cannot start a thread");
    }
    sandbox_close(&script.box);
    sigaction(SIGPIPE, &former, NULL);
    meeting_close(&meeting);
    pthread_sigmask(SIG_SETMASK, &kept, NULL);
    arena_free(script.arena);
    if (meeting.interrupted) {
        raise(meeting.interrupted);
        return diag_fail(s->diag, STATUS_SYSTEM, "interrupted by signal %d", meeting.interrupted);
    }
    return status;
}

/* What has been learned of each executed program, to return to. */
static struct unit *units_copy(struct arena *a, const struct unit *from)
{
    struct unit *first = NULL, **at = &first;
    for (; from; from = from->next, at = &(*at)->next) {
        *at = ARENA_NEW(a, struct unit);
        **at = *from;
    }
    return first;
}

/* A run that ends in failure may do so because the program looks at its own code, where breakpoints
 * are: it is made again without any, and that one counts where it ends otherwise. */
static enum status run_surely(struct session *s, const char *const *line, struct arena *a,
                              struct profile_dynamic *out)
{
    bool may_repeat = s->engine == ENGINE_BREAKPOINT && s->options->engine == ENGINE_AUTO;
    struct unit *before = may_repeat ? units_copy(s->arena, s->units) : NULL;
    size_t first = out->tests.count;
    s->failed = false;
    enum status status = run(s, line, a, out);
    if (status || !may_repeat || !s->failed || out->tests.count == first)
        return status;
    const char *how = out->tests.items[out->tests.count - 1].status;
    struct unit *after = s->units;
    struct profile_dynamic again = {0};
    s->units = before;
    s->engine = ENGINE_SECCOMP;
    status = run(s, line, a, &again);
    if (!status && again.tests.count &&
        strcmp(again.tests.items[again.tests.count - 1].status, how) != 0) {
        diag_note(s->diag,
                  "%s: %s under breakpoints, %s without: its calls were traced with the seccomp "
                  "engine",
                  s->path, how, again.tests.items[again.tests.count - 1].status);
        out->tests.count = first;
        for (size_t i = 0; i < again.tests.count; i++)
            vec_push(a, &out->tests, again.tests.items[i]);
        return STATUS_OK;
    }
    s->units = after;
    s->engine = ENGINE_BREAKPOINT;
    return status;
}

/* A trial has failed once one of its runs differs. */
static bool worth_going_on(const struct session *s, const struct profile_dynamic *out)
{
    const struct expectation *expected = s->injection ? s->injection->expected : NULL;
    struct difference difference;
    return !expected || out->tests.count >= expected->run->tests.count ||
           expected_so_far(expected, s->arena, out, &difference);
}

/* All command lines, once. */
static enum status run_lines(struct session *s, struct arena *a, struct profile_dynamic *out)
{
    const struct tracer_options *options = s->options;
    size_t lines = options->command_lines.count, total = lines ? lines : 1;
    for (size_t i = 0; i < total; i++) {
        strings words = {0};
        const char *line = lines ? options->command_lines.items[i] : NULL;
        const char *wrong = line ? split_words(s->arena, line, &words) : NULL;
        if (wrong)
            return diag_fail(s->diag, STATUS_INPUT, "%s: %s", line, wrong);
        vec_push(s->arena, &words, NULL);
        diag_progress(s->diag, i, total, "tracing %s %s", s->path, line ? line : "");
        if (s->injection)
            s->injection->first = out->tests.count;
        enum status status = run_surely(s, line ? words.items : NULL, a, out);
        if (status || !worth_going_on(s, out))
            return status;
    }
    return STATUS_OK;
}

static enum status run_all(struct session *s, struct arena *a, struct profile_dynamic *out)
{
    int repeat = s->options->repeat;
    struct unit *all = NULL;
    enum status status = STATUS_OK;
    if (repeat <= 1)
        return run_lines(s, a, out);
    for (int i = 0; i < repeat && !status; i++) {
        status = run_lines(s, a, out);
        repeat_run_over(s, &all);
    }
    s->units = all;
    out->runs = repeat;
    return status;
}

static enum status prepare(struct session *s, struct injection *injection)
{
    struct stat st;
    enum status status = check_program(s->diag, s->path, &st);
    if (status)
        return status;
    s->device = st.st_dev;
    s->inode = st.st_ino;
    s->sets = sets_new(s->arena);
    s->injection = injection;
    unit_for(s, s->path, true);
    choose_engine(s);
    return STATUS_OK;
}

enum status trace_runs(struct diag *d, struct arena *a, const char *path,
                       const struct tracer_options *options, struct injection *injection,
                       struct profile_dynamic *out)
{
    struct session s = {.diag = d, .arena = arena_new(), .options = options, .path = path};
    enum status status = prepare(&s, injection);
    if (!status) {
        /* Daemons become children of the tool, to be waited for like the rest. */
        int reaper = 0;
        prctl(PR_GET_CHILD_SUBREAPER, &reaper);
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        status = options->pid ? attach_run(&s) : run_all(&s, a, out);
        prctl(PR_SET_CHILD_SUBREAPER, reaper);
        out->engine = trace_engine_names[s.engine];
        out->present = !status || status == STATUS_FOUND;
        record_finish(&s, a, out);
        diag_debug(d, 1, "traced with the %s engine: %lld stops", out->engine, (long long)s.stops);
    }
    stack_finish(&s);
    binaries_close(s.binaries);
    HASH_CLEAR(hh, s.objects);
    HASH_CLEAR(hh, s.tasks);
    HASH_CLEAR(hh, s.processes);
    arena_free(s.arena);
    return status;
}

enum status trace(struct diag *d, struct arena *a, const char *path,
                  const struct tracer_options *options, struct profile *profile)
{
    struct profile_dynamic *out = &profile->dynamic_part;
    enum status status = trace_runs(d, a, path, options, NULL, out);
    if (!status && options->classify)
        status = classify(d, a, path, options, out);
    return status;
}
