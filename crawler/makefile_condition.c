/* SPDX-License-Identifier: BSD-3-Clause */
#include "crawler/makefile_condition.h"
#include <ctype.h>
#include <string.h>

enum { DEPTH_LIMIT = 20 };

static const struct makefile_condition not_known = {NULL, true};

const char *makefile_variable(const struct makefile_reader *r, const char *name)
{
    for (size_t i = r->variables.count; i-- > 0;)
        if (strcmp(r->variables.items[i].name, name) == 0)
            return r->variables.items[i].value;
    return NULL;
}

static const char *trim(struct arena *a, const char *s, size_t length)
{
    while (length && isspace((unsigned char)*s))
        s++, length--;
    while (length && isspace((unsigned char)s[length - 1]))
        length--;
    return arena_strndup(a, s, length);
}

/* Length of "$(...)" at s, parentheses balanced; 0: none. */
static size_t reference(const char *s)
{
    if (s[0] != '$' || s[1] != '(')
        return 0;
    int depth = 0;
    for (size_t i = 1; s[i]; i++) {
        depth += (s[i] == '(') - (s[i] == ')');
        if (!depth)
            return i + 1;
    }
    return 0;
}

/* The inside of a word that is one whole $(...); NULL: it is not. */
static const char *inside(struct arena *a, const char *word)
{
    size_t length = reference(word);
    return length && !word[length] ? arena_strndup(a, word + 2, length - 3) : NULL;
}

static int option_type(const struct makefile_reader *r, const char *name)
{
    size_t index;
    return name_table_find(r->options, name, &index) ? r->out->options.items[index].type : -1;
}

static bool is_text(const struct makefile_reader *r, const char *name)
{
    int type = option_type(r, name);
    return type == OPTION_STRING || type == OPTION_INT || type == OPTION_HEX;
}

static struct makefile_condition word_is_y(struct makefile_reader *r, const char *word, int depth);

/* Any (all) of the parts, separated by blanks or by separator. */
static struct makefile_condition combine(struct makefile_reader *r, const char *list,
                                         char separator, bool all, int depth)
{
    struct makefile_condition result = {all ? NULL : kexpr_const(r->arena, "n"), false};
    const char *p = list;
    while (*p) {
        while (*p && (isspace((unsigned char)*p) || *p == separator))
            p++;
        const char *start = p;
        while (*p && !isspace((unsigned char)*p) && *p != separator)
            p += reference(p) ? reference(p) : 1;
        if (p == start)
            break;
        struct makefile_condition one =
            word_is_y(r, arena_strndup(r->arena, start, (size_t)(p - start)), depth + 1);
        result.unknown |= one.unknown;
        result.expr = all ? kexpr_and(r->arena, result.expr, one.expr)
                          : kexpr_or(r->arena, result.expr, one.expr);
    }
    return result.unknown ? not_known : result;
}

/* make functions that ask about the compiler: gcc is assumed. */
static const struct {
    const char *name;
    bool holds;
} compiler_questions[] = {
    {"have_gcc", true},        {"have_clang", false},       {"gcc_version_ge", true},
    {"gcc_version_lt", false}, {"clang_version_ge", false}, {"clang_version_lt", false},
};

static struct makefile_condition function_is_y(struct makefile_reader *r, const char *call,
                                               int depth)
{
    static const struct {
        const char *name;
        char separator;
        bool all;
    } lists[] = {{"filter y,", ' ', false},
                 {"findstring y,", ' ', false},
                 {"or ", ',', false},
                 {"and ", ',', true},
                 {"strip ", ' ', false}};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (strncmp(call, lists[i].name, strlen(lists[i].name)) == 0)
            return combine(r, call + strlen(lists[i].name), lists[i].separator, lists[i].all,
                           depth);
    if (strncmp(call, "call ", 5) == 0) {
        const char *name = call + 5 + strspn(call + 5, " \t");
        size_t length = strcspn(name, ", \t");
        for (size_t i = 0; i < sizeof compiler_questions / sizeof compiler_questions[0]; i++)
            if (strlen(compiler_questions[i].name) == length &&
                strncmp(name, compiler_questions[i].name, length) == 0)
                return (struct makefile_condition){
                    compiler_questions[i].holds ? NULL : kexpr_const(r->arena, "n"), false};
        if (strncmp(name, "qstrip,", 7) == 0)
            return word_is_y(r, name + 7, depth + 1);
    }
    return not_known;
}

