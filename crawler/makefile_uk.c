/* SPDX-License-Identifier: BSD-3-Clause */
#include "crawler/makefile_uk.h"
#include "common/file.h"
#include "crawler/makefile_condition.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { INCLUDE_LIMIT = 20, CONDITION_LIMIT = 100, FILE_BYTES = 8 << 20 };

struct conditional {
    struct makefile_condition now;    /* of the branch being read */
    struct makefile_condition before; /* that no earlier branch was taken */
    size_t line;
};

struct reading {
    struct makefile_reader *r;
    VEC(struct conditional) stack;
    int define; /* nesting of define ... endef, whose lines are no statements */
};

static void problem(struct makefile_reader *r, const char *what, const char *text)
{
    bool core = strcmp(r->top, r->root) == 0;
    vec_push(r->arena, r->problems,
             arena_printf(r->arena, "%s%s%s:%zu: %s: %.120s", core ? "" : r->repository,
                          core ? "" : "/", r->file, r->line, what, text));
}

/* ---- conditions ---- */

/* What all open conditionals and the file itself require; *unknown where one of them is not known.
 */
static struct kexpr *current(struct reading *g, bool *unknown)
{
    struct kexpr *all = g->r->condition;
    *unknown = false;
    vec_each (c, &g->stack) {
        *unknown |= c->now.unknown;
        all = kexpr_and(g->r->arena, all, c->now.expr);
    }
    return all;
}

static struct makefile_condition both(struct arena *a, struct makefile_condition x,
                                      struct makefile_condition y)
{
    return (struct makefile_condition){kexpr_and(a, x.expr, y.expr), x.unknown || y.unknown};
}

static struct makefile_condition negated(struct arena *a, struct makefile_condition c)
{
    if (!c.unknown)
        c.expr = kexpr_not(a, c.expr);
    return c;
}

/* Handles ifeq .. endif; false where the line is none of them. */
static bool conditional_line(struct reading *g, const char *word, const char *rest)
{
    struct makefile_reader *r = g->r;
    if (strcmp(word, "ifeq") == 0 || strcmp(word, "ifneq") == 0 || strcmp(word, "ifdef") == 0 ||
        strcmp(word, "ifndef") == 0) {
        struct conditional *c = vec_add(r->arena, &g->stack);
        c->line = r->line;
        c->now = makefile_if(r, word, rest);
        c->before = negated(r->arena, c->now);
        return true;
    }
    if (strcmp(word, "endif") == 0) {
        if (g->stack.count)
            g->stack.count--;
        else
            problem(r, "endif without a beginning", "");
        return true;
    }
    if (strcmp(word, "else") != 0)
        return false;
    if (!g->stack.count) {
        problem(r, "else without a beginning", "");
        return true;
    }
    struct conditional *c = &g->stack.items[g->stack.count - 1];
    rest += strspn(rest, " \t");
    size_t length = strcspn(rest, " \t(");
    if (!length) {
        c->now = c->before;
        return true;
    }
    struct makefile_condition next =
        makefile_if(r, arena_strndup(r->arena, rest, length), rest + length);
    c->now = both(r->arena, c->before, next);
    c->before = both(r->arena, c->before, negated(r->arena, next));
    return true;
}

/* ---- micro-libraries ---- */

/* The prefix of a library's variables: LIBPTHREAD_EMBEDDED for libpthread-embedded. */
static const char *upper(struct arena *a, const char *name)
{
    char *text = arena_strdup(a, name);
    for (char *p = text; *p; p++)
        *p = (char)(isalnum((unsigned char)*p) ? toupper((unsigned char)*p) : '_');
    return text;
}

static const char *relative(const struct makefile_reader *r, const char *path)
{
    size_t length = strlen(r->top);
    if (strncmp(path, r->top, length) != 0 || (path[length] && path[length] != '/'))
        return path;
    return path[length] ? path + length + 1 : ".";
}

