/* SPDX-License-Identifier: BSD-3-Clause */
#include "verifier/normalise.h"
#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

enum { EXAMPLES = 3, GROUPS = 3 };
#define IGNORED "<ignored>"

/* The table: a name, what it does in the report's words, and either a regular expression whose
 * match (or its first group, where `group` says so) is replaced, or a function over the whole text.
 * always: applied without being asked for, since it touches only how text is carried, not what it
 * says. */
struct entry {
    const char *name, *what, *pattern, *replacement;
    int group;
    bool always;
};

#define BEFORE "(^|[^0-9A-Za-z_.])"

static const struct entry table[] = {
    {"ansi", "terminal escape sequences are dropped", "\033(\\[[0-9;?]*[A-Za-z]|c|\\][^\007]*\007)",
     "", 0, true},
    /* Line editors return to the first column after such a sequence, where they already are. */
    {"crlf", "carriage returns at the beginning and end of a line are dropped", "\r+$|^\r+", "", 0,
     true},
    {"dates", "calendar dates",
     "[0-9]{4}-[01][0-9]-[0-3][0-9]|[0-9]{1,2}[/ "
     "](Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[/ "
     "][0-9]{4}|(Mon|Tue|Wed|Thu|Fri|Sat|Sun),? [A-Z][a-z]{2} +[0-9]{1,2}( [0-9]{4})?",
     "<date>", 0, false},
    {"times", "times of day, with fractions",
     "[0-2]?[0-9]:[0-5][0-9]:[0-6][0-9]([.,][0-9]+)?(Z| ?[+-][0-9]{2}:?[0-9]{2})?", "<time>", 0,
     false},
    {"durations", "numbers with a unit of time",
     BEFORE "([0-9]+(\\.[0-9]+)? ?(ns|us|ms|s|sec|secs|seconds|minutes))", "<duration>", 2, false},
    {"addresses", "hexadecimal addresses of five digits and more", "0x[0-9a-fA-F]{5,16}",
     "<address>", 0, false},
    {"pids", "process ids: numbers after pid or in brackets after a name",
     "([Pp][Ii][Dd][ =:]+|[a-z]\\[)([0-9]+)", "<pid>", 2, false},
    {"ports", "port numbers after an IP address or the word port",
     "([0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+|\\]|localhost|[Pp]ort)[ =:]+([0-9]{2,5})", "<port>", 2,
     false},
    {"numbers", "every number", BEFORE "([0-9]+(\\.[0-9]+)?)", "<number>", 2, false},
    {"spaces", "runs of blanks, and blanks at the end of a line", "[ \t]+$|[ \t]{2,}", " ", 0,
     false},
};
enum { TABLE = sizeof table / sizeof table[0] };

struct normaliser {
    struct entry entry;
    regex_t regex;
    int64_t count[2]; /* native, image */
    strings examples;
};

char *normalisers_list(struct arena *a)
{
    char *text = arena_strdup(a, "");
    for (size_t i = 0; i < TABLE; i++)
        text = arena_printf(a, "%s%s%s%s", text, i ? ", " : "", table[i].name,
                            table[i].always ? " (always)" : "");
    return text;
}

static enum status choose(struct normalisers *n, const struct entry *entry)
{
    struct normaliser *chosen = ARENA_NEW(n->a, struct normaliser);
    chosen->entry = *entry;
    int bad = regcomp(&chosen->regex, entry->pattern, REG_EXTENDED);
    if (bad) {
        char why[128];
        regerror(bad, &chosen->regex, why, sizeof why);
        return diag_fail(n->d, STATUS_INPUT, "'%s': not a usable regular expression: %s",
                         entry->pattern, why);
    }
    vec_push(n->a, &n->chosen, chosen);
    return STATUS_OK;
}

static enum status choose_named(struct normalisers *n, const char *name)
{
    for (size_t i = 0; i < TABLE; i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].always ? STATUS_OK : choose(n, &table[i]);
    return diag_fail(n->d, STATUS_INPUT, "no normaliser is called '%s'; there are: %s", name,
                     normalisers_list(n->a));
}

enum status normalisers_prepare(struct diag *d, struct arena *a, const strings *names,
                                const strings *ignore, struct normalisers *out)
{
    *out = (struct normalisers){.d = d, .a = a};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < TABLE && !status; i++)
        if (table[i].always)
            status = choose(out, &table[i]);
    for (size_t i = 0; names && i < names->count && !status; i++)
        status = choose_named(out, names->items[i]);
    for (size_t i = 0; ignore && i < ignore->count && !status; i++) {
        struct entry user = {.name = arena_printf(a, "ignore /%s/", ignore->items[i]),
                             .what = "masked at the test file's or user's request",
                             .pattern = ignore->items[i],
                             .replacement = IGNORED};
        status = choose(out, &user);
    }
    if (status)
        normalisers_free(out);
    return status;
}

void normalisers_free(struct normalisers *n)
{
    vec_each (chosen, &n->chosen)
        regfree(&(*chosen)->regex);
    n->chosen.count = 0;
}

/* line with every match replaced. */
static const char *apply(struct normalisers *n, struct normaliser *one, const char *line,
                         bool image)
{
    regmatch_t m[GROUPS];
    const char *from = line;
    char *out = NULL;
    size_t used = 0, room = 0;
    int flags = 0;
    while (regexec(&one->regex, from, GROUPS, m, flags) == 0) {
        const regmatch_t *part = &m[one->entry.group];
        if (part->rm_so < 0 || part->rm_eo == part->rm_so)
            break;
        if (!out) {
            room = strlen(line) * (strlen(one->entry.replacement) + 1) + 1;
            out = arena_alloc(n->a, room);
        }
        memcpy(out + used, from, (size_t)part->rm_so);
        used += (size_t)part->rm_so;
        memcpy(out + used, one->entry.replacement, strlen(one->entry.replacement));
        used += strlen(one->entry.replacement);
        one->count[image]++;
        if (one->examples.count < EXAMPLES && !one->entry.always)
            vec_push(n->a, &one->examples,
                     arena_strndup(n->a, from + part->rm_so, (size_t)(part->rm_eo - part->rm_so)));
        from += part->rm_eo;
        flags = REG_NOTBOL;
    }
    if (!out)
        return line;
    strcpy(out + used, from);
    return out;
}

void normalise(struct normalisers *n, const char *text, size_t size, bool image, strings *lines)
{
    for (size_t at = 0; at < size;) {
        const char *newline = memchr(text + at, '\n', size - at);
        size_t length = newline ? (size_t)(newline - text) - at : size - at;
        char *copy = arena_alloc(n->a, length + 1);
        size_t kept = 0;
        for (size_t i = 0; i < length; i++) /* NUL ends no line; 1 is used as a mark (compare.h) */
            copy[kept++] = text[at + i] == '\0' || text[at + i] == '\1' ? '?' : text[at + i];
        const char *line = copy;
        vec_each (one, &n->chosen)
            line = apply(n, *one, line, image);
        /* What is nothing but what is to be ignored is no line, nor what a terminal alone sees. */
        if (strcmp(line, IGNORED) != 0 && (newline || *line))
            vec_push(n->a, lines, line);
        at += length + 1;
    }
}

void normalisers_report(const struct normalisers *n, verif_normalisers *out)
{
    vec_each (one, &n->chosen) {
        const struct normaliser *x = *one;
        struct verif_normaliser *r = vec_add(n->a, out);
        *r = (struct verif_normaliser){.name = x->entry.name,
                                       .what = x->entry.what,
                                       .native_count = x->count[0],
                                       .image_count = x->count[1],
                                       .examples = x->examples};
    }
}
