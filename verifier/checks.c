/* SPDX-License-Identifier: BSD-3-Clause */
#include "verifier/checks.h"
#include <inttypes.h>
#include <signal.h>
#include <string.h>

enum { SHOWN = 2000, EXAMPLES = 5 };

struct verif_check *add_check(struct bench *b, struct verif_run *run, const char *aspect,
                              const char *subject, int verdict)
{
    struct verif_check *check = vec_add(b->a, &run->checks);
    *check = (struct verif_check){.aspect = aspect, .subject = subject, .verdict = verdict};
    return check;
}

static bool by_lines(const struct bench *b)
{
    return !b->tests || b->tests->type == TEST_STDIN;
}

/* The text of part i of a run: before the first command, each command's, after the last. */
static void part_text(const struct observed *o, bool console, size_t i, const char **text,
                      size_t *size)
{
    const struct drive *v = &o->drive;
    *text = "";
    *size = 0;
    if (i == 0) {
        *text = v->console;
        *size = v->steps.count ? v->start_size : v->console_size;
    } else if (i <= v->steps.count) {
        *text = v->steps.items[i - 1].output;
        *size = v->steps.items[i - 1].size;
    } else if (console) { /* what the steps did not take */
        size_t taken = v->start_size;
        vec_each (step, &v->steps)
            taken += step->size;
        *text = v->console + taken;
        *size = v->console_size - taken;
    }
}

/* Number of parts: start, steps, and with a console that steps share the end. */
static size_t part_count(const struct bench *b, const struct observed *o)
{
    return o->drive.steps.count + 1 + (by_lines(b) && o->drive.steps.count > 0);
}

static void expect_part(struct bench *b, const struct observed *native, size_t repeat, size_t part,
                        struct expectation *out)
{
    strings *runs = arena_array(b->a, repeat, sizeof *runs);
    for (size_t r = 0; r < repeat; r++) {
        const char *text;
        size_t size;
        part_text(&native[r], by_lines(b), part, &text, &size);
        observed_lines(b, text, size, false, &runs[r]);
    }
    expect(b->a, runs, repeat, b->tests && b->tests->unordered, out);
}

/* Notes for the report what was masked. */
static void count_varying(struct bench *b, const struct expectation *e)
{
    b->varying += e->masked;
    vec_each (example, &e->examples)
        if (b->varying_examples.count < EXAMPLES)
            vec_push(b->a, &b->varying_examples, *example);
}

void script_of(struct bench *b, const struct observed *native, size_t repeat, struct script *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < part_count(b, &native[0]); i++)
        expect_part(b, native, repeat, i, vec_add(b->a, &out->steps));
    for (size_t r = 0; r < repeat; r++) {
        vec_each (step, &native[r].drive.steps)
            if (step->duration_us > out->longest_us)
                out->longest_us = step->duration_us;
        if (!native[r].drive.steps.count && native[r].drive.finished_us > out->longest_us)
            out->longest_us = native[r].drive.finished_us;
    }
}

/* ---- outputs ---- */

static const char *shown(struct bench *b, const char *text, size_t size)
{
    return size > SHOWN ? arena_printf(b->a, "%.*s ... (%zu bytes)", SHOWN, text, size)
                        : arena_strndup(b->a, text, size);
}

static const char *part_name(size_t part, size_t steps)
{
    return part == 0 ? steps ? "start" : "output" : part <= steps ? "output" : "end";
}

static void masked_reason(struct bench *b, struct verif_check *check, const struct expectation *e)
{
    if (e->masked)
        check->reason =
            arena_printf(b->a, "%zu word%s masked that var%s between runs on Linux (%s)", e->masked,
                         e->masked == 1 ? "" : "s", e->masked == 1 ? "ies" : "y",
                         e->examples.count ? e->examples.items[0] : "");
    if (e->unordered)
        check->reason = check->reason ? arena_printf(b->a, "%s; lines in any order", check->reason)
                                      : "lines in any order";
}

static void judge_part(struct bench *b, const struct expectation *e, const strings *got,
                       struct verif_check *check)
{
    strings lines = *got;
    if (e->unusable) {
        check->verdict = VERDICT_NOT_COMPARABLE;
        check->reason = e->unusable;
        return;
    }
    masked_reason(b, check, e);
    if (e->unordered && same_set(b->a, &e->lines, got))
        return;
    edits script;
    diff_lines(b->a, &e->lines, &lines, &script);
    size_t lost = 0, extra = 0;
    vec_each (edit, &script) {
        lost += edit->kind == EDIT_LOST;
        extra += edit->kind == EDIT_EXTRA;
    }
    if (!lost && !extra)
        return;
    check->verdict = VERDICT_DIFFERENT;
    check->reason = arena_printf(b->a, "%zu line%s of Linux missing, %zu line%s only in the image",
                                 lost, lost == 1 ? "" : "s", extra, extra == 1 ? "" : "s");
    check->diff = diff_text(b->a, &e->lines, &lines, &script);
}

