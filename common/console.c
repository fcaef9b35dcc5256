/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/console.h"
#include "common/syscalls.h"
#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

/* A banner that does not end within so many lines is none, or one nobody knows. */
enum { GROUPS = 8, LINE_LIMIT = 4096, BLOCK_LINES = 12 };

/* Prefix of Unikraft's kernel messages: [time] level: <thread> {caller} [library] <place>. */
#define LOG                                                                                        \
    "^(\\[ *[0-9]+\\.[0-9]+\\] )?(dbg|Info|Warn|ERR|CRIT): +(<[^>]*>+ )?(\\{[^}]*\\} )?"           \
    "\\[[a-z][a-z0-9_-]*\\] +(<[^>]*> )?"

/* Last line of Unikraft's banner: code name and release. */
#define RELEASE "^ +[A-Z][a-z]+ [0-9]+\\.[0-9]+\\.[0-9]+(~[0-9a-z-]+)?$"

/* What is recognised, in order: the first pattern that fits a line decides. until: the line that
 * ends a block (the banner). A line is only ever taken whole, so that a program's own text is never
 * cut in the middle. Sources: the format strings of Unikraft's libukboot, libukprint,
 * libsyscall_shim (0.16 to 0.17) and app-elfloader, of SeaBIOS, iPXE and QEMU's option ROMs. */
static const struct {
    enum console_kind kind;
    int group;
    const char *pattern, *until;
} patterns[] = {
    {CONSOLE_BOOT, 0, "^SeaBIOS \\(version ", NULL},
    {CONSOLE_BOOT, 0, "^iPXE( \\(|\\+| [0-9.]+)", NULL},
    {CONSOLE_BOOT, 0, "^(Booting from ROM|Press Ctrl-B|PMM\\+|Machine UUID)", NULL},
    /* A tree that is a clone puts ~COMMIT after its release, an unpacked archive nothing. */
    {CONSOLE_BOOT, 0, "^Powered by$", RELEASE},
    {CONSOLE_BOOT, 0, "^Welcome to  _ __ +_____$", RELEASE},
    {CONSOLE_BOOT, 0, "^Powered by Unikraft [A-Z][a-z]+ \\([0-9]+\\.[0-9]+\\.[0-9]+", NULL},
    {CONSOLE_BOOT, 0, "^ *[A-Z][a-z]+ [0-9]+\\.[0-9]+\\.[0-9]+~[0-9a-z-]+$", NULL},
    {CONSOLE_BOOT, 0, "^ +\\.-{10,}\\.$", "^Bench core [0-9]"},
    {CONSOLE_BOOT, 0, "^Bench core [0-9]+(\\.[0-9]+)*$", NULL},
    {CONSOLE_MISSING, 1, "syscall \"?([a-z0-9_]+)\"? is not available", NULL},
    {CONSOLE_END, 1, "main returned (-?[0-9]+)", NULL},
    {CONSOLE_CRASH, 6, LOG "(Assertion failure: .*)$", NULL},
    {CONSOLE_CRASH, 6, LOG "((Cannot handle|Unhandled) .*)$", NULL},
    {CONSOLE_CRASH, 1, "((Unhandled|Fatal) (page fault|exception|trap).*)", NULL},
    {CONSOLE_CRASH, 1, "^panic: (.*)$", NULL},
    {CONSOLE_LINK, 1, "(Init function at 0x[0-9a-f]+ returned error -?[0-9]+.*)", NULL},
    {CONSOLE_LINK, 1, "(Could not initialize .* \\(-[0-9]+\\))", NULL},
    /* A request is told before it runs: the only line of a call that never returns. */
    {CONSOLE_TRACE, 6,
     LOG "Binary system call request \"(exit|exit_group)\" \\([0-9]+\\) at ip:[^ ]+ "
         "\\(arg0=(0x[0-9a-f]+)[,)]",
     NULL},
    {CONSOLE_LOG, 0, LOG, NULL},
    {CONSOLE_LOG, 0, "^\\[[a-z_]+\\.c\\] ", NULL},
    /* The bench core tells a call and its result on two lines. */
    {CONSOLE_TRACE, 1, "^\\[trace\\] ([a-z_][a-z0-9_]*)\\((.*)\\)$", NULL},
    {CONSOLE_RESULT, 1, "^\\[trace\\] ([a-z_][a-z0-9_]*) = (.*)$", NULL},
    /* Last: name(arguments) = result, alone on its line, name a known call. */
    {CONSOLE_TRACE, 1, "^([a-z_][a-z0-9_]*)\\((.*)\\) += (.*)$", NULL},
    {CONSOLE_TRACE, 1, "^(exit|exit_group)\\((.*)\\)( += \\?)?$", NULL},
};
enum { PATTERNS = sizeof patterns / sizeof patterns[0] };

