/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/summary.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LABEL_WIDTH = 16, NARROWEST = 60, WIDEST = 120 };

static int width(void)
{
    struct winsize size;
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
        return size.ws_col < NARROWEST ? NARROWEST : size.ws_col > WIDEST ? WIDEST : size.ws_col;
    return 100;
}

void summary_line(const char *label, const char *format, ...)
{
    printf("%-*s", LABEL_WIDTH, label);
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

void summary_words(const char *label, const strings *words)
{
    int limit = width(), column = LABEL_WIDTH;
    printf("%-*s", LABEL_WIDTH, label);
    for (size_t i = 0; i < words->count; i++) {
        int length = (int)strlen(words->items[i]) + (i + 1 < words->count ? 1 : 0);
        if (column > LABEL_WIDTH && column + 1 + length > limit) {
            printf("\n%-*s", LABEL_WIDTH, "");
            column = LABEL_WIDTH;
        }
        if (column > LABEL_WIDTH)
            column += printf(" ");
        column += printf("%s%s", words->items[i], i + 1 < words->count ? "," : "");
    }
    putchar('\n');
}

size_t summary_lacking(struct arena *arena, const profile_syscalls *a, const profile_syscalls *b,
                       strings *names)
{
    size_t count = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (profile_syscalls_find(a, b->items[i].number))
            continue;
        count++;
        if (names)
            vec_push(arena, names, b->items[i].name);
    }
    return count;
}

static bool by_plugins(const struct profile_static *s, int64_t number)
{
    for (size_t i = 0; i < s->plugins.count; i++)
        if (profile_syscalls_find(&s->plugins.items[i].syscalls, number))
            return true;
    return false;
}

static void libraries_line(const struct cli *cli, const struct profile *p)
{
    strings names = {0}, missing = {0};
    const struct profile_static *s = &p->static_part;
    if (s->present) {
        vec_each (l, &s->libraries)
            vec_push(cli->arena, l->path ? &names : &missing, l->soname);
    } else {
        vec_each (l, &p->dynamic_part.libraries)
            vec_push(cli->arena, &names, l->soname);
    }
    if (names.count)
        summary_words(arena_printf(cli->arena, "Libraries %zu", names.count), &names);
    else
        summary_line("Libraries", "none (statically linked)");
    if (missing.count)
        summary_words("  missing", &missing);
}

static void symbols_line(const struct profile *p)
{
    size_t unbound = 0;
    vec_each (s, &p->static_part.symbols)
        unbound += !s->library;
    if (!p->static_part.present) {
        if (p->dynamic_part.symbols.count)
            summary_line("Symbols", "%zu called", p->dynamic_part.symbols.count);
        return;
    }
    char called[64] = "", weak[64] = "";
    if (p->dynamic_part.symbols.count)
        snprintf(called, sizeof called, ", %zu called in the tests", p->dynamic_part.symbols.count);
    if (unbound)
        snprintf(weak, sizeof weak, ", %zu bound to nothing", unbound);
    summary_line("Symbols", "%zu imported%s%s", p->static_part.symbols.count, weak, called);
}

/* What the static set is worth, before it is shown. */
static void statement_lines(const struct cli *cli, const struct profile *p)
{
    if (p->statement.superset)
        summary_line("Proven", "superset of what it can call, as far as assumed (.statement)");
    strings sentences = {0};
    for (size_t i = 0; i < p->statement.reservations.count; i++)
        vec_push(cli->arena, &sentences, p->statement.reservations.items[i]);
    if (p->static_part.present && sentences.count)
        summary_words("Not proven", &sentences);
}

/* Selecting arguments: which are constant, which may be anything. */
static void selectors_lines(const struct cli *cli, const struct profile_static *s)
{
    strings names = {0}, any = {0};
    for (size_t i = 0; i < s->selectors.count; i++) {
        const struct profile_selector *x = &s->selectors.items[i];
        const char *selector = arena_printf(cli->arena, "%s %s", x->syscall, x->argument);
        size_t last = names.count;
        if (!last || strcmp(names.items[last - 1], selector) != 0)
            vec_push(cli->arena, &names, selector);
    }
    vec_each (u, &s->unbounded)
        vec_push(cli->arena, &any, arena_printf(cli->arena, "%s %s", u->syscall, u->argument));
    size_t bounded = 0;
    for (size_t i = 0; i < names.count; i++) {
        bool open = false;
        for (size_t k = 0; k < any.count; k++)
            open = open || strcmp(any.items[k], names.items[i]) == 0;
        bounded += !open;
    }
    if (names.count + any.count)
        summary_line("Arguments", "%zu selectors constant (.static.selectors), %zu not", bounded,
                     any.count);
    if (any.count)
        summary_words("  any value", &any);
}

/* Names of the list, those also in the other list (if any) marked by a trailing star. */
static void names_line(const struct cli *cli, const char *label, const profile_syscalls *list,
                       const profile_syscalls *seen)
{
    strings words = {0};
    vec_each (s, list) {
        bool star = seen && profile_syscalls_find(seen, s->number);
        if (s->when == WHEN_UNKNOWN && !star)
            continue;
        vec_push(cli->arena, &words, star ? arena_printf(cli->arena, "%s*", s->name) : s->name);
    }
    if (words.count)
        summary_words(label, &words);
}

static void circumstances_line(const profile_syscalls *list)
{
    char text[256] = "";
    for (unsigned w = 1; when_names[w]; w++) {
        size_t count = 0;
        vec_each (s, list)
            count += !(s->when & WHEN_NORMAL) && (s->when & (1u << w));
        size_t used = strlen(text);
        if (count)
            snprintf(text + used, sizeof text - used, "%s%zu %s", used ? ", " : "", count,
                     when_names[w]);
    }
    if (text[0])
        summary_line("  only when", "%s", text);
}

