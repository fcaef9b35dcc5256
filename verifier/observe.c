/* SPDX-License-Identifier: BSD-3-Clause */
#include "verifier/observe.h"
#include "common/file.h"
#include "common/subprocess.h"
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BOOT_MS = 30000,
    PACE_MS = 30,     /* between commands that are to print nothing */
    GIVE_UP_MS = 150, /* patience once two answers in a row stayed away */
    STOP_MS = 500,
    MACHINE_MS = 8000,
    SILENT_START_MS =
        250, /* times the runner's slowness / 4: an image that prints nothing at first */
    NATIVE_RUN_MS = 30000,
};

/* ---- folders and set-up ---- */

static const char *const *environment(struct bench *b)
{
    strings list = sandbox_environment(b->a, &b->box, b->options->program);
    vec_each (variable, &b->options->environment)
        vec_push(b->a, &list, *variable);
    vec_push(b->a, &list, NULL);
    return list.items;
}

static enum status shell(struct bench *b, const strings *commands, const char *directory,
                         const char *what)
{
    vec_each (command, commands) {
        const char *argv[] = {"/bin/sh", "-c", *command, NULL};
        struct subprocess p = {
            .argv = argv, .directory = directory, .env = environment(b), .timeout_ms = 60000};
        enum status status = subprocess_run(b->d, b->a, &p);
        if (status)
            return status;
        if (p.exit_status != 0)
            return diag_fail(b->d, STATUS_INPUT, "test file: %s command '%s' fails: %.200s", what,
                             *command, p.err);
    }
    return STATUS_OK;
}

/* A fresh, empty folder, with the test's set-up done. */
static enum status prepare(struct bench *b, const char *name, const char *share,
                           const char **directory)
{
    const struct test_file *tests = b->options->tests;
    *directory = NULL;
    enum status status = STATUS_OK;
    b->box.directory = NULL;
    if (share || (tests && tests->work_folder)) {
        const char *path = share ? share : arena_printf(b->a, "%s/%s", b->options->work_dir, name);
        const char *argv[] = {"rm", "-rf", "--", path, NULL};
        struct subprocess rm = {.argv = argv};
        status = subprocess_run(b->d, b->a, &rm);
        if (!status)
            status = dir_make(b->d, path);
        char *real = status ? NULL : realpath(path, NULL);
        *directory = real ? arena_strdup(b->a, real) : path;
        free(real);
        b->box.directory = (char *)*directory;
    }
    b->tests = sandbox_tests(b->a, &b->box, b->options->program, tests);
    if (!status && tests)
        status = shell(b, &tests->setup, *directory, "set-up");
    return status;
}

static enum status tidy(struct bench *b, const char *directory, enum status status)
{
    if (b->tests) {
        enum status cleaned = shell(b, &b->tests->cleanup, directory, "clean-up");
        status = status ? status : cleaned;
    }
    return status;
}

void observed_lines(struct bench *b, const char *text, size_t size, bool image, strings *lines)
{
    size_t own_size = size;
    const char *own = image ? console_split(b->console, text, size, &own_size, NULL) : text;
    normalise(&b->normalisers, own, own_size, image, lines);
}

/* ---- Linux ---- */

