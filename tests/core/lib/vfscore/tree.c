/* SPDX-License-Identifier: BSD-3-Clause */
#include "private.h"
#include <core/plat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINKS = 16 };

static struct vfs_node *root;
static ino_t last_number;
struct vfs_node *vfs_current;

static struct vfs_node *node_new(const struct vfs_driver *driver, const char *name, size_t length,
                                 mode_t mode)
{
    struct vfs_node *n = calloc(1, sizeof *n);
    if (!n)
        return NULL;
    n->name = strndup(name, length);
    n->mode = mode;
    n->number = ++last_number;
    n->driver = driver;
    n->uses = 1;
    n->changed_ns = plat_wall_ns();
    return n;
}

int vfs_mount_root(const struct vfs_driver *driver)
{
    root = node_new(driver, "", 0, S_IFDIR | 0755);
    vfs_current = root;
    return root ? 0 : -ENOMEM;
}

struct vfs_node *vfs_child(struct vfs_node *folder, const char *name, size_t length)
{
    if (length == 1 && name[0] == '.')
        return folder;
    if (length == 2 && name[0] == '.' && name[1] == '.')
        return folder->parent ? folder->parent : folder;
    for (struct vfs_node *n = folder->children; n; n = n->next)
        if (strncmp(n->name, name, length) == 0 && !n->name[length])
            return n;
    return NULL;
}

struct vfs_node *vfs_add(struct vfs_node *folder, const char *name, size_t length, mode_t mode)
{
    struct vfs_node *n = node_new(folder->driver, name, length, mode), **at = &folder->children;
    if (!n)
        return NULL;
    n->parent = folder;
    while (*at)
        at = &(*at)->next;
    *at = n;
    return n;
}

void vfs_detach(struct vfs_node *n)
{
    struct vfs_node **at = &n->parent->children;
    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    n->next = NULL;
    vfs_drop(n);
}

void vfs_drop(struct vfs_node *n)
{
    if (--n->uses)
        return;
    if (n->driver->release)
        n->driver->release(n);
    free(n->name);
    free(n);
}

static struct vfs_node *walk(struct vfs_node *at, const char *path, bool follow, int depth,
                             int *error)
{
    *error = -ENOENT;
    if (!root || !*path)
        return NULL;
    at = *path == '/' ? root : at ? at : vfs_current;
    while (*path) {
        path += strspn(path, "/");
        size_t length = strcspn(path, "/");
        if (!length)
            break;
        *error = -ENOTDIR;
        if (!S_ISDIR(at->mode))
            return NULL;
        struct vfs_node *found = vfs_child(at, path, length);
        *error = -ENOENT;
        if (!found)
            return NULL;
        path += length;
        if (S_ISLNK(found->mode) && (follow || *path)) {
            *error = -ENOENT;
            found = depth < MAX_LINKS ? walk(at, found->data, true, depth + 1, error) : NULL;
            if (!found)
                return NULL;
        }
        at = found;
    }
    *error = 0;
    return at;
}

struct vfs_node *vfs_find(struct vfs_node *from, const char *path, bool follow, int *error)
{
    return walk(from, path, follow, 0, error);
}

struct vfs_node *vfs_parent_of(struct vfs_node *from, const char *path, const char **name,
                               int *error)
{
    const char *slash = strrchr(path, '/');
    struct vfs_node *folder;
    *error = -ENOENT;
    if (!root || !*path)
        return NULL;
    if (slash) {
        char *above = strndup(path, (size_t)(slash - path) + 1);
        folder = above ? walk(from, above, true, 0, error) : NULL;
        free(above);
    } else {
        folder = from ? from : vfs_current;
    }
    *name = slash ? slash + 1 : path;
    if (folder && !S_ISDIR(folder->mode)) {
        *error = -ENOTDIR;
        return NULL;
    }
    return folder;
}

struct vfs_node *vfs_make(const char *path, mode_t mode)
{
    struct vfs_node *at = root;
    while (at) {
        path += strspn(path, "/");
        size_t length = strcspn(path, "/");
        if (!length)
            return at;
        bool last = !path[length];
        struct vfs_node *found = vfs_child(at, path, length);
        at = found ? found : vfs_add(at, path, length, last ? mode : S_IFDIR | 0755);
        path += length;
    }
    return NULL;
}

int vfs_name(const struct vfs_node *n, char *out, size_t size)
{
    if (!n->parent) {
        if (size < 2)
            return -ERANGE;
        memcpy(out, "/", 2);
        return 2;
    }
    int above = n->parent->parent ? vfs_name(n->parent, out, size) : 1;
    size_t length = strlen(n->name);
    if (above < 0 || (size_t)above + length + 1 > size)
        return -ERANGE;
    out[above - 1] = '/';
    memcpy(out + above, n->name, length + 1);
    return above + (int)length + 1;
}

void vfs_stat(const struct vfs_node *n, struct stat *out)
{
    struct timespec t = {(time_t)(n->changed_ns / 1000000000u),
                         (long)(n->changed_ns % 1000000000u)};
    *out = (struct stat){.st_dev = 1,
                         .st_ino = n->number,
                         .st_nlink = S_ISDIR(n->mode) ? 2 : 1,
                         .st_mode = n->mode,
                         .st_size = (off_t)n->size,
                         .st_blksize = 4096,
                         .st_blocks = (blkcnt_t)((n->size + 511) / 512),
                         .st_atim = t,
                         .st_mtim = t,
                         .st_ctim = t};
}

struct vfs_node *vfs_folder_of(int fd, int *error)
{
    *error = 0;
    if (fd == AT_FDCWD)
        return vfs_current;
    struct uk_file *f = uk_fd_get(fd);
    if (f && f->ops == &vfs_file_ops)
        return f->data;
    *error = f ? -ENOTDIR : -EBADF;
    return NULL;
}