static const char *step_status(struct bench *b, const struct drive_step *step)
{
    switch (step->outcome) {
    case DRIVE_DONE:
        return step->exit_status >= 0 ? arena_printf(b->a, "exit %d", step->exit_status) : "done";
    case DRIVE_REPLY:
        return "reply";
    case DRIVE_SILENT:
        return "no reply";
    case DRIVE_REFUSED:
        return "no connection";
    case DRIVE_TIMEOUT:
        return "no end in time";
    case DRIVE_NOT_SENT:
        return "the program had ended";
    }
    return "";
}

static void judge_status(struct bench *b, const struct observed *native,
                         const struct observed *image, size_t step, struct verif_check *check)
{
    if (step >= image->drive.steps.count)
        return;
    const char *n = step_status(b, &native->drive.steps.items[step]);
    const char *i = step_status(b, &image->drive.steps.items[step]);
    if (strcmp(n, i) == 0)
        return;
    check->verdict = VERDICT_DIFFERENT;
    check->reason = arena_printf(b->a, "%s on Linux, %s from the image%s%s", n, i,
                                 check->reason ? "; " : "", check->reason ? check->reason : "");
}

/* The lines that the program prints on Linux, so that none is taken for the core's. */
static void own_lines(struct bench *b, const struct observed *native, size_t repeat)
{
    strings *own = ARENA_NEW(b->a, strings);
    for (size_t r = 0; r < repeat; r++)
        observed_lines(b, native[r].drive.console, native[r].drive.console_size, false, own);
    console_own(b->console, own);
}

/* Which part each line of a console belongs to: the one in which it ends (a prompt stands on the
 * line of the answer that follows it). */
static size_t *parts_of_lines(struct bench *b, const struct observed *o, size_t lines)
{
    size_t *parts = arena_array(b->a, lines + 1, sizeof *parts), part = 0, at = 0;
    size_t border = o->drive.steps.count ? o->drive.start_size : o->drive.console_size;
    for (size_t i = 0; i < lines && at < o->drive.console_size;) {
        const char *line = o->drive.console + at;
        const char *newline = memchr(line, '\n', o->drive.console_size - at);
        at = newline ? (size_t)(newline - o->drive.console) + 1 : o->drive.console_size;
        strings kept = {0}; /* none: a line that is ignored as a whole */
        observed_lines(b, line, (size_t)(o->drive.console + at - line), false, &kept);
        for (; at > border && part <= o->drive.steps.count; part++)
            border =
                part < o->drive.steps.count ? border + o->drive.steps.items[part].size : SIZE_MAX;
        if (kept.count)
            parts[i++] = part;
    }
    return parts;
}

struct console_check {
    struct bench *b;
    const struct observed *native, *image;
    size_t repeat, steps, parts;
    struct expectation whole;
    size_t *part_of;
    strings got;
    edits script;
    size_t at; /* next edit */
};

/* The script's piece for part i: up to the first line that belongs to a later one. An extra line
 * goes with the line before it. */
static void piece(struct console_check *c, size_t i, edits *out)
{
    for (; c->at < c->script.count; c->at++) {
        const struct edit *e = &c->script.items[c->at];
        size_t line = e->expected, last = c->whole.lines.count;
        if (e->kind == EDIT_EXTRA)
            line = line ? line - 1 : 0;
        if (line < last && c->part_of[line] > i && !(e->kind == EDIT_EXTRA && !e->expected))
            return;
        vec_push(c->b->a, out, *e);
    }
}

static void judge_piece(struct console_check *c, const edits *own, struct verif_check *check)
{
    struct bench *b = c->b;
    size_t lost = 0, extra = 0, masked = 0;
    const char *printed = "";
    vec_each (e, own) {
        lost += e->kind == EDIT_LOST;
        extra += e->kind == EDIT_EXTRA;
        masked += e->kind == EDIT_KEEP && strchr(c->whole.lines.items[e->expected], WILD) != NULL;
        if (e->kind != EDIT_LOST && strlen(printed) < SHOWN)
            printed = arena_printf(b->a, "%s%s\n", printed, c->got.items[e->got]);
    }
    check->image = printed;
    if (masked)
        check->reason =
            arena_printf(b->a, "%zu line%s with words that vary between runs on Linux, masked",
                         masked, masked == 1 ? "" : "s");
    if (!lost && !extra)
        return;
    check->verdict = VERDICT_DIFFERENT;
    check->reason = arena_printf(b->a, "%zu line%s of Linux missing, %zu line%s only in the image",
                                 lost, lost == 1 ? "" : "s", extra, extra == 1 ? "" : "s");
    check->diff = diff_text(b->a, &c->whole.lines, &c->got, own);
}

