/* SPDX-License-Identifier: BSD-3-Clause */
#include "verifier/compare.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { EXAMPLES = 5, CONTEXT = 3, DIFF_WORK = 2000, DIFF_LINES_SHOWN = 200 };

/* ---- tokens ---- */

static bool in_token(char c)
{
    return isalnum((unsigned char)c) || strchr("_.:-+", c) || (unsigned char)c >= 0x80;
}

/* Length of the token or separator at s. */
static size_t token_length(const char *s)
{
    if (!*s)
        return 0;
    if (*s == WILD || !in_token(*s))
        return 1;
    size_t n = 1;
    while (s[n] && s[n] != WILD && in_token(s[n]))
        n++;
    return n;
}

bool line_matches(const char *pattern, const char *line)
{
    while (*pattern || *line) {
        size_t p = token_length(pattern), l = token_length(line);
        bool wild = *pattern == WILD;
        if (wild && pattern[1] == '*') /* the whole line varies */
            return true;
        if (!p || !l || (wild ? !in_token(*line) : p != l || memcmp(pattern, line, p) != 0))
            return false;
        pattern += p;
        line += l;
    }
    return true;
}

/* The pattern both lines match, or NULL when their tokens do not line up. */
static char *merge_lines(struct arena *a, const char *pattern, const char *line, size_t *masked,
                         const char **first, const char **second)
{
    char *out = arena_alloc(a, strlen(pattern) + 2), *to = out;
    while (*pattern || *line) {
        size_t p = token_length(pattern), l = token_length(line);
        if (!p || !l)
            return NULL;
        bool wild = *pattern == WILD;
        if (!wild && p == l && memcmp(pattern, line, p) == 0) {
            memcpy(to, pattern, p);
            to += p;
        } else if ((wild || in_token(*pattern)) && in_token(*line)) {
            if (!wild && !*first) {
                *first = arena_strndup(a, pattern, p);
                *second = arena_strndup(a, line, l);
            }
            *masked += !wild;
            *to++ = WILD;
        } else {
            return NULL;
        }
        pattern += p;
        line += l;
    }
    *to = '\0';
    return out;
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static strings sorted(struct arena *a, const strings *lines)
{
    strings copy = {0};
    vec_each (line, lines)
        vec_push(a, &copy, *line);
    vec_sort(&copy, by_text);
    return copy;
}

bool same_set(struct arena *a, const strings *expected, const strings *got)
{
    if (expected->count != got->count)
        return false;
    strings x = sorted(a, expected), y = sorted(a, got);
    for (size_t i = 0; i < x.count; i++)
        if (!line_matches(x.items[i], y.items[i]))
            return false;
    return true;
}

static void merge_run(struct arena *a, struct expectation *e, const strings *run)
{
    for (size_t i = 0; i < e->lines.count; i++) {
        const char *pattern = e->lines.items[i], *line = run->items[i];
        if (line_matches(pattern, line))
            continue;
        const char *first = NULL, *second = NULL;
        char *merged = merge_lines(a, pattern, line, &e->masked, &first, &second);
        if (!merged) {
            merged = arena_strdup(a, (const char[]){WILD, '*', '\0'});
            e->masked++;
            first = pattern;
            second = line;
        }
        e->lines.items[i] = merged;
        if (e->examples.count < EXAMPLES)
            vec_push(a, &e->examples,
                     arena_printf(a, "line %zu: \"%s\" or \"%s\"", i + 1, first ? first : "",
                                  second ? second : ""));
    }
}

static bool same_order(const strings *x, const strings *y)
{
    for (size_t i = 0; i < x->count; i++)
        if (strcmp(x->items[i], y->items[i]) != 0)
            return false;
    return true;
}

void expect(struct arena *a, const strings *runs, size_t count, bool unordered,
            struct expectation *out)
{
    memset(out, 0, sizeof *out);
    out->unordered = unordered;
    if (!count)
        return;
    for (size_t r = 1; r < count && !out->unusable; r++) {
        if (runs[r].count != runs[0].count)
            out->unusable = arena_printf(
                a, "the program's own output varies from run to run (%zu lines, then %zu)",
                runs[0].count, runs[r].count);
        else if (!same_order(&runs[0], &runs[r]) && same_set(a, &runs[0], &runs[r]))
            out->unordered = true;
    }
    if (out->unordered)
        out->lines = sorted(a, &runs[0]);
    else
        vec_each (line, &runs[0])
            vec_push(a, &out->lines, *line);
    for (size_t r = 1; r < count && !out->unusable; r++) {
        strings run = out->unordered ? sorted(a, &runs[r]) : runs[r];
        merge_run(a, out, &run);
    }
}

/* ---- differences ---- */

/* Myers' greedy algorithm on the part that differs; v[k] per step is kept for the way back. */
static bool myers(struct arena *a, const strings *x, const strings *y, size_t from, size_t nx,
                  size_t ny, edits *out)
{
    long limit = (long)(nx + ny) < DIFF_WORK ? (long)(nx + ny) : DIFF_WORK;
    long **trace = arena_array(a, (size_t)limit + 1, sizeof *trace);
    long n = (long)nx, m = (long)ny;
    for (long step = 0; step <= limit; step++) {
        long *v = arena_array(a, (size_t)(2 * step + 3), sizeof *v), *before = NULL;
        trace[step] = v + step + 1;
        before = step ? trace[step - 1] : NULL;
        for (long k = -step; k <= step; k += 2) {
            long i = !step ? 0
                     : k == -step || (k != step && before[k - 1] < before[k + 1])
                         ? before[k + 1]
                         : before[k - 1] + 1;
            long j = i - k;
            while (i < n && j >= 0 && j < m &&
                   line_matches(x->items[from + (size_t)i], y->items[from + (size_t)j])) {
                i++;
                j++;
            }
            trace[step][k] = i;
            if (i < n || j < m)
                continue;
            /* Found: walk back, then turn the script round. */
            size_t first = out->count;
            for (long s = step; s > 0; s--) {
                long *w = trace[s - 1], kk = i - j;
                bool down = kk == -s || (kk != s && w[kk - 1] < w[kk + 1]);
                long pi = down ? w[kk + 1] : w[kk - 1], pj = pi - (down ? kk + 1 : kk - 1);
                for (; i > pi + !down && j > pj + down; i--, j--)
                    vec_push(
                        a, out,
                        ((struct edit){EDIT_KEEP, from + (size_t)i - 1, from + (size_t)j - 1}));
                vec_push(a, out,
                         ((struct edit){down ? EDIT_EXTRA : EDIT_LOST, from + (size_t)pi,
                                        from + (size_t)pj}));
                i = pi;
                j = pj;
            }
            for (; i > 0 && j > 0; i--, j--)
                vec_push(a, out,
                         ((struct edit){EDIT_KEEP, from + (size_t)i - 1, from + (size_t)j - 1}));
            for (size_t l = first, r = out->count; l + 1 < r; l++, r--) {
                struct edit e = out->items[l];
                out->items[l] = out->items[r - 1];
                out->items[r - 1] = e;
            }
            return true;
        }
    }
    return false;
}

void diff_lines(struct arena *a, const strings *expected, const strings *got, edits *out)
{
    memset(out, 0, sizeof *out);
    size_t head = 0, nx = expected->count, ny = got->count;
    for (; head < nx && head < ny && line_matches(expected->items[head], got->items[head]); head++)
        vec_push(a, out, ((struct edit){EDIT_KEEP, head, head}));
    size_t tail = 0;
    while (tail < nx - head && tail < ny - head &&
           line_matches(expected->items[nx - 1 - tail], got->items[ny - 1 - tail]))
        tail++;
    size_t mx = nx - head - tail, my = ny - head - tail;
    if (!myers(a, expected, got, head, mx, my, out)) {
        for (size_t i = 0; i < mx; i++)
            vec_push(a, out, ((struct edit){EDIT_LOST, head + i, head}));
        for (size_t i = 0; i < my; i++)
            vec_push(a, out, ((struct edit){EDIT_EXTRA, head + mx, head + i}));
    }
    for (size_t i = 0; i < tail; i++)
        vec_push(a, out, ((struct edit){EDIT_KEEP, nx - tail + i, ny - tail + i}));
}

static void add_line(struct arena *a, strings *out, char mark, const char *line)
{
    char *text = arena_printf(a, "%c%.400s\n", mark, line);
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (*from == WILD && from[1] == '*')
            continue;
        *to++ = *from == WILD ? '*' : *from;
    }
    *to = '\0';
    vec_push(a, out, text);
}

