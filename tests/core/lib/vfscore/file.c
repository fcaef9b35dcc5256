/* SPDX-License-Identifier: BSD-3-Clause
 * Open files of a file system. */
#include "private.h"
#include <core/plat.h>
#include <core/syscall.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

static ssize_t node_read(struct uk_file *f, void *data, size_t size, off_t at)
{
    struct vfs_node *n = f->data;
    return S_ISDIR(n->mode) ? -EISDIR : n->driver->read(n, data, size, at);
}

static ssize_t node_write(struct uk_file *f, const void *data, size_t size, off_t at)
{
    struct vfs_node *n = f->data;
    n->changed_ns = plat_wall_ns();
    return n->driver->write(n, data, size, at);
}

static off_t node_size(struct uk_file *f)
{
    return (off_t)((struct vfs_node *)f->data)->size;
}

static int node_stat(struct uk_file *f, struct stat *out)
{
    vfs_stat(f->data, out);
    return 0;
}

static void node_close(struct uk_file *f)
{
    vfs_drop(f->data);
}

const struct uk_file_ops vfs_file_ops = {node_read, node_write, node_size,
                                         node_stat, NULL,       node_close};

static struct vfs_node *create(struct vfs_node *folder, const char *path, mode_t mode, int *error)
{
    const char *name;
    struct vfs_node *parent = vfs_parent_of(folder, path, &name, error);
    if (!parent)
        return NULL;
    *error = parent->driver->read_only ? -EROFS : !*name ? -EISDIR : 0;
    if (*error)
        return NULL;
    size_t length = 0;
    while (name[length])
        length++;
    struct vfs_node *n = vfs_add(parent, name, length, S_IFREG | (mode & 0777));
    *error = n ? 0 : -ENOSPC;
    return n;
}

CORE_RAW4(openat, int, folder_fd, const char *, path, int, flags, mode_t, mode)
{
    int error = 0;
    struct vfs_node *folder = *path == '/' ? NULL : vfs_folder_of(folder_fd, &error);
    if (error)
        return error;
    struct vfs_node *n = vfs_find(folder, path, true, &error);
    if (n && (flags & O_CREAT) && (flags & O_EXCL))
        return -EEXIST;
    if (!n && error == -ENOENT && (flags & O_CREAT))
        n = create(folder, path, mode, &error);
    if (!n)
        return error;
    bool writing = (flags & O_ACCMODE) != O_RDONLY;
    if (S_ISDIR(n->mode) && writing)
        return -EISDIR;
    if (!S_ISDIR(n->mode) && (flags & O_DIRECTORY))
        return -ENOTDIR;
    if (writing && n->driver->read_only)
        return -EROFS;
    if (writing && (flags & O_TRUNC))
        n->driver->truncate(n, 0);
    struct uk_file *f = uk_file_new(&vfs_file_ops, n, flags & ~(O_CREAT | O_EXCL | O_TRUNC));
    if (!f)
        return -ENOMEM;
    int fd = uk_fd_install(f, 0);
    if (fd >= 0)
        n->uses++;
    return fd;
}

int openat(int folder, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = va_arg(args, mode_t);
    va_end(args);
    return (int)core_result(uk_syscall_r_openat(folder, (long)path, flags, mode));
}

CORE_RAW3(open, const char *, path, int, flags, mode_t, mode)
{
    return uk_syscall_r_openat(AT_FDCWD, (long)path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = va_arg(args, mode_t);
    va_end(args);
    return (int)core_result(uk_syscall_r_open((long)path, flags, mode));
}

CORE_SYSCALL2(int, creat, const char *, path, mode_t, mode)
{
    return uk_syscall_r_open((long)path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

CORE_SYSCALL2(int, ftruncate, int, fd, off_t, size)
{
    struct uk_file *f = uk_fd_get(fd);
    if (!f)
        return -EBADF;
    if (f->ops != &vfs_file_ops || size < 0 || (f->flags & O_ACCMODE) == O_RDONLY)
        return -EINVAL;
    struct vfs_node *n = f->data;
    return n->driver->truncate(n, size);
}

CORE_SYSCALL1(int, fsync, int, fd)
{
    return uk_fd_get(fd) ? 0 : -EBADF; /* files live in memory: always as safe as they get */
}