enum status observe_native(struct bench *b, const char *name, const char *record,
                           struct observed *out)
{
    const struct verif_options *o = b->options;
    memset(out, 0, sizeof *out);
    enum status status = prepare(b, name, NULL, &out->directory);
    if (status)
        return status;
    strings argv = {0};
    vec_push(b->a, &argv, o->name ? o->name : o->program);
    vec_each (argument, b->arguments)
        vec_push(b->a, &argv, sandbox_expand(b->a, &b->box, b->options->program, *argument));
    vec_push(b->a, &argv, NULL);
    struct calls_recording recording = {o->program, record};
    out->process = (struct process){.argv = argv.items,
                                    .path = o->program,
                                    .directory = out->directory,
                                    .env = environment(b),
                                    .terminal = true,
                                    .terminal_input = b->terminal,
                                    .in_child = record ? calls_record : NULL,
                                    .context = &recording};
    out->drive = (struct drive){.tests = b->tests,
                                .process = &out->process,
                                .local = true,
                                .directory = out->directory,
                                .env = environment(b),
                                .run_ms = b->tests     ? 0
                                          : o->wait_ms ? o->wait_ms
                                                       : NATIVE_RUN_MS};
    if (b->tests && b->tests->type == TEST_STDIN)
        out->drive.ready_ms = 2000;
    status = process_start(b->d, &out->process);
    if (!status)
        status = drive(b->d, b->a, &out->drive);
    bool ended = process_ended(&out->process);
    process_stop(&out->process, STOP_MS);
    out->exit_known = ended;
    out->exit_status = out->process.exit_status;
    out->signal = out->process.signal;
    out->hung = out->drive.timed_out;
    out->exit_reason = ended                ? NULL
                       : out->drive.serving ? "a server that serves on after the last command"
                                            : "it was still running when its time was up";
    status = tidy(b, out->directory, status);
    if (!status && record) {
        enum status read = calls_read(b->d, b->a, b->console, record, &out->calls);
        if (read)
            diag_debug(b->d, 1, "the calls on Linux could not be recorded: %s", b->d->message);
    }
    return status;
}

/* ---- the image ---- */

struct watch {
    struct bench *b;
    const struct script *script;
    const struct runner *runner;
    size_t step; /* asked about last */
    int64_t step_began_us;
    const struct process *process;
    /* delayed_us: for how long its threads had waited for a processor when the console last grew */
    int64_t started_us, grown_us, delayed_us;
    size_t seen; /* console bytes at the last look */
    int silent;  /* steps in a row whose answer stayed away */
    bool satisfied;
};

/* Drops the first line where it is the command as a terminal gives it back, perhaps behind a
 * prompt.
 */
static void drop_echo(strings *lines, const char *command)
{
    size_t n = lines->count ? strlen(lines->items[0]) : 0, m = strlen(command);
    if (!m || n < m || strcmp(lines->items[0] + n - m, command) != 0)
        return;
    lines->items++;
    lines->count--;
}

/* got is all that is expected and nothing else, but for the echo of a command (NULL: none). */
static bool fulfils(struct bench *b, const struct expectation *e, const char *text, size_t size,
                    bool console, const char *command)
{
    strings lines = {0};
    if (e->unusable)
        return false;
    observed_lines(b, text, size, console, &lines);
    if (command && lines.count == e->lines.count + 1)
        drop_echo(&lines, command);
    if (lines.count != e->lines.count)
        return false;
    if (e->unordered)
        return same_set(b->a, &e->lines, &lines);
    for (size_t i = 0; i < lines.count; i++)
        if (!line_matches(e->lines.items[i], lines.items[i]))
            return false;
    return true;
}

/* What the console gives back is the command alone, as terminals echo it. */
static bool only_echo(const struct watch *w, size_t step, const char *output, size_t size)
{
    const struct test_file *tests = w->b->tests;
    if (tests->type != TEST_STDIN || step >= tests->commands.count)
        return false;
    size_t n = strlen(tests->commands.items[step]);
    return size < n || (memcmp(output, tests->commands.items[step], n) == 0 &&
                        strspn(output + n, "\r\n") == size - n);
}

static void note_growth(struct watch *w, size_t size, int64_t now)
{
    w->seen = size;
    w->grown_us = now;
    w->delayed_us = process_delayed_us(w->process->pid);
}

/* Silence since a time, without what a busy host made of it: a machine that was not let run did not
 * keep silent. */
static int64_t silent_us(const struct watch *w, int64_t since, int64_t now)
{
    return now - since - (process_delayed_us(w->process->pid) - w->delayed_us);
}

