/* SPDX-License-Identifier: BSD-3-Clause
 * What went wrong in a failed make: the first real error, and what to do about it. */
#include "builder/private.h"
#include "common/file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Programs of the host that a core's build runs, and the Debian package of each. */
static const struct {
    const char *tool, *package;
} host_tools[] = {
    {"bison", "bison"},     {"flex", "flex"},
    {"yacc", "bison"},      {"lex", "flex"},
    {"m4", "m4"},           {"gawk", "gawk"},
    {"wget", "wget"},       {"unzip", "unzip"},
    {"python3", "python3"}, {"gcc", "gcc"},
    {"g++", "g++"},         {"patch", "patch"},
    {"bc", "bc"},           {"dtc", "device-tree-compiler"},
    {"ld", "binutils"},     {"xz", "xz-utils"},
    {"git", "git"},         {"kconfig-conf", "kconfig-frontends"},
    {"awk", "mawk"},
};

static const char *line_of(struct arena *a, const char *whole, const char *at)
{
    while (at > whole && at[-1] != '\n')
        at--;
    return arena_strndup(a, at, strcspn(at, "\n"));
}

/* The text up to the closing quote, in any of the quotes gcc and ld use. */
static const char *quoted(struct arena *a, const char *at)
{
    static const char *const open_[] = {"`", "'", "\xe2\x80\x98", "\""};
    static const char *const close_[] = {"'", "'", "\xe2\x80\x99", "\""};
    for (size_t i = 0; i < 4; i++) {
        size_t n = strlen(open_[i]);
        if (strncmp(at, open_[i], n) != 0)
            continue;
        const char *end = strstr(at + n, close_[i]);
        return end ? arena_strndup(a, at + n, (size_t)(end - at) - n) : NULL;
    }
    return NULL;
}

static bool exports(const struct catalogue_library *l, const char *symbol)
{
    vec_each (s, &l->symbols)
        if (strcmp(*s, symbol) == 0)
            return true;
    return false;
}

const char *exporters_of(struct job *j, const char *symbol)
{
    text t = {0};
    vec_each (l, &j->catalogue->libraries) {
        if (!exports(l, symbol))
            continue;
        bool on = l->option && job_enabled(j, l->option);
        text_add(j->a, &t, "%s%s", t.count ? " or " : "", l->name);
        if (l->option)
            text_add(j->a, &t, " (%s%s%s%s)", l->option, on ? ", which is on" : "",
                     l->repository && strcmp(l->repository, j->catalogue->name) != 0 ? ", of " : "",
                     l->repository && strcmp(l->repository, j->catalogue->name) != 0 ? l->repository
                                                                                     : "");
    }
    if (!t.count)
        return NULL;
    vec_push(j->a, &t, '\0');
    return t.items;
}

/* ---- one function per kind of error: STATUS_OK when it is not that kind ---- */

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static enum status undefined_references(struct job *j, const char *errors)
{
    static const char mark[] = "undefined reference to ";
    const char *first = NULL;
    strings *names = &j->out->undefined;
    for (const char *at = errors; (at = strstr(at, mark)); at++) {
        const char *name = quoted(j->a, at + sizeof mark - 1);
        bool known = !name;
        vec_each (n, names)
            known = known || strcmp(*n, name) == 0;
        if (!known)
            vec_push(j->a, names, name);
        first = first ? first : line_of(j->a, errors, at);
    }
    if (!names->count)
        return STATUS_OK;
    const char *symbol = names->items[0], *from = exporters_of(j, symbol);
    const char *more =
        names->count > 1 ? arena_printf(j->a, " (and %zu more symbols)", names->count - 1) : "";
    vec_sort(names, by_text);
    if (from)
        return diag_fail(j->d, STATUS_FOUND, "%s%s: exported by %s: select it", first, more, from);
    return diag_fail(
        j->d, STATUS_FOUND,
        "%s%s: no micro-library of catalogue %s %s exports '%s': add the library that has "
        "it, or provide it in the program's sources",
        first, more, j->catalogue->name, j->catalogue->version, symbol);
}

/* The library whose include folder has the header. */
static const struct catalogue_library *header_home(struct job *j, const char *header)
{
    vec_each (l, &j->catalogue->libraries) {
        const char *folder = NULL;
        if (!l->path)
            continue;
        if (l->repository && strcmp(l->repository, j->catalogue->name) != 0) {
            vec_each (e, &j->externals)
                if (strcmp(e->repository, l->repository) == 0)
                    folder = arena_printf(j->a, "%s/%s", e->folder, l->path);
        } else {
            folder = arena_printf(j->a, "%s/%s", j->uk_root, l->path);
        }
        if (folder && file_exists(arena_printf(j->a, "%s/include/%s", folder, header)))
            return l;
    }
    return NULL;
}

/* The header of "fatal error: HEADER: No such file or directory" at a place; NULL: another error.
 */
static const char *absent_header(struct arena *a, const char *rest)
{
    const char *end = strstr(rest, ": No such file or directory");
    if (!end || memchr(rest, '\n', (size_t)(end - rest)))
        return NULL;
    return arena_strndup(a, rest, (size_t)(end - rest));
}