struct console {
    struct arena *a;
    const strings *own;  /* lines that are the program's whatever they look like */
    VEC(size_t) offsets; /* of the program's own lines at the last split */
    regex_t start[PATTERNS], until[PATTERNS];
    bool compiled;
};

struct console *console_open(struct diag *d, struct arena *a)
{
    struct console *c = ARENA_NEW(a, struct console);
    c->a = a;
    for (size_t i = 0; i < PATTERNS; i++) {
        int bad = regcomp(&c->start[i], patterns[i].pattern, REG_EXTENDED);
        if (!bad && patterns[i].until)
            bad = regcomp(&c->until[i], patterns[i].until, REG_EXTENDED | REG_NOSUB);
        if (bad) {
            diag_fail(d, STATUS_SYSTEM, "console pattern %zu does not compile", i);
            return NULL;
        }
    }
    return c;
}

void console_close(struct console *c)
{
    for (size_t i = 0; c && i < PATTERNS; i++) {
        regfree(&c->start[i]);
        if (patterns[i].until)
            regfree(&c->until[i]);
    }
}

/* Copies a line without escape sequences, carriage returns and terminator, for matching. */
static size_t plain_line(const char *line, size_t size, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < size && n + 1 < LINE_LIMIT; i++) {
        if (line[i] == '\033' && i + 1 < size && (line[i + 1] == '[' || line[i + 1] == 'c')) {
            i++;
            while (line[i] == '[' && i + 1 < size && !isalpha((unsigned char)line[i + 1]))
                i++;
            i += line[i] == 'c' ? 0 : 1;
        } else if (line[i] != '\r' && line[i] != '\0') {
            out[n++] = line[i];
        }
    }
    out[n] = '\0';
    return n;
}

/* "12", "0x1f", "fd:3", "OK", "No such file or directory (-2)", "-1 ENOENT (...)", "?". */
static bool parse_result(const char *text, int64_t *result)
{
    char *end;
    size_t length = strlen(text);
    const char *open = strrchr(text, '(');
    if (open && length && text[length - 1] == ')' && open[1] == '-') {
        *result = strtoll(open + 1, &end, 10);
        if (*end == ')')
            return true;
    }
    if (strncmp(text, "-1 E", 4) == 0) {
        char name[32] = "";
        for (size_t i = 0; i + 1 < sizeof name && (isupper((unsigned char)text[3 + i]) ||
                                                   isdigit((unsigned char)text[3 + i]));
             i++)
            name[i] = text[3 + i];
        for (int code = 1; code < 134; code++) {
            const char *known = strerrorname_np(code);
            if (known && strcmp(known, name) == 0) {
                *result = -code;
                return true;
            }
        }
    }
    if (strcmp(text, "OK") == 0) {
        *result = 0;
        return true;
    }
    const char *digits = strncmp(text, "fd:", 3) == 0 ? text + 3
                         : strncmp(text, "va:", 3) == 0 || strncmp(text, "pid:", 4) == 0
                             ? strchr(text, ':') + 1
                             : text;
    *result = strtoll(digits, &end, 0);
    return end != digits && (!*end || *end == ' ');
}

static char *group(struct arena *a, const char *line, const regmatch_t *m)
{
    if (m->rm_so < 0)
        return arena_strdup(a, "");
    return arena_strndup(a, line + m->rm_so, (size_t)(m->rm_eo - m->rm_so));
}

void console_own(struct console *c, const strings *lines)
{
    c->own = lines;
}

static bool owned(const struct console *c, const char *line)
{
    for (size_t i = 0; c->own && i < c->own->count; i++)
        if (strcmp(c->own->items[i], line) == 0)
            return true;
    return false;
}

