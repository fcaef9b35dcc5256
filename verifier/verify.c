/* SPDX-License-Identifier: BSD-3-Clause
 * The program on Linux several times, the image once, and what differs. */
#include "verifier/cause.h"
#include "verifier/checks.h"
#include "verifier/observe.h"
#include <string.h>
#include <unistd.h>

enum { REPEAT = 2, REPEAT_LIMIT = 20, SECOND_US = 1100000 };

const char *const verdict_names[] = {"same", "different", "not comparable", NULL};

static const char *joined(struct arena *a, const strings *words)
{
    const char *text = "";
    vec_each (word, words)
        text = arena_printf(a, "%s%s%s", text, *text ? " " : "", *word);
    return text;
}

struct sides {
    struct observed *native; /* repeat of them, room for twice as many */
    size_t repeat;
    struct observed image;
    struct script script;
    const struct observed *recorded, *traced; /* with calls; NULL: not tried, or not to be had */
    bool trace_tried;
};

static enum status run_native(struct bench *b, struct sides *s, size_t index, size_t count)
{
    enum status status = STATUS_OK;
    for (size_t r = 0; r < count && !status; r++) {
        diag_progress(b->d, s->repeat + 1, 0, "running the program on Linux");
        status = observe_native(b, arena_printf(b->a, "linux-%zu-%zu", index, s->repeat + 1), NULL,
                                &s->native[s->repeat]);
        s->repeat += !status;
    }
    return status;
}

static bool ends_with(const char *line, const char *word)
{
    size_t n = strlen(line), m = strlen(word);
    return m && n >= m && strcmp(line + n - m, word) == 0;
}

static size_t lines_ending(struct bench *b, const struct observed *o, bool image, const char *word)
{
    strings lines = {0};
    size_t count = 0;
    observed_lines(b, o->drive.console, o->drive.console_size, image, &lines);
    vec_each (line, &lines)
        count += ends_with(*line, word);
    return count;
}

/* The image repeats the commands it is given, and the program does not: its console is a terminal,
 * at which programs behave otherwise (prompts, greetings). */
static bool image_echoes(struct bench *b, const struct sides *s)
{
    if (b->terminal || !b->tests || b->tests->type != TEST_STDIN || !b->tests->commands.count)
        return false;
    const char *first = b->tests->commands.items[0];
    return lines_ending(b, &s->image, true, first) > lines_ending(b, &s->native[0], false, first);
}

/* The program on Linux with its calls recorded, from one more run; NULL: it could not be. */
static const struct observed *recorded(struct bench *b, struct sides *s, size_t index)
{
    if (s->recorded || !b->options->calls)
        return s->recorded;
    const char *path = arena_printf(b->a, "%s/linux-%zu.calls", b->options->work_dir, index);
    struct observed *o = ARENA_NEW(b->a, struct observed);
    if (observe_native(b, arena_printf(b->a, "linux-%zu-calls", index), path, o) == STATUS_OK)
        s->recorded = o;
    return s->recorded;
}

/* The image with its core's trace of calls: as it is, or its tracing twin; NULL: neither traces. */
static const struct observed *traced(struct bench *b, const struct runner *runner,
                                     const struct image *image, size_t index, struct sides *s)
{
    if (s->traced || s->trace_tried)
        return s->traced;
    s->trace_tried = true;
    if (events_hold_trace(&s->image.events))
        return s->traced = &s->image;
    if (!image->trace)
        return NULL;
    struct image twin = *image;
    twin.path = twin.trace;
    struct observed *o = ARENA_NEW(b->a, struct observed);
    if (observe_image(b, arena_printf(b->a, "trace-%zu", index), runner, &twin, &s->script,
                      &s->native[0].drive.ports, o) == STATUS_OK)
        s->traced = o;
    return s->traced;
}

/* The program's own end is known and the image's is not, or looks like a hang. */
static bool end_untold(const struct sides *s)
{
    return s->native[0].exit_known && !s->native[0].hung && !s->image.exit_known &&
           (s->image.hung || s->image.process.ended);
}

/* An image whose end does not tell how its program ended: its tracing twin may. Its console has the
 * program's last call, or else all its calls but that one. */
