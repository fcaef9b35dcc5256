/* SPDX-License-Identifier: BSD-3-Clause */
#include "crawler/handlers.h"
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static bool name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* A copy with comments, string and character constants blanked out. */
static char *plain_text(struct arena *a, const char *source)
{
    char *text = arena_strdup(a, source), *p = text;
    while (*p) {
        size_t length = 1;
        if (p[0] == '/' && p[1] == '/') {
            length = strcspn(p, "\n");
        } else if (p[0] == '/' && p[1] == '*') {
            const char *end = strstr(p + 2, "*/");
            length = end ? (size_t)(end - p) + 2 : strlen(p);
        } else if (*p == '"' || *p == '\'') {
            while (p[length] && p[length] != *p && p[length] != '\n')
                length += p[length] == '\\' && p[length + 1] ? 2 : 1;
            length += p[length] == *p;
        } else {
            p++;
            continue;
        }
        for (size_t i = 0; i < length; i++)
            if (p[i] != '\n')
                p[i] = ' ';
        p += length;
    }
    return text;
}

/* Behind the bracket that closes the one at p; NULL where there is none. */
static const char *closing(const char *p, char open, char close)
{
    int depth = 0;
    for (; *p; p++) {
        depth += (*p == open) - (*p == close);
        if (!depth)
            return p + 1;
    }
    return NULL;
}

static const char *trimmed(struct arena *a, const char *s, size_t length)
{
    while (length && isspace((unsigned char)*s))
        s++, length--;
    while (length && isspace((unsigned char)s[length - 1]))
        length--;
    return arena_strndup(a, s, length);
}

static bool starts(const char *s, const char *word)
{
    return strncmp(s, word, strlen(word)) == 0;
}

/* "0", "-1", "-ENOSYS", "(-EINVAL)" */
static const char *constant_result(struct arena *a, const char *s)
{
    size_t length = strlen(s);
    while (length > 1 && s[0] == '(' && closing(s, '(', ')') == s + length) {
        s = trimmed(a, s + 1, length - 2);
        length = strlen(s);
    }
    const char *p = s + (*s == '-');
    bool number = *p && !p[strspn(p, "0123456789")];
    bool error = *s == '-' && *p == 'E' && !p[strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")];
    return number || error ? s : NULL;
}

static bool harmless(const char *statement)
{
    static const char *const prefixes[] = {"(void)",  "(void )",          "UK_UNUSED(",
                                           "uk_pr_",  "UK_WARN_STUBBED(", "WARN_STUBBED(",
                                           "UK_WARN", "errno ="};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (starts(statement, prefixes[i]))
            return true;
    return !*statement;
}

/* What the statements between two braces return, if that is all they do. */
static const char *constant_body(struct arena *a, const char *body, size_t length)
{
    const char *p = body, *end = body + length;
    while (p < end) {
        size_t part = strcspn(p, ";");
        if (part > (size_t)(end - p))
            part = (size_t)(end - p);
        const char *statement = trimmed(a, p, part);
        if (starts(statement, "return") && !name_char(statement[6])) {
            const char *rest =
                trimmed(a, p + part + 1, p + part < end ? (size_t)(end - p) - part - 1 : 0);
            return *rest ? NULL
                         : constant_result(a, trimmed(a, statement + 6, strlen(statement + 6)));
        }
        if (!harmless(statement))
            return NULL;
        p += part + 1;
    }
    return NULL;
}

/* The second argument between parentheses: the call's name. */
static const char *second_argument(struct arena *a, const char *open, const char *end)
{
    const char *start = NULL;
    int depth = 0;
    for (const char *p = open; p < end; p++) {
        depth += (*p == '(') - (*p == ')');
        bool stop = (depth == 1 && *p == ',') || p + 1 == end;
        if (stop && start)
            return trimmed(a, start, (size_t)(p - start));
        if (stop)
            start = p + 1;
    }
    return NULL;
}

static bool is_definition(const char *word, size_t length)
{
    return (starts(word, "UK_SYSCALL_") || starts(word, "UK_LLSYSCALL_")) && length > 7 &&
           strncmp(word + length - 7, "_DEFINE", 7) == 0;
}

void handlers_find(struct arena *a, const char *source, handlers *out)
{
    if (!strstr(source, "SYSCALL"))
        return;
    const char *text = plain_text(a, source);
    for (const char *p = text; (p = strstr(p, "UK_"));) {
        size_t length = 0;
        while (name_char(p[length]))
            length++;
        bool whole = p == text || !name_char(p[-1]);
        const char *open = p + length + strspn(p + length, " \t\n");
        if (!whole || !is_definition(p, length) || *open != '(') {
            p += length;
            continue;
        }
        const char *end = closing(open, '(', ')');
        if (!end)
            return;
        const char *name = second_argument(a, open, end);
        const char *body = end + strspn(end, " \t\r\n");
        const char *behind = *body == '{' ? closing(body, '{', '}') : NULL;
        p = end;
        if (!name || !behind || !*name ||
            name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")])
            continue;
        struct handler *h = vec_add(a, out);
        h->name = name;
        h->constant = constant_body(a, body + 1, (size_t)(behind - body) - 2);
        p = behind;
    }
}
