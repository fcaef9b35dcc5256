/* SPDX-License-Identifier: BSD-3-Clause
 * What happens in a run, in order: setup commands, the program, its tests, its end, cleanup
 * commands. Everything here is on the script thread. */
#include "tracer/script.h"
#include "tracer/classify.h"
#include "tracer/network.h"
#include "tracer/shell.h"
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TEST_MS = 60000,       /* a test without a limit of its own */
    UNWATCHED_MS = 120000, /* a program without tests and without --wait */
    IDLE_MS = 5000,        /* such a program that only waits for events */
    GRACE_MS = 3000,       /* from SIGTERM to SIGKILL */
    READY_MS = 10000,      /* until a server listens */
    OUTPUT_SHOWN = 4096,   /* bytes of an output in the profile */
};

static const struct test_file *tests_of(const struct script *script)
{
    return script->session->options->tests;
}

/* ---- results ---- */

static const char *shortened(struct arena *a, const char *output, size_t size)
{
    if (size <= OUTPUT_SHOWN)
        return size ? arena_strndup(a, output, size) : NULL;
    return arena_printf(a, "%.*s\n[... %zu bytes more]", OUTPUT_SHOWN, output, size - OUTPUT_SHOWN);
}

static bool matches(const char *expression, const char *text)
{
    regex_t compiled;
    if (regcomp(&compiled, expression, REG_EXTENDED | REG_NOSUB | REG_NEWLINE) != 0)
        return false;
    int result = regexec(&compiled, text, 0, NULL, 0);
    regfree(&compiled);
    return result == 0;
}

static const char *step_status(struct arena *a, const struct drive_step *step)
{
    switch (step->outcome) {
    case DRIVE_DONE:
        if (step->signal)
            return arena_printf(a, "signal %d", step->signal);
        return step->exit_status < 0 ? "sent" : arena_printf(a, "exit %d", step->exit_status);
    case DRIVE_REPLY:
        return "reply";
    case DRIVE_SILENT:
        return "no reply";
    case DRIVE_REFUSED:
        return "refused";
    case DRIVE_TIMEOUT:
        return "timeout";
    case DRIVE_NOT_SENT:
        break;
    }
    return "not sent";
}

static const char *judged(const struct script *script, const struct drive_step *step, size_t index)
{
    const strings *expected = &tests_of(script)->expected;
    const char *status = step_status(script->arena, step);
    if (index < expected->count && *expected->items[index] &&
        !matches(expected->items[index], step->size ? step->output : ""))
        return arena_printf(script->arena, "%s, unexpected output", status);
    return status;
}

static const struct expectation *expectation_of(const struct script *script)
{
    const struct injection *injection = script->session->injection;
    return injection ? injection->expected : NULL;
}

static const char *masked_output(const struct script *script, const char *output, size_t size)
{
    struct arena *a = script->arena;
    output = shortened(a, output, size);
    return output ? sandbox_mask(a, &script->box, output) : "";
}

/* false: enough. */
static bool differs(struct script *script, size_t index, const char *status, const char *command)
{
    struct difference *out = &script->session->injection->difference;
    if (script->session->injection->control)
        return true;
    *out = (struct difference){.found = true, .index = index, .output = !status};
    snprintf(out->text, sizeof out->text, "%s at command %zu: %.60s",
             status ? status : "other output", index + 1, command);
    return false;
}

/* A run that is compared with an untouched one need not go on once it differs. */
static bool go_on(void *context, const struct drive_step *step, size_t index)
{
    struct script *script = context;
    struct injection *injection = script->session->injection;
    const struct expectation *expected = expectation_of(script);
    if (!expected) {
        diag_progress(&script->diag, index + 1, tests_of(script)->commands.count, "%.*s",
                      (int)strcspn(step->command, "\r\n"), step->command);
        return true;
    }
    const char *status = judged(script, step, index);
    const char *output = masked_output(script, step->output, step->size);
    size_t at = injection->first + index, end = injection->first + tests_of(script)->commands.count;
    if (!expected_step(expected, script->arena, at, status, output)) {
        const struct profile_test *test = &expected->run->tests.items[at];
        bool same = same_status(test->status, status, expected->by_line);
        injection->timed_out |= step->outcome == DRIVE_TIMEOUT || step->outcome == DRIVE_SILENT;
        return differs(script, at, same ? NULL : status, step->command);
    }
    const struct drive *v = &script->drive;
    size_t size = v->console_size < OUTPUT_SHOWN ? v->console_size : OUTPUT_SHOWN;
    const char *console = arena_strndup(script->arena, v->console, expected->by_line ? size : 0);
    if (!expected_start(expected, end, sandbox_mask(script->arena, &script->box, console)))
        return differs(script, end, NULL, step->command);
    return true;
}

