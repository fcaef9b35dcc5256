/* SPDX-License-Identifier: BSD-3-Clause */
#include "verifier/cause.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EVIDENCE = 8, AROUND = 3 };

struct search {
    const struct cause_input *in;
    bool awaits_input;
    struct arena *a;
    struct remedy *remedy;
    struct verif_divergence *out;
    calls native, image;           /* with results, as far as they are known */
    const struct observed *traced; /* the run that told of the image's calls */
};

static void evidence(struct search *s, const char *label, const char *line)
{
    if (s->out->evidence.count < EVIDENCE)
        vec_push(s->a, &s->out->evidence, arena_printf(s->a, "%s: %.300s", label, line));
}

static const char *call_text(struct search *s, const struct call *c)
{
    return arena_printf(s->a, "%s(%.120s) = %s", c->name, c->arguments, call_result_text(s->a, c));
}

/* Where in the console of the traced run the output first differs; SIZE_MAX: not there. */
static size_t output_parts_at(struct search *s)
{
    const struct cause_input *in = s->in;
    struct bench *b = in->bench;
    strings *runs = arena_array(s->a, in->repeat, sizeof *runs), got = {0};
    struct expectation e;
    edits script;
    for (size_t r = 0; r < in->repeat; r++)
        observed_lines(b, in->native[r].drive.console, in->native[r].drive.console_size, false,
                       &runs[r]);
    expect(s->a, runs, in->repeat, false, &e);
    if (e.unusable || e.unordered || (b->tests && b->tests->type != TEST_STDIN))
        return SIZE_MAX;
    observed_lines(b, s->traced->drive.console, s->traced->drive.console_size, true, &got);
    diff_lines(s->a, &e.lines, &got, &script);
    vec_each (edit, &script)
        if (edit->kind != EDIT_KEEP)
            return console_offset(b->console, edit->got);
    return SIZE_MAX;
}

/* What became of the image as a whole, to be said beside the call that led there. */
static const char *fate(struct search *s)
{
    const struct observed *i = s->in->image;
    vec_each (e, &i->events)
        if (e->kind == CONSOLE_CRASH || e->kind == CONSOLE_LINK)
            return "crash";
    if (i->signal && !s->in->native->signal)
        return "crash";
    if (i->hung && !s->in->native->hung)
        return "hang";
    vec_each (check, &s->in->run->checks)
        if (check->verdict == VERDICT_DIFFERENT && strcmp(check->aspect, "file") == 0)
            return "file";
    return NULL;
}

static int weight(const struct search *s, const struct parting *p)
{
    if (p->ends)
        return 0;
    const struct call *c = &s->image.items[p->image];
    return c->result == -ENOSYS ? 3 : c->result < 0 && c->result > -4096 ? 2 : 1;
}

/* The image falls silent: that is what shows, unless a call that it lacks or, just before its end,
 * a call that fails led there. */
static const struct parting *choose_end(struct search *s, const partings *all)
{
    const struct parting *end = all->count ? &all->items[all->count - 1] : NULL;
    if (!end || !end->ends || !fate(s))
        return NULL;
    vec_each (p, all) {
        bool near = p->image + AROUND >= s->image.count;
        if (!p->ends && (weight(s, p) == 3 || (near && weight(s, p) == 2)))
            return NULL;
    }
    return end;
}

/* Of all partings the one that shows: the last before the output differs; where the output does not
 * tell, the gravest, and of those the last. */
static const struct parting *choose_parting(struct search *s, const partings *all)
{
    size_t limit = output_parts_at(s);
    const struct parting *chosen = choose_end(s, all), *first = NULL;
    if (chosen)
        return chosen;
    vec_each (p, all) {
        if (!p->ends && p->native != SIZE_MAX && call_fruitless(&s->native, p->native))
            continue;
        first = first ? first : p;
        size_t at = p->ends ? SIZE_MAX - 1 : s->image.items[p->image].offset;
        bool before = at < limit;
        if (limit != SIZE_MAX ? before : !chosen || weight(s, p) >= weight(s, chosen))
            chosen = p;
    }
    return chosen ? chosen : first;
}

static const struct verif_check *first_difference(const struct verif_run *run)
{
    vec_each (check, &run->checks)
        if (check->verdict == VERDICT_DIFFERENT)
            return check;
    return NULL;
}

static const char *where_text(struct search *s, const struct verif_check *check)
{
    return check->subject ? arena_printf(s->a, "%s of '%.100s'", check->aspect, check->subject)
                          : check->aspect;
}

static void blame_call(struct search *s, const char *name)
{
    struct verif_divergence *out = s->out;
    const char *library = NULL;
    out->call = name;
    if (remedy_provided(s->remedy, name, &library) && library) {
        out->explanation =
            arena_printf(s->a, "%s; %s provides %s in this configuration, so the fault is there",
                         out->explanation, library, name);
        out->library = library;
        return;
    }
    remedy_for_call(s->remedy, name, out);
    remedy_withheld(s->remedy, name, out);
    if (!out->candidates.count && s->in->bench->options->catalogue)
        out->explanation = arena_printf(s->a, "%s; no micro-library of the catalogue provides %s",
                                        out->explanation, name);
}