static enum status missing_header(struct job *j, const char *errors)
{
    static const char mark[] = "fatal error: ";
    const char *first = NULL;
    const struct catalogue_library *first_home = NULL;
    for (const char *at = errors; (at = strstr(at, mark)); at++) {
        const char *header = absent_header(j->a, at + sizeof mark - 1);
        if (!header)
            continue;
        const struct catalogue_library *home = header_home(j, header);
        if (!first) {
            first = line_of(j->a, errors, at);
            first_home = home;
        }
        bool known = !home || !home->option || job_enabled(j, home->option);
        vec_each (option, &j->out->headers)
            known = known || strcmp(*option, home->option) == 0;
        if (!known)
            vec_push(j->a, &j->out->headers, home->option);
    }
    if (!first)
        return STATUS_OK;
    const struct catalogue_library *l = first_home;
    if (l && l->option && job_enabled(j, l->option))
        return diag_fail(j->d, STATUS_FOUND,
                         "%s: the header is one of %s (%s), which is on but does not offer it to "
                         "this file (C++, or its folder is not in the include path)",
                         first, l->name, l->option);
    return diag_fail(j->d, STATUS_FOUND, "%s: %s", first,
                     l ? arena_printf(j->a, "the header is one of %s%s%s%s: select it", l->name,
                                      l->option ? " (" : "", l->option ? l->option : "",
                                      l->option ? ")" : "")
                       : "no micro-library at hand has this header: add the library it belongs to "
                         "(an external one goes into --uk-libs), or give its folder with -s");
}

static enum status missing_tool(struct job *j, const char *errors)
{
    for (size_t i = 0; i < sizeof host_tools / sizeof host_tools[0]; i++) {
        const char *tool = host_tools[i].tool;
        const char *marks[] = {
            arena_printf(j->a, "%s: command not found", tool),
            arena_printf(j->a, "%s: not found", tool),
            arena_printf(j->a, "make: %s: No such file", tool),
            arena_printf(j->a, "]: %s: No such file", tool),
        };
        for (size_t m = 0; m < sizeof marks / sizeof marks[0]; m++) {
            const char *at = strstr(errors, marks[m]);
            bool whole = at && (at == errors || !strchr("abcdefghijklmnopqrstuvwxyz-+", at[-1]));
            if (whole)
                return diag_fail(j->d, STATUS_SYSTEM,
                                 "the build needs %s, which this machine does not have: install it "
                                 "(Debian: apt-get install %s)",
                                 tool, host_tools[i].package);
        }
    }
    return STATUS_OK;
}

/* A download that left nothing: "WGET LIBRARY: URL", and then the archive is not there. */
static enum status failed_download(struct job *j, const char *output)
{
    char library[64], url[1024];
    for (const char *at = output; (at = strstr(at, "  WGET ")); at++) {
        if (sscanf(at, " WGET %63[^: ]: %1023[^ \n]", library, url) != 2)
            continue;
        const char *slash = strrchr(url, '/'), *name = slash ? slash + 1 : url;
        if (file_exists(arena_printf(j->a, "%s/build/%s/%s", j->app_dir, library, name)))
            continue;
        return diag_fail(
            j->d, STATUS_SYSTEM,
            "%s: its sources could not be downloaded from %s: fetch the file where there "
            "is a network and put it into %s/archives",
            library, url, j->options->uk_libs ? j->options->uk_libs : "--uk-libs DIR");
    }
    return STATUS_OK;
}

static enum status known_sentence(struct job *j, const char *errors)
{
    static const struct {
        const char *mark, *advice;
    } sentences[] = {
        {"choose at least one target platform", "the selection has no platform: pin PLAT_KVM"},
        {"Require GCC version", "install a newer gcc, or give another with CC= or CROSS_COMPILE="},
        {"Require Clang version", "install a newer clang, or give gcc with CC=gcc"},
        {"No space left on device", "make room on the disk of the app folder"},
        {"unrecognized command-line option", "this compiler is not one the core supports"},
        {"unrecognized command line option", "this compiler is not one the core supports"},
        {"did not select a library that handles bootstrapping", "pin LIBUKBOOT"},
    };
    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++) {
        const char *at = strstr(errors, sentences[i].mark);
        if (at)
            return diag_fail(j->d, STATUS_SYSTEM, "%s: %s", line_of(j->a, errors, at),
                             sentences[i].advice);
    }
    return STATUS_OK;
}

/* The first line that is an error and not what follows from one. */
static enum status first_error(struct job *j, const char *errors, int exit_status)
{
    static const char *const marks[] = {" error: ", ": error:", "error:", "*** ", "rror "};
    const char *first = NULL;
    for (size_t i = 0; !first && i < sizeof marks / sizeof marks[0]; i++)
        first = strstr(errors, marks[i]);
    if (!first)
        return diag_fail(j->d, STATUS_SYSTEM,
                         "make failed with status %d and said nothing (see %s)", exit_status,
                         job_log_path(j));
    return diag_fail(j->d, STATUS_SYSTEM, "make failed: %s (all of it: %s/build/make.log)",
                     line_of(j->a, errors, first), j->app_dir);
}

enum status diagnose_make(struct job *j, const char *output, const char *errors, int exit_status)
{
    static enum status (*const kinds[])(struct job *, const char *) = {
        missing_tool, undefined_references, failed_download, missing_header, known_sentence};
    const char *both = arena_printf(j->a, "%s\n%s", errors, output);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        enum status status = kinds[i](j, both);
        if (status)
            return status;
    }
    return first_error(j, both, exit_status);
}
