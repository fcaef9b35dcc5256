/* SPDX-License-Identifier: BSD-3-Clause
 * An image under a test file, by itself: the machinery of the comparison without its other side. */
#include "common/file.h"
#include "verifier/observe.h"
#include <regex.h>
#include <string.h>

enum { SHOWN = 4096, RUN_MS = 30000 };

#define S struct boot_test
static const struct jm_field test_fields[] = {
    JM_FIELD(S, "command", command, JM_STRING),
    JM_FIELD(S, "status", status, JM_STRING),
    JM_FIELD(S, "fault", fault, JM_STRING, .flags = JM_OPTIONAL,
             .description = "why it counts as failed"),
    JM_FIELD(S, "output", output, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(S, "duration_ms", duration_ms, JM_INT),
};
static const struct jm_type test_type = JM_TYPE(S, "test", "What a command brought", test_fields);
#undef S

#define S struct boot_run
static const struct jm_field run_fields[] = {
    JM_FIELD(S, "arguments", arguments, JM_STRING),
    JM_FIELD(S, "command", command, JM_STRINGS, .description = "that ran the image"),
    JM_FIELD(S, "start", start, JM_STRING, .flags = JM_OPTIONAL,
             .description = "printed before the first command"),
    JM_FIELD(S, "ready_ms", ready_ms, JM_INT, .description = "-1: never"),
    JM_FIELD(S, "tests", tests, JM_ARRAY, .type = &test_type),
    JM_FIELD(S, "exit_status", exit_status, JM_INT, .description = "-1: not known"),
    JM_FIELD(S, "end", end, JM_STRING),
    JM_FIELD(S, "faults", faults, JM_STRINGS, .flags = JM_OPTIONAL),
    JM_FIELD(S, "refused", refused, JM_STRINGS, .flags = JM_OPTIONAL,
             .description = "system calls that the core said it lacks"),
};
static const struct jm_type run_type = JM_TYPE(S, "run", "One run of the image", run_fields);
#undef S

#define S struct boot
static const struct jm_field boot_fields[] = {
    JM_FIELD(S, "schema", schema, JM_STRING),
    JM_FIELD(S, "image", image, JM_STRING),
    JM_FIELD(S, "runner", runner, JM_STRING),
    JM_FIELD(S, "passed", passed, JM_BOOL),
    JM_FIELD(S, "runs", runs, JM_ARRAY, .type = &run_type),
};
const struct jm_type boot_type = JM_TYPE(S, "run", "An image under a test file", boot_fields);
#undef S

/* The program's own part of a piece of the console, carriage returns left out. */
static const char *own_text(struct bench *b, const char *text, size_t size, bool console)
{
    size_t own_size = size, used = 0;
    const char *own = console ? console_split(b->console, text, size, &own_size, NULL) : text;
    char *copy = arena_alloc(b->a, own_size + 1);
    for (size_t i = 0; i < own_size && used < SHOWN; i++)
        if (own[i] != '\r' && own[i] != '\0')
            copy[used++] = own[i];
    while (used && copy[used - 1] == '\n')
        used--;
    copy[used] = '\0';
    return used ? copy : NULL;
}

static bool matches(const char *pattern, const char *text)
{
    regex_t regex;
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB))
        return false;
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static const char *status_of(struct arena *a, const struct drive_step *step)
{
    static const char *const names[] = {[DRIVE_REPLY] = "reply",
                                        [DRIVE_SILENT] = "no reply",
                                        [DRIVE_REFUSED] = "refused",
                                        [DRIVE_TIMEOUT] = "timeout",
                                        [DRIVE_NOT_SENT] = "not sent"};
    if (step->outcome != DRIVE_DONE)
        return names[step->outcome];
    if (step->signal)
        return arena_printf(a, "signal %d", step->signal);
    return step->exit_status < 0 ? "sent" : arena_printf(a, "exit %d", step->exit_status);
}

