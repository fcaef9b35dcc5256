/* SPDX-License-Identifier: BSD-3-Clause
 * The program's sources: those of compile_commands.json where there is one, else all C, C++ and
 * assembly files below the folder, without the ones that define another program's main. */
#include "builder/private.h"
#include "common/file.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 24, MAX_SOURCES = 20000 };

struct found {
    strings sources, headers; /* headers: folders that hold any */
};

static const char *suffix_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot : "";
}

static bool among(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(word, *list) == 0)
            return true;
    return false;
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static void add_once(struct arena *a, strings *list, const char *s)
{
    vec_each (x, list)
        if (strcmp(*x, s) == 0)
            return;
    vec_push(a, list, s);
}

/* Sorted names of a folder, without hidden ones. */
static enum status names_in(struct job *j, const char *dir, strings *names)
{
    DIR *handle = opendir(dir);
    if (!handle)
        return diag_fail(j->d, STATUS_INPUT,
                         "%s: %s (a folder with the program's sources was expected)", dir,
                         strerror(errno));
    for (const struct dirent *e; (e = readdir(handle));)
        if (e->d_name[0] != '.')
            vec_push(j->a, names, arena_strdup(j->a, e->d_name));
    closedir(handle);
    vec_sort(names, by_text);
    return STATUS_OK;
}

static enum status collect(struct job *j, const char *dir, int depth, struct found *f)
{
    static const char *const sources[] = {".c", ".cc", ".cpp", ".cxx", ".S", NULL};
    static const char *const headers[] = {".h", ".hh", ".hpp", ".hxx", ".inc", NULL};
    strings names = {0};
    enum status status = names_in(j, dir, &names);
    vec_each (name, &names) {
        const char *path = arena_printf(j->a, "%s/%s", dir, *name);
        struct stat st;
        if (status || lstat(path, &st) != 0)
            continue;
        /* A build folder inside (or the app folder itself) holds no sources of the program. */
        bool own = file_exists(arena_printf(j->a, "%s/Makefile.uk", path)) ||
                   file_exists(arena_printf(j->a, "%s/kconfig/conf", path));
        if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH && !own)
            status = collect(j, path, depth + 1, f);
        else if (S_ISREG(st.st_mode) && among(suffix_of(*name), sources))
            vec_push(j->a, &f->sources, path);
        else if (S_ISREG(st.st_mode) && among(suffix_of(*name), headers))
            add_once(j->a, &f->headers, dir);
    }
    if (!status && f->sources.count > MAX_SOURCES)
        return diag_fail(j->d, STATUS_INPUT, "%s: more than %d sources below it", dir, MAX_SOURCES);
    return status;
}

/* ---- main ---- */

/* Skips a comment, a string or a character constant that starts at i; i itself otherwise. */
static size_t skip_quiet(const char *s, size_t n, size_t i)
{
    if (s[i] == '/' && i + 1 < n && s[i + 1] == '/') {
        while (i < n && s[i] != '\n')
            i++;
    } else if (s[i] == '/' && i + 1 < n && s[i + 1] == '*') {
        for (i += 2; i + 1 < n && !(s[i] == '*' && s[i + 1] == '/'); i++)
            ;
        i = i + 2 < n ? i + 2 : n;
    } else if (s[i] == '"' || s[i] == '\'') {
        char quote = s[i];
        for (i++; i < n && s[i] != quote && s[i] != '\n'; i++)
            if (s[i] == '\\' && i + 1 < n)
                i++;
        i = i < n ? i + 1 : n;
    }
    return i;
}

/* After "main": a parameter list, then anything but a semicolon or comma up to a brace. */
static bool definition_follows(const char *s, size_t n, size_t i)
{
    int depth = 0;
    bool list = false;
    while (i < n) {
        size_t next = skip_quiet(s, n, i);
        if (next != i) {
            i = next;
            continue;
        }
        if (s[i] == '(') {
            depth++;
            list = true;
        } else if (s[i] == ')') {
            depth--;
        } else if (depth == 0 && s[i] == '{') {
            return list;
        } else if (depth == 0 && (s[i] == ',' || s[i] == '=' || (s[i] == ';' && !list))) {
            return false;
        } else if (depth == 0 && s[i] == ';') {
            /* "main(argc) int argc; {": old style, unless a plain declaration ended here */
            size_t k = i + 1;
            while (k < n && isspace((unsigned char)s[k]))
                k++;
            return k < n && s[k] == '{';
        } else if (depth == 0 && !list && !isspace((unsigned char)s[i])) {
            return false;
        }
        i++;
    }
    return false;
}

