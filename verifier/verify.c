/* SPDX-License-Identifier: BSD-3-Clause
 * The program on Linux several times, the image once, and what differs. */
#include "verifier/cause.h"
#include "verifier/checks.h"
#include "verifier/observe.h"
#include <string.h>

enum { REPEAT = 2, REPEAT_LIMIT = 20 };

const char *const verdict_names[] = {"same", "different", "not comparable", NULL};

static const char *joined(struct arena *a, const strings *words)
{
    const char *text = "";
    vec_each (word, words)
        text = arena_printf(a, "%s%s%s", text, *text ? " " : "", *word);
    return text;
}

static enum status one_run(struct bench *b, const struct runner *runner,
                           const struct verif_image *image, size_t index, struct verif *out)
{
    struct arena *a = b->a;
    int repeat = b->options->repeat ? b->options->repeat : REPEAT;
    if (repeat > REPEAT_LIMIT)
        repeat = REPEAT_LIMIT;
    struct observed *native = arena_array(a, (size_t)repeat, sizeof *native), *seen;
    enum status status = STATUS_OK;
    for (int r = 0; r < repeat && !status; r++) {
        diag_progress(b->d, (size_t)r, (size_t)repeat + 1, "running the program on Linux");
        status = observe_native(b, arena_printf(a, "linux-%zu-%d", index, r + 1), NULL, &native[r]);
    }
    struct verif_run *run = vec_add(a, &out->runs);
    run->arguments = joined(a, b->arguments);
    struct script script = {0};
    if (!status)
        script_of(b, native, (size_t)repeat, &script);
    strings command = {0};
    if (!status)
        status =
            runner_command(b->d, a, runner, image, b->arguments, &native[0].drive.ports, &command);
    if (!index)
        out->runner.command = command;
    diag_progress(b->d, (size_t)repeat, (size_t)repeat + 1, "running the image");
    seen = ARENA_NEW(a, struct observed);
    if (!status)
        status = observe_image(b, arena_printf(a, "image-%zu", index), runner, image, &script,
                               &native[0].drive.ports, &command, seen);
    if (status)
        return status;
    run_checks(b, native, (size_t)repeat, seen, runner, run);
    if (run->verdict == VERDICT_DIFFERENT && !out->divergence.present) {
        struct cause_input input = {.bench = b,
                                    .native = &native[0],
                                    .image = seen,
                                    .run = run,
                                    .runner = runner,
                                    .verif_image = image,
                                    .script = &script,
                                    .index = index};
        find_cause(&input, &out->divergence);
    }
    return STATUS_OK;
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

static enum status all_runs(struct bench *b, const struct runner *runner,
                            const struct verif_image *image, struct verif *out)
{
    const struct verif_options *o = b->options;
    size_t runs = o->command_lines.count ? o->command_lines.count : 1;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < runs && !status; i++) {
        strings words = o->arguments;
        if (o->command_lines.count) {
            memset(&words, 0, sizeof words);
            const char *wrong = split_words(b->a, o->command_lines.items[i], &words);
            if (wrong)
                return diag_fail(b->d, STATUS_INPUT, "command line '%s': %s",
                                 o->command_lines.items[i], wrong);
        } else if (!words.count && o->tests)
            words = o->tests->arguments;
        b->arguments = &words;
        status = one_run(b, runner, image, i, out);
    }
    return status;
}

enum status verify(struct diag *d, struct arena *a, const struct verif_options *options,
                   const struct verif_image *image, struct verif *out)
{
    memset(out, 0, sizeof *out);
    out->schema = VERIF_SCHEMA;
    out->program = options->program;
    out->image = image->path;
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
