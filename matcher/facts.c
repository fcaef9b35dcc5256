/* SPDX-License-Identifier: BSD-3-Clause */
#include "matcher/facts.h"
#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* ---- conditions ---- */

enum { MAX_DEPTH = 64 };

struct reader {
    struct diag *diag;
    const char *where, *text, *at;
    const strings *facts;
    int depth;
    enum status status;
};

static bool read_or(struct reader *r);

static void skip_blanks(struct reader *r)
{
    while (isspace((unsigned char)*r->at))
        r->at++;
}

static bool accept(struct reader *r, const char *token)
{
    skip_blanks(r);
    if (strncmp(r->at, token, strlen(token)) != 0)
        return false;
    r->at += strlen(token);
    return true;
}

static bool syntax(struct reader *r, const char *expected)
{
    if (!r->status)
        r->status = diag_fail(r->diag, STATUS_INPUT, "%s: column %zu of \"%s\": %s was expected",
                              r->where, (size_t)(r->at - r->text) + 1, r->text, expected);
    return false;
}

/* Whether a fact has this key and, unless pattern is NULL, a value that matches. */
static bool fact_holds(const strings *facts, const char *key, size_t key_size, const char *pattern)
{
    vec_each (fact, facts) {
        if (strncmp(*fact, key, key_size) == 0 && (*fact)[key_size] == '=' &&
            (!pattern || fnmatch(pattern, *fact + key_size + 1, 0) == 0))
            return true;
    }
    return false;
}

static bool read_atom(struct reader *r)
{
    char pattern[256];
    size_t size = 0;
    skip_blanks(r);
    const char *key = r->at;
    while (isalnum((unsigned char)*r->at) || (*r->at && strchr("_.-", *r->at)))
        r->at++;
    size_t key_size = (size_t)(r->at - key);
    if (!key_size)
        return syntax(r, "a fact");
    if (!accept(r, "="))
        return fact_holds(r->facts, key, key_size, NULL);
    skip_blanks(r);
    while (*r->at && !isspace((unsigned char)*r->at) && !strchr("()&|", *r->at)) {
        if (size + 1 == sizeof pattern)
            return syntax(r, "a shorter pattern");
        pattern[size++] = *r->at++;
    }
    pattern[size] = '\0';
    return fact_holds(r->facts, key, key_size, pattern);
}

static bool read_not(struct reader *r)
{
    bool value;
    if (r->depth >= MAX_DEPTH)
        return syntax(r, "less nesting");
    r->depth++;
    if (accept(r, "!")) {
        value = !read_not(r);
    } else if (accept(r, "(")) {
        value = read_or(r);
        if (!accept(r, ")"))
            value = syntax(r, "\")\"");
    } else {
        value = read_atom(r);
    }
    r->depth--;
    return value;
}

static bool read_and(struct reader *r)
{
    bool value = read_not(r);
    while (!r->status && accept(r, "&&")) {
        bool right = read_not(r);
        value = value && right;
    }
    return value;
}

static bool read_or(struct reader *r)
{
    bool value = read_and(r);
    while (!r->status && accept(r, "||")) {
        bool right = read_and(r);
        value = value || right;
    }
    return value;
}

enum status condition_holds(struct diag *d, const char *where, const char *condition,
                            const strings *facts, bool *out)
{
    struct reader r = {.diag = d, .where = where, .text = condition, .at = condition};
    r.facts = facts;
    *out = true;
    if (!condition)
        return STATUS_OK;
    skip_blanks(&r);
    if (!*r.at)
        return STATUS_OK;
    *out = read_or(&r);
    skip_blanks(&r);
    if (!r.status && *r.at)
        syntax(&r, "\"&&\", \"||\" or the end");
    return r.status;
}

bool matches_any(const strings *patterns, const char *text)
{
    vec_each (pattern, patterns) {
        if (fnmatch(*pattern, text, 0) == 0)
            return true;
    }
    return false;
}

/* ---- collecting ---- */

