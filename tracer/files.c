/* SPDX-License-Identifier: BSD-3-Clause
 * Files that the program names in its calls. Whether they are there is looked up by the tracer
 * itself at that moment: cheaper than a second stop at the end of the call. */
#include "tracer/sets.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif

/* Enough to tell what a program works on; a walk over a whole disk is not to be slowed by it: of
 * folders, and of files that are only looked at, fewer are kept. */
enum { FILE_LIMIT = 2000, WALK_LIMIT = 256, NO_FOLDER = -1, BY_FLAGS = -1 };

static const struct {
    int number;
    signed char folder, path, flags; /* which argument; -1: none */
    const char *access;              /* NULL: as the flags say */
} path_calls[] = {
    {SYS_open, -1, 0, 1, NULL},          {SYS_openat, 0, 1, 2, NULL},
    {SYS_openat2, 0, 1, -1, "read"},     {SYS_creat, -1, 0, -1, "write"},
    {SYS_stat, -1, 0, -1, "stat"},       {SYS_lstat, -1, 0, -1, "stat"},
    {SYS_newfstatat, 0, 1, -1, "stat"},  {SYS_statx, 0, 1, -1, "stat"},
    {SYS_access, -1, 0, -1, "stat"},     {SYS_faccessat, 0, 1, -1, "stat"},
    {SYS_faccessat2, 0, 1, -1, "stat"},  {SYS_readlink, -1, 0, -1, "stat"},
    {SYS_readlinkat, 0, 1, -1, "stat"},  {SYS_statfs, -1, 0, -1, "stat"},
    {SYS_execve, -1, 0, -1, "execute"},  {SYS_execveat, 0, 1, -1, "execute"},
    {SYS_chdir, -1, 0, -1, "directory"}, {SYS_mkdir, -1, 0, -1, "write"},
    {SYS_mkdirat, 0, 1, -1, "write"},    {SYS_unlink, -1, 0, -1, "write"},
    {SYS_unlinkat, 0, 1, -1, "write"},   {SYS_rmdir, -1, 0, -1, "write"},
    {SYS_rename, -1, 0, -1, "write"},    {SYS_renameat, 0, 1, -1, "write"},
    {SYS_renameat2, 0, 1, -1, "write"},  {SYS_truncate, -1, 0, -1, "write"},
    {SYS_chmod, -1, 0, -1, "write"},     {SYS_fchmodat, 0, 1, -1, "write"},
    {SYS_chown, -1, 0, -1, "write"},     {SYS_fchownat, 0, 1, -1, "write"},
    {SYS_mknod, -1, 0, -1, "write"},     {SYS_mknodat, 0, 1, -1, "write"},
    {SYS_getxattr, -1, 0, -1, "stat"},   {SYS_lgetxattr, -1, 0, -1, "stat"},
    {SYS_utimensat, 0, 1, -1, "write"},  {SYS_symlink, -1, 1, -1, "write"},
    {SYS_link, -1, 1, -1, "write"},      {SYS_inotify_add_watch, -1, 1, -1, "stat"},
};

static const char *access_of(uint64_t flags)
{
    if ((flags & O_DIRECTORY) == O_DIRECTORY)
        return "directory";
    if ((flags & O_PATH) == O_PATH)
        return "stat";
    return (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) ? "write" : "read";
}

/* The folder a relative path starts from. */
static bool folder_of(const struct task *task, int fd, char *out, size_t size)
{
    char link[64];
    if (fd == AT_FDCWD)
        snprintf(link, sizeof link, "/proc/%d/cwd", (int)task->id);
    else
        snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)task->id, fd);
    ssize_t n = readlink(link, out, size - 1);
    if (n <= 0)
        return false;
    out[n] = '\0';
    return *out == '/';
}

