/* SPDX-License-Identifier: BSD-3-Clause */
#include "crawler/safe_shell.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct shell {
    struct arena *arena;
    const char *at;
    VEC(char) output;
    int nesting;
};

static void blanks(struct shell *s)
{
    while (isspace((unsigned char)*s->at))
        s->at++;
}

/* One word, quotes removed. False at an operator, the end, or what would need expansion. */
static bool word(struct shell *s, const char **out)
{
    VEC(char) text = {0};
    bool any = false;
    blanks(s);
    while (*s->at && !isspace((unsigned char)*s->at) && !strchr("&|;<>(){}`$*?~#", *s->at)) {
        any = true;
        char c = *s->at++;
        if (c == '\\' && *s->at) {
            vec_push(s->arena, &text, *s->at);
            s->at++;
        } else if (c == '\'' || c == '"') {
            for (; *s->at && *s->at != c; s->at++) {
                if (c == '"' && (*s->at == '$' || *s->at == '`' || *s->at == '\\'))
                    return false;
                vec_push(s->arena, &text, *s->at);
            }
            if (*s->at++ != c)
                return false;
        } else {
            vec_push(s->arena, &text, c);
        }
    }
    vec_push(s->arena, &text, '\0');
    *out = text.items;
    return any;
}

static bool number(const char *text, long long *value)
{
    char *tail = NULL;
    errno = 0;
    *value = strtoll(text, &tail, 10);
    return !errno && tail != text && !*tail;
}

/* test's expressions of up to four words. */
static bool test(const strings *w, size_t from, size_t count, bool *holds)
{
    const char *const *x = w->items + from;
    if (count && strcmp(x[0], "!") == 0) {
        bool inner = false;
        if (!test(w, from + 1, count - 1, &inner))
            return false;
        *holds = !inner;
        return true;
    }
    if (count == 0 || count == 1) {
        *holds = count && *x[0];
        return true;
    }
    if (count == 2 && (strcmp(x[0], "-n") == 0 || strcmp(x[0], "-z") == 0)) {
        *holds = (x[0][1] == 'n') == (*x[1] != '\0');
        return true;
    }
    if (count != 3)
        return false;
    if (strcmp(x[1], "=") == 0 || strcmp(x[1], "==") == 0 || strcmp(x[1], "!=") == 0) {
        *holds = (strcmp(x[0], x[2]) == 0) == (x[1][0] == '=');
        return true;
    }
    long long a, b;
    if (!number(x[0], &a) || !number(x[2], &b))
        return false;
    const struct {
        const char *name;
        bool holds;
    } comparisons[] = {{"-eq", a == b}, {"-ne", a != b}, {"-lt", a < b},
                       {"-le", a <= b}, {"-gt", a > b},  {"-ge", a >= b}};
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++)
        if (strcmp(x[1], comparisons[i].name) == 0) {
            *holds = comparisons[i].holds;
            return true;
        }
    return false;
}

static void echo(struct shell *s, const strings *w, size_t from, bool newline)
{
    for (size_t i = from; i < w->count; i++) {
        if (i > from)
            vec_push(s->arena, &s->output, ' ');
        for (const char *p = w->items[i]; *p; p++)
            vec_push(s->arena, &s->output, *p);
    }
    if (newline)
        vec_push(s->arena, &s->output, '\n');
}

static bool builtin(struct shell *s, strings *w, bool live, bool *success)
{
    const char *name = w->items[0];
    *success = true;
    if (strcmp(name, "true") == 0 || strcmp(name, ":") == 0)
        return true;
    if (strcmp(name, "false") == 0) {
        *success = false;
        return true;
    }
    if (strcmp(name, "test") == 0)
        return test(w, 1, w->count - 1, success);
    if (strcmp(name, "[") == 0)
        return w->count > 1 && strcmp(w->items[w->count - 1], "]") == 0 &&
               test(w, 1, w->count - 2, success);
    bool plain = w->count == 2 && !strpbrk(w->items[1], "%\\");
    if (strcmp(name, "printf") == 0 && plain) {
        if (live)
            echo(s, w, 1, false);
        return true;
    }
    if (strcmp(name, "echo") != 0)
        return false;
    bool bare = w->count > 1 && strcmp(w->items[1], "-n") == 0;
    if (live)
        echo(s, w, bare ? 2 : 1, !bare);
    return true;
}

/* Redirections, to /dev/null or between the two streams only. *silent: standard output is gone. */
static bool redirections(struct shell *s, bool *silent)
{
    for (;;) {
        blanks(s);
        const char *start = s->at;
        int stream = 1;
        if (*s->at == '2' || *s->at == '1')
            stream = *s->at++ - '0';
        else if (*s->at == '&' && s->at[1] == '>')
            stream = 0, s->at++;
        if (*s->at != '>') {
            s->at = start;
            return true;
        }
        s->at++;
        if (strncmp(s->at, "&1", 2) == 0 || strncmp(s->at, "&2", 2) == 0) {
            *silent |= stream == 1 && s->at[1] == '2';
            s->at += 2;
            continue;
        }
        const char *target;
        if (!word(s, &target) || strcmp(target, "/dev/null") != 0)
            return false;
        *silent |= stream != 2;
    }
}

static bool list(struct shell *s, bool live, bool *success);

static bool command(struct shell *s, bool live, bool *success)
{
    size_t printed = s->output.count;
    bool silent = false;
    blanks(s);
    if (*s->at == '{') {
        s->at++;
        if (++s->nesting > 20 || !list(s, live, success))
            return false;
        s->nesting--;
        blanks(s);
        if (*s->at++ != '}')
            return false;
    } else {
        strings words = {0};
        const char *next;
        for (;;) {
            blanks(s);
            if ((*s->at == '1' || *s->at == '2') && s->at[1] == '>')
                break;
            if (!word(s, &next))
                break;
            vec_push(s->arena, &words, next);
        }
        if (!words.count || !builtin(s, &words, live, success))
            return false;
    }
    if (!redirections(s, &silent))
        return false;
    if (silent)
        s->output.count = printed;
    return true;
}

/* Commands joined by && || ; up to a closing brace or the end. */
static bool list(struct shell *s, bool live, bool *success)
{
    bool runs = true;
    *success = true;
    for (;;) {
        bool result = true;
        if (!command(s, live && runs, &result))
            return false;
        if (runs)
            *success = result;
        blanks(s);
        if (strncmp(s->at, "&&", 2) == 0 || strncmp(s->at, "||", 2) == 0) {
            runs = (*s->at == '&') == *success;
            s->at += 2;
        } else if (*s->at == ';') {
            s->at++;
            runs = true;
            blanks(s);
            if (!*s->at || *s->at == '}')
                return true;
        } else {
            return !*s->at || *s->at == '}';
        }
    }
}

bool safe_shell(struct arena *a, const char *text, const char **output)
{
    struct shell s = {.arena = a, .at = text};
    bool success = true;
    if (!list(&s, true, &success) || *s.at)
        return false;
    vec_push(a, &s.output, '\0');
    *output = s.output.items;
    return true;
}

bool safe_shell_words(struct arena *a, const char *text, strings *words)
{
    struct shell s = {.arena = a, .at = text};
    const char *next;
    while (word(&s, &next))
        vec_push(a, words, next);
    return words->count && !*s.at;
}