char *diff_text(struct arena *a, const strings *expected, const strings *got, const edits *script)
{
    strings shown = {0};
    size_t last_shown = (size_t)-1, length = 1;
    for (size_t i = 0; i < script->count && shown.count < DIFF_LINES_SHOWN; i++) {
        bool near = false;
        for (size_t k = i > CONTEXT ? i - CONTEXT : 0; k <= i + CONTEXT && k < script->count; k++)
            near |= script->items[k].kind != EDIT_KEEP;
        if (!near)
            continue;
        const struct edit *e = &script->items[i];
        if (last_shown + 1 != i)
            vec_push(a, &shown,
                     arena_printf(a, "@@ line %zu of Linux, %zu of the image @@\n", e->expected + 1,
                                  e->got + 1));
        last_shown = i;
        if (e->kind == EDIT_EXTRA)
            add_line(a, &shown, '+', got->items[e->got]);
        else
            add_line(a, &shown, e->kind == EDIT_LOST ? '-' : ' ', expected->items[e->expected]);
    }
    if (shown.count >= DIFF_LINES_SHOWN)
        vec_push(a, &shown, "... (more)\n");
    vec_each (line, &shown)
        length += strlen(*line);
    char *text = arena_alloc(a, length), *to = text;
    vec_each (line, &shown)
        to = stpcpy(to, *line);
    return text;
}