static void judge_console_part(struct console_check *c, bool aligned, size_t i,
                               struct verif_run *run)
{
    struct bench *b = c->b;
    bool step = i && i <= c->steps, last = i > c->steps;
    const char *text, *seen;
    size_t size, seen_size;
    part_text(&c->native[0], true, i, &text, &size);
    part_text(c->image, true, last ? c->image->drive.steps.count + 1 : i, &seen, &seen_size);
    edits own = {0};
    strings lines = {0};
    if (aligned)
        piece(c, i, &own);
    observed_lines(b, seen, seen_size, true, &lines);
    if (!step && c->steps && (aligned ? !own.count : !size && !lines.count))
        return; /* nothing before the first command, nothing after the last */
    const struct drive_step *steps = c->native[0].drive.steps.items;
    struct verif_check *check =
        add_check(b, run, part_name(i, c->steps), step ? steps[i - 1].command : NULL, VERDICT_SAME);
    check->native = shown(b, text, size);
    if (step) {
        check->native_us = steps[i - 1].duration_us;
        if (i <= c->image->drive.steps.count)
            check->image_us = c->image->drive.steps.items[i - 1].duration_us;
    }
    if (aligned) {
        judge_piece(c, &own, check);
        return;
    }
    struct expectation e;
    expect_part(b, c->native, c->repeat, i, &e);
    count_varying(b, &e);
    judge_part(b, &e, &lines, check);
    check->image = shown(b, seen, seen_size);
}

/* A console has no borders between commands: all lines are lined up at once, and each difference
 * goes to the command whose lines it stands among on Linux. Where the number of lines varies, or
 * their order, part is compared with part. */
static void check_console(struct bench *b, const struct observed *native, size_t repeat,
                          const struct observed *image, struct verif_run *run)
{
    struct console_check c = {.b = b,
                              .native = native,
                              .image = image,
                              .repeat = repeat,
                              .steps = native[0].drive.steps.count,
                              .parts = part_count(b, &native[0])};
    strings *runs = arena_array(b->a, repeat, sizeof *runs);
    for (size_t r = 0; r < repeat; r++)
        observed_lines(b, native[r].drive.console, native[r].drive.console_size, false, &runs[r]);
    expect(b->a, runs, repeat, b->tests && b->tests->unordered, &c.whole);
    bool aligned = !c.whole.unusable && !c.whole.unordered;
    if (aligned) {
        count_varying(b, &c.whole);
        c.part_of = parts_of_lines(b, &native[0], c.whole.lines.count);
        observed_lines(b, image->drive.console, image->drive.console_size, true, &c.got);
        diff_lines(b->a, &c.whole.lines, &c.got, &c.script);
    }
    for (size_t i = 0; i < c.parts; i++)
        judge_console_part(&c, aligned, i, run);
}

/* A command that starts the program of this host, and has no port by which to reach another: what
 * it prints says nothing of the image, whichever image that is. */
static bool runs_here(const char *command)
{
    return (strstr(command, "$PROGRAM") || strstr(command, "${PROGRAM}")) &&
           !strstr(command, "$PORT") && !strstr(command, "${PORT");
}

static void check_steps(struct bench *b, const struct observed *native, size_t repeat,
                        const struct observed *image, struct verif_run *run)
{
    for (size_t i = 0; i < native[0].drive.steps.count; i++) {
        const struct drive_step *step = &native[0].drive.steps.items[i];
        struct verif_check *check = add_check(b, run, "output", step->command, VERDICT_SAME);
        if (b->tests->type == TEST_EXEC && runs_here(step->command)) {
            check->verdict = VERDICT_NOT_COMPARABLE;
            check->reason = "the command runs the program of this host, not the image; tests of "
                            "type stdin, or none, compare the two";
            continue;
        }
        struct expectation e;
        expect_part(b, native, repeat, i + 1, &e);
        count_varying(b, &e);
        const char *text;
        size_t size;
        part_text(image, false, i + 1, &text, &size);
        strings lines = {0};
        observed_lines(b, text, size, false, &lines);
        judge_part(b, &e, &lines, check);
        judge_status(b, &native[0], image, i, check);
        check->native = shown(b, step->output, step->size);
        check->image = shown(b, text, size);
        check->native_us = step->duration_us;
        if (i < image->drive.steps.count)
            check->image_us = image->drive.steps.items[i].duration_us;
    }
}