/* Without expectations: an answer that has begun is over when it ceases. */
static int ceased(struct watch *w, size_t step, const char *output, size_t size)
{
    int64_t now = now_us();
    if (step != w->step || size != w->seen) {
        w->step = step;
        note_growth(w, size, now);
    }
    return size && !only_echo(w, step, output, size) &&
           silent_us(w, w->grown_us, now) > (int64_t)PACE_MS * 1000 * (2 + w->runner->slow / 2);
}

static int answered(void *context, size_t step, const char *output, size_t size)
{
    struct watch *w = context;
    int64_t now = now_us();
    if (w->script->open) /* a local program shows itself that it waits for more */
        return w->b->tests->type == TEST_EXEC || w->runner->local ? 0
                                                                  : ceased(w, step, output, size);
    if (step != w->step) {
        w->silent = w->satisfied ? 0 : w->silent + 1;
        w->step = step;
        w->step_began_us = now;
        w->delayed_us = process_delayed_us(w->process->pid);
        w->satisfied = false;
        w->seen = SIZE_MAX;
    }
    if (step + 1 >= w->script->steps.count)
        return 0;
    const struct expectation *e = &w->script->steps.items[step + 1];
    bool looked = w->seen == size;
    w->seen = size;
    if (!looked || !e->lines.count) {
        bool paced =
            e->lines.count || now - w->step_began_us > PACE_MS * 1000 * w->runner->slow / 4;
        bool console = w->b->tests->type == TEST_STDIN;
        const char *command = console ? w->b->tests->commands.items[step] : NULL;
        if (paced && fulfils(w->b, e, output, size, console, command)) {
            w->satisfied = true;
            return 1;
        }
    }
    return w->silent >= 2 && silent_us(w, w->step_began_us, now) > GIVE_UP_MS * 1000 ? -1 : 0;
}

static bool over(void *context, const char *console, size_t size, int *status)
{
    struct watch *w = context;
    return console_ended(w->b->console, console, size, status);
}

/* The boot is over when everything is there that the program prints before its first command, or
 * when the image has been silent for a while. */
static bool booted(void *context, const char *console, size_t size)
{
    struct watch *w = context;
    int64_t now = now_us();
    if (size != w->seen) {
        note_growth(w, size, now);
        if (size && w->script->steps.count && w->script->steps.items[0].lines.count &&
            fulfils(w->b, &w->script->steps.items[0], console, size, true, NULL))
            return true;
    }
    int64_t silence = (int64_t)SILENT_START_MS * 1000 * w->runner->slow / 4;
    if (w->runner->local)
        return true;
    return silent_us(w, size ? w->grown_us : w->started_us, now) > (size ? silence : 2 * silence);
}

/* Which core an image is of: its selection says, or else its banner ("Powered by", or of old only
 * "Calypso 0.17.0~484ff209", as Unikraft's libukboot prints them). NULL: not known. */
static const char *core_of(const struct verif_options *options, const struct observed *o)
{
    if (options->selection)
        return options->selection->catalogue.name;
    vec_each (e, &o->events)
        if (e->kind == CONSOLE_BOOT &&
            (strchr(e->line, '~') || strncmp(e->line, "Powered by", 10) == 0))
            return "unikraft";
    return NULL;
}

/* The program asked for its end, and the core refused: it is no end. */
static bool end_refused(const struct observed *o)
{
    vec_each (call, &o->calls)
        if (strncmp(call->name, "exit", 4) == 0 && call->has_result && call->result < 0)
            return true;
    return false;
}

