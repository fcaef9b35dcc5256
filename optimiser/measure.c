/* SPDX-License-Identifier: BSD-3-Clause */
#include "optimiser/measure.h"
#include "common/file.h"
#include "common/subprocess.h"
#include <ctype.h>
#include <elf.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BOOT_MS = 30000,
    LEAST_COMMANDS = 20, /* for percentiles */
    QUIET_MS = 250, /* times the runner's slowness / 4: enough silence for a boot without output */
    COMMAND_MS = 600000,
    RUNS = 6,          /* for one sample: the least disturbed counts */
    LONG_US = 3000000, /* longer runs are not repeated */
};
static const double CALM = 0.02; /* a run less disturbed than that needs no other */

enum status measuring_open(struct diag *d, struct arena *a, struct measuring *m)
{
    m->console = console_open(d, a);
    if (!m->console)
        return STATUS_SYSTEM;
    return sandbox_open(d, a, false, NULL, &m->box);
}

void measuring_close(struct measuring *m)
{
    console_close(m->console);
    m->console = NULL;
    sandbox_close(&m->box);
}

/* ---- sizes ---- */

static int64_t loaded64(const unsigned char *data, size_t size)
{
    const Elf64_Ehdr *h = (const void *)data;
    int64_t sum = 0;
    for (size_t i = 0; i < h->e_phnum; i++) {
        size_t at = h->e_phoff + i * h->e_phentsize;
        if (h->e_phentsize < sizeof(Elf64_Phdr) || at > size || size - at < sizeof(Elf64_Phdr))
            break;
        Elf64_Phdr p;
        memcpy(&p, data + at, sizeof p);
        if (p.p_type == PT_LOAD && p.p_memsz < INT64_MAX / 1024)
            sum += (int64_t)p.p_memsz;
    }
    return sum;
}

static int64_t loaded32(const unsigned char *data, size_t size)
{
    const Elf32_Ehdr *h = (const void *)data;
    int64_t sum = 0;
    for (size_t i = 0; i < h->e_phnum; i++) {
        size_t at = h->e_phoff + i * h->e_phentsize;
        if (h->e_phentsize < sizeof(Elf32_Phdr) || at > size || size - at < sizeof(Elf32_Phdr))
            break;
        Elf32_Phdr p;
        memcpy(&p, data + at, sizeof p);
        sum += p.p_type == PT_LOAD ? (int64_t)p.p_memsz : 0;
    }
    return sum;
}

enum status measure_size(struct diag *d, struct arena *a, const char *path, int64_t *file,
                         int64_t *loaded)
{
    char *data;
    size_t size;
    *file = *loaded = 0;
    enum status status = file_read(d, a, path, (size_t)2 << 30, &data, &size);
    if (status)
        return status;
    *file = (int64_t)size;
    const unsigned char *bytes = (const unsigned char *)data;
    if (size < sizeof(Elf64_Ehdr) || memcmp(data, ELFMAG, SELFMAG) != 0)
        return STATUS_OK;
    *loaded = bytes[EI_CLASS] == ELFCLASS64 ? loaded64(bytes, size) : loaded32(bytes, size);
    return STATUS_OK;
}

/* ---- one run ---- */

struct watch {
    struct measuring *m;
    const struct runner *runner;
    const struct process *process;
    /* own_us: of the program's first output; other_us: of any that is not recognised as the core's;
     * -1: none. delayed_us: at that time. */
    int64_t own_us, other_us, grown_us, delayed_us;
    size_t seen;
};

static bool has_line(const char *text, size_t size, const char *line)
{
    size_t length = strlen(line);
    for (const char *at = text, *end = text + size; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((newline ? newline : end) - at);
        while (n && at[n - 1] == '\r')
            n--;
        if (n >= length && memcmp(at + n - length, line, length) == 0)
            return true;
        if (!newline)
            return false;
        at = newline + 1;
    }
    return false;
}

static void look(struct watch *w, const char *console, size_t size)
{
    if (size == w->seen)
        return;
    w->seen = size;
    w->grown_us = now_us();
    if (w->own_us >= 0)
        return;
    size_t own = 0;
    const char *text = console_split(w->m->console, console, size, &own, NULL);
    if (!own)
        return;
    int64_t delayed = process_delayed_us(w->process->pid);
    if (w->other_us < 0) {
        w->other_us = w->grown_us;
        w->delayed_us = delayed;
    }
    if (!w->m->first_line || has_line(text, own, w->m->first_line)) {
        w->own_us = w->grown_us;
        w->delayed_us = delayed;
    }
}

static bool over(void *context, const char *console, size_t size, int *status)
{
    struct watch *w = context;
    look(w, console, size);
    return console_ended(w->m->console, console, size, status);
}

