/* SPDX-License-Identifier: BSD-3-Clause
 * The files that the runs left in their folders, compared by content. */
#include "common/file.h"
#include "verifier/checks.h"
#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILES = 5000, DEPTH = 12 };

/* Regular files below a folder, by relative name. */
static void list(struct arena *a, const char *root, const char *below, int depth, strings *out)
{
    const char *path = *below ? arena_printf(a, "%s/%s", root, below) : root;
    DIR *dir = depth < DEPTH ? opendir(path) : NULL;
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir)) && out->count < FILES;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        const char *name =
            *below ? arena_printf(a, "%s/%s", below, e->d_name) : arena_strdup(a, e->d_name);
        struct stat st;
        if (lstat(arena_printf(a, "%s/%s", root, name), &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode))
            list(a, root, name, depth + 1, out);
        else if (S_ISREG(st.st_mode))
            vec_push(a, out, name);
    }
    closedir(dir);
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static bool listed(const strings *names, const char *name)
{
    return names->count &&
           bsearch(&name, names->items, names->count, sizeof *names->items, by_text) != NULL;
}

enum sameness { CONTENT_SAME, CONTENT_DIFFERS, CONTENT_ABSENT };

struct content {
    enum sameness same;
    int64_t size[2];
    int64_t at; /* first byte that differs */
};

/* Compares two files piece by piece, whatever their size. */
static struct content compare_files(const char *x, const char *y)
{
    struct content c = {.same = CONTENT_ABSENT, .size = {-1, -1}, .at = -1};
    FILE *files[2] = {fopen(x, "re"), fopen(y, "re")};
    struct stat st;
    for (int i = 0; i < 2; i++)
        if (files[i] && fstat(fileno(files[i]), &st) == 0)
            c.size[i] = st.st_size;
    if (files[0] && files[1]) {
        c.same = CONTENT_SAME;
        for (int64_t at = 0; c.same == CONTENT_SAME; at++) {
            int p = getc_unlocked(files[0]), q = getc_unlocked(files[1]);
            if (p != q) {
                c.same = CONTENT_DIFFERS;
                c.at = at;
            }
            if (p == EOF || q == EOF)
                break;
        }
    }
    for (int i = 0; i < 2; i++)
        if (files[i])
            fclose(files[i]);
    return c;
}

static bool wanted(const struct bench *b, const char *name)
{
    const strings *patterns = &b->tests->files;
    vec_each (pattern, patterns)
        if (fnmatch(*pattern, name, 0) == 0)
            return true;
    return !patterns->count;
}

static const char *in(struct bench *b, const struct observed *o, const char *name)
{
    return arena_printf(b->a, "%s/%s", o->directory, name);
}

static const char *size_text(struct bench *b, int64_t size)
{
    return size < 0 ? "absent" : arena_printf(b->a, "%lld bytes", (long long)size);
}

static void check_file(struct bench *b, const struct observed *native, size_t repeat,
                       const struct observed *image, const char *name, struct verif_run *run)
{
    struct verif_check *check = add_check(b, run, "file", name, VERDICT_SAME);
    struct content c = compare_files(in(b, &native[0], name), in(b, image, name));
    check->native = size_text(b, c.size[0]);
    check->image = size_text(b, c.size[1]);
    if (c.same == CONTENT_SAME)
        return;
    for (size_t r = 1; r < repeat; r++)
        if (compare_files(in(b, &native[0], name), in(b, &native[r], name)).same != CONTENT_SAME) {
            check->verdict = VERDICT_NOT_COMPARABLE;
            check->reason = "its content varies between runs on Linux";
            return;
        }
    check->verdict = VERDICT_DIFFERENT;
    if (c.size[1] < 0)
        check->reason = "the image did not write it";
    else if (c.size[0] < 0)
        check->reason = "only the image wrote it";
    else if (c.size[1] < c.size[0] && c.at >= c.size[1])
        check->reason = arena_printf(b->a, "truncated: the image's ends %lld bytes early",
                                     (long long)(c.size[0] - c.size[1]));
    else
        check->reason = arena_printf(b->a, "differs from byte %lld on", (long long)c.at);
}

void check_files(struct bench *b, const struct observed *native, size_t repeat,
                 const struct observed *image, const struct runner *runner, struct verif_run *run)
{
    strings names = {0}, more = {0};
    if (!native[0].directory)
        return;
    list(b->a, native[0].directory, "", 0, &names);
    vec_sort(&names, by_text);
    if (!runner->shares_files) {
        if (names.count)
            add_check(b, run, "file", NULL, VERDICT_NOT_COMPARABLE)->reason =
                arena_printf(b->a,
                             "the program leaves %zu file%s; this runner gives no view of the "
                             "image's (--share DIR, or print them in the test)",
                             names.count, names.count == 1 ? "" : "s");
        return;
    }
    if (image->directory)
        list(b->a, image->directory, "", 0, &more);
    vec_each (name, &more)
        if (!listed(&names, *name))
            vec_push(b->a, &names, *name);
    vec_sort(&names, by_text);
    vec_each (name, &names)
        if (wanted(b, *name))
            check_file(b, native, repeat, image, *name, run);
}
