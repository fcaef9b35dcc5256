/* SPDX-License-Identifier: BSD-3-Clause */
#include "verifier/verifier.h"
#include <inttypes.h>
#include <string.h>

static const char *const verdict_colours[] = {"\033[32m", "\033[31m", "\033[33m"};

static void print_verdict(FILE *out, bool colour, int verdict)
{
    fprintf(out, "%s%s%s", colour ? verdict_colours[verdict] : "", verdict_names[verdict],
            colour ? "\033[0m" : "");
}

static void print_indented(FILE *out, const char *text, const char *indent)
{
    while (text && *text) {
        size_t n = strcspn(text, "\n");
        fprintf(out, "%s%.*s\n", indent, (int)n, text);
        text += n + (text[n] == '\n');
    }
}

static void print_check(const struct verif_check *c, FILE *out, bool colour, int verbosity)
{
    if (c->verdict == VERDICT_SAME && verbosity < 0)
        return;
    fprintf(out, "  ");
    print_verdict(out, colour, c->verdict);
    fprintf(out, "  %s%s", c->aspect, c->subject ? ": " : "");
    for (size_t i = 0; c->subject && c->subject[i] && i < 100; i++)
        fputc((unsigned char)c->subject[i] < ' ' ? ' ' : c->subject[i], out);
    if (strcmp(c->aspect, "exit") == 0 && c->native && c->image)
        fprintf(out, " (%s; image: %s)", c->native, c->image);
    if (c->reason)
        fprintf(out, " - %s", c->reason);
    fputc('\n', out);
    if (c->verdict == VERDICT_DIFFERENT)
        print_indented(out, c->diff, "      ");
}

static void print_divergence(const struct verif_divergence *v, FILE *out, bool colour)
{
    if (!v->present)
        return;
    fprintf(out, "\n%sWhere they part:%s %s\n", colour ? "\033[1m" : "", colour ? "\033[0m" : "",
            v->where ? v->where : "");
    fprintf(out, "  %s%s%s: %s\n", v->kind ? v->kind : "unexplained", v->call ? " " : "",
            v->call ? v->call : "", v->explanation ? v->explanation : "no cause found");
    vec_each (line, &v->evidence)
        print_indented(out, *line, "    | ");
    if (v->candidates.count)
        fprintf(out, "  What would give it:\n");
    vec_each (c, &v->candidates)
        fprintf(out, "    %s=y%s%s  (%s)\n", c->option, c->library ? "  in " : "",
                c->library ? c->library : "", c->why);
}

static void print_calls(const struct verif_run *run, FILE *out, int verbosity)
{
    enum { SHOWN = 3 };
    fprintf(out, "  system calls: %" PRId64 " on Linux, %" PRId64 " in the image",
            run->native_calls, run->image_calls);
    size_t shown = 0;
    vec_each (line, &run->calls_differ) {
        if (shown == SHOWN && verbosity <= 0)
            break;
        fprintf(out, "%s%s", shown ? "; " : "; another outcome: ", *line);
        shown++;
    }
    if (shown < run->calls_differ.count)
        fprintf(out, "; and %zu more", run->calls_differ.count - shown);
    fputc('\n', out);
}

void verif_print(const struct verif *v, FILE *out, bool colour, int verbosity)
{
    fprintf(out, "Linux: %s\nImage: %s, run by %s\n", v->program, v->image, v->runner.name);
    vec_each (run, &v->runs) {
        fprintf(out, "%s%s%s\n", v->runs.count > 1 || *run->arguments ? "\nArguments: " : "",
                run->arguments, v->runs.count > 1 || *run->arguments ? "" : "Checks:");
        vec_each (check, &run->checks)
            print_check(check, out, colour, verbosity);
        if (run->native_calls)
            print_calls(run, out, verbosity);
        if (verbosity >= 0)
            fprintf(out,
                    "  memory, as seen at most: %" PRId64 " KiB on Linux, %" PRId64
                    " KiB for the image and what runs it\n",
                    run->native_peak_kb, run->image_peak_kb);
    }
    if (v->environment.count) {
        fprintf(out, "\nEnvironment given to both:");
        vec_each (variable, &v->environment)
            fprintf(out, " %s", *variable);
        fputc('\n', out);
    }
    bool any = false;
    vec_each (n, &v->normalisers) {
        if (!n->native_count && !n->image_count)
            continue;
        fprintf(out, "%s  %s: %s (%" PRId64 " on Linux, %" PRId64 " in the image)\n",
                any ? "" : "\nLeft out of the comparison:\n", n->name, n->what, n->native_count,
                n->image_count);
        any = true;
        if (verbosity > 0)
            vec_each (example, &n->examples)
                print_indented(out, *example, "      ");
    }
    print_divergence(&v->divergence, out, colour);
    size_t attempt = 0;
    vec_each (fix, &v->fixes) {
        fprintf(out, "%sFix %zu: with", attempt ? "" : "\n", attempt + 1);
        attempt++;
        vec_each (pin, &fix->pinned)
            fprintf(out, " %s", *pin);
        fprintf(out, ": ");
        print_verdict(out, colour, fix->verdict);
        fprintf(out, "%s%s\n", fix->explanation ? " - " : "",
                fix->explanation ? fix->explanation : "");
    }
    fprintf(out, "\n%" PRId64 " same, %" PRId64 " different, %" PRId64 " not comparable: ", v->same,
            v->different, v->not_comparable);
    print_verdict(out, colour, v->verdict);
    fputc('\n', out);
}