/* The image's program wrote all that it writes on Linux, by the results of its calls, and not all
 * of it came: whoever provides the call lost it. */
static bool by_lost_output(struct search *s, const struct verif_check *check)
{
    bool only_lost = check->diff && !strstr(check->diff, "\n+") && check->diff[0] != '+';
    int64_t wrote = calls_printed(&s->image);
    if (!only_lost || !s->image.count || wrote <= 0 || wrote != calls_printed(&s->native))
        return false;
    s->out->kind = "lost output";
    s->out->explanation = arena_printf(
        s->a, "the program in the image writes %" PRId64 " bytes, as on Linux, and less comes out",
        wrote);
    blame_call(s, "write");
    return true;
}

/* A call that the image never came back from: the core told of it when it began. */
static bool by_unreturned(struct search *s)
{
    const struct call *last = s->image.count ? &s->image.items[s->image.count - 1] : NULL;
    if (!last || last->has_result || !fate(s) || call_reads_input(last) ||
        strncmp(last->name, "exit", 4) == 0)
        return false;
    s->out->kind = fate(s);
    s->out->explanation = arena_printf(s->a, "the image does not come back from %s", last->name);
    evidence(s, "image's last call", call_text(s, last));
    blame_call(s, last->name);
    return true;
}

/* The image stands still where the program reads its input, after the last of it: a console that
 * has no end of input. Its trace, written when calls are over, shows nothing of a read that waits.
 */
static bool by_input(struct search *s)
{
    const struct test_file *tests = s->in->bench->tests;
    partings all = {0};
    if (!s->in->image->hung || s->in->native->hung || !tests || tests->type != TEST_STDIN ||
        !s->image.count || !s->native.count)
        return false;
    calls_part(s->a, &s->native, &s->image, remedy_harmless, s->remedy, &all);
    const struct parting *end = all.count ? &all.items[all.count - 1] : NULL;
    const struct call *last = &s->image.items[s->image.count - 1];
    bool reads = end && end->ends ? call_reads_input(&s->native.items[end->native])
                                  : call_reads_input(last) && !last->has_result;
    /* A recording that did not come to the program's end shows a read that waits no more than the
     * image's trace does. */
    const struct call *recorded = &s->native.items[s->native.count - 1];
    bool cut = strncmp(recorded->name, "exit", 4) != 0 && strcmp(recorded->name, last->name) == 0;
    if (!reads && !cut)
        return false;
    s->awaits_input = true;
    s->out->kind = "hang";
    s->out->call = "read";
    s->out->explanation = "the image waits for more input after the last line: its console has no "
                          "end of input";
    evidence(s, "image's last call", call_text(s, last));
    return true;
}

/* The two lists of calls part somewhere: the strongest evidence. */
static bool by_parting(struct search *s)
{
    partings all = {0};
    calls_part(s->a, &s->native, &s->image, remedy_harmless, s->remedy, &all);
    const struct parting *chosen = choose_parting(s, &all);
    struct verif_divergence *out = s->out;
    if (!chosen)
        return false;
    const struct parting p = *chosen;
    if (p.ends) {
        const struct call *next = &s->native.items[p.native];
        const struct call *last = p.image ? &s->image.items[p.image - 1] : NULL;
        if (!last || !fate(s))
            return false;
        out->kind = fate(s);
        out->explanation =
            arena_printf(s->a, "the image makes no call after %s; the program goes on with %s",
                         last->name, next->name);
        evidence(s, "image's last call", call_text(s, last));
        evidence(s, "program's next call", call_text(s, next));
        if (!last->has_result)
            blame_call(s, last->name);
        else
            blame_call(s, next->name);
        return true;
    }
    const struct call *i = &s->image.items[p.image];
    const struct call *n = p.native == SIZE_MAX ? NULL : &s->native.items[p.native];
    out->image_result = call_result_text(s->a, i);
    out->native_result = n ? call_result_text(s->a, n) : NULL;
    bool failed = i->result < 0 && i->result > -4096;
    out->kind = i->result == -ENOSYS ? "missing call" : failed ? "failed call" : "wrong result";
    out->explanation = n ? arena_printf(s->a, "%s returns %s in the image, %s on Linux", i->name,
                                        out->image_result, out->native_result)
                         : arena_printf(s->a,
                                        "%s returns %s in the image; on Linux the program does not "
                                        "make it as a system call",
                                        i->name, out->image_result);
    if (fate(s))
        out->explanation = arena_printf(s->a, "%s; then: %s", out->explanation, fate(s));
    for (size_t k = p.image > AROUND ? p.image - AROUND : 0; k <= p.image; k++)
        evidence(s, "image", call_text(s, &s->image.items[k]));
    if (n)
        evidence(s, "Linux", call_text(s, n));
    blame_call(s, i->name);
    return true;
}