static void settle_by_twin(struct bench *b, const struct runner *runner, const struct image *image,
                           size_t index, struct sides *s)
{
    if (!end_untold(s) || !image->trace || runner->local)
        return;
    const struct observed *twin = traced(b, runner, image, index, s);
    if (!twin)
        return;
    if (twin->drive.over_seen) {
        s->image.exit_reason = s->image.hung ? "the machine runs on; the program's last call tells"
                                             : "as the image that traces its calls tells";
        s->image.hung = false;
        s->image.exit_known = twin->exit_known;
        s->image.exit_status = twin->exit_status;
        return;
    }
    const struct observed *native =
        s->image.hung && events_hold_trace(&twin->events) ? recorded(b, s, index) : NULL;
    if (!native)
        return;
    partings all = {0};
    calls_part(b->a, &native->calls, &twin->calls, remedy_harmless, remedy_new(b), &all);
    const struct parting *last = all.count ? &all.items[all.count - 1] : NULL;
    if (last && last->ends && strncmp(native->calls.items[last->native].name, "exit", 4) == 0) {
        s->image.hung = false;
        s->image.exit_reason = "the machine runs on after all the program's calls but the last, "
                               "which ends it; the core does not tell its status";
    }
}

/* For the report: how many calls either side makes, and which end otherwise. */
static void note_calls(struct bench *b, struct sides *s, size_t index, struct verif_run *run)
{
    if (!s->traced || !events_hold_trace(&s->traced->events) || !recorded(b, s, index))
        return;
    const calls *native = &s->recorded->calls, *image = &s->traced->calls;
    partings all = {0};
    run->native_calls = (int64_t)native->count;
    run->image_calls = (int64_t)image->count;
    memset(&run->calls_differ, 0, sizeof run->calls_differ);
    calls_part(b->a, native, image, remedy_harmless, remedy_new(b), &all);
    vec_each (p, &all) {
        if (p->ends)
            continue;
        const struct call *i = &image->items[p->image];
        const char *text = arena_printf(b->a, "%s %s", i->name, call_result_text(b->a, i));
        if (p->native != SIZE_MAX)
            text = arena_printf(b->a, "%s, on Linux %s", text,
                                call_result_text(b->a, &native->items[p->native]));
        bool known = false;
        vec_each (line, &run->calls_differ)
            known |= strcmp(*line, text) == 0;
        if (!known)
            vec_push(b->a, &run->calls_differ, text);
    }
}

static enum status check_again(struct bench *b, const struct runner *runner, struct sides *s,
                               struct verif_run *run)
{
    memset(&run->checks, 0, sizeof run->checks);
    b->console_lines = 0;
    b->varying = 0;
    run_checks(b, s->native, s->repeat, &s->image, runner, run);
    return STATUS_OK;
}

/* Checks; where something differs, sees first whether Linux itself varies there: the later runs are
 * in another second at least, so that times show as what they are. */
static enum status judge(struct bench *b, const struct runner *runner, const struct image *image,
                         size_t index, struct sides *s, struct verif_run *run)
{
    size_t first = s->repeat;
    enum status status = STATUS_OK;
    settle_by_twin(b, runner, image, index, s);
    if (s->image.hung && b->options->runs_on && !runner->local) {
        s->image.hung = false;
        s->image.exit_reason = "the machine runs on after its program's end, as it is known to";
    }
    run_checks(b, s->native, s->repeat, &s->image, runner, run);
    if (run->verdict == VERDICT_DIFFERENT && image_echoes(b, s)) {
        b->terminal = true;
        s->repeat = 0;
        status = run_native(b, s, index, first);
        if (!status)
            status = check_again(b, runner, s, run);
    }
    if (status || run->verdict != VERDICT_DIFFERENT || first < 2)
        return status;
    while (now_us() - s->native[0].process.started_us < SECOND_US)
        usleep(20000);
    status = run_native(b, s, index, first);
    return status ? status : check_again(b, runner, s, run);
}