static bool symbol_line(const char *s)
{
    return *s &&
           !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$@")];
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* An export list: a symbol a line, # begins a comment; "none" stands for nothing. */
static enum status read_exports(struct makefile_reader *r, const char *path, strings *symbols)
{
    char *data = NULL;
    size_t size = 0;
    enum status status = file_read(r->diag, r->arena, path, FILE_BYTES, &data, &size);
    if (status)
        return status;
    char *save = NULL;
    for (char *line = strtok_r(data, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save)) {
        line[strcspn(line, "#")] = '\0';
        line += strspn(line, " \t");
        line[strcspn(line, " \t")] = '\0';
        if (!*line || strcmp(line, "none") == 0)
            continue;
        if (symbol_line(line))
            vec_push(r->arena, symbols, line);
        else
            problem(r, arena_printf(r->arena, "%s: a symbol was expected", relative(r, path)),
                    line);
    }
    vec_sort(symbols, by_text);
    size_t kept = 0;
    for (size_t i = 0; i < symbols->count; i++)
        if (!kept || strcmp(symbols->items[kept - 1], symbols->items[i]) != 0)
            symbols->items[kept++] = symbols->items[i];
    symbols->count = kept;
    return STATUS_OK;
}

/* One of two conditions: the library is added in two places. */
static const char *either(struct makefile_reader *r, const char *x, struct kexpr *y)
{
    struct kexpr *first = NULL;
    struct diag quiet;
    diag_init(&quiet, -1);
    if (!x || kexpr_parse(&quiet, r->arena, "condition", x, &first))
        return NULL;
    return kexpr_print(r->arena, kexpr_or(r->arena, first, y));
}

/* The option that chooses a platform; NULL: not known. */
static const char *platform_option(const struct makefile_reader *r, const char *name)
{
    size_t index;
    if (!name || !name_table_find(r->libraries, name, &index))
        return NULL;
    return r->out->libraries.items[index].option;
}

/* word: the condition's last argument, NULL for the unconditional forms. platform: the one it is
 * part of, NULL for none. */
static enum status add_library(struct reading *g, const char *name, const char *word,
                               enum library_kind kind, const char *platform)
{
    struct makefile_reader *r = g->r;
    bool unknown, added;
    struct kexpr *condition = current(g, &unknown);
    const char *option = NULL;
    if (word) {
        struct makefile_condition own = makefile_word(r, word);
        unknown |= own.unknown;
        if (!own.unknown && own.expr && own.expr->kind == KEXPR_SYMBOL)
            option = own.expr->name;
        else
            condition = kexpr_and(r->arena, condition, own.expr);
    }
    const char *chosen = platform_option(r, platform);
    if (chosen && option)
        condition = kexpr_and(r->arena, condition, kexpr_symbol(r->arena, chosen));
    else if (chosen)
        option = chosen;
    if (unknown)
        problem(r, "added under a condition that is not understood", name);
    size_t index = name_table_add(r->libraries, name, r->out->libraries.count, &added);
    if (!added) {
        struct catalogue_library *known = &r->out->libraries.items[index];
        if (strcmp(known->repository, r->repository) == 0 && (!known->option) == (!option) &&
            (!option || strcmp(option, known->option) == 0))
            known->condition = either(r, known->condition, condition);
        else
            problem(r, arena_printf(r->arena, "added by %s too", known->repository), name);
        return STATUS_OK;
    }
    struct catalogue_library *l = vec_add(r->arena, &r->out->libraries);
    l->name = name;
    l->option = option;
    l->repository = r->repository;
    l->kind = (int)kind;
    l->path = relative(r, r->folder);
    l->condition = kexpr_print(r->arena, condition);
    const char *exports = arena_printf(r->arena, "%s/exportsyms.uk", r->folder);
    if (kind == LIBRARY_PLATFORM || !file_exists(exports)) {
        l->exports_all = kind != LIBRARY_PLATFORM;
        return STATUS_OK;
    }
    return read_exports(r, exports, &l->symbols);
}

static const char *argument(struct arena *a, const char **at)
{
    const char *p = *at;
    int depth = 0;
    while (*p && (depth || (*p != ',' && *p != ')'))) {
        depth += (*p == '(') - (*p == ')');
        p++;
    }
    const char *start = *at;
    size_t length = (size_t)(p - start);
    *at = *p == ',' ? p + 1 : p;
    while (length && isspace((unsigned char)*start))
        start++, length--;
    while (length && isspace((unsigned char)start[length - 1]))
        length--;
    return arena_strndup(a, start, length);
}

static const struct {
    const char *function;
    int name, condition; /* which argument; -1: none */
    enum library_kind kind;
    bool platform; /* the first argument is the platform it belongs to */
} registrations[] = {
    {"addlib", 0, -1, LIBRARY_LIBRARY, false},      {"addlib_s", 0, 1, LIBRARY_LIBRARY, false},
    {"addlib_tree", 0, -1, LIBRARY_LIBRARY, false}, {"addlib_tree_s", 0, 1, LIBRARY_LIBRARY, false},
    {"addplat", 0, -1, LIBRARY_PLATFORM, false},    {"addplat_s", 0, 1, LIBRARY_PLATFORM, false},
    {"addplatlib", 1, -1, LIBRARY_LIBRARY, true},   {"addplatlib_s", 1, 2, LIBRARY_LIBRARY, true},
};

/* $(eval $(call FUNCTION,ARGUMENTS)) */
static enum status call_line(struct reading *g, const char *line)
{
    struct makefile_reader *r = g->r;
    const char *at = strstr(line, "$(call ");
    if (!at)
        return STATUS_OK;
    at += 7;
    const char *function = argument(r->arena, &at);
    for (size_t i = 0; i < sizeof registrations / sizeof registrations[0]; i++) {
        if (strcmp(registrations[i].function, function) != 0)
            continue;
        const char *args[3];
        for (int n = 0; n < 3; n++)
            args[n] = argument(r->arena, &at);
        const char *name = args[registrations[i].name];
        if (!*name || strchr(name, '$')) {
            problem(r, "a library's name was expected", line);
            return STATUS_OK;
        }
        enum library_kind kind = registrations[i].kind;
        if (registrations[i].condition < 0 && kind == LIBRARY_LIBRARY &&
            r->kind == LIBRARY_APPLICATION)
            kind = LIBRARY_APPLICATION;
        int c = registrations[i].condition;
        return add_library(g, name, c < 0 ? NULL : args[c], kind,
                           registrations[i].platform ? args[0] : NULL);
    }
    return STATUS_OK;
}

/* ---- system calls, sources, export lists ---- */

/* The library whose variables a name belongs to: the longest whose prefix it has. */
static struct catalogue_library *library_of(struct makefile_reader *r, const char *variable)
{
    struct catalogue_library *best = NULL;
    size_t longest = 0;
    variable = upper(r->arena, variable);
    vec_each (l, &r->out->libraries) {
        if (l->kind == LIBRARY_PLATFORM || strcmp(l->repository, r->repository) != 0)
            continue;
        const char *prefix = upper(r->arena, l->name);
        size_t length = strlen(prefix);
        if (length > longest && strncmp(variable, prefix, length) == 0 && variable[length] == '_') {
            best = l;
            longest = length;
        }
    }
    return best;
}

/* "openat-4", "clone-5e": name, number of arguments, whether it takes the caller's registers. */
static void add_call(struct reading *g, const char *word, const char *option,
                     struct kexpr *condition)
{
    struct makefile_reader *r = g->r;
    const char *dash = strrchr(word, '-');
    char *tail = NULL;
    long arguments = dash && isdigit((unsigned char)dash[1]) ? strtol(dash + 1, &tail, 10) : -1;
    if (arguments < 0 || arguments > 6 || dash == word || (*tail && *tail != 'e' && *tail != 'u') ||
        (*tail && tail[1])) {
        problem(r, "NAME-ARGUMENTS was expected for a system call", word);
        return;
    }
    struct catalogue_syscall *s = vec_add(r->arena, &r->out->syscalls);
    s->name = arena_strndup(r->arena, word, (size_t)(dash - word));
    s->arguments = arguments;
    s->option = option;
    s->condition = kexpr_print(r->arena, condition);
    s->context = *tail != '\0';
    vec_each (l, &r->out->libraries)
        if (strcmp(l->repository, r->repository) == 0 && l->kind != LIBRARY_PLATFORM &&
            strcmp(l->path, relative(r, r->folder)) == 0 && !s->library)
            s->library = l->name;
}

static const char *next_word(struct arena *a, const char **at)
{
    const char *start = *at + strspn(*at, " \t"), *p = start;
    int depth = 0;
    while (*p && (depth || !isspace((unsigned char)*p))) {
        depth += (*p == '(') - (*p == ')');
        p++;
    }
    *at = p;
    return p == start ? NULL : arena_strndup(a, start, (size_t)(p - start));
}

static void provided_calls(struct reading *g, const char *word, const char *value)
{
    struct makefile_reader *r = g->r;
    bool unknown;
    const char *option = NULL;
    struct kexpr *condition = current(g, &unknown);
    struct makefile_condition own = makefile_word(r, word);
    unknown |= own.unknown;
    if (unknown)
        problem(r, "system calls under a condition that is not understood", value);
    if (own.expr && own.expr->kind == KEXPR_SYMBOL)
        option = own.expr->name;
    else
        condition = kexpr_and(r->arena, condition, own.expr);
    if (kexpr_is_const(condition, "n"))
        return;
    for (const char *call; (call = next_word(r->arena, &value));)
        add_call(g, call, option, condition);
}

/* A source as the catalogue shows it: within the library's folder, without the build variant. */
static const char *source_name(struct makefile_reader *r, const char *word)
{
    const char *name = arena_strndup(r->arena, word, strcspn(word, "|"));
    const char *base = strstr(name, "_BASE)/");
    return strncmp(name, "$(", 2) == 0 && base && !memchr(name + 2, '(', (size_t)(base - name) - 2)
               ? base + 7
               : name;
}

static void sources(struct reading *g, struct catalogue_library *l, const char *word,
                    const char *value)
{
    struct makefile_reader *r = g->r;
    bool unknown;
    struct kexpr *condition = current(g, &unknown);
    struct makefile_condition own = makefile_word(r, word);
    condition = kexpr_and(r->arena, condition, own.expr);
    if (l->option && condition && kexpr_equal(condition, kexpr_symbol(r->arena, l->option)))
        condition = NULL;
    for (const char *file; (file = next_word(r->arena, &value));) {
        if (strncmp(file, "$(", 2) == 0 && strchr(file, ')') && !strchr(file, ')')[1])
            continue; /* a list kept in another variable: its own lines are read */
        const char *name = source_name(r, file);
        if (strchr(name, '$')) {
            l->origin_files++;
            continue;
        }
        struct catalogue_source *s = vec_add(r->arena, &l->sources);
        s->file = name;
        s->condition = unknown || own.unknown ? NULL : kexpr_print(r->arena, condition);
    }
}

/* $(LIBX_BASE)/NAME, $(CONFIG_UK_BASE)/NAME and the like, as paths; NULL: not known. */
static const char *real_path(struct makefile_reader *r, const char *text)
{
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length && isspace((unsigned char)text[length - 1]))
        length--;
    text = arena_strndup(r->arena, text, length);
    const char *end = strncmp(text, "$(", 2) == 0 ? strchr(text, ')') : NULL;
    if (!end)
        return *text == '/' || strchr(text, '$') ? NULL
                                                 : arena_printf(r->arena, "%s/%s", r->folder, text);
    const char *name = arena_strndup(r->arena, text + 2, (size_t)(end - text) - 2);
    if (strchr(end, '$') || strstr(end, ".."))
        return NULL;
    if (strcmp(name, "CONFIG_UK_BASE") == 0 || strcmp(name, "UK_BASE") == 0)
        return arena_printf(r->arena, "%s%s", r->root, end + 1);
    if (strcmp(name, "IMPORT_BASE") == 0)
        return arena_printf(r->arena, "%s%s", r->folder, end + 1);
    size_t n = strlen(name);
    const struct catalogue_library *l = library_of(r, name);
    if (n < 5 || strcmp(name + n - 5, "_BASE") != 0 || !l)
        return NULL;
    return arena_printf(r->arena, "%s/%s%s", r->top, l->path, end + 1);
}