static void classes_line(const profile_syscalls *list)
{
    char text[256] = "";
    for (int c = 0; class_names[c]; c++) {
        size_t count = 0;
        vec_each (s, list)
            count += s->class_ == c;
        size_t used = strlen(text);
        if (count)
            snprintf(text + used, sizeof text - used, "%s%zu %s", used ? ", " : "", count,
                     class_names[c]);
    }
    if (text[0])
        summary_line("  needed", "%s", text);
}

/* How many calls there is more reason for than that some number is not known. */
static size_t known_calls(const profile_syscalls *list)
{
    size_t count = 0;
    vec_each (s, list)
        count += s->when != WHEN_UNKNOWN;
    return count;
}

/* Calls that only some of several runs made. */
static void sometimes_line(const struct cli *cli, const struct profile_dynamic *dyn)
{
    strings words = {0};
    vec_each (s, &dyn->syscalls)
        if (s->runs)
            vec_push(cli->arena, &words,
                     arena_printf(cli->arena, "%s (%lld of %lld runs)", s->name, (long long)s->runs,
                                  (long long)dyn->runs));
    if (words.count)
        summary_words("  sometimes", &words);
}

static void calls_lines(const struct cli *cli, const struct profile *p)
{
    const struct profile_static *s = &p->static_part;
    const struct profile_dynamic *dyn = &p->dynamic_part;
    const profile_syscalls *seen = dyn->present ? &dyn->syscalls : NULL;
    if (s->present && seen) {
        size_t outside = summary_lacking(cli->arena, &s->syscalls, seen, NULL);
        summary_line("System calls", "%zu static, %zu dynamic, %zu both", known_calls(&s->syscalls),
                     seen->count, seen->count - outside);
    } else if (s->present) {
        summary_line("System calls", "%zu static", known_calls(&s->syscalls));
    } else {
        summary_line("System calls", "%zu dynamic", seen ? seen->count : 0);
    }
    names_line(cli, seen && s->present ? "  (* seen)" : "",
               s->present ? &s->syscalls : &dyn->syscalls, s->present ? seen : NULL);
    circumstances_line(&s->syscalls);
    classes_line(&dyn->syscalls);
    sometimes_line(cli, dyn);
    strings plugged = {0}, surprising = {0};
    if (s->present)
        vec_each (c, &dyn->syscalls) {
            if (profile_syscalls_find(&s->syscalls, c->number))
                continue;
            strings *list = by_plugins(s, c->number) ? &plugged : &surprising;
            vec_push(cli->arena, list, c->name);
        }
    if (plugged.count)
        summary_words("  by plug-ins", &plugged);
    if (surprising.count)
        summary_words("  seen only", &surprising);
    selectors_lines(cli, s);
    if (s->plugins.count)
        summary_line("Plug-ins", "%zu (what only they call stands under .static.plugins)",
                     s->plugins.count);
    if (s->unresolved.count)
        summary_line("Unresolved", "%zu places (.static.unresolved)", s->unresolved.count);
}

static void tests_line(const struct profile *p)
{
    const struct profile_dynamic *dyn = &p->dynamic_part;
    if (!dyn->present)
        return;
    /* Not every line of a protocol has a reply, and a server does not end by itself. */
    static const char *const faultless[] = {"exit 0", "reply", "sent", "ended by the tool"};
    size_t good = 0, silent = 0;
    int64_t ms = 0;
    vec_each (t, &dyn->tests) {
        for (size_t i = 0; i < sizeof faultless / sizeof *faultless; i++)
            good += strcmp(t->status, faultless[i]) == 0;
        silent += strcmp(t->status, "no reply") == 0;
        ms += t->duration_ms;
    }
    char without_reply[48] = "";
    if (silent)
        snprintf(without_reply, sizeof without_reply, ", %zu without a reply", silent);
    if (dyn->tests.count)
        summary_line("Tests", "%zu run, %zu without fault%s, %.1f s, traced by %s",
                     dyn->tests.count, good, without_reply, (double)ms / 1000,
                     dyn->engine ? dyn->engine : "ptrace");
    vec_each (e, &dyn->execs)
        summary_line("  executes", "%s (%zu calls)", e->path, e->syscalls.count);
}

void summary_profile(const struct cli *cli, const struct profile *p)
{
    const char *slash = strrchr(p->program.path, '/');
    summary_line("Program", "%s: %s %s, %s", slash ? slash + 1 : p->program.path, p->program.arch,
                 p->program.type, p->program.path);
    statement_lines(cli, p);
    libraries_line(cli, p);
    symbols_line(p);
    calls_lines(cli, p);
    tests_line(p);
}

void summary_libraries(const struct cli *cli, const struct profile *p)
{
    (void)cli;
    int widest = 8;
    vec_each (l, &p->static_part.libraries)
        if ((int)strlen(l->soname) > widest)
            widest = (int)strlen(l->soname);
    vec_each (l, &p->static_part.libraries) {
        printf("%-*s  %s  (", widest, l->soname, l->path ? l->path : "MISSING");
        for (size_t i = 0; i < l->needed_by.count; i++)
            printf("%s%s", i ? ", " : "needed by ", l->needed_by.items[i]);
        puts(l->needed_by.count ? ")" : "interpreter)");
        for (size_t i = 0; !l->path && i < l->searched.count; i++)
            printf("%*s  looked for %s\n", widest, "", l->searched.items[i]);
    }
}