/* Where an untouched run's answer is known: complete once it is there. */
static int answered(void *context, size_t index, const char *output, size_t size)
{
    const struct script *script = context;
    const struct expectation *expected = expectation_of(script);
    return expected && size &&
           expected_answer(expected, script->session->injection->first + index,
                           masked_output(script, output, size));
}

static bool expects_answer(void *context, size_t index)
{
    const struct script *script = context;
    const struct expectation *expected = expectation_of(script);
    index += expected ? script->session->injection->first : 0;
    return expected && index < expected->run->tests.count &&
           strncmp(expected->run->tests.items[index].status, "reply", strlen("reply")) == 0;
}

static void keep_step(struct script *script, const struct drive_step *step, size_t index)
{
    struct arena *a = script->arena;
    struct profile_test *result = vec_add(a, &script->results);
    result->command = step->command;
    result->status = judged(script, step, index);
    result->duration_ms = step->duration_us / 1000;
    result->output = shortened(a, step->output, step->size);
}

static const char *end_status(const struct script *script, const struct drive *v)
{
    if (script->exit_status >= 0)
        return arena_printf(script->arena, "exit %d", script->exit_status);
    if (script->timed_out)
        return "timeout";
    if (v->serving || !script->signal)
        return "ended by the tool";
    return arena_printf(script->arena, "signal %d", script->signal);
}

static void keep_end(struct script *script, const struct drive *v, const char *const *argv)
{
    struct arena *a = script->arena;
    const char *line = argv[0];
    for (size_t i = 1; argv[i]; i++)
        line = arena_printf(a, "%s %s", line, argv[i]);
    struct profile_test *result = vec_add(a, &script->results);
    result->command = line;
    result->status = end_status(script, v);
    const struct process *p = v->process;
    result->duration_ms = (p->ended ? p->ended_us - p->started_us : v->finished_us) / 1000;
    result->output = shortened(a, v->console, v->console_size);
}

/* ---- the program ---- */

static void over_time(struct script *script)
{
    if (script->timed_out || now_us() < script->deadline_us)
        return;
    script->timed_out = true;
    meeting_ask(script->meeting, ASK_KILL, script->program, SIGKILL);
}

/* The tracing thread reaps the program: it tells. */
static bool watch_program(struct process *p)
{
    struct script *script = p->context;
    if (script->deadline_us)
        over_time(script);
    if (!meeting_gone(script->meeting, script->program)) {
        guard_start(script);
        return false;
    }
    int status = script->program->status;
    p->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    p->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    p->ended_us = now_us();
    return true;
}

static const char *const *arguments(struct script *script)
{
    struct arena *a = script->arena;
    const struct tracer_options *options = script->session->options;
    const struct test_file *tests = options->tests;
    strings argv = {0};
    vec_push(a, &argv, options->name ? options->name : script->session->path);
    const char *const *from = script->line ? script->line : options->arguments;
    for (size_t i = 0; from && from[i]; i++)
        vec_push(a, &argv, from[i]);
    for (size_t i = 0; !(from && from[0]) && tests && i < tests->arguments.count; i++)
        vec_push(a, &argv, tests->arguments.items[i]);
    for (size_t i = 1; i < argv.count; i++)
        argv.items[i] = sandbox_expand(a, &script->box, script->session->path, argv.items[i]);
    vec_push(a, &argv, NULL);
    return argv.items;
}

const struct sock_fprog *script_filter(struct script *script)
{
    const struct session *s = script->session;
    return s->engine == ENGINE_PTRACE || s->engine == ENGINE_BREAKPOINT
               ? NULL
               : filter_for(script->arena, s->engine, s->injection);
}

