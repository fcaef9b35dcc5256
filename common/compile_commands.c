/* SPDX-License-Identifier: BSD-3-Clause
 * compile_commands.json (Clang's JSON Compilation Database): sources with their defines and
 * include folders. Other flags belong to the host's compiler and are left behind. */
#include "common/compile_commands.h"
#include "common/file.h"
#include "common/testfile.h"
#include <stdlib.h>
#include <string.h>

struct reader {
    struct diag *d;
    struct arena *a;
    compile_commands *out;
};

static const char *resolve(struct reader *j, const char *dir, const char *path)
{
    char *real = realpath(*path == '/' ? path : arena_printf(j->a, "%s/%s", dir, path), NULL);
    const char *copy = real ? arena_strdup(j->a, real) : NULL;
    free(real);
    return copy;
}

static bool plain(const char *word)
{
    return !strpbrk(word, " '\"$#\\`;&|<>()\n");
}

/* The flags of one command worth keeping: -D, -U, -I, -iquote, -isystem, -include, -std=. */
static const char *keep_flags(struct reader *j, const char *dir, const strings *words)
{
    static const char *const with_path[] = {"-isystem", "-iquote", "-include", "-I"};
    char *t = arena_strdup(j->a, "");
    for (size_t i = 1; i < words->count; i++) {
        const char *w = words->items[i];
        if (!strncmp(w, "-D", 2) || !strncmp(w, "-U", 2)) {
            const char *value = w[2] ? w + 2 : i + 1 < words->count ? words->items[++i] : "";
            if (plain(value))
                t = arena_printf(j->a, "%s -%c%s", t, w[1], value);
            else /* quotes of string defines reach the compiler through make and the shell */
                t = arena_printf(j->a, "%s '-%c%s'", t, w[1], value);
        } else if (!strncmp(w, "-std=", 5)) {
            t = arena_printf(j->a, "%s %s", t, w);
        }
        for (size_t p = 0; p < sizeof with_path / sizeof with_path[0]; p++) {
            size_t n = strlen(with_path[p]);
            if (strncmp(w, with_path[p], n) != 0)
                continue;
            const char *value = w[n] ? w + n : i + 1 < words->count ? words->items[++i] : "";
            const char *path = resolve(j, dir, value);
            if (path && plain(path) &&
                strncmp(path, "/usr/", 5) != 0) /* not the host's own headers */
                t = arena_printf(j->a, "%s %s%s%s", t, with_path[p], p < 3 ? " " : "", path);
            break;
        }
    }
    return *t ? t + 1 : NULL;
}

static enum status command_words(struct reader *j, const char *where, size_t index,
                                 const json_t *entry, strings *words)
{
    json_t *list = json_object_get(entry, "arguments");
    const char *line = json_string_value(json_object_get(entry, "command"));
    size_t i;
    json_t *word;
    json_array_foreach (list, i, word)
        if (json_is_string(word))
            vec_push(j->a, words, arena_strdup(j->a, json_string_value(word)));
    const char *wrong = list ? NULL : line ? split_words(j->a, line, words) : "no command in it";
    if (wrong)
        return diag_fail(j->d, STATUS_INPUT, "%s: [%zu]: %s", where, index, wrong);
    return STATUS_OK;
}

static bool known(struct reader *j, const char *path)
{
    vec_each (s, j->out)
        if (strcmp(s->path, path) == 0)
            return true;
    return false;
}

static enum status read_entries(struct reader *j, const char *where, const json_t *list)
{
    size_t i;
    json_t *entry;
    if (!json_is_array(list))
        return diag_fail(j->d, STATUS_INPUT, "%s: an array was expected", where);
    json_array_foreach (list, i, entry) {
        const char *dir = json_string_value(json_object_get(entry, "directory"));
        const char *file = json_string_value(json_object_get(entry, "file"));
        if (!dir || !file)
            return diag_fail(j->d, STATUS_INPUT, "%s: [%zu]: 'directory' and 'file' were expected",
                             where, i);
        const char *path = resolve(j, dir, file);
        if (!path)
            return diag_fail(j->d, STATUS_INPUT, "%s: [%zu]: %s: no such source", where, i, file);
        strings words = {0};
        enum status status = command_words(j, where, i, entry, &words);
        if (status)
            return status;
        if (!known(j, path))
            vec_push(j->a, j->out,
                     ((struct compile_command){.path = path, .flags = keep_flags(j, dir, &words)}));
    }
    return STATUS_OK;
}

enum status compile_commands_read(struct diag *d, struct arena *a, const char *dir, bool *found,
                                  compile_commands *out)
{
    struct reader reader = {d, a, out};
    const char *path = arena_printf(a, "%s/compile_commands.json", dir);
    *found = file_exists(path);
    if (!*found)
        return STATUS_OK;
    json_t *list = NULL;
    enum status status = json_read(d, path, &list);
    if (!status)
        status = read_entries(&reader, path, list);
    json_decref(list);
    return status;
}
