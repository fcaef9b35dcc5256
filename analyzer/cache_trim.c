/* SPDX-License-Identifier: BSD-3-Clause
 * Keeps the folder of cached analyses below its bound: the entries used longest ago go first. What
 * another process removes or renames at the same time is no error. */
#include "analyzer/cache.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ABANDONED = 3600 /* seconds */, DEFAULT_MEBIBYTES = 256 };

struct entry {
    const char *name;
    uint64_t size;
    struct timespec used;
};

struct folder {
    struct arena *arena;
    int fd;
    VEC(struct entry) entries;
    uint64_t size; /* of all entries */
};

static uint64_t bound(void)
{
    const char *text = getenv("TOOLCHAIN_CACHE_MIB");
    char *end = NULL;
    unsigned long long mebibytes = text ? strtoull(text, &end, 10) : DEFAULT_MEBIBYTES;
    if (text && (end == text || *end || mebibytes > UINT32_MAX))
        mebibytes = DEFAULT_MEBIBYTES;
    return (uint64_t)mebibytes << 20;
}

/* Entries are NAME.static and NAME.summary; while they are written, with .XXXXXX behind. */
static void add(struct folder *f, const char *name)
{
    struct stat st;
    const char *suffix = strchr(name, '.'), *more = suffix ? strchr(suffix + 1, '.') : NULL;
    if (!suffix || (strncmp(suffix, ".static", 7) != 0 && strncmp(suffix, ".summary", 8) != 0) ||
        fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
        return;
    if (more) {
        if (time(NULL) - st.st_mtim.tv_sec > ABANDONED)
            unlinkat(f->fd, name, 0);
        return;
    }
    struct entry *e = vec_add(f->arena, &f->entries);
    *e = (struct entry){arena_strdup(f->arena, name), (uint64_t)st.st_size, st.st_mtim};
    f->size += e->size;
}

static int by_use(const void *x, const void *y)
{
    const struct entry *a = x, *b = y;
    if (a->used.tv_sec != b->used.tv_sec)
        return a->used.tv_sec < b->used.tv_sec ? -1 : 1;
    if (a->used.tv_nsec != b->used.tv_nsec)
        return a->used.tv_nsec < b->used.tv_nsec ? -1 : 1;
    return strcmp(a->name, b->name);
}

void cache_trim(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir)
        return;
    struct folder f = {.arena = arena_new(), .fd = dirfd(dir)};
    for (struct dirent *d; (d = readdir(dir));)
        add(&f, d->d_name);
    uint64_t limit = bound();
    if (f.size > limit) {
        vec_sort(&f.entries, by_use);
        /* A quarter more than needed, so that the next ones need not look again. */
        for (size_t i = 0; i < f.entries.count && f.size > limit / 4 * 3; i++)
            if (unlinkat(f.fd, f.entries.items[i].name, 0) == 0)
                f.size -= f.entries.items[i].size;
    }
    closedir(dir);
    arena_free(f.arena);
}
