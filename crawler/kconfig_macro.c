/* SPDX-License-Identifier: BSD-3-Clause */
#include "crawler/kconfig_macro.h"
#include "common/subprocess.h"
#include "crawler/safe_shell.h"
#include <stdlib.h>
#include <string.h>

enum {
    DEPTH_LIMIT = 64,
    ARGUMENT_LIMIT = 16,
    EXPANSION_LIMIT = 1 << 20,
    STEP_LIMIT = 100000,
    COMMAND_MS = 10000
};

typedef VEC(char) text_buffer;

static struct kmacro_variable *find(struct kmacros *m, const char *name)
{
    vec_each (v, &m->variables)
        if (strcmp(v->name, name) == 0)
            return v;
    return NULL;
}

static struct kmacro_variable *find_or_add(struct kmacros *m, const char *name)
{
    struct kmacro_variable *v = find(m, name);
    if (v)
        return v;
    v = vec_add(m->arena, &m->variables);
    v->name = arena_strdup(m->arena, name);
    v->value = "";
    return v;
}

void kmacro_define(struct kmacros *m, const char *name, const char *value)
{
    struct kmacro_variable *v = find_or_add(m, name);
    v->value = arena_strdup(m->arena, value);
    v->recursive = false;
}

static enum status fail(struct kmacros *m, const char *what)
{
    return diag_fail(m->diag, STATUS_INPUT, "%s:%zu: %s", m->file, m->line, what);
}

static void problem(struct kmacros *m, const char *what, const char *detail)
{
    const char *file = m->place ? m->place(m->context, m->file) : m->file;
    vec_push(m->arena, m->problems,
             arena_printf(m->arena, "%s:%zu: %s: %.200s", file, m->line, what, detail));
}

enum status kmacro_assign(struct kmacros *m, const char *name, char op, const char *value)
{
    struct kmacro_variable *v = find(m, name);
    bool recursive = op == '=' || (op == '+' && (!v || v->recursive));
    const char *text = value;
    if (!recursive) {
        enum status status = kmacro_expand(m, value, &text);
        if (status)
            return status;
    }
    if (op == '+' && v) {
        if (strlen(v->value) + strlen(text) > EXPANSION_LIMIT)
            return fail(m, "a variable of less than 1 MiB was expected");
        text = arena_printf(m->arena, "%s%s%s", v->value, *v->value ? " " : "", text);
    }
    v = find_or_add(m, name);
    v->value = arena_strdup(m->arena, text);
    v->recursive = recursive;
    return STATUS_OK;
}

/* ---- built-in functions ---- */

/* A command's output as a value: newlines become blanks, the last ones go. */
static const char *as_value(struct arena *a, const char *output)
{
    char *text = arena_strdup(a, output);
    size_t n = strlen(text);
    while (n && text[n - 1] == '\n')
        text[--n] = '\0';
    for (char *p = text; *p; p++)
        if (*p == '\n')
            *p = ' ';
    return text;
}

static enum status shell(struct kmacros *m, const char *command, const char **out)
{
    const char *output = "";
    *out = "";
    bool known = safe_shell(m->arena, command, &output) ||
                 (m->command && m->command(m->context, command, &output));
    if (!known && m->trust_tree) {
        const char *real = m->real ? m->real(m->context, command) : command;
        const char *const argv[] = {"sh", "-c", real, NULL};
        struct subprocess p = {.argv = argv, .timeout_ms = COMMAND_MS, .output_limit = 1 << 16};
        enum status status = subprocess_run(m->diag, m->arena, &p);
        if (status)
            return status;
        output = p.out;
        known = true;
    }
    if (!known)
        m->unevaluated = command;
    if (!known)
        problem(m, "command not evaluated (--trust-tree runs it)", command);
    *out = as_value(m->arena, output);
    return STATUS_OK;
}

/* Calls a built-in; *known tells whether there is one of that name. */
static enum status built_in(struct kmacros *m, const char *const *args, size_t count, bool *known,
                            const char **out)
{
    const char *name = args[0], *text = count > 1 ? args[1] : "";
    *known = true;
    *out = "";
    if (strcmp(name, "shell") == 0)
        return shell(m, text, out);
    if (strcmp(name, "filename") == 0) {
        *out = m->file;
        return STATUS_OK;
    }
    if (strcmp(name, "lineno") == 0) {
        *out = arena_printf(m->arena, "%zu", m->line);
        return STATUS_OK;
    }
    if (strcmp(name, "info") == 0)
        return STATUS_OK;
    bool yes = strcmp(text, "y") == 0;
    if (strcmp(name, "warning-if") == 0) {
        if (yes && count > 2)
            problem(m, "warning", args[2]);
        return STATUS_OK;
    }
    if (strcmp(name, "error-if") == 0)
        return yes ? fail(m, count > 2 ? args[2] : "error") : STATUS_OK;
    *known = false;
    return STATUS_OK;
}