bool source_defines_main(const char *s, size_t n)
{
    int depth = 0;
    bool line_start = true;
    for (size_t i = 0; i < n;) {
        if (line_start && s[i] == '#') { /* a directive, with its continuation lines */
            while (i < n && s[i] != '\n')
                i += s[i] == '\\' && i + 1 < n ? 2 : 1;
            continue;
        }
        size_t next = skip_quiet(s, n, i);
        if (next != i) {
            i = next;
            line_start = false;
            continue;
        }
        if (isalpha((unsigned char)s[i]) || s[i] == '_') {
            size_t from = i;
            while (i < n && (isalnum((unsigned char)s[i]) || s[i] == '_'))
                i++;
            if (depth == 0 && i - from == 4 && memcmp(s + from, "main", 4) == 0 &&
                definition_follows(s, n, i))
                return true;
            line_start = false;
            continue;
        }
        depth += s[i] == '{';
        depth -= s[i] == '}' && depth > 0;
        line_start = s[i] == '\n' || (line_start && isspace((unsigned char)s[i]));
        i++;
    }
    return false;
}

static bool file_defines_main(struct job *j, const char *path)
{
    struct diag quiet;
    diag_init(&quiet, -1);
    struct arena *a = arena_new();
    char *data = NULL;
    size_t size = 0;
    bool found =
        !file_read(&quiet, a, path, 64 << 20, &data, &size) && source_defines_main(data, size);
    (void)j;
    arena_free(a);
    return found;
}

static const char *stem(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    return arena_strndup(a, base, (size_t)(suffix_of(base) - base));
}

/* Of several mains the one that carries the program's name, else main.c, is the program's. */
static enum status keep_one_main(struct job *j, strings *sources)
{
    strings mains = {0};
    const char *chosen = NULL;
    vec_each (s, sources)
        if (file_defines_main(j, *s))
            vec_push(j->a, &mains, *s);
    if (mains.count <= 1)
        return STATUS_OK;
    const char *program = j->selection->program ? j->selection->program : j->name;
    const char *const wanted[] = {program, j->name, "main"};
    for (size_t w = 0; !chosen && w < 3; w++)
        vec_each (m, &mains)
            if (!chosen && strcmp(stem(j->a, *m), wanted[w]) == 0)
                chosen = *m;
    if (!chosen) {
        text t = {0};
        vec_each (m, &mains)
            text_add(j->a, &t, "%s%s", m == mains.items ? "" : ", ", *m);
        vec_push(j->a, &t, '\0');
        return diag_fail(
            j->d, STATUS_INPUT,
            "several sources define main (%s): give -s a folder with one program, or name "
            "the right one %s.c",
            t.items, j->name);
    }
    size_t kept = 0;
    for (size_t i = 0; i < sources->count; i++) {
        bool other = false;
        vec_each (m, &mains)
            other = other || (*m == sources->items[i] && *m != chosen);
        if (!other)
            sources->items[kept++] = sources->items[i];
    }
    sources->count = kept;
    return STATUS_OK;
}

/* Objects are named after the source's base name: equal ones get a variant. */
static void tell_apart(struct job *j)
{
    for (size_t i = 0; i < j->sources.count; i++) {
        struct source *s = &j->sources.items[i];
        size_t same = 0;
        for (size_t k = 0; k < i; k++)
            same += strcmp(stem(j->a, s->path), stem(j->a, j->sources.items[k].path)) == 0;
        if (same)
            s->variant = arena_printf(j->a, "v%zu", same);
    }
}

enum status step_sources(struct job *j)
{
    const char *given = j->options->source_dir;
    if (j->binary || !given)
        return STATUS_OK;
    char *real = realpath(given, NULL);
    const char *dir = real ? arena_strdup(j->a, real) : given;
    free(real);
    bool commands = false;
    enum status status = sources_from_commands(j, dir, &commands);
    if (status)
        return status;
    struct found f = {0};
    if (!commands) {
        status = collect(j, dir, 0, &f);
        if (!status)
            status = keep_one_main(j, &f.sources);
        if (status)
            return status;
        vec_each (s, &f.sources)
            vec_push(j->a, &j->sources, ((struct source){.path = *s}));
        j->include_dirs = f.headers;
    }
    if (!j->sources.count)
        return diag_fail(j->d, STATUS_INPUT, "%s: no C, C++ or assembly source in it", given);
    vec_each (s, &j->sources)
        if (strpbrk(s->path, " :'\"$#\\|"))
            return diag_fail(
                j->d, STATUS_INPUT,
                "%s: make cannot build a file whose path has blanks, colons, quotes or $", s->path);
    tell_apart(j);
    return STATUS_OK;
}