static enum status one_run(struct bench *b, const struct runner *runner, const struct image *image,
                           size_t index, struct verif *out)
{
    struct arena *a = b->a;
    size_t repeat = b->options->repeat > 0 ? (size_t)b->options->repeat : REPEAT;
    if (repeat > REPEAT_LIMIT)
        repeat = REPEAT_LIMIT;
    struct sides *s = ARENA_NEW(a, struct sides);
    s->native = arena_array(a, 2 * repeat, sizeof *s->native);
    struct verif_run *run = vec_add(a, &out->runs);
    run->arguments = joined(a, b->arguments);
    enum status status = run_native(b, s, index, repeat);
    if (status)
        return status;
    script_of(b, s->native, s->repeat, &s->script);
    diag_progress(b->d, 0, 0, "running the image");
    status = observe_image(b, arena_printf(a, "image-%zu", index), runner, image, &s->script,
                           &s->native[0].drive.ports, &s->image);
    if (!index)
        out->runner.command = s->image.command;
    if (!status)
        status = judge(b, runner, image, index, s, run);
    if (!status && run->verdict == VERDICT_DIFFERENT && !out->divergence.present) {
        struct cause_input input = {.bench = b,
                                    .native = s->native,
                                    .repeat = s->repeat,
                                    .image = &s->image,
                                    .run = run,
                                    .recorded = recorded(b, s, index),
                                    .traced = traced(b, runner, image, index, s)};
        find_cause(&input, &out->divergence, &out->awaits_input);
    }
    out->exit_untold |= !status && end_untold(s);
    if (!status)
        note_calls(b, s, index, run);
    return status;
}

static void count(struct verif *v)
{
    v->verdict = VERDICT_NOT_COMPARABLE;
    vec_each (run, &v->runs) {
        vec_each (check, &run->checks) {
            v->same += check->verdict == VERDICT_SAME;
            v->different += check->verdict == VERDICT_DIFFERENT;
            v->not_comparable += check->verdict == VERDICT_NOT_COMPARABLE;
        }
        if (run->verdict == VERDICT_DIFFERENT ||
            (run->verdict == VERDICT_SAME && v->verdict == VERDICT_NOT_COMPARABLE))
            v->verdict = run->verdict;
    }
}

enum status run_arguments(struct bench *b, size_t index, strings *words)
{
    const struct verif_options *o = b->options;
    memset(words, 0, sizeof *words);
    if (o->command_lines.count) {
        const char *wrong = split_words(b->a, o->command_lines.items[index], words);
        return wrong ? diag_fail(b->d, STATUS_INPUT, "command line '%s': %s",
                                 o->command_lines.items[index], wrong)
                     : STATUS_OK;
    }
    *words = o->arguments.count || !o->tests ? o->arguments : o->tests->arguments;
    return STATUS_OK;
}

static enum status all_runs(struct bench *b, const struct runner *runner, const struct image *image,
                            struct verif *out)
{
    const struct verif_options *o = b->options;
    size_t runs = o->command_lines.count ? o->command_lines.count : 1;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < runs && !status; i++) {
        strings *words = ARENA_NEW(b->a, strings);
        status = run_arguments(b, i, words);
        b->arguments = words;
        if (status)
            break;
        status = one_run(b, runner, image, i, out);
    }
    return status;
}

enum status verify(struct diag *d, struct arena *a, const struct verif_options *options,
                   const struct image *image, struct verif *out)
{
    memset(out, 0, sizeof *out);
    out->schema = VERIF_SCHEMA;
    out->program = options->program;
    out->image = image->path;
    out->environment = options->environment;
    struct bench bench = {.d = d, .a = a, .options = options};
    struct runner runner;
    enum status status = runner_choose(d, a, image, &runner);
    if (status)
        return status;
    out->runner.name = runner.name;
    strings names = options->normalise;
    if (options->tests)
        vec_each (name, &options->tests->normalise)
            vec_push(a, &names, *name);
    status = sandbox_open(d, a, false, NULL, &bench.box);
    if (!status)
        status = normalisers_prepare(d, a, &names, options->tests ? &options->tests->ignore : NULL,
                                     &bench.normalisers);
    if (status)
        return status;
    bench.console = console_open(d, a);
    status = bench.console ? all_runs(&bench, &runner, image, out) : STATUS_SYSTEM;
    console_close(bench.console);
    diag_progress_end(d);
    normalisers_report(&bench.normalisers, &out->normalisers);
    checks_report(&bench, out);
    normalisers_free(&bench.normalisers);
    if (status)
        return status;
    count(out);
    return out->verdict == VERDICT_DIFFERENT ? STATUS_FOUND : STATUS_OK;
}