/* ---- expansion ---- */

static void append(struct kmacros *m, text_buffer *to, const char *text)
{
    for (; *text; text++)
        vec_push(m->arena, to, *text);
}

static enum status expand_with(struct kmacros *m, const char *text, const char *const *args,
                               size_t count, const char **out);

/* The value of $(name,arg...), args[0] being the name; all are expanded already. */
static enum status call(struct kmacros *m, const char *const *args, size_t count, const char **out)
{
    bool known = false;
    enum status status = built_in(m, args, count, &known, out);
    if (status || known)
        return status;
    struct kmacro_variable *v = find(m, args[0]);
    if (!v || !v->recursive) {
        *out = v ? v->value : "";
        return STATUS_OK;
    }
    if (v->expanding && count == 1)
        return fail(m, arena_printf(m->arena, "variable %.80s refers to itself", v->name));
    size_t index = (size_t)(v - m->variables.items);
    bool before = v->expanding;
    v->expanding = true;
    status = expand_with(m, v->value, args, count, out);
    m->variables.items[index].expanding = before;
    return status;
}

/* Splits what stands between $( and ) at its commas; *end points behind the parenthesis. */
static enum status split(struct kmacros *m, const char *text, const char **parts, size_t *count,
                         const char **end)
{
    int depth = 0;
    const char *start = text, *p = text;
    *count = 0;
    for (;; p++) {
        if (!*p)
            return fail(m, "\")\" was expected to end a $(...)");
        bool last = *p == ')' && depth == 0;
        /* a function's last parameter keeps its commas where there is no room for more */
        if (last || (*p == ',' && depth == 0 && *count < ARGUMENT_LIMIT - 1)) {
            parts[(*count)++] = arena_strndup(m->arena, start, (size_t)(p - start));
            start = p + 1;
        } else if (*p == '(') {
            depth++;
        } else if (*p == ')') {
            depth--;
        }
        if (last)
            break;
    }
    *end = p + 1;
    return STATUS_OK;
}

/* args: what $(0) .. $(n) stand for in a function's body; NULL outside. */
static enum status expand_call(struct kmacros *m, const char *text, const char *const *args,
                               size_t count, const char **end, const char **out)
{
    const char *parts[ARGUMENT_LIMIT] = {""};
    size_t parts_count = 0;
    enum status status = split(m, text, parts, &parts_count, end);
    for (size_t i = 0; i < parts_count && !status; i++)
        status = expand_with(m, parts[i], args, count, &parts[i]);
    if (status)
        return status;
    if (args && parts_count == 1 && parts[0][0] && !parts[0][strspn(parts[0], "0123456789")]) {
        size_t n = strlen(parts[0]) > 3 ? count : (size_t)atoi(parts[0]);
        *out = n < count ? args[n] : "";
        return STATUS_OK;
    }
    return call(m, parts, parts_count, out);
}

static enum status expand_with(struct kmacros *m, const char *text, const char *const *args,
                               size_t count, const char **out)
{
    if (!strstr(text, "$(")) {
        *out = text;
        return STATUS_OK;
    }
    if (++m->depth > DEPTH_LIMIT || m->steps > STEP_LIMIT)
        return fail(m, "macros that call each other less deeply were expected");
    text_buffer buffer = {0};
    enum status status = STATUS_OK;
    while (*text && !status) {
        if (text[0] == '$' && text[1] == '(') {
            const char *value = "";
            if (++m->steps > STEP_LIMIT)
                return fail(m, "fewer macro calls in one line were expected");
            status = expand_call(m, text + 2, args, count, &text, &value);
            append(m, &buffer, value);
        } else {
            vec_push(m->arena, &buffer, *text);
            text++;
        }
        if (buffer.count > EXPANSION_LIMIT)
            status = fail(m, "an expansion of less than 1 MiB was expected");
    }
    m->depth--;
    vec_push(m->arena, &buffer, '\0');
    *out = buffer.items;
    return status;
}

enum status kmacro_expand(struct kmacros *m, const char *text, const char **out)
{
    m->depth = 0;
    m->steps = 0;
    m->unevaluated = NULL;
    return expand_with(m, text, NULL, 0, out);
}