/* ---- the end ---- */

static const char *exit_text(struct bench *b, const struct observed *o)
{
    if (!o->exit_known)
        return o->exit_reason;
    return o->signal ? arena_printf(b->a, "signal %d (%s)", o->signal, strsignal(o->signal))
                     : arena_printf(b->a, "exit %d", o->exit_status);
}

static const struct console_event *crash_of(const struct observed *o)
{
    vec_each (e, &o->events)
        if (e->kind == CONSOLE_CRASH || e->kind == CONSOLE_LINK)
            return e;
    return NULL;
}

static void check_exit(struct bench *b, const struct observed *native, size_t repeat,
                       const struct observed *image, struct verif_run *run)
{
    const struct console_event *crash = crash_of(image);
    struct verif_check *check = add_check(b, run, "exit", NULL, VERDICT_SAME);
    check->native = exit_text(b, &native[0]);
    check->image = exit_text(b, image);
    bool varies = false;
    for (size_t r = 1; r < repeat; r++)
        varies |= native[r].exit_known != native[0].exit_known ||
                  native[r].exit_status != native[0].exit_status ||
                  native[r].signal != native[0].signal;
    if (crash && !native[0].signal) {
        check->verdict = VERDICT_DIFFERENT;
        check->image = crash->text;
        check->reason = "the image crashed";
    } else if (varies) {
        check->verdict = VERDICT_NOT_COMPARABLE;
        check->reason = "the program's own end varies from run to run";
    } else if (native[0].exit_known && image->exit_known) {
        if (native[0].exit_status != image->exit_status || native[0].signal != image->signal) {
            check->verdict = VERDICT_DIFFERENT;
            check->reason = "the program ends in another way";
        } else {
            check->reason = image->exit_reason;
        }
    } else if (native[0].drive.serving && image->drive.serving) {
        check->reason = "both serve on";
    } else if (native[0].hung && image->hung) {
        check->reason = "neither had ended when its time was up";
    } else if (native[0].exit_known && image->hung) {
        check->verdict = VERDICT_DIFFERENT;
        check->reason = "the image hangs: it never ended, the program does";
    } else if (native[0].drive.serving && image->process.ended) {
        check->verdict = VERDICT_DIFFERENT;
        check->reason = "the image ended, the program serves on";
    } else {
        check->verdict = VERDICT_NOT_COMPARABLE;
        check->reason = image->exit_known ? native[0].exit_reason : image->exit_reason;
    }
}

void run_checks(struct bench *b, const struct observed *native, size_t repeat,
                const struct observed *image, const struct runner *runner, struct verif_run *run)
{
    own_lines(b, native, repeat);
    vec_each (e, &image->events) {
        b->console_lines++;
        if (b->console_examples.count < EXAMPLES)
            vec_push(b->a, &b->console_examples, e->line);
    }
    if (by_lines(b))
        check_console(b, native, repeat, image, run);
    else
        check_steps(b, native, repeat, image, run);
    check_exit(b, native, repeat, image, run);
    check_files(b, native, repeat, image, runner, run);
    run->native_peak_kb = native[0].process.peak_kb;
    run->image_peak_kb = image->process.peak_kb;
    run->verdict = VERDICT_NOT_COMPARABLE;
    vec_each (check, &run->checks) {
        if (check->verdict == VERDICT_DIFFERENT)
            run->verdict = VERDICT_DIFFERENT;
        else if (check->verdict == VERDICT_SAME && run->verdict == VERDICT_NOT_COMPARABLE)
            run->verdict = VERDICT_SAME;
    }
}

void checks_report(struct bench *b, struct verif *out)
{
    if (b->console_lines)
        vec_push(b->a, &out->normalisers,
                 ((struct verif_normaliser){
                     .name = "console",
                     .what = "lines of firmware, boot banner, core log and core trace are cut",
                     .image_count = (int64_t)b->console_lines,
                     .examples = b->console_examples}));
    if (b->terminal)
        vec_push(b->a, &out->normalisers,
                 ((struct verif_normaliser){
                     .name = "terminal",
                     .what = "the image's console is a terminal that echoes: the program was given "
                             "one as its standard input",
                     .native_count = 1}));
    if (b->varying)
        vec_push(b->a, &out->normalisers,
                 ((struct verif_normaliser){
                     .name = "varies",
                     .what = "words that differ between runs of the program on Linux",
                     .native_count = (int64_t)b->varying,
                     .examples = b->varying_examples}));
}