static enum status export_list(struct makefile_reader *r, struct catalogue_library *l,
                               const char *value)
{
    const char *path = real_path(r, value);
    if (!path || !file_exists(path)) {
        if (strstr(value, "_BUILD)"))
            return STATUS_OK; /* made by the build */
        problem(r, "an export list that is not there", value);
        return STATUS_OK;
    }
    strings symbols = {0};
    enum status status = read_exports(r, path, &symbols);
    l->symbols.items = symbols.items;
    l->symbols.count = symbols.count;
    l->exports_all = false;
    return status;
}

/* ---- lines ---- */

static enum status read_file(struct makefile_reader *r, const char *path, struct kexpr *condition);

static enum status include(struct reading *g, const char *rest)
{
    struct makefile_reader *r = g->r;
    const char *path = real_path(r, rest);
    bool unknown;
    struct kexpr *condition = current(g, &unknown);
    if (!path || !file_exists(path))
        return STATUS_OK; /* made by the build, or optional */
    return read_file(r, path, condition);
}

/* Cuts "NAME OP VALUE" apart; false where the line is no assignment. */
static bool assignment(struct arena *a, const char *line, const char **name, const char **value)
{
    int depth = 0;
    for (const char *p = line; *p; p++) {
        depth += (*p == '(') - (*p == ')');
        if (*p != '=' || depth)
            continue;
        const char *end = p;
        while (end > line && strchr("+:?!", end[-1]))
            end--;
        while (end > line && isspace((unsigned char)end[-1]))
            end--;
        *name = arena_strndup(a, line, (size_t)(end - line));
        *value = p + 1 + strspn(p + 1, " \t");
        return end > line && !strpbrk(*name, " \t");
    }
    return false;
}