/* Resolves "." and ".." by their letters, as far as that can be done without following links. */
static void tidy(char *path)
{
    char *to = path;
    for (const char *from = path; *from;) {
        size_t length = 1 + strcspn(from + 1, "/");
        bool nothing = length == 1 || (length == 2 && from[1] == '.');
        if (!nothing) {
            memmove(to, from, length);
            to += length;
        }
        from += length;
    }
    if (to == path)
        *to++ = '/';
    *to = '\0';
}

/* The run's temporary folder has another name each time: it is called ${DIR}. In any case of
 * letters: a server looks whether the file system tells them apart. */
static const char *without_folder(const struct session *s, const char *path, char *out, size_t size)
{
    size_t length = s->folder ? strlen(s->folder) : 0;
    if (!length || strncasecmp(path, s->folder, length) != 0 ||
        (path[length] && path[length] != '/'))
        return path;
    snprintf(out, size, "${DIR}%s", path + length);
    return out;
}

static bool add(struct session *s, const char *path, const char *access, bool creates)
{
    char named[PATH_MAX];
    char key[PATH_MAX + 16];
    snprintf(key, sizeof key, "%c%s", access[0], without_folder(s, path, named, sizeof named));
    struct file_seen *seen;
    HASH_FIND_STR(s->sets->files, key, seen);
    bool news = !seen;
    if (!seen) {
        unsigned *count = access[0] == 's'   ? &s->sets->stats
                          : access[0] == 'd' ? &s->sets->folders
                                             : &s->sets->opened;
        if (*count >= (count == &s->sets->opened ? FILE_LIMIT : WALK_LIMIT))
            return false;
        (*count)++;
        seen = ARENA_NEW(s->arena, struct file_seen);
        seen->key = arena_strdup(s->arena, key);
        seen->file.path = seen->key + 1;
        seen->file.access = access;
        HASH_ADD_KEYPTR(hh, s->sets->files, seen->key, strlen(seen->key), seen);
    }
    struct stat st;
    if (!seen->file.found)
        seen->file.found = creates || lstat(path, &st) == 0;
    return news;
}

bool files_watch(int number)
{
    for (size_t i = 0; i < sizeof path_calls / sizeof path_calls[0]; i++)
        if (path_calls[i].number == number)
            return true;
    return false;
}

bool files_record(struct session *s, const struct task *task, const struct call *call)
{
    for (size_t i = 0; i < sizeof path_calls / sizeof path_calls[0]; i++) {
        if (path_calls[i].number != call->number)
            continue;
        char path[PATH_MAX], whole[2 * PATH_MAX];
        int folder = path_calls[i].folder < 0 ? AT_FDCWD : (int)call->args[path_calls[i].folder];
        if (!memory_string(task->id, call->args[path_calls[i].path], path, sizeof path) || !*path)
            return false;
        uint64_t flags = path_calls[i].flags < 0 ? 0 : call->args[path_calls[i].flags];
        if (*path == '/') {
            snprintf(whole, sizeof whole, "%s", path);
        } else {
            if (!folder_of(task, folder, whole, PATH_MAX))
                return false;
            size_t used = strlen(whole);
            snprintf(whole + used, sizeof whole - used, "/%s", path);
        }
        tidy(whole);
        return add(s, whole, path_calls[i].access ? path_calls[i].access : access_of(flags),
                   (flags & O_CREAT) != 0);
    }
    return false;
}

static int by_path(const void *x, const void *y)
{
    const struct profile_file *a = x, *b = y;
    int order = strcmp(a->path, b->path);
    return order ? order : strcmp(a->access, b->access);
}

void files_finish(struct session *s, struct arena *a, struct profile_dynamic *out)
{
    struct file_seen *seen = NULL, *next = NULL;
    HASH_ITER (hh, s->sets->files, seen, next) {
        struct profile_file *file = vec_add(a, &out->files);
        *file = seen->file;
        file->path = arena_strdup(a, seen->file.path);
        HASH_DEL(s->sets->files, seen);
    }
    vec_sort(&out->files, by_path);
}
