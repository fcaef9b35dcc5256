/* SPDX-License-Identifier: BSD-3-Clause
 * What an unmodified program finds when it starts: as the bare program where the loader takes it
 * from memory, else an archive of the program, its dynamic linker and libraries, and the files that
 * the traced run found. Paths are kept as the program uses them; a link is followed, so that each
 * path leads to its bytes. */
#include "builder/private.h"
#include "common/file.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DEPTH = 32 };
static const size_t file_limit = (size_t)256 << 20, archive_limit = (size_t)2 << 30;

struct item {
    const char *path; /* absolute */
    bool folder;
};

struct list {
    VEC(struct item) items;
};

static bool below(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    return strncmp(path, folder, n) == 0 && (path[n] == '/' || !path[n]);
}

/* Kernel interfaces and passing things are no files to carry along. */
static bool unfit(const char *path)
{
    static const char *const folders[] = {"/proc", "/sys", "/dev", "/run"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (below(path, folders[i]))
            return true;
    return strstr(path, "/../") || strstr(path, "/./") || path[0] != '/';
}

static void add(struct job *j, struct list *l, const char *path, bool folder)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    if (n > 1)
        vec_push(j->a, &l->items, ((struct item){arena_strndup(j->a, path, n), folder}));
}

/* A file named by the profile or the user: what it is now decides. */
static void add_existing(struct job *j, struct list *l, const char *path)
{
    struct stat st;
    if (!unfit(path) && stat(path, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
        add(j, l, path, S_ISDIR(st.st_mode));
}

/* Whether the very file is in the list, perhaps by another path. */
static bool has_file(const struct list *l, const char *path)
{
    struct stat wanted, st;
    if (stat(path, &wanted) != 0)
        return false;
    vec_each (i, &l->items)
        if (!i->folder && stat(i->path, &st) == 0 && st.st_ino == wanted.st_ino &&
            st.st_dev == wanted.st_dev)
            return true;
    return false;
}

static enum status add_tree(struct job *j, struct list *l, const char *path, int depth)
{
    struct stat st;
    if (*path != '/' || stat(path, &st) != 0)
        return diag_fail(j->d, STATUS_INPUT,
                         "%s: %s (for the initrd, an absolute path was expected)", path,
                         *path == '/' ? strerror(errno) : "not an absolute path");
    if (!S_ISDIR(st.st_mode)) {
        add_existing(j, l, path);
        return STATUS_OK;
    }
    add(j, l, path, true);
    DIR *handle = depth < MAX_DEPTH ? opendir(path) : NULL;
    enum status status = STATUS_OK;
    for (const struct dirent *e; handle && !status && (e = readdir(handle));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            status = add_tree(j, l, arena_printf(j->a, "%s/%s", path, e->d_name), depth + 1);
    if (handle)
        closedir(handle);
    return status;
}

/* Folders that the dynamic linker searches without being told. */
static bool default_folder(const char *path)
{
    static const char *const folders[] = {"/lib", "/usr/lib", "/lib64", "/usr/lib64"};
    const char *slash = strrchr(path, '/');
    for (size_t i = 0; slash && i < sizeof folders / sizeof folders[0]; i++) {
        size_t n = strlen(folders[i]);
        if (strncmp(path, folders[i], n) != 0)
            continue;
        if (path + n == slash || strncmp(path + n, "/x86_64-linux-gnu/", 18) == 0)
            return path + n == slash || path + n + 17 == slash;
    }
    return false;
}

static enum status gather(struct job *j, struct list *l)
{
    const struct profile *p = j->profile;
    bool cache = false;
    add(j, l, p->program.path, false);
    if (p->program.interpreter)
        add(j, l, p->program.interpreter, false);
    vec_each (lib, &p->static_part.libraries) {
        if (!lib->path || unfit(lib->path))
            continue;
        add_existing(j, l, lib->path);
        cache = cache || !default_folder(lib->path);
    }
    /* The traced run names libraries by their last link; those of the link map are there already.
     */
    vec_each (lib, &p->dynamic_part.libraries)
        if (lib->path && !unfit(lib->path) && !has_file(l, lib->path))
            add_existing(j, l, lib->path);
    if (cache)
        add_existing(j, l, "/etc/ld.so.cache");
    vec_each (f, &p->dynamic_part.files) {
        if (f->found)
            add_existing(j, l, f->path);
        /* Where the program created a file there must be a folder. */
        const char *slash = strrchr(f->path, '/');
        if (slash && slash != f->path && strcmp(f->access, "write") == 0)
            add_existing(j, l, arena_strndup(j->a, f->path, (size_t)(slash - f->path)));
    }
    enum status status = STATUS_OK;
    for (size_t i = 0; !status && i < j->options->initrd_files.count; i++)
        status = add_tree(j, l, j->options->initrd_files.items[i], 0);
    /* Programs expect to be able to write there. */
    vec_push(j->a, &l->items, ((struct item){"/tmp", true}));
    return status;
}

static int by_path(const void *x, const void *y)
{
    return strcmp(((const struct item *)x)->path, ((const struct item *)y)->path);
}

/* Adds the folders above each item, sorts, drops repetitions: parents come before children. */
static void complete(struct job *j, struct list *l)
{
    size_t given = l->items.count;
    for (size_t i = 0; i < given; i++) {
        const char *path = l->items.items[i].path;
        for (const char *p = path + 1; (p = strchr(p, '/')); p++)
            vec_push(j->a, &l->items,
                     ((struct item){arena_strndup(j->a, path, (size_t)(p - path)), true}));
    }
    vec_sort(&l->items, by_path);
    size_t kept = 0;
    for (size_t i = 0; i < l->items.count; i++)
        if (!kept || strcmp(l->items.items[kept - 1].path, l->items.items[i].path) != 0)
            l->items.items[kept++] = l->items.items[i];
    l->items.count = kept;
}

static enum status pack(struct job *j, const struct list *l, const char *to)
{
    struct arena *a = arena_new();
    struct cpio *c = cpio_new(a);
    size_t total = 0;
    enum status status = STATUS_OK;
    vec_each (i, &l->items) {
        struct stat st = {.st_mode = 0755};
        char *data = NULL;
        size_t size = 0;
        if (status || (stat(i->path, &st) != 0 && !i->folder))
            continue;
        unsigned mode = st.st_mode & 0777;
        if (!i->folder)
            status = file_read(j->d, a, i->path, file_limit, &data, &size);
        if (strcmp(i->path, "/tmp") == 0)
            mode = 01777;
        total += size;
        if (!status && total > archive_limit)
            status = diag_fail(j->d, STATUS_INPUT, "the initrd would hold more than 2 GiB");
        /* Programs look at files' times (gzip keeps them); folders' change by themselves. */
        cpio_time(c, i->folder ? 0 : st.st_mtime);
        if (!status)
            cpio_add(c, i->path + 1, mode | (i->folder ? S_IFDIR : S_IFREG), data, size);
    }
    size_t size = 0;
    const char *archive = cpio_finish(c, &size);
    if (!status)
        status = file_write(j->d, to, archive, size, 0);
    arena_free(a);
    return status;
}

enum status step_initrd(struct job *j)
{
    if (!j->binary)
        return STATUS_OK;
    const struct profile_program *p = &j->profile->program;
    bool bare = job_enabled(j, "APPELFLOADER_INITRDEXEC");
    if (!file_exists(p->path))
        return diag_fail(j->d, STATUS_INPUT, "%s: the program of the profile is not there any more",
                         p->path);
    if (bare && p->interpreter)
        return diag_fail(
            j->d, STATUS_INPUT,
            "%s: needs its dynamic linker %s, but the selection loads the bare program "
            "(APPELFLOADER_INITRDEXEC); choose APPELFLOADER_VFSEXEC",
            p->path, p->interpreter);
    const char *name = bare ? "initrd.elf" : "initrd.cpio";
    const char *to = arena_printf(j->a, "%s/%s", j->app_dir, name);
    /* One that an earlier selection left behind would be taken for this one's. */
    unlink(arena_printf(j->a, "%s/%s", j->app_dir, bare ? "initrd.cpio" : "initrd.elf"));
    struct list l = {0};
    enum status status = bare ? file_copy(j->d, p->path, to) : gather(j, &l);
    if (!status && !bare) {
        complete(j, &l);
        status = pack(j, &l, to);
    }
    if (status)
        return status;
    j->whole_root = !bare;
    j->out->initrd = to;
    note_file(j, name);
    return STATUS_OK;
}