static enum status assign(struct reading *g, const char *name, const char *value)
{
    struct makefile_reader *r = g->r;
    static const char calls[] = "UK_PROVIDED_SYSCALLS";
    if (strncmp(name, calls, sizeof calls - 1) == 0) {
        const char *word = name + sizeof calls - 1;
        if (!*word || *word == '-')
            provided_calls(g, *word ? word + 1 : "y", value);
        return STATUS_OK;
    }
    const char *kind = strstr(name, "_SRCS");
    const char *exports = strstr(name, "_EXPORTS");
    struct catalogue_library *l = kind || exports ? library_of(r, name) : NULL;
    if (l && kind && (!kind[5] || kind[5] == '-')) {
        sources(g, l, kind[5] ? kind + 6 : "y", value);
        return STATUS_OK;
    }
    if (l && exports && (!exports[8] || exports[8] == '-'))
        return export_list(r, l, value);
    if (g->stack.count == 0) {
        struct makefile_variable *v = vec_add(r->arena, &r->variables);
        *v = (struct makefile_variable){name, value};
    }
    return STATUS_OK;
}

static enum status read_line(struct reading *g, char *line)
{
    struct makefile_reader *r = g->r;
    bool recipe = *line == '\t';
    line += strspn(line, " \t");
    size_t length = strcspn(line, " \t(");
    const char *word = arena_strndup(r->arena, line, length);
    if (strcmp(word, "define") == 0 || strcmp(word, "endef") == 0) {
        g->define += word[0] == 'd' ? 1 : g->define ? -1 : 0;
        return STATUS_OK;
    }
    if (!*line || g->define || conditional_line(g, word, line + length))
        return g->stack.count > CONDITION_LIMIT
                   ? diag_fail(r->diag, STATUS_INPUT,
                               "%s/%s:%zu: fewer nested conditionals were expected", r->repository,
                               r->file, r->line)
                   : STATUS_OK;
    if (strcmp(word, "include") == 0 || strcmp(word, "-include") == 0)
        return include(g, line + length);
    if (strncmp(line, "$(eval ", 7) == 0)
        return call_line(g, line);
    const char *name, *value;
    /* Inside conditionals Makefile.uk files are indented, by tabs too; a recipe follows a rule. */
    if (assignment(r->arena, line, &name, &value) && (!recipe || g->stack.count))
        return assign(g, name, value);
    return STATUS_OK;
}

