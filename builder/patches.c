/* SPDX-License-Identifier: BSD-3-Clause
 * Patches for the program's sources: applied to a copy of them in the app folder. */
#include "builder/private.h"
#include "common/file.h"
#include "common/subprocess.h"
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEEPEST = 24, MOST_FILES = 20000, PATCH_MS = 60000, OPEN_FOLDERS = 16 };

struct copy {
    struct job *j;
    size_t files;
    const char *app_dir; /* is not copied into itself */
};

static enum status copy_folder(struct copy *c, const char *from, const char *to, int depth)
{
    struct job *j = c->j;
    DIR *handle = opendir(from);
    if (!handle)
        return diag_fail(j->d, STATUS_INPUT, "%s: %s", from, strerror(errno));
    enum status status = dir_make(j->d, to);
    for (const struct dirent *e; !status && (e = readdir(handle));) {
        const char *source = arena_printf(j->a, "%s/%s", from, e->d_name);
        const char *target = arena_printf(j->a, "%s/%s", to, e->d_name);
        struct stat st;
        if (e->d_name[0] == '.' || stat(source, &st) != 0 || strcmp(source, c->app_dir) == 0)
            continue;
        if (S_ISDIR(st.st_mode) && depth < DEEPEST)
            status = copy_folder(c, source, target, depth + 1);
        else if (S_ISREG(st.st_mode) && ++c->files <= MOST_FILES)
            status = file_copy(j->d, source, target);
    }
    closedir(handle);
    if (!status && c->files > MOST_FILES)
        return diag_fail(j->d, STATUS_INPUT, "%s: more than %d files below it", from, MOST_FILES);
    return status;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

/* With the first folder of its names left out (as git and most people make them), or none. */
static enum status apply(struct job *j, const char *folder, const char *file)
{
    char *data = NULL;
    size_t size = 0;
    enum status status = file_read(j->d, j->a, file, 0, &data, &size);
    struct subprocess p = {0};
    for (int strip = 1; !status && strip >= 0; strip--) {
        const char *const try[] = {
            "patch", "-d", folder, "--batch", "-N", "--dry-run", strip ? "-p1" : "-p0", NULL};
        const char *const run[] = {
            "patch", "-d", folder, "--batch", "-N", "-s", strip ? "-p1" : "-p0", NULL};
        p = (struct subprocess){
            .argv = try, .input = data, .input_size = size, .timeout_ms = PATCH_MS};
        status = subprocess_run(j->d, j->a, &p);
        if (status || p.exit_status != 0)
            continue;
        p = (struct subprocess){
            .argv = run, .input = data, .input_size = size, .timeout_ms = PATCH_MS};
        status = subprocess_run(j->d, j->a, &p);
        if (!status && p.exit_status == 0)
            return STATUS_OK;
    }
    if (status)
        return status;
    const char *said = *p.out ? p.out : p.err;
    return diag_fail(j->d, STATUS_INPUT, "%s: does not apply to %s: %.400s", file,
                     j->options->source_dir, said);
}

enum status step_patches(struct job *j)
{
    const char *given = j->options->source_dir;
    j->source_dir = given;
    if (!j->options->patches.count)
        return STATUS_OK;
    if (j->binary || !given)
        return diag_fail(j->d, STATUS_INPUT,
                         "--patch changes the program's sources: give them with -s DIR");
    char *real = realpath(given, NULL);
    const char *from = real ? arena_strdup(j->a, real) : given;
    free(real);
    const char *to = arena_printf(j->a, "%s/sources", j->app_dir);
    struct copy copy = {.j = j, .app_dir = j->app_dir};
    nftw(to, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    enum status status = copy_folder(&copy, from, to, 0);
    vec_each (file, &j->options->patches)
        if (!status)
            status = apply(j, to, *file);
    j->source_dir = to;
    j->unpatched_dir = from;
    return status;
}

const char *patched_text(struct job *j, const char *words)
{
    if (!j->unpatched_dir || !words)
        return words;
    const char *out = "";
    size_t n = strlen(j->unpatched_dir);
    for (const char *at; (at = strstr(words, j->unpatched_dir)); words = at + n) {
        bool whole = strchr("/ \t'\"", at[n]) != NULL; /* its end counts */
        out = arena_printf(j->a, "%s%.*s%s", out, (int)(at - words), words,
                           whole ? j->source_dir : j->unpatched_dir);
    }
    return arena_printf(j->a, "%s%s", out, words);
}