static bool booted(void *context, const char *console, size_t size)
{
    struct watch *w = context;
    look(w, console, size);
    int64_t silence = (int64_t)QUIET_MS * 1000 * w->runner->slow / 4;
    return w->own_us >= 0 || w->runner->local || now_us() - w->grown_us > silence;
}

static void add_value(struct arena *a, struct perf_sample *s, const char *name, double value)
{
    vec_push(a, &s->values, ((struct perf_value){name, value}));
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* Throughput and percentiles out of the steps' durations. */
static void add_steps(struct arena *a, const struct drive *v, struct perf_sample *sample)
{
    size_t count = 0;
    double total = 0, *times = arena_array(a, v->steps.count + 1, sizeof *times);
    vec_each (step, &v->steps) {
        if (step->outcome != DRIVE_DONE && step->outcome != DRIVE_REPLY)
            continue;
        times[count] = (double)step->duration_us / 1000;
        total += times[count++];
    }
    if (!count)
        return;
    qsort(times, count, sizeof *times, by_value);
    if (total > 0)
        add_value(a, sample, "throughput", 1000 * (double)count / total);
    add_value(a, sample, "p50", times[(count - 1) / 2]);
    add_value(a, sample, "p99", times[(size_t)ceil(0.99 * (double)count) - 1]);
}

static const char *const *environment(struct arena *a, struct measuring *m)
{
    strings list = sandbox_environment(a, &m->box, m->program);
    vec_push(a, &list, NULL);
    return list.items;
}

/* The tests with their commands as often as asked for; a load command is a test of one command. */
static struct test_file *load_of(struct arena *a, struct measuring *m)
{
    struct test_file *tests = sandbox_tests(a, &m->box, m->program, m->tests);
    if (!tests || (m->load && tests->type == TEST_STDIN))
        return tests;
    strings once = tests->commands;
    size_t rounds = m->rounds > 0 ? (size_t)m->rounds
                    : once.count && tests->type != TEST_STDIN
                        ? (LEAST_COMMANDS + once.count - 1) / once.count
                        : 1;
    tests->commands = (strings){0};
    if (m->load) {
        tests->type = TEST_EXEC;
        vec_push(a, &tests->commands, m->load);
        return tests;
    }
    tests->command_ms = 0;
    for (size_t r = 0; r < rounds; r++)
        vec_each (command, &once)
            vec_push(a, &tests->commands, *command);
    return tests;
}

static double load_result(struct measuring *m, const char *output)
{
    const char *pattern =
        m->load_metric ? m->load_metric : "([0-9]+(\\.[0-9]+)?) requests per second";
    regex_t regex;
    regmatch_t groups[2];
    double value = NAN;
    if (regcomp(&regex, pattern, REG_EXTENDED) != 0)
        return NAN;
    if (regexec(&regex, output, 2, groups, 0) == 0 && groups[1].rm_so >= 0)
        value = strtod(output + groups[1].rm_so, NULL);
    regfree(&regex);
    return value;
}

/* ended: by itself, before it was stopped. */
static void judge(struct arena *a, const struct drive *v, const struct watch *w, bool ended,
                  struct perf_sample *sample)
{
    const struct process *p = v->process;
    bool died = ended && p->signal;
    /* A machine may run on after its program's end: then what it printed and answered counts. */
    bool late = v->timed_out && !w->runner->sets_memory;
    sample->works = !died && !late && (w->own_us >= 0 || v->steps.count || p->ended);
    if (died)
        sample->failure = arena_printf(a, "ended by signal %d", p->signal);
    else if (!sample->works)
        sample->failure = late ? "did not end in time" : "no output";
    vec_each (step, &v->steps)
        if (sample->works && (step->outcome == DRIVE_REFUSED || step->outcome == DRIVE_NOT_SENT ||
                              step->outcome == DRIVE_TIMEOUT)) {
            sample->works = false;
            sample->failure = arena_printf(a, "no answer to '%.80s'", step->command);
        }
}

/* Milliseconds to the first sign of life: of a server, its first answer. */
static double boot_time(const struct drive *v, const struct watch *w)
{
    const struct process *p = v->process;
    bool server = v->tests && v->tests->type != TEST_STDIN;
    if (server && v->ready_us >= 0 && v->local)
        return (double)v->ready_us / 1000;
    if (server && v->steps.count && v->steps.items[0].outcome == DRIVE_REPLY)
        return (double)(v->steps.items[0].duration_us + v->ready_us) / 1000;
    if (w->own_us >= 0)
        return (double)(w->own_us - p->started_us) / 1000;
    return NAN;
}

/* *disturbed: for how much of its boot it stood ready while others had the processors, 0 to 1. */
static enum status measure_once(struct diag *d, struct arena *a, struct measuring *m,
                                const struct image *image, struct perf_sample *sample,
                                double *disturbed)
{
    struct runner runner;
    strings argv, arguments = {0};
    memset(sample, 0, sizeof *sample);
    enum status status = runner_choose(d, a, image, &runner);
    const strings *from = m->arguments.count || !m->tests ? &m->arguments : &m->tests->arguments;
    vec_each (argument, from)
        vec_push(a, &arguments, sandbox_expand(a, &m->box, m->program, *argument));
    struct test_file *tests = load_of(a, m);
    listenings ports = {0};
    if (tests && tests->type != TEST_STDIN)
        vec_push(a, &ports, ((struct listening){(int)tests->port, false}));
    vec_each (port, &m->ports)
        vec_push(a, &ports, *port);
    if (!status)
        status = runner_command(d, a, &runner, image, &arguments, &ports, &argv);
    int64_t file, loaded;
    if (!status)
        status = measure_size(d, a, image->path, &file, &loaded);
    if (status)
        return status;
    struct process process = {
        .argv = argv.items, .terminal = runner.local, .directory = m->work_dir};
    struct watch watch = {
        .m = m, .runner = &runner, .process = &process, .own_us = -1, .other_us = -1};
    struct drive v = {.tests = tests,
                      .process = &process,
                      .serial = !runner.local,
                      .local = runner.local && runner.exit_from == EXIT_PROCESS,
                      .ready_ms = m->boot_ms ? m->boot_ms : BOOT_MS,
                      .run_ms = m->load ? COMMAND_MS : 0,
                      .env = environment(a, m),
                      .over = over,
                      .booted = booted,
                      .context = &watch};
    status = process_start(d, &process);
    if (status)
        return status;
    watch.grown_us = process.started_us;
    status = drive(d, a, &v);
    if (v.console_size)
        look(&watch, v.console, v.console_size);
    if (watch.own_us <
        0) /* what it prints on Linux first does not come: another line stands for it */
        watch.own_us = watch.other_us;
    bool ended = process_ended(&process);
    process_stop(&process, ended || v.over_seen ? 0 : 300);
    judge(a, &v, &watch, ended, sample);
    int64_t took = (watch.own_us >= 0 ? watch.own_us : now_us()) - process.started_us;
    *disturbed = took > 0 ? (double)watch.delayed_us / (double)took : 0;
    add_value(a, sample, "size", (double)file);
    if (loaded)
        add_value(a, sample, "loaded", (double)loaded);
    add_value(a, sample, "boot", boot_time(&v, &watch));
    add_value(a, sample, "memory", (double)process.peak_kb);
    if (m->load && v.steps.count)
        add_value(a, sample, "throughput", load_result(m, v.steps.items[0].output));
    else if (tests && v.steps.count)
        add_steps(a, &v, sample);
    if (!tests)
        add_value(a, sample, "run", (double)v.finished_us / 1000);
    for (size_t i = 0; i < sample->values.count; i++) /* what could not be had */
        if (!isfinite(sample->values.items[i].value))
            sample->values.items[i--] = sample->values.items[--sample->values.count];
    return status;
}

enum status measure_image(struct diag *d, struct arena *a, struct measuring *m,
                          const struct image *image, struct perf_sample *sample)
{
    double least = INFINITY;
    enum status status = STATUS_OK;
    for (int run = 0; run < RUNS && !status && least > CALM; run++) {
        struct perf_sample this;
        double disturbed;
        int64_t began = now_us();
        status = measure_once(d, a, m, image, &this, &disturbed);
        if (!status && disturbed < least) {
            least = disturbed;
            *sample = this;
        }
        if (status || !this.works || now_us() - began > LONG_US)
            break; /* a failure is one however busy the host is; a long run averages by itself */
    }
    return status;
}

/* The program under its tests on Linux. */
static bool run_native(struct diag *d, struct arena *a, struct measuring *m, struct drive *v)
{
    strings argv = {0};
    vec_push(a, &argv, m->program);
    const strings *from = m->arguments.count || !m->tests ? &m->arguments : &m->tests->arguments;
    vec_each (argument, from)
        vec_push(a, &argv, sandbox_expand(a, &m->box, m->program, *argument));
    vec_push(a, &argv, NULL);
    struct process process = {.argv = argv.items, .terminal = true, .directory = m->work_dir};
    *v = (struct drive){.tests = sandbox_tests(a, &m->box, m->program, m->tests),
                        .process = &process,
                        .local = true,
                        .env = environment(a, m)};
    bool ran = process_start(d, &process) == STATUS_OK && drive(d, a, v) == STATUS_OK;
    process_stop(&process, ran ? 300 : 0);
    v->process = NULL;
    return ran;
}

/* The line with which a run on Linux begins; NULL: none before its first command. */
static const char *first_line_of(struct diag *d, struct arena *a, struct measuring *m)
{
    struct drive v;
    if (!run_native(d, a, m, &v))
        return NULL;
    size_t size = v.steps.count ? v.start_size : v.console_size;
    for (const char *at = v.console, *end = at + size; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (!newline)
            return NULL;
        size_t n = (size_t)(newline - at);
        while (n && at[n - 1] == '\r')
            n--;
        if (n)
            return arena_strndup(a, at, n);
        at = newline + 1;
    }
    return NULL;
}

void measuring_learn(const struct diag *d, struct arena *a, struct measuring *m)
{
    struct diag quiet = *d;
    struct drive v;
    quiet.verbosity = -1;
    if (m->tests && m->tests->type == TEST_EXEC && !m->tests->port && run_native(&quiet, a, m, &v))
        m->ports = v.ports;
    if (m->tests && m->tests->type != TEST_STDIN)
        return; /* a server's first answer tells */
    const char *first = first_line_of(&quiet, a, m);
    const char *again = first ? first_line_of(&quiet, a, m) : NULL;
    m->first_line = again && strcmp(first, again) == 0 ? first : NULL;
}

/* ---- least memory ---- */

enum status least_memory(struct diag *d, struct arena *a, struct measuring *m,
                         const struct image *image, int limit_mib, int *mib)
{
    int low = 0, high = limit_mib; /* fails with low, passes with high */
    bool good = false;
    struct image trial = *image;
    trial.memory = arena_printf(a, "%dM", high);
    enum status status = m->passes(m->context, &trial, &good);
    *mib = 0;
    if (status || !good)
        return status;
    while (high - low > 1 && !status) {
        int middle = low + (high - low) / 2;
        diag_progress(d, 0, 0, "least memory: between %d and %d MiB", low, high);
        trial.memory = arena_printf(a, "%dM", middle);
        status = m->passes(m->context, &trial, &good);
        if (good)
            high = middle;
        else
            low = middle;
    }
    *mib = high;
    return status;
}

/* ---- the user's own measurement ---- */

static enum status write_config(struct diag *d, struct arena *a, const char *path,
                                const struct perf_knob *knobs, size_t count, const int *choice)
{
    char *text = arena_strdup(a, "");
    for (size_t k = 0; k < count; k++)
        text = arena_printf(a, "%s%s=%s\n", text, knobs[k].name, knobs[k].values.items[choice[k]]);
    return file_write(d, path, text, strlen(text), 0);
}

static void parse_values(struct arena *a, char *output, struct perf_sample *sample)
{
    char *save = NULL;
    for (char *line = strtok_r(output, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        size_t n = 0;
        while (isalnum((unsigned char)line[n]) || line[n] == '_')
            n++;
        char *end;
        double value = strtod(line + n, &end);
        if (n && line[n] == ' ' && end != line + n && strspn(end, " \t\r") == strlen(end))
            add_value(a, sample, arena_strndup(a, line, n), value);
    }
}

enum status measure_command(struct diag *d, struct arena *a, const char *command,
                            const char *work_dir, const struct perf_knob *knobs, size_t count,
                            const int *choice, struct perf_sample *sample)
{
    const char *config = arena_printf(a, "%s/candidate.config", work_dir);
    strings env = {0};
    memset(sample, 0, sizeof *sample);
    enum status status = write_config(d, a, config, knobs, count, choice);
    if (status)
        return status;
    vec_push(a, &env, arena_printf(a, "CONFIG=%s", config));
    for (size_t k = 0; k < count; k++)
        vec_push(a, &env,
                 arena_printf(a, "KNOB_%s=%s", knobs[k].name, knobs[k].values.items[choice[k]]));
    vec_push(a, &env, NULL);
    const char *argv[] = {"/bin/sh", "-c", command, NULL};
    struct subprocess p = {.argv = argv, .env = env.items, .timeout_ms = COMMAND_MS};
    status = subprocess_run(d, a, &p);
    if (status)
        return status;
    sample->works = p.exit_status == 0;
    if (!sample->works)
        sample->failure = p.timed_out ? "the measurement did not end in time"
                                      : arena_printf(a, "the measurement ends with %s %d: %.200s",
                                                     p.signal ? "signal" : "status",
                                                     p.signal ? p.signal : p.exit_status, p.err);
    parse_values(a, p.out, sample);
    return STATUS_OK;
}