/* The core itself says that it lacks a call, or failed to start. */
static bool by_console(struct search *s)
{
    vec_each (e, &s->in->image->events) {
        if (e->kind == CONSOLE_MISSING && !remedy_harmless(s->remedy, e->text)) {
            s->out->kind = "missing call";
            s->out->explanation = arena_printf(s->a, "the core says that it lacks %s", e->text);
            evidence(s, "console", e->line);
            blame_call(s, e->text);
            return true;
        }
        if (e->kind == CONSOLE_CRASH || e->kind == CONSOLE_LINK) {
            s->out->kind = "crash";
            s->out->explanation = arena_printf(s->a, "the core says: %s", e->text);
            evidence(s, "console", e->line);
        }
    }
    remedy_for_symptom(s->remedy, s->in->image->drive.console, s->out);
    if (s->out->candidates.count && !s->out->kind) {
        s->out->kind = "missing need";
        s->out->explanation = s->out->candidates.items[0].why;
    }
    return s->out->candidates.count > 0;
}

/* A source port calls functions: of the calls made on Linux only those say something that the
 * program itself asks for by name. */
static bool asked_for(const struct search *s, const char *call)
{
    const struct verif_options *o = s->in->bench->options;
    if (!o->selection->mode || strcmp(o->selection->mode, "source") != 0)
        return true;
    if (o->profile)
        vec_each (symbol, &o->profile->static_part.symbols)
            if (strcmp(symbol->name, call) == 0)
                return true;
    return false;
}

/* No trace: the first call that the program makes on Linux and that this configuration lacks. */
static bool by_needs(struct search *s)
{
    if (!s->in->bench->options->selection || !s->in->bench->options->catalogue)
        return false;
    vec_each (call, &s->native) {
        const char *library;
        bool failed = call->has_result && call->result < 0 && call->result > -4096;
        if (failed || !asked_for(s, call->name) ||
            remedy_provided(s->remedy, call->name, &library) ||
            remedy_harmless(s->remedy, call->name))
            continue;
        struct verif_divergence found = {0};
        remedy_for_call(s->remedy, call->name, &found);
        if (!found.candidates.count)
            continue;
        if (!s->out->call) {
            s->out->call = call->name;
            if (!s->out->kind)
                s->out->kind = "missing need";
            s->out->explanation = arena_printf(
                s->a, "%s%sthe program calls %s, which nothing in this configuration provides",
                s->out->explanation ? s->out->explanation : "", s->out->explanation ? "; " : "",
                call->name);
            evidence(s, "Linux", call_text(s, call));
        }
        remedy_for_call(s->remedy, call->name, s->out);
    }
    remedy_withheld(s->remedy, s->out->call, s->out);
    if (s->out->candidates.count && !s->out->kind) {
        s->out->kind = "missing need";
        s->out->explanation = arena_printf(s->a, "left out of this configuration: %s",
                                           s->out->candidates.items[0].option);
    }
    return s->out->candidates.count > 0;
}

/* Nothing names a call: say at least what kind of thing happened, and where. */
static void by_appearance(struct search *s, const struct verif_check *check)
{
    struct verif_divergence *out = s->out;
    const struct observed *i = s->in->image;
    if (!out->kind) {
        const char *seen = fate(s);
        out->kind = seen                                 ? seen
                    : strcmp(check->aspect, "exit") == 0 ? "wrong result"
                    : check->diff && !strstr(check->diff, "\n+") && check->diff[0] != '+'
                        ? "lost output"
                        : "unexplained";
    }
    if (!out->explanation)
        out->explanation = i->signal ? arena_printf(s->a, "the image is ended by signal %d (%s)",
                                                    i->signal, strsignal(i->signal))
                                     : check->reason;
    if (s->image.count)
        evidence(s, "image's last call", call_text(s, &s->image.items[s->image.count - 1]));
    const struct drive *v = &i->drive;
    const char *tail = v->console + (v->console_size > 200 ? v->console_size - 200 : 0);
    if (v->console_size)
        evidence(s, "console ends", tail);
    else
        evidence(s, "console", "(nothing)");
}

void find_cause(const struct cause_input *in, struct verif_divergence *out, bool *awaits_input)
{
    struct search s = {.in = in, .a = in->bench->a, .out = out};
    const struct verif_check *check = first_difference(in->run);
    *out = (struct verif_divergence){.present = true};
    out->where = where_text(&s, check);
    s.remedy = remedy_new(in->bench);
    diag_progress(in->bench->d, 0, 0, "looking for the cause");
    s.traced = in->traced ? in->traced : in->image;
    s.image = s.traced->calls;
    if (in->recorded)
        s.native = in->recorded->calls;
    bool found = by_lost_output(&s, check) || by_unreturned(&s) || by_input(&s);
    found = found || (s.image.count && s.native.count && by_parting(&s));
    found = found || by_console(&s);
    found = found || by_needs(&s);
    if (!found)
        by_appearance(&s, check);
    *awaits_input = s.awaits_input;
    diag_progress_end(in->bench->d);
}