static const char *fault_of(struct arena *a, const struct drive_step *step, const char *output,
                            const char *expected)
{
    switch (step->outcome) {
    case DRIVE_SILENT:
        return "nothing came back in time";
    case DRIVE_REFUSED:
        return "no connection";
    case DRIVE_TIMEOUT:
        return "the command did not end in time";
    case DRIVE_NOT_SENT:
        return "the program had ended";
    case DRIVE_DONE:
    case DRIVE_REPLY:
        break;
    }
    if (step->outcome == DRIVE_DONE && (step->signal || step->exit_status > 0))
        return step->signal ? "a signal ended the command" : "the command failed";
    if (expected && *expected && !matches(expected, output ? output : ""))
        return arena_printf(a, "the output does not match \"%s\"", expected);
    return NULL;
}

static void keep_tests(struct bench *b, const struct observed *seen, struct boot_run *run)
{
    const struct test_file *tests = b->tests;
    for (size_t i = 0; i < seen->drive.steps.count; i++) {
        const struct drive_step *step = &seen->drive.steps.items[i];
        struct boot_test *t = vec_add(b->a, &run->tests);
        t->command = step->command;
        t->status = status_of(b->a, step);
        t->output = own_text(b, step->output, step->size, tests->type == TEST_STDIN);
        t->duration_ms = step->duration_us / 1000;
        t->fault = fault_of(b->a, step, t->output,
                            i < tests->expected.count ? tests->expected.items[i] : NULL);
    }
}

static void add_once(struct arena *a, strings *list, const char *word)
{
    vec_each (known, list)
        if (strcmp(*known, word) == 0)
            return;
    vec_push(a, list, word);
}

/* A loader's machine runs on after its program's end, and nothing tells of that end. */
static bool loader_runs_on(const struct bench *b)
{
    const struct selection *s = b->options->selection;
    return s && s->mode && strcmp(s->mode, "binary") == 0;
}

static void keep_end(struct bench *b, const struct observed *seen, struct boot_run *run)
{
    struct arena *a = b->a;
    const struct drive *v = &seen->drive;
    run->exit_status = seen->exit_known ? seen->exit_status : -1;
    bool printed = false;
    vec_each (test, &run->tests)
        printed |= test->output != NULL;
    if (seen->exit_known && seen->exit_status >= 0)
        run->end = arena_printf(a, "with status %d", seen->exit_status);
    else if (seen->signal)
        run->end = arena_printf(a, "by signal %d", seen->signal);
    else
        run->end = seen->exit_reason ? seen->exit_reason : "without a status";
    if (seen->hung && (printed || run->start) && loader_runs_on(b))
        run->end = "stopped: the machine ran on, as loaders do after their program's end";
    else if (seen->hung)
        vec_push(
            a, &run->faults,
            arena_printf(a, "still running %.1f s after its start", (double)v->finished_us / 1e6));
    if (seen->exit_known && (seen->exit_status || seen->signal))
        vec_push(a, &run->faults, arena_printf(a, "the program ended %s", run->end));
    if (seen->crashed)
        vec_push(a, &run->faults, "the core halted after a crash");
    if (seen->process.ended && !v->over_seen && !v->console_size && seen->process.exit_status > 1)
        vec_push(a, &run->faults, "the machine ended without a word");
    vec_each (event, &seen->events) {
        if (event->kind == CONSOLE_CRASH || event->kind == CONSOLE_LINK)
            add_once(a, &run->faults, event->text);
        if (event->kind == CONSOLE_MISSING)
            add_once(a, &run->refused, event->text);
    }
}

static bool run_failed(const struct boot_run *run)
{
    bool failed = run->faults.count > 0;
    vec_each (test, &run->tests)
        failed |= test->fault != NULL;
    return failed;
}

/* ---- ports ---- */

static bool mentions_port(const strings *texts)
{
    vec_each (text, texts)
        if (strstr(*text, "${PORT") || strstr(*text, "$PORT"))
            return true;
    return false;
}

static void add_port(struct arena *a, listenings *list, int port)
{
    vec_each (known, list)
        if (known->port == port && !known->udp)
            return;
    vec_push(a, list, ((struct listening){.port = port}));
}