static enum status start_program(struct script *script, struct process *p)
{
    struct diag *d = &script->diag;
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        return diag_fail(d, STATUS_SYSTEM, "cannot create a pipe: %s", strerror(errno));
    strings none = {0};
    struct start start = {.path = script->session->path,
                          .argv = p->argv,
                          .env = environment_with(script->arena, &none),
                          .directory = script->box.directory,
                          .in = in[0],
                          .out = out[1],
                          .err = out[1],
                          .filter = script_filter(script)};
    p->started_us = now_us();
    enum status status =
        launch_begin(d, script->arena, script->meeting, &start, true, &script->program);
    close(in[0]);
    close(out[1]);
    p->pid = script->program->pid;
    p->input = in[1];
    p->output = out[0];
    p->exit_status = -1;
    p->watch = watch_program;
    p->context = script;
    p->wake = script->meeting->wake;
    fcntl(p->input, F_SETFL, O_NONBLOCK);
    fcntl(p->output, F_SETFL, O_NONBLOCK);
    fcntl(p->output, F_SETPIPE_SZ, 1 << 20); /* fewer turns between the two */
    return status;
}

static void drain(struct process *p)
{
    char dropped[16384];
    while (p->output >= 0 && read(p->output, dropped, sizeof dropped) > 0)
        continue;
}

/* Asks the program to end as an administrator would, so that its exit handlers run; then ends it.
 */
static void end_program(struct script *script, struct process *p, bool gently)
{
    process_close_input(p);
    const struct expectation *expected = expectation_of(script);
    for (int again = gently ? 0 : 2; again < 2 && !process_ended(p); again++) {
        int64_t grace_ms = expected ? expected->end_ms : GRACE_MS / 2;
        int64_t until = now_us() + grace_ms * 1000;
        meeting_ask(script->meeting, ASK_SIGNAL, script->program, SIGTERM);
        while (!process_ended(p) && now_us() < until) {
            drain(p);
            usleep(2000);
        }
    }
    if (!process_ended(p))
        meeting_ask(script->meeting, ASK_KILL, script->program, SIGKILL);
    while (!process_ended(p))
        usleep(1000);
    drain(p);
    close(p->output);
}

/* ---- shell commands around it ---- */

static enum status run_shell(void *context, struct diag *d, struct arena *a, struct subprocess *p)
{
    (void)a;
    return shell_run(context, d, p);
}

static enum status run_all(struct script *script, const strings *commands, const char *what)
{
    for (size_t i = 0; i < commands->count; i++) {
        const char *argv[] = {"/bin/sh", "-c", commands->items[i], NULL};
        struct subprocess p = {.argv = argv, .timeout_ms = TEST_MS};
        enum status status = shell_run(script, &script->diag, &p);
        if (status)
            return status;
        if (p.exit_status != 0)
            return diag_fail(&script->diag, STATUS_INPUT, "%s command failed (%s %d): %s\n%.*s",
                             what, p.signal ? "signal" : "exit status",
                             p.signal ? p.signal : p.exit_status, commands->items[i], 500, p.out);
    }
    return STATUS_OK;
}

/* ---- the whole ---- */

static void begun(void *context)
{
    struct script *script = context;
    meeting_ask(script->meeting, ASK_RUNNING, NULL, 0);
}

static void set_limits(struct script *script, struct drive *v)
{
    const struct tracer_options *options = script->session->options;
    const struct test_file *tests = options->tests;
    if (tests) {
        int64_t limit = tests->timeout_ms ? tests->timeout_ms : TEST_MS;
        script->deadline_us = now_us() + limit * 1000;
        v->run_ms = (int)limit;
        v->ready_ms = limit < READY_MS ? (int)limit : READY_MS;
    } else {
        v->run_ms = options->wait_ms ? options->wait_ms : UNWATCHED_MS;
        v->idle_ms = options->wait_ms ? 0 : IDLE_MS;
    }
    const struct injection *injection = script->session->injection;
    if (injection && injection->expected) {
        v->step_ms = injection->expected->step_ms + injection->first;
        v->ready_ms = injection->expected->ready_ms;
    }
}

/* What a run tells besides its results. */
static void keep_times(const struct script *script, const struct drive *v,
                       struct injection *injection, bool by_itself, int64_t end_us)
{
    if (v->ready_us > injection->ready_us)
        injection->ready_us = v->ready_us;
    if (end_us > injection->end_us)
        injection->end_us = end_us;
    int64_t tail_us = v->finished_us - (v->tests ? v->commands_us : 0);
    if (tail_us > injection->tail_us)
        injection->tail_us = tail_us;
    bool late = v->tests && v->tests->type != TEST_STDIN && !v->ready && v->enough;
    injection->timed_out |= script->timed_out || v->timed_out || (late && !by_itself);
    vec_each (l, &v->ports) {
        bool own = false;
        for (int i = 0; i < SANDBOX_PORTS; i++)
            own |= l->port == script->box.ports[i];
        injection->fixed_port |= !own && !l->udp;
    }
}