static void settle_exit(struct observed *o, const struct runner *runner, const char *core,
                        bool ended)
{
    const struct process *p = &o->process;
    int status = 0;
    enum debug_exit told = runner_debug_exit(core, p->exit_status, &status);
    o->hung = o->drive.timed_out;
    if (o->drive.over_seen) {
        o->exit_known = o->drive.over_status >= 0;
        o->exit_status = o->drive.over_status;
        o->exit_reason = "by the program's last call, as the console tells";
        return;
    }
    if (!ended) {
        o->exit_reason = o->drive.serving ? "a server that serves on after the last command"
                                          : "it was still running when its time was up";
        return;
    }
    if (runner->exit_from == EXIT_PROCESS) {
        o->exit_known = true;
        o->exit_status = p->exit_status;
        o->signal = p->signal;
    } else if (runner->exit_from == EXIT_QEMU_DEBUG && told == DEBUG_EXIT_STATUS) {
        o->exit_known = true;
        o->exit_status = status;
        o->exit_reason = "through the debug exit device";
    } else if (runner->exit_from == EXIT_QEMU_DEBUG && told == DEBUG_EXIT_CRASH) {
        o->crashed = true;
        o->exit_reason = "the core halted after a crash";
    } else {
        o->exit_reason = p->signal ? "the runner itself was ended by a signal"
                                   : "the machine was switched off without a status";
    }
}

/* The runner's command line for this run, variables replaced. */
static enum status image_command(struct bench *b, const struct runner *runner,
                                 const struct image *image, const listenings *ports,
                                 strings *command)
{
    strings arguments = {0};
    vec_each (argument, b->arguments)
        vec_push(b->a, &arguments, sandbox_expand(b->a, &b->box, b->options->program, *argument));
    return runner_command(b->d, b->a, runner, image, &arguments, ports, command);
}

enum status observe_image(struct bench *b, const char *name, const struct runner *runner,
                          const struct image *image, const struct script *script,
                          const listenings *ports, struct observed *out)
{
    const struct verif_options *o = b->options;
    memset(out, 0, sizeof *out);
    enum status status = prepare(b, name, image->share, &out->directory);
    if (!status)
        status = image_command(b, runner, image, ports, &out->command);
    if (status)
        return status;
    struct watch watch = {.b = b,
                          .script = script,
                          .runner = runner,
                          .process = &out->process,
                          .step = SIZE_MAX,
                          .seen = SIZE_MAX,
                          .satisfied = true};
    out->process = (struct process){
        .argv = out->command.items, .directory = out->directory, .terminal = runner->local};
    int64_t patience = script->longest_us * 5 / 1000 + 60 * runner->slow + 200;
    int64_t end_ms = script->longest_us * runner->slow / 1000 + 1500 + 100 * runner->slow;
    if (!runner->local) /* without tests the boot is in it */
        end_ms += MACHINE_MS;
    if (script->run_ms)
        end_ms = script->run_ms;
    int64_t limit = b->tests && b->tests->timeout_ms > end_ms ? b->tests->timeout_ms : end_ms;
    out->drive = (struct drive){.tests = image->input_inside ? NULL : b->tests,
                                .process = &out->process,
                                .ready_ms = o->boot_ms ? o->boot_ms : BOOT_MS,
                                .serial = !runner->local,
                                .local = runner->local && script->open,
                                .settle_ms = (int)patience,
                                .run_ms = (int)(limit < INT_MAX ? limit : INT_MAX),
                                .directory = out->directory,
                                .env = environment(b),
                                .answered = answered,
                                .over = over,
                                .booted = booted,
                                .context = &watch};
    status = process_start(b->d, &out->process);
    watch.started_us = watch.grown_us = now_us();
    if (!status)
        status = drive(b->d, b->a, &out->drive);
    bool ended = process_ended(&out->process);
    process_stop(&out->process, ended || out->drive.over_seen ? 0 : STOP_MS);
    if (out->drive.console) {
        size_t own;
        console_split(b->console, out->drive.console, out->drive.console_size, &own, &out->events);
        calls_of_events(b->a, &out->events, &out->calls);
    }
    if (out->drive.over_seen && !ended && end_refused(out)) {
        out->drive.over_seen = false;
        out->drive.timed_out = true;
    }
    settle_exit(out, runner, core_of(o, out), ended);
    return tidy(b, out->directory, status);
}