/* What leads into the machine: ports given, those the tests name, else those on which the program
 * listens when it runs here. */
static enum status find_ports(struct bench *b, const listenings *given, listenings *ports)
{
    const struct test_file *tests = b->options->tests;
    vec_each (port, given)
        vec_push(b->a, ports, *port);
    if (!tests || tests->type == TEST_STDIN)
        return STATUS_OK;
    if (tests->type == TEST_TELNET)
        add_port(b->a, ports, tests->port ? (int)tests->port : b->box.ports[0]);
    if (mentions_port(b->arguments) || mentions_port(&tests->commands) ||
        mentions_port(&tests->arguments))
        for (size_t i = 0; i < SANDBOX_PORTS; i++)
            add_port(b->a, ports, b->box.ports[i]);
    if (ports->count || !file_exists(b->options->program))
        return STATUS_OK;
    struct observed *native = ARENA_NEW(b->a, struct observed);
    diag_progress(b->d, 0, 0, "running the program here, to see its ports");
    enum status status = observe_native(b, "linux-ports", NULL, native);
    if (status)
        return status;
    *ports = native->drive.ports;
    if (!ports->count)
        diag_warn(b->d,
                  "%s: on Linux it listens on no port; --forward names those to lead into "
                  "the machine",
                  b->options->program);
    return STATUS_OK;
}

/* ---- runs ---- */

static enum status one_run(struct bench *b, const struct runner *runner, const struct image *image,
                           const listenings *forwards, size_t index, struct boot *out)
{
    struct arena *a = b->a;
    struct boot_run *run = vec_add(a, &out->runs);
    struct observed *seen = ARENA_NEW(a, struct observed);
    struct script script = {.open = true};
    if (!b->options->tests || b->options->wait_ms)
        script.run_ms = b->options->wait_ms ? b->options->wait_ms : RUN_MS;
    listenings ports = {0};
    run->arguments = "";
    vec_each (word, b->arguments)
        run->arguments =
            arena_printf(a, "%s%s%s", run->arguments, *run->arguments ? " " : "", *word);
    enum status status = runner->local ? STATUS_OK : find_ports(b, forwards, &ports);
    diag_progress(b->d, 0, 0, "running the image");
    if (!status)
        status = observe_image(b, arena_printf(a, "image-%zu", index), runner, image, &script,
                               &ports, seen);
    if (status)
        return status;
    const struct drive *v = &seen->drive;
    run->command = seen->command;
    run->ready_ms = v->ready ? v->ready_us / 1000 : -1;
    bool tested = v->steps.count > 0;
    run->start = own_text(b, v->console, tested ? v->start_size : v->console_size, true);
    keep_tests(b, seen, run);
    keep_end(b, seen, run);
    out->passed = out->passed && !run_failed(run);
    return STATUS_OK;
}

enum status boot_image(struct diag *d, struct arena *a, const struct verif_options *options,
                       const struct image *image, const listenings *forwards, struct boot *out)
{
    memset(out, 0, sizeof *out);
    out->schema = BOOT_SCHEMA;
    out->image = image->path;
    out->passed = true;
    struct bench bench = {.d = d, .a = a, .options = options};
    struct runner runner;
    enum status status = runner_choose(d, a, image, &runner);
    if (!status)
        status = sandbox_open(d, a, false, NULL, &bench.box);
    if (status)
        return status;
    out->runner = runner.name;
    bench.console = console_open(d, a);
    size_t runs = options->command_lines.count ? options->command_lines.count : 1;
    status = bench.console ? STATUS_OK : STATUS_SYSTEM;
    for (size_t i = 0; i < runs && !status; i++) {
        strings *words = ARENA_NEW(a, strings);
        status = run_arguments(&bench, i, words);
        bench.arguments = words;
        if (!status)
            status = one_run(&bench, &runner, image, forwards, i, out);
    }
    console_close(bench.console);
    diag_progress_end(d);
    return status ? status : out->passed ? STATUS_OK : STATUS_FOUND;
}