/* Recognises one plain line; false: the program's own. */
static bool recognise(struct console *c, const char *line, struct console_event *event,
                      size_t *which)
{
    regmatch_t m[GROUPS + 1];
    for (size_t i = 0; i < PATTERNS; i++) {
        if (regexec(&c->start[i], line, GROUPS + 1, m, 0) != 0)
            continue;
        *which = i;
        *event = (struct console_event){.kind = patterns[i].kind};
        event->text = group(c->a, line, &m[patterns[i].group]);
        if (event->kind == CONSOLE_TRACE) {
            if (syscall_number(event->text) < 0)
                continue;
            event->arguments = group(c->a, line, &m[patterns[i].group + 1]);
            char *result = group(c->a, line, &m[patterns[i].group + 2]);
            event->has_result = parse_result(result, &event->result);
        }
        if (event->kind == CONSOLE_RESULT)
            event->has_result = parse_result(group(c->a, line, &m[2]), &event->result);
        if (owned(c, line))
            return false;
        event->line = arena_strdup(c->a, line);
        return true;
    }
    return false;
}

/* A result goes to the call that waits for one. */
static void add_event(struct console *c, const struct console_event *event, console_events *events)
{
    size_t at = events->count;
    while (event->kind == CONSOLE_RESULT && at-- > 0) {
        struct console_event *e = &events->items[at];
        if (e->kind == CONSOLE_TRACE && !e->has_result && strcmp(e->text, event->text) == 0) {
            e->has_result = event->has_result;
            e->result = event->result;
            return;
        }
    }
    if (event->kind != CONSOLE_RESULT)
        vec_push(c->a, events, *event);
}

char *console_split(struct console *c, const char *text, size_t size, size_t *own_size,
                    console_events *events)
{
    char *own = arena_alloc(c->a, size + 1), plain[LINE_LIMIT];
    size_t used = 0, block = PATTERNS, lines = 0;
    c->offsets.count = 0;
    for (size_t at = 0; at < size;) {
        const char *newline = memchr(text + at, '\n', size - at);
        size_t length = newline ? (size_t)(newline - text) + 1 - at : size - at, which = 0;
        plain_line(text + at, newline ? length - 1 : length, plain);
        struct console_event event;
        bool known = false;
        if (block < PATTERNS) {
            known = true;
            event = (struct console_event){.kind = patterns[block].kind,
                                           .text = arena_strdup(c->a, plain)};
            event.line = event.text;
            if (++lines == BLOCK_LINES || regexec(&c->until[block], plain, 0, NULL, 0) == 0)
                block = PATTERNS;
        } else if (recognise(c, plain, &event, &which)) {
            known = true;
            if (patterns[which].until) {
                block = which;
                lines = 0;
            }
        }
        if (known && events) {
            event.offset = at;
            add_event(c, &event, events);
        } else if (!known) {
            vec_push(c->a, &c->offsets, at);
            memcpy(own + used, text + at, length);
            used += length;
        }
        at += length;
    }
    own[used] = '\0';
    *own_size = used;
    return own;
}

size_t console_offset(const struct console *c, size_t line)
{
    return line < c->offsets.count ? c->offsets.items[line] : SIZE_MAX;
}

bool console_ended(struct console *c, const char *text, size_t size, int *status)
{
    /* Only what came lately can be new; the words in question are near the end. */
    enum { LATELY = 2048 };
    size_t from = size > LATELY ? size - LATELY : 0;
    while (from > 0 && from < size && text[from - 1] != '\n')
        from++;
    char plain[LINE_LIMIT];
    bool over = false;
    for (size_t at = from; at < size;) {
        const char *newline = memchr(text + at, '\n', size - at);
        if (!newline)
            break;
        size_t length = (size_t)(newline - text) - at, which;
        struct console_event event;
        /* Cheap tests first: this runs for every piece of output. */
        if ((memmem(text + at, length, "exit", 4) || memmem(text + at, length, "returned", 8)) &&
            plain_line(text + at, length, plain) && recognise(c, plain, &event, &which)) {
            if (event.kind == CONSOLE_END) {
                *status = atoi(event.text) & 0xff;
                over = true;
            } else if (event.kind == CONSOLE_TRACE && strncmp(event.text, "exit_group", 10) == 0) {
                *status = (int)(strtol(event.arguments, NULL, 0) & 0xff);
                over = true;
            }
        }
        at += length + 1;
    }
    return over;
}