/* Joins continuation lines and cuts comments, in place. Returns the rest of the text. */
static char *logical_line(char *text, size_t *lines)
{
    char *to = text, *from = text;
    bool comment = false;
    *lines = 0;
    for (; *from && *from != '\n'; from++) {
        if (from[0] == '\\' && (from[1] == '\n' || (from[1] == '\r' && from[2] == '\n'))) {
            from += from[1] == '\r' ? 2 : 1;
            ++*lines;
            *to++ = ' ';
            continue;
        }
        comment |= *from == '#' && (from == text || from[-1] != '\\');
        if (!comment && *from != '\r')
            *to++ = *from;
    }
    ++*lines;
    char *next = *from ? from + 1 : from;
    *to = '\0';
    return next;
}

static enum status read_file(struct makefile_reader *r, const char *path, struct kexpr *condition)
{
    bool added;
    name_table_add(r->seen, path, 0, &added);
    if (!added)
        return STATUS_OK;
    char *data = NULL;
    size_t size = 0;
    if (r->depth >= INCLUDE_LIMIT)
        return diag_fail(r->diag, STATUS_INPUT,
                         "%s: includes that are nested less deeply were expected", path);
    enum status status = file_read(r->diag, r->arena, path, FILE_BYTES, &data, &size);
    if (status)
        return status;
    if (strlen(data) != size)
        return diag_fail(r->diag, STATUS_INPUT, "%s: a text file was expected, a NUL byte found",
                         path);
    struct makefile_reader outer = *r;
    struct reading g = {.r = r};
    const char *slash = strrchr(path, '/');
    r->folder = slash ? arena_strndup(r->arena, path, (size_t)(slash - path)) : ".";
    r->file = relative(r, path);
    r->condition = condition;
    r->depth++;
    size_t line = 1, lines;
    while (*data && !status) {
        char *start = data;
        data = logical_line(start, &lines);
        r->line = line;
        line += lines;
        status = read_line(&g, start);
    }
    if (!status && g.stack.count) {
        r->line = g.stack.items[g.stack.count - 1].line;
        status = diag_fail(r->diag, STATUS_INPUT,
                           "%s:%zu: endif was expected before the end of the file", path, r->line);
    }
    r->folder = outer.folder;
    r->file = outer.file;
    r->line = outer.line;
    r->condition = outer.condition;
    r->depth = outer.depth;
    return status;
}

enum status makefile_uk_read(struct makefile_reader *r, const char *folder)
{
    return read_file(r, arena_printf(r->arena, "%s/Makefile.uk", folder), r->condition);
}
