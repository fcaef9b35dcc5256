/* SPDX-License-Identifier: BSD-3-Clause
 * Sources by their words: where there is no libclang, or a file it does not read. Without a
 * preprocessor nothing can be told to be left out, so every word counts. */
#include "common/csource_private.h"
#include "common/file.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 24, MAX_SOURCES = 20000, MOST_BYTES = 64 << 20 };

/* Skips a comment, a string or a character constant that starts at i; i itself otherwise. */
size_t csource_skip(const char *s, size_t n, size_t i)
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
        size_t next = csource_skip(s, n, i);
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
        size_t next = csource_skip(s, n, i);
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

/* ---- all names ---- */

static bool keyword(const char *word, size_t n)
{
    static const char *const words[] = {"if",      "while",      "for",           "switch",
                                        "return",  "sizeof",     "_Alignof",      "alignof",
                                        "defined", "do",         "else",          "case",
                                        "typeof",  "__typeof__", "__attribute__", "_Static_assert",
                                        "catch",   "decltype"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i]) == n && memcmp(words[i], word, n) == 0)
            return true;
    return false;
}

struct scan {
    struct csources *s;
    size_t unit, file_node;
    int depth, line;
};

static void take_word(struct scan *c, const char *text, size_t size, size_t from, size_t to)
{
    struct csources *s = c->s;
    if (keyword(text + from, to - from))
        return;
    size_t k = to;
    while (k < size && isspace((unsigned char)text[k]))
        k++;
    bool call = k < size && text[k] == '(';
    const char *word = arena_strndup(s->arena, text + from, to - from);
    if (!call) {
        csource_refer(s, c->file_node, csource_word(s, word), c->line);
        return;
    }
    size_t n = csource_node(s, arena_printf(s->arena, "c:@F@%s", word), word);
    if (c->depth > 0 || !definition_follows(text, size, to)) {
        struct csource_node *node = &s->nodes.items[n];
        if (!node->file) {
            node->file = s->units.items[c->unit].path;
            node->line = c->line;
        }
        csource_refer(s, c->file_node, n, c->line);
        return;
    }
    if (s->nodes.items[n].unit >= 0 && s->nodes.items[n].unit != (int)c->unit)
        n = csource_another(s, n);
    struct csource_node *node = &s->nodes.items[n];
    node->unit = (int)c->unit;
    node->file = s->units.items[c->unit].path;
    node->line = c->line;
    csource_refer(s, n, c->file_node, c->line);
    if (strcmp(word, "main") == 0)
        s->units.items[c->unit].main_node = n;
}

static int lines_in(const char *text, size_t from, size_t to)
{
    int lines = 0;
    for (size_t i = from; i < to; i++)
        lines += text[i] == '\n';
    return lines;
}

static void scan_text(struct scan *c, const char *text, size_t size)
{
    bool line_start = true;
    for (size_t i = 0; i < size;) {
        size_t from = i;
        if (line_start && text[i] == '#') { /* a directive, with its continuation lines */
            while (i < size && text[i] != '\n')
                i += text[i] == '\\' && i + 1 < size ? 2 : 1;
        } else {
            i = csource_skip(text, size, i);
        }
        if (i != from) {
            i = i < size ? i : size;
            c->line += lines_in(text, from, i);
            continue;
        }
        if (isalpha((unsigned char)text[i]) || text[i] == '_') {
            while (i < size && (isalnum((unsigned char)text[i]) || text[i] == '_'))
                i++;
            take_word(c, text, size, from, i);
            line_start = false;
            continue;
        }
        c->depth += text[i] == '{';
        c->depth -= text[i] == '}' && c->depth > 0;
        c->line += text[i] == '\n';
        line_start = text[i] == '\n' || (line_start && isspace((unsigned char)text[i]));
        i++;
    }
}

enum status csource_scan(struct diag *d, struct csources *s, size_t unit)
{
    struct arena *a = arena_new();
    const char *path = s->units.items[unit].path;
    char *data = NULL;
    size_t size = 0;
    enum status status = file_read(d, a, path, MOST_BYTES, &data, &size);
    struct scan c = {.s = s, .unit = unit, .line = 1};
    c.file_node = csource_node(s, arena_printf(s->arena, "file:%zu", unit), "");
    s->nodes.items[c.file_node].unit = (int)unit;
    s->nodes.items[c.file_node].file = path;
    s->nodes.items[c.file_node].constructor = true;
    if (!status)
        scan_text(&c, data, size);
    arena_free(a);
    return status;
}

/* ---- which files there are ---- */

struct finder {
    struct diag *d;
    struct arena *a;
    strings *sources, *headers; /* headers: folders that hold any */
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
static enum status names_in(struct finder *f, const char *dir, strings *names)
{
    DIR *handle = opendir(dir);
    if (!handle)
        return diag_fail(f->d, STATUS_INPUT,
                         "%s: %s (a folder with the program's sources was expected)", dir,
                         strerror(errno));
    for (const struct dirent *e; (e = readdir(handle));)
        if (e->d_name[0] != '.')
            vec_push(f->a, names, arena_strdup(f->a, e->d_name));
    closedir(handle);
    vec_sort(names, by_text);
    return STATUS_OK;
}

static enum status collect(struct finder *f, const char *dir, int depth)
{
    static const char *const sources[] = {".c", ".cc", ".cpp", ".cxx", ".S", NULL};
    static const char *const headers[] = {".h", ".hh", ".hpp", ".hxx", ".inc", NULL};
    strings names = {0};
    enum status status = names_in(f, dir, &names);
    vec_each (name, &names) {
        const char *path = arena_printf(f->a, "%s/%s", dir, *name);
        struct stat st;
        if (status || lstat(path, &st) != 0)
            continue;
        /* A build folder inside (or the app folder itself) holds no sources of the program. */
        bool own = file_exists(arena_printf(f->a, "%s/Makefile.uk", path)) ||
                   file_exists(arena_printf(f->a, "%s/kconfig/conf", path));
        if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH && !own)
            status = collect(f, path, depth + 1);
        else if (S_ISREG(st.st_mode) && among(suffix_of(*name), sources))
            vec_push(f->a, f->sources, path);
        else if (S_ISREG(st.st_mode) && among(suffix_of(*name), headers))
            add_once(f->a, f->headers, dir);
    }
    if (!status && f->sources->count > MAX_SOURCES)
        return diag_fail(f->d, STATUS_INPUT, "%s: more than %d sources below it", dir, MAX_SOURCES);
    return status;
}

enum status csource_find(struct diag *d, struct arena *a, const char *path, strings *sources,
                         strings *header_folders)
{
    struct finder f = {d, a, sources, header_folders};
    struct stat st;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
        const char *slash = strrchr(path, '/');
        vec_push(a, sources, path);
        add_once(a, header_folders, slash ? arena_strndup(a, path, (size_t)(slash - path)) : ".");
        return STATUS_OK;
    }
    return collect(&f, path, 0);
}