static void add(struct arena *a, strings *facts, const char *key, const char *value)
{
    if (value)
        vec_push(a, facts, arena_printf(a, "%s=%s", key, value));
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static void sort_once(strings *facts)
{
    size_t kept = 0;
    vec_sort(facts, by_text);
    for (size_t i = 0; i < facts->count; i++)
        if (!kept || strcmp(facts->items[kept - 1], facts->items[i]) != 0)
            facts->items[kept++] = facts->items[i];
    facts->count = kept;
}

static void add_program(struct arena *a, strings *facts, const struct profile *p)
{
    const char *slash = p->program.path ? strrchr(p->program.path, '/') : NULL;
    add(a, facts, "program", slash ? slash + 1 : p->program.path);
    add(a, facts, "arch", p->program.arch);
    add(a, facts, "type", p->program.type);
    add(a, facts, "interpreter", p->program.interpreter);
    add(a, facts, "language", p->program.language);
    vec_each (library, &p->static_part.libraries)
        add(a, facts, "lib", library->soname);
    vec_each (library, &p->dynamic_part.libraries)
        add(a, facts, "lib", library->soname);
}

/* Files that the kernel makes up, and those that every C library looks at and lives without: that
 * they were opened says nothing of the program. */
static const char *const incidental[] = {
    "/proc/*",
    "/sys/*",
    "/dev/*",
    "/etc/ld.so.*",
    "*.so",
    "*.so.*",
    "*/locale/*",
    "*/locale-archive",
    "*/gconv-modules*",
    "/etc/localtime",
    "*/zoneinfo/*",
    "/etc/nsswitch.conf",
    "/run/nscd/*",
    "/var/run/nscd/*",
    "/etc/ld-musl-*",
};

/* What a program does with files of its own, in one word: "read", "write", "directory"; NULL when
 * it does nothing that a root file system has to be there for. */
static const char *file_use(const struct profile *profile, const struct profile_file *file)
{
    static const char *const uses[] = {"read", "write", "directory"};
    for (size_t i = 0; i < sizeof incidental / sizeof incidental[0]; i++)
        if (fnmatch(incidental[i], file->path, 0) == 0)
            return NULL;
    if (profile->program.path && strcmp(file->path, profile->program.path) == 0)
        return NULL;
    /* What it writes itself need not be there before. */
    vec_each (other, &profile->dynamic_part.files)
        if (strcmp(other->path, file->path) == 0 && strcmp(other->access, "write") == 0)
            return "write";
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
        if (strcmp(file->access, uses[i]) == 0)
            return uses[i];
    return NULL;
}

/* What a traced run saw: calls with their selecting arguments, files, programs executed. */
static void add_observed(struct arena *a, strings *facts, const struct profile *profile)
{
    const struct profile_dynamic *p = &profile->dynamic_part;
    vec_each (call, &p->syscalls)
        add(a, facts, "seen", call->name);
    vec_each (it, &p->selectors) {
        const char *key = arena_printf(a, "%s.%s", it->syscall, it->argument);
        add(a, facts, key, it->name ? it->name : arena_printf(a, "%lld", (long long)it->value));
    }
    vec_each (file, &p->files) {
        if (file->found)
            add(a, facts, "files", file_use(profile, file));
        if (file->found)
            add(a, facts, arena_printf(a, "file.%s", file->access), file->path);
        else
            add(a, facts, "absent", file->path);
    }
    vec_each (exec, &p->execs)
        add(a, facts, "exec", exec->path);
}

static const char *const need_names[] = {"static", "dynamic", "required"};

static void add_build(struct arena *a, strings *facts, const struct catalogue *catalogue,
                      const struct matcher_options *options)
{
    add(a, facts, "mode", options->mode == MODE_SOURCE ? "source" : "binary");
    add(a, facts, "need", need_names[options->need]);
    add(a, facts, "platform", options->platform ? options->platform : "kvm");
    add(a, facts, "machine", options->architecture ? options->architecture : "x86_64");
    vec_each (name, &options->forbid)
        add(a, facts, "forbid", *name);
    add(a, facts, "core", catalogue->name);
    add(a, facts, "version", catalogue->version);
    vec_each (library, &catalogue->libraries)
        add(a, facts, "library", library->name);
    vec_each (option, &catalogue->options)
        add(a, facts, "option", option->name);
    vec_each (fact, &options->facts)
        vec_push(a, facts, *fact);
}

enum status facts_collect(struct diag *d, struct arena *a, const struct profile *profile,
                          const struct catalogue *catalogue, const struct matcher_options *options,
                          const strings *calls, const strings *symbols, strings *out)
{
    *out = (strings){0};
    add_program(a, out, profile);
    add(a, out, "static", profile->static_part.present ? "yes" : "no");
    add(a, out, "dynamic", profile->dynamic_part.present ? "yes" : "no");
    if (profile->dynamic_part.present)
        add_observed(a, out, profile);
    add_build(a, out, catalogue, options);
    vec_each (call, calls)
        add(a, out, "call", *call);
    vec_each (symbol, symbols)
        add(a, out, "symbol", *symbol);
    /* Derived facts may derive others, in any order: repeat until nothing is new. */
    for (size_t before = 0; before != out->count;) {
        sort_once(out);
        before = out->count;
        vec_each (rule, &catalogue->rules) {
            bool holds = false;
            if (!rule->kind || strcmp(rule->kind, "fact") != 0)
                continue;
            enum status status = condition_holds(d, rule->name, rule->when, out, &holds);
            if (status)
                return status;
            for (size_t i = 0; holds && i < rule->instead.count; i++)
                vec_push(a, out, rule->instead.items[i]);
        }
        sort_once(out);
    }
    return STATUS_OK;
}
