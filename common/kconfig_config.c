/* SPDX-License-Identifier: BSD-3-Clause
 * .config files: reading assignments, writing the computed configuration, saying why an option did
 * not get what it was asked to be. Format: confdata.c of the kernel's kconfig describes it. */
#include "common/file.h"
#include "common/kconfig_internal.h"
#include <string.h>

static const char prefix[] = "CONFIG_";
enum { PREFIX_LENGTH = sizeof prefix - 1 };

/* The text of a quoted string, NULL where the closing quote is missing. */
static const char *unquote(struct arena *a, const char *s)
{
    char *text = arena_strdup(a, s);
    size_t n = 0;
    for (s++; *s && *s != '"'; s++) {
        if (*s == '\\' && s[1])
            s++;
        text[n++] = *s;
    }
    text[n] = '\0';
    return *s ? text : NULL;
}

static void ignore(struct kconfig *k, strings *ignored, const char *name, const char *why)
{
    if (ignored)
        vec_push(k->arena, ignored, arena_printf(k->arena, "%s: %s", name, why));
}

static void assign(struct kconfig *k, const char *name, const char *value, strings *ignored)
{
    int option = kconfig_find(k, name);
    if (option < 0) {
        ignore(k, ignored, name, "no such option");
        return;
    }
    bool text = kconfig_option(k, option)->type == OPTION_STRING;
    if (text && *value == '"')
        value = unquote(k->arena, value);
    else if (text)
        value = NULL;
    if (!value)
        ignore(k, ignored, name, "a quoted string was expected");
    else if (!kconfig_set(k, option, value))
        ignore(k, ignored, name, arena_printf(k->arena, "%.80s is no value of its type", value));
}

static enum status read_line(struct diag *d, struct kconfig *k, const char *where, size_t line,
                             char *text, strings *ignored)
{
    static const char unset[] = " is not set";
    size_t length = strlen(text);
    if (length && text[length - 1] == '\r')
        text[--length] = '\0';
    if (strncmp(text, "# ", 2) == 0 && strncmp(text + 2, prefix, PREFIX_LENGTH) == 0) {
        char *name = text + 2 + PREFIX_LENGTH, *end = strchr(name, ' ');
        if (!end || strncmp(end, unset, sizeof unset - 1) != 0)
            return STATUS_OK;
        *end = '\0';
        int option = kconfig_find(k, name);
        if (option < 0)
            return STATUS_OK; /* not wanted and not there */
        kconfig_set(k, option, "n");
        return STATUS_OK;
    }
    if (*text == '#' || !text[strspn(text, " \t")])
        return STATUS_OK;
    char *equals = strchr(text, '=');
    if (strncmp(text, prefix, PREFIX_LENGTH) != 0 || !equals)
        return diag_fail(d, STATUS_INPUT,
                         "%s:%zu: CONFIG_NAME=VALUE or a comment was expected, \"%.60s\" found",
                         where, line, text);
    *equals = '\0';
    assign(k, text + PREFIX_LENGTH, equals + 1, ignored);
    return STATUS_OK;
}

enum status kconfig_read_text(struct diag *d, struct kconfig *k, const char *where,
                              const char *text, strings *ignored)
{
    char *copy = arena_strdup(k->arena, text);
    size_t line = 1;
    for (char *next = copy; next && *next; line++) {
        char *start = next;
        next = strchr(start, '\n');
        if (next)
            *next++ = '\0';
        enum status status = read_line(d, k, where, line, start, ignored);
        if (status)
            return status;
    }
    return STATUS_OK;
}

enum status kconfig_read_file(struct diag *d, struct kconfig *k, const char *path, strings *ignored)
{
    char *data = NULL;
    size_t size = 0;
    enum status status = file_read(d, k->arena, path, 16u << 20, &data, &size);
    if (status)
        return status;
    if (strlen(data) != size)
        return diag_fail(d, STATUS_INPUT, "%s: a text file was expected, a NUL byte found", path);
    return kconfig_read_text(d, k, path, data, ignored);
}

const char *kconfig_write_text(struct kconfig *k, struct arena *a)
{
    VEC(char) out = {0};
    for (size_t i = 0; i < k->options; i++) {
        const struct catalogue_option *o = kconfig_option(k, (int)i);
        if (!kconfig_written(k, (int)i) || kconfig_find(k, o->name) != (int)i)
            continue;
        const char *value = kconfig_value(k, (int)i);
        const char *line;
        bool tri = o->type == OPTION_BOOL || o->type == OPTION_TRISTATE;
        if (tri && *value == 'n')
            line = arena_printf(a, "# CONFIG_%s is not set\n", o->name);
        else
            line = arena_printf(a, "CONFIG_%s=%s\n", o->name,
                                o->type == OPTION_STRING ? kconfig_quote(a, value) : value);
        for (; *line; line++)
            vec_push(a, &out, *line);
    }
    vec_push(a, &out, '\0');
    return out.items;
}

/* ---- reasons ---- */

/* Options of an expression with their present values: "A is n, B is y". */
static const char *values_of(struct kconfig *k, struct arena *a, const char *text)
{
    struct diag d;
    diag_init(&d, -1);
    struct kexpr *e = NULL;
    if (!text || kexpr_parse(&d, a, "expression", text, &e))
        return "";
    strings names = {0};
    kexpr_names(a, e, &names);
    const char *out = "";
    vec_each (name, &names) {
        int option = kconfig_find(k, *name);
        const char *value = option < 0 ? "not defined" : kconfig_value(k, option);
        out =
            arena_printf(a, "%s%s%s is %s", out, *out ? ", " : "", *name, *value ? value : "empty");
    }
    return out;
}

/* The options whose selects are in force on it. */
static const char *selectors_of(struct kconfig *k, struct arena *a, int option)
{
    const char *out = "";
    vec_each (r, &k->nodes[option].selectors) {
        int from = (int)(r->from - k->nodes);
        if (kconfig_tri(k, from) && kconfig_dependencies(k, from) &&
            kconfig_evaluate(k, r->condition))
            out = arena_printf(a, "%s%s%s", out, *out ? ", " : "", r->from->option->name);
    }
    return out;
}

const char *kconfig_why_not(struct kconfig *k, struct arena *a, const char *name,
                            const char *wanted)
{
    int option = kconfig_find(k, name);
    const char *release = arena_printf(a, "%s %s", k->catalogue->name, k->catalogue->version);
    if (option < 0)
        return arena_printf(a, "%s: there is no such option in %s", name, release);
    const char *value = kconfig_value(k, option);
    if (strcmp(value, wanted) == 0)
        return NULL;
    const struct catalogue_option *o = kconfig_option(k, option);
    if (kconfig_selected(k, option))
        return arena_printf(a, "%s: %s, selected by %s", name, value, selectors_of(k, a, option));
    if (!kconfig_dependencies(k, option))
        return arena_printf(a, "%s: its dependencies are not met: %s (%s)", name,
                            o->depends ? o->depends : "its choice is off",
                            values_of(k, a, o->depends));
    if (!o->visible)
        return arena_printf(a, "%s: it cannot be set by hand, only selected or by its defaults",
                            name);
    if (!kconfig_visibility(k, option))
        return arena_printf(a, "%s: it cannot be set by hand unless %s (%s)", name, o->visible,
                            values_of(k, a, o->visible));
    const struct kconfig_node *choice = k->nodes[option].choice;
    if (choice && choice->chosen)
        return arena_printf(a, "%s: %s is chosen in its place", name, choice->chosen->option->name);
    return arena_printf(a, "%s: %s is out of its range or not of its type", name, wanted);
}