/* ---- machine-readable ---- */

struct text {
    struct arena *a;
    char *data;
    size_t used, capacity;
};

static void add(struct text *t, const char *s, size_t n)
{
    if (t->used + n + 1 > t->capacity) {
        size_t capacity = (t->used + n + 1) * 2;
        t->data = arena_grow(t->a, t->data, t->used, capacity);
        t->capacity = capacity;
    }
    memcpy(t->data + t->used, s, n);
    t->used += n;
    t->data[t->used] = '\0';
}

static void add_text(struct text *t, const char *s)
{
    add(t, s, strlen(s));
}

/* A check's name on one line. */
static const char *check_name(struct arena *a, const struct verif_run *run,
                              const struct verif_check *c)
{
    char *name = arena_printf(a, "%s%s%s%s%s", run->arguments, *run->arguments ? ": " : "",
                              c->aspect, c->subject ? " " : "", c->subject ? c->subject : "");
    for (char *p = name; *p; p++)
        if (*p == '\n' || *p == '\r' || *p == '#')
            *p = ' ';
    return name;
}

char *verif_tap(struct arena *a, const struct verif *v)
{
    struct text t = {.a = a};
    size_t count = 0, number = 0;
    vec_each (run, &v->runs)
        count += run->checks.count;
    add_text(&t, arena_printf(a, "TAP version 13\n1..%zu\n", count));
    vec_each (run, &v->runs)
        vec_each (c, &run->checks) {
            add_text(&t,
                     arena_printf(
                         a, "%s %zu - %s%s%s\n", c->verdict == VERDICT_DIFFERENT ? "not ok" : "ok",
                         ++number, check_name(a, run, c),
                         c->verdict == VERDICT_NOT_COMPARABLE ? " # SKIP not comparable: " : "",
                         c->verdict == VERDICT_NOT_COMPARABLE && c->reason ? c->reason : ""));
            if (c->verdict != VERDICT_DIFFERENT)
                continue;
            add_text(&t, arena_printf(a, "# %s\n", c->reason ? c->reason : ""));
            for (const char *p = c->diff; p && *p;) {
                size_t n = strcspn(p, "\n");
                add_text(&t, "# ");
                add(&t, p, n);
                add_text(&t, "\n");
                p += n + (p[n] == '\n');
            }
        }
    return t.data;
}

/* XML 1.0 admits no other control characters than these, not even escaped. */
static void add_xml(struct text *t, const char *s)
{
    for (; *s; s++) {
        const char *entity = *s == '<'                               ? "&lt;"
                             : *s == '>'                             ? "&gt;"
                             : *s == '&'                             ? "&amp;"
                             : *s == '"'                             ? "&quot;"
                             : *s == '\n'                            ? "&#10;"
                             : (unsigned char)*s < ' ' && *s != '\t' ? "?"
                                                                     : NULL;
        if (entity)
            add_text(t, entity);
        else
            add(t, s, 1);
    }
}

char *verif_junit(struct arena *a, const struct verif *v)
{
    struct text t = {.a = a};
    int64_t count = v->same + v->different + v->not_comparable;
    add_text(&t, arena_printf(a,
                              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite "
                              "name=\"verif\" tests=\"%" PRId64 "\" failures=\"%" PRId64
                              "\" skipped=\"%" PRId64 "\">\n",
                              count, v->different, v->not_comparable));
    vec_each (run, &v->runs)
        vec_each (c, &run->checks) {
            add_text(&t, "  <testcase classname=\"");
            add_xml(&t, v->program);
            add_text(&t, "\" name=\"");
            add_xml(&t, check_name(a, run, c));
            add_text(&t, arena_printf(a, "\" time=\"%.6f\"", (double)c->image_us / 1e6));
            if (c->verdict == VERDICT_SAME) {
                add_text(&t, "/>\n");
                continue;
            }
            bool failed = c->verdict == VERDICT_DIFFERENT;
            add_text(&t, failed ? ">\n    <failure message=\"" : ">\n    <skipped message=\"");
            add_xml(&t, c->reason ? c->reason : "");
            add_text(&t, "\">");
            add_xml(&t, failed && c->diff ? c->diff : "");
            add_text(&t, failed ? "</failure>\n  </testcase>\n" : "</skipped>\n  </testcase>\n");
        }
    add_text(&t, "</testsuite>\n");
    return t.data;
}