/* Up to where the program is being started. */
static void play_begin(struct script *script)
{
    struct drive *v = &script->drive;
    struct process *p = &script->process;
    *v = (struct drive){
        .local = true, .run = run_shell, .begun = begun, .go_on = go_on, .context = script};
    *p = (struct process){.argv = arguments(script)};
    bool telnet = tests_of(script) && tests_of(script)->type == TEST_TELNET;
    if (telnet && expectation_of(script)) {
        v->answered = answered;
        v->expects = expects_answer;
    }
    v->tests = sandbox_tests(script->arena, &script->box, script->session->path, tests_of(script));
    v->process = p;
    set_limits(script, v);
    script->exit_status = -1;
    script->status = start_program(script, p);
    script->begun = !script->status;
}

static void play_on(struct script *script)
{
    struct drive *v = &script->drive;
    struct process *p = &script->process;
    script->status = launch_result(&script->diag, script->program);
    if (script->status)
        return;
    script->status = drive(&script->diag, script->arena, v);
    bool by_itself = process_ended(p);
    script->timed_out |= v->timed_out && v->tests;
    struct injection *injection = script->session->injection;
    int64_t done_us = now_us();
    end_program(script, p, !injection || !(v->enough || script->timed_out));
    if (injection)
        keep_times(script, v, injection, by_itself, now_us() - done_us);
    if (by_itself && !script->timed_out) {
        script->exit_status = p->exit_status;
        script->signal = p->signal;
    }
    for (size_t i = 0; i < v->steps.count; i++)
        keep_step(script, &v->steps.items[i], i);
    keep_end(script, v, p->argv);
}

/* A test of a fixed port that is taken would talk to whoever has it: it gets a network of its own.
 */
static bool network_ready(struct script *script, const struct test_file *tests)
{
    const char *address = tests->address ? tests->address : "127.0.0.1";
    bool here = strncmp(address, "127.", 4) == 0 || strcmp(address, "localhost") == 0;
    if (tests->type != TEST_TELNET || !tests->port || !here ||
        !network_port_taken((int)tests->port))
        return true;
    if (!network_private())
        return false;
    diag_note(&script->diag, "port %lld is taken: the test runs in a network of its own",
              (long long)tests->port);
    return true;
}

/* Where the run takes place. */
static void open_box(struct script *script)
{
    const struct test_file *tests = tests_of(script);
    struct diag *d = &script->diag;
    bool folder = tests && tests->work_folder, variables = false;
    const char *const *line = script->line ? script->line : script->session->options->arguments;
    for (size_t i = 0; line && line[i]; i++) {
        folder |= script->line && strstr(line[i], "${DIR}") != NULL;
        variables |= strstr(line[i], "${") != NULL;
    }
    if (tests && !network_ready(script, tests))
        script->status =
            diag_fail(d, STATUS_INPUT,
                      "port %lld, on which the test talks to the program, is taken by "
                      "another one (\"portTelnet\": 0 and ${PORT} stand for a free one)",
                      (long long)tests->port);
    else if (folder || tests || variables)
        script->status =
            sandbox_open(d, script->arena, folder, script->session->options->scratch, &script->box);
    script->session->folder = script->box.directory; /* before there is anything to trace */
    script->opened = true;
}

bool script_begin(struct script *script)
{
    if (tests_of(script))
        return false;
    open_box(script);
    if (!script->status)
        play_begin(script);
    if (script->begun)
        process_close_input(&script->process);
    return script->begun;
}

void *script_play(void *context)
{
    struct script *script = context;
    const struct test_file *tests = tests_of(script);
    if (tests)
        guard_start(script);
    if (!script->opened)
        open_box(script);
    if (!script->status && tests)
        script->status = run_all(script, &tests->setup, "setup");
    if (!script->status) {
        if (!script->begun)
            play_begin(script);
        if (script->begun)
            play_on(script);
        enum status cleaned = tests ? run_all(script, &tests->cleanup, "cleanup") : STATUS_OK;
        if (!script->status)
            script->status = cleaned;
    }
    meeting_over(script->meeting);
    return NULL;
}
