/* SPDX-License-Identifier: BSD-3-Clause
 * A selection on one screen: what was chosen and why, what is missing, what to do next. */
#include "cli/build.h"
#include "cli/summary.h"
#include <stdio.h>
#include <string.h>

enum { REASON_WIDTH = 74, LIBRARY_ROWS = 20, MISSING_ROWS = 8 };

/* The start of a text that fits, cut at a blank. */
static const char *shortened(struct arena *a, const char *text, size_t limit)
{
    size_t size = strlen(text);
    if (size <= limit)
        return text;
    size_t cut = limit - 3;
    while (cut > limit / 2 && text[cut] != ' ')
        cut--;
    return arena_printf(a, "%.*s...", (int)cut, text);
}

enum { GIVES, RULED, FOLLOWS };

/* Libraries that give the program something, those a rule wants, those that follow from others. */
static int rank(const struct selection_library *library)
{
    static const char *const gives[] = {"provides", "exports", "--"};
    const char *reason = library->reasons.count ? library->reasons.items[0] : "";
    for (size_t i = 0; i < sizeof gives / sizeof gives[0]; i++)
        if (strncmp(reason, gives[i], strlen(gives[i])) == 0)
            return GIVES;
    return strncmp(reason, "rule ", 5) == 0 ? RULED : FOLLOWS;
}

/* A rule's reason without what would be seen otherwise: --explain tells that. */
static const char *brief(struct arena *a, const char *reason)
{
    const char *end = strncmp(reason, "rule ", 5) == 0 ? strstr(reason, " (otherwise") : NULL;
    return end ? arena_strndup(a, reason, (size_t)(end - reason))
               : shortened(a, reason, REASON_WIDTH);
}

/* Several libraries of one option are one line. */
static void print_library(const struct cli *cli, const struct selection *s, size_t i)
{
    const struct selection_library *library = &s->libraries.items[i];
    const char *name = library->name;
    for (size_t k = i + 1; k < s->libraries.count; k++) {
        const char *option = s->libraries.items[k].option;
        if (option && library->option && strcmp(option, library->option) == 0)
            name = arena_printf(cli->arena, "%s, %s", name, s->libraries.items[k].name);
    }
    printf("  %-22s %s\n", name, brief(cli->arena, library->reasons.items[0]));
}

static bool option_before(const struct selection *s, size_t i)
{
    const char *option = s->libraries.items[i].option;
    for (size_t k = 0; option && k < i; k++)
        if (s->libraries.items[k].option && strcmp(s->libraries.items[k].option, option) == 0)
            return true;
    return false;
}

static void print_libraries(const struct cli *cli, const struct selection *s)
{
    strings others = {0};
    size_t rows = 0;
    for (int wanted = GIVES; wanted <= RULED; wanted++)
        for (size_t i = 0; i < s->libraries.count; i++)
            if (rank(&s->libraries.items[i]) == wanted && !option_before(s, i)) {
                if (rows++ < LIBRARY_ROWS)
                    print_library(cli, s, i);
                else
                    vec_push(cli->arena, &others, s->libraries.items[i].name);
            }
    vec_each (library, &s->libraries)
        if (rank(library) == FOLLOWS && !option_before(s, (size_t)(library - s->libraries.items)))
            vec_push(cli->arena, &others, library->name);
    if (others.count)
        summary_words("  and with them", &others);
}

static void print_missing_calls(const struct cli *cli, const struct selection *s)
{
    strings harmless = {0};
    size_t missing = 0, rows = 0;
    vec_each (call, &s->missing.syscalls) {
        if (call->harmless)
            vec_push(cli->arena, &harmless, call->name);
        else
            missing++;
    }
    if (missing)
        summary_line("Missing", "%zu system call%s that nothing here provides", missing,
                     missing == 1 ? "" : "s");
    vec_each (call, &s->missing.syscalls) {
        if (call->harmless || rows++ >= MISSING_ROWS)
            continue;
        const char *about = call->class_ ? arena_printf(cli->arena, "%s ", call->class_) : "";
        const char *near = call->near.count
                               ? arena_printf(cli->arena, "near: %s", call->near.items[0])
                           : call->needed_by ? call->needed_by
                                             : "";
        printf("  %-22s %s%s\n", call->name, about, shortened(cli->arena, near, REASON_WIDTH));
    }
    if (rows > MISSING_ROWS)
        printf("  and %zu more (selection.json)\n", rows - MISSING_ROWS);
    if (harmless.count)
        summary_words("Refused, lives", &harmless);
}

static void print_missing(const struct cli *cli, const struct selection *s)
{
    print_missing_calls(cli, s);
    if (s->missing.symbols.count) {
        strings first = {0};
        for (size_t i = 0; i < s->missing.symbols.count && i < 24; i++)
            vec_push(cli->arena, &first, s->missing.symbols.items[i]);
        if (s->missing.symbols.count > 24)
            vec_push(cli->arena, &first,
                     arena_printf(cli->arena, "and %zu more", s->missing.symbols.count - 24));
        summary_line("Missing", "%zu functions that no library here exports",
                     s->missing.symbols.count);
        summary_words("", &first);
    }
    vec_each (rule, &s->unmet)
        summary_line("Not met", "rule %s (%s): %s", rule->rule, rule->needs,
                     rule->symptom ? rule->symptom : "");
    if (s->clashes.count)
        summary_line("Clash", "%zu symbols exported twice, as %s", s->clashes.count,
                     s->clashes.items[0]);
}

void summary_selection(const struct cli *cli, const struct selection *selection,
                       const struct build_result *result)
{
    const struct selection *s = selection;
    summary_line("Program", "%s, %s port, %s needs", s->program, s->mode, s->need);
    summary_line("Catalogue", "%s %s", s->catalogue.name, s->catalogue.version);
    summary_line("Libraries", "%zu%s; needed and given: %zu calls%s", s->libraries.count,
                 s->optimal ? " (proved the least possible)" : "", s->provides.count,
                 strcmp(s->mode, "source") == 0
                     ? arena_printf(cli->arena, ", %zu functions", s->exports.count)
                     : "");
    print_libraries(cli, s);
    print_missing(cli, s);
    vec_each (it, &s->alternatives)
        summary_line("Alternative", "%s: %+lld libraries%s", it->change, (long long)it->libraries,
                     it->bytes ? arena_printf(cli->arena, ", %+lld bytes", (long long)it->bytes)
                               : "");
    if (result->app_dir) {
        summary_line("App folder", "%s", result->app_dir);
        summary_words("Files", &result->files);
    }
    if (result->image)
        summary_line("Image", "%s", result->image);
    else if (result->reason)
        summary_line("No image", "%s", result->reason);
    if (result->run.count) {
        const char *line = "";
        vec_each (word, &result->run)
            line = arena_printf(cli->arena, "%s%s%s", line, *line ? " " : "", *word);
        summary_line("Run", "%s", line);
    }
    if (!result->image && result->app_dir)
        summary_line("Next",
                     "--uk-root DIR (the core's tree)%s builds the image; --explain NAME "
                     "tells why a library is in",
                     strcmp(s->mode, "binary") == 0 ? " and --uk-libs DIR (app-elfloader, ...)"
                                                    : "");
}
