/* SPDX-License-Identifier: BSD-3-Clause */
#include "crawler/kconfig_lines.h"
#include "common/file.h"
#include <string.h>

enum { NESTING_LIMIT = 100, FILE_LIMIT = 20000 };
enum { FILE_BYTES = 4 << 20, ALL_BYTES = 64 << 20 };

enum status kinput_fail(struct kparse *k, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = arena_vprintf(k->arena, format, args);
    va_end(args);
    return diag_fail(k->diag, STATUS_INPUT, "%s:%zu: %s", k->macros.file, k->macros.line, text);
}

void kinput_problem(struct kparse *k, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = arena_vprintf(k->arena, format, args);
    va_end(args);
    const char *file = k->place ? k->place(k->context, k->macros.file) : k->macros.file;
    vec_push(k->arena, k->problems,
             arena_printf(k->arena, "%s:%zu: %s", file, k->macros.line, text));
}

static void point(struct kparse *k)
{
    k->macros.file = k->input ? k->input->path : "";
    k->macros.line = k->input ? k->input->line : 0;
}

enum status kinput_open(struct kparse *k, const char *path)
{
    int depth = 0;
    for (const struct kparse_input *i = k->input; i; i = i->from) {
        if (strcmp(i->path, path) == 0)
            return kinput_fail(k,
                               "%s includes itself (opened from line %zu): a file that is not "
                               "open yet was expected",
                               path, i->line);
        depth++;
    }
    if (depth >= NESTING_LIMIT || ++k->files > FILE_LIMIT)
        return kinput_fail(k, "%s: fewer source statements were expected", path);
    struct kparse_input *input = ARENA_NEW(k->arena, struct kparse_input);
    char *data = NULL;
    size_t size = 0;
    const char *generated = k->generated ? k->generated(k->context, path) : NULL;
    if (generated) {
        data = arena_strdup(k->arena, generated);
    } else {
        enum status status = file_read(k->diag, k->arena, path, FILE_BYTES, &data, &size);
        if (status && k->input)
            return kinput_fail(k, "source: %s", arena_strdup(k->arena, k->diag->message));
        if (status)
            return status;
        if (strlen(data) != size)
            return diag_fail(k->diag, STATUS_INPUT,
                             "%s: a text file was expected, a NUL byte found", path);
    }
    k->bytes += size;
    if (k->bytes > ALL_BYTES)
        return kinput_fail(k, "%s: less than 64 MiB of Kconfig files were expected", path);
    *input = (struct kparse_input){.from = k->input, .path = path, .next = data, .next_line = 1};
    k->input = input;
    point(k);
    return STATUS_OK;
}

void kinput_close(struct kparse *k)
{
    k->input = k->input->from;
    point(k);
}

/* Cuts off one physical line. */
static char *physical(struct kparse_input *in)
{
    if (!*in->next)
        return NULL;
    char *line = in->next, *end = strchr(line, '\n');
    in->next = end ? end + 1 : line + strlen(line);
    size_t length = (size_t)(in->next - line);
    if (end)
        line[--length] = '\0';
    if (length && line[length - 1] == '\r')
        line[length - 1] = '\0';
    in->line = in->next_line++;
    return line;
}

char *kinput_line(struct kparse *k)
{
    char *line = physical(k->input);
    VEC(char) joined = {0};
    bool continued = line != NULL;
    for (const char *part = line; continued && part; part = physical(k->input)) {
        size_t length = strlen(part);
        continued = length && part[length - 1] == '\\';
        if (!continued && part == line)
            break;
        for (size_t i = 0; i < length - continued; i++)
            vec_push(k->arena, &joined, part[i]);
        if (!continued)
            break;
    }
    point(k);
    if (!joined.count && !continued)
        return line;
    vec_push(k->arena, &joined, '\0');
    return joined.items;
}

/* Columns of leading blanks; tabs go to the next multiple of eight. */
static size_t indentation(const char *line)
{
    size_t columns = 0;
    for (; *line == ' ' || *line == '\t'; line++)
        columns = *line == '\t' ? (columns & ~(size_t)7) + 8 : columns + 1;
    return columns;
}

void kinput_skip_help(struct kparse *k)
{
    struct kparse_input *in = k->input;
    size_t first = 0;
    while (*in->next) {
        size_t length = strcspn(in->next, "\n");
        bool blank = strspn(in->next, " \t\r") >= length;
        size_t columns = indentation(in->next);
        if (!blank && (columns == 0 || columns < first))
            break;
        if (!blank && !first)
            first = columns;
        in->next += length + (in->next[length] == '\n');
        in->next_line++;
    }
}