static struct makefile_condition word_is_y(struct makefile_reader *r, const char *word, int depth)
{
    if (depth > DEPTH_LIMIT)
        return not_known;
    const char *call = inside(r->arena, word);
    if (!call) {
        bool plain = !strchr(word, '$');
        if (!plain)
            return not_known;
        return (struct makefile_condition){
            strcmp(word, "y") == 0 ? NULL : kexpr_const(r->arena, "n"), false};
    }
    if (strncmp(call, "CONFIG_", 7) == 0 && !strpbrk(call, " ,$:")) {
        if (!is_text(r, call + 7))
            return (struct makefile_condition){kexpr_symbol(r->arena, call + 7), false};
        return (struct makefile_condition){kexpr_compare(r->arena, KEXPR_EQ,
                                                         kexpr_symbol(r->arena, call + 7),
                                                         kexpr_const(r->arena, "y")),
                                           false};
    }
    if (strpbrk(call, " \t,"))
        return function_is_y(r, call, depth);
    const char *value = makefile_variable(r, call);
    return value ? word_is_y(r, trim(r->arena, value, strlen(value)), depth + 1) : not_known;
}

struct makefile_condition makefile_word(struct makefile_reader *r, const char *word)
{
    return word_is_y(r, trim(r->arena, word, strlen(word)), 0);
}

static struct makefile_condition negate(struct makefile_reader *r, struct makefile_condition c)
{
    if (!c.unknown)
        c.expr = kexpr_not(r->arena, c.expr);
    return c;
}

/* An option of text type behind a word, NULL otherwise. */
static const char *text_option(struct makefile_reader *r, const char *word)
{
    const char *call = inside(r->arena, word);
    if (call && strncmp(call, "call qstrip,", 12) == 0)
        call = inside(r->arena, trim(r->arena, call + 12, strlen(call + 12)));
    return call && strncmp(call, "CONFIG_", 7) == 0 && is_text(r, call + 7) ? call + 7 : NULL;
}

static struct makefile_condition equal(struct makefile_reader *r, const char *x, const char *y)
{
    if (!strchr(x, '$') && !strchr(y, '$'))
        return (struct makefile_condition){strcmp(x, y) == 0 ? NULL : kexpr_const(r->arena, "n"),
                                           false};
    const char *tx = text_option(r, x), *ty = text_option(r, y);
    if (!tx && ty) {
        const char *swap = x;
        tx = ty, ty = NULL;
        x = y, y = swap;
    }
    if (tx && (ty || !strchr(y, '$'))) {
        size_t length = strlen(y);
        if (!ty && length > 1 && *y == '"' && y[length - 1] == '"')
            y = arena_strndup(r->arena, y + 1, length - 2);
        struct kexpr *right = ty ? kexpr_symbol(r->arena, ty) : kexpr_const(r->arena, y);
        return (struct makefile_condition){
            kexpr_compare(r->arena, KEXPR_EQ, kexpr_symbol(r->arena, tx), right), false};
    }
    if (strchr(y, '$')) { /* the literal side second */
        const char *swap = x;
        x = y, y = swap;
    }
    if (strchr(y, '$'))
        return not_known;
    struct makefile_condition on = word_is_y(r, x, 0);
    if (strcmp(y, "y") == 0)
        return on;
    /* a bool that is off is empty for make */
    return !*y || strcmp(y, "n") == 0 ? negate(r, on) : not_known;
}

/* Splits "(A,B)" or quoted words; false where it is neither. */
static bool two_words(struct makefile_reader *r, const char *rest, const char **x, const char **y)
{
    rest += strspn(rest, " \t");
    if (*rest == '(') {
        size_t comma = 0, end = 0;
        for (size_t i = 1; rest[i] && !end; i += reference(rest + i) ? reference(rest + i) : 1) {
            if (rest[i] == ',' && !comma)
                comma = i;
            else if (rest[i] == ')')
                end = i;
        }
        if (!comma || !end)
            return false;
        *x = trim(r->arena, rest + 1, comma - 1);
        *y = trim(r->arena, rest + comma + 1, end - comma - 1);
        return true;
    }
    const char **words[] = {x, y};
    for (int i = 0; i < 2; i++) {
        char quote = *rest;
        const char *end = quote == '"' || quote == '\'' ? strchr(rest + 1, quote) : NULL;
        if (!end)
            return false;
        *words[i] = arena_strndup(r->arena, rest + 1, (size_t)(end - rest) - 1);
        rest = end + 1 + strspn(end + 1, " \t");
    }
    return true;
}

struct makefile_condition makefile_if(struct makefile_reader *r, const char *keyword,
                                      const char *rest)
{
    struct makefile_condition c = not_known;
    if (strcmp(keyword, "ifdef") == 0 || strcmp(keyword, "ifndef") == 0) {
        const char *name = trim(r->arena, rest, strlen(rest));
        if (strncmp(name, "CONFIG_", 7) == 0 && !strpbrk(name, "$ \t"))
            c = (struct makefile_condition){kexpr_symbol(r->arena, name + 7), false};
    } else {
        const char *x, *y;
        if (two_words(r, rest, &x, &y))
            c = equal(r, x, y);
    }
    return keyword[2] == 'n' ? negate(r, c) : c;
}
