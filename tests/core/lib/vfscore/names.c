/* SPDX-License-Identifier: BSD-3-Clause
 * Calls on names. */
#include "private.h"
#include <core/syscall.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

CORE_RAW4(newfstatat, int, folder_fd, const char *, path, struct stat *, out, int, flags)
{
    enum { SYMLINK_NOFOLLOW = 0x100 };
    int error = 0;
    if (!*path && (flags & AT_EMPTY_PATH) && folder_fd != AT_FDCWD) {
        struct uk_file *f = uk_fd_get(folder_fd);
        if (!f)
            return -EBADF;
        return f->ops->stat ? f->ops->stat(f, out) : -EINVAL;
    }
    struct vfs_node *folder = *path == '/' ? NULL : vfs_folder_of(folder_fd, &error);
    struct vfs_node *n = error ? NULL : vfs_find(folder, path, !(flags & SYMLINK_NOFOLLOW), &error);
    if (n)
        vfs_stat(n, out);
    return n ? 0 : error;
}

CORE_SYSCALL2(int, stat, const char *, path, struct stat *, out)
{
    return uk_syscall_r_newfstatat(AT_FDCWD, (long)path, (long)out, 0);
}

CORE_SYSCALL2(int, lstat, const char *, path, struct stat *, out)
{
    return uk_syscall_r_newfstatat(AT_FDCWD, (long)path, (long)out, 0x100);
}

CORE_RAW3(faccessat, int, folder_fd, const char *, path, int, mode)
{
    struct stat st;
    long result = uk_syscall_r_newfstatat(folder_fd, (long)path, (long)&st, 0);
    if (result == 0 && (mode & X_OK) && !(st.st_mode & 0111))
        return -EACCES;
    return result;
}

CORE_SYSCALL2(int, access, const char *, path, int, mode)
{
    return uk_syscall_r_faccessat(AT_FDCWD, (long)path, mode);
}

CORE_RAW4(readlinkat, int, folder_fd, const char *, path, char *, out, size_t, size)
{
    int error = 0;
    struct vfs_node *folder = *path == '/' ? NULL : vfs_folder_of(folder_fd, &error);
    struct vfs_node *n = error ? NULL : vfs_find(folder, path, false, &error);
    if (!n)
        return error;
    if (!S_ISLNK(n->mode))
        return -EINVAL;
    size_t length = n->size < size ? n->size : size;
    memcpy(out, n->data, length);
    return (long)length;
}

CORE_RAW3(readlink, const char *, path, char *, out, size_t, size)
{
    return uk_syscall_r_readlinkat(AT_FDCWD, (long)path, (long)out, (long)size);
}

CORE_RAW3(mkdirat, int, folder_fd, const char *, path, mode_t, mode)
{
    int error = 0;
    const char *name;
    char trimmed[PATH_MAX];
    size_t length = strnlen(path, sizeof trimmed);
    if (length == sizeof trimmed)
        return -ENAMETOOLONG;
    while (length > 1 && path[length - 1] == '/')
        length--;
    memcpy(trimmed, path, length);
    trimmed[length] = '\0';
    struct vfs_node *folder = *path == '/' ? NULL : vfs_folder_of(folder_fd, &error);
    struct vfs_node *parent = error ? NULL : vfs_parent_of(folder, trimmed, &name, &error);
    if (!parent)
        return error;
    if (!*name || vfs_child(parent, name, strlen(name)))
        return -EEXIST;
    if (parent->driver->read_only)
        return -EROFS;
    return vfs_add(parent, name, strlen(name), S_IFDIR | (mode & 0777)) ? 0 : -ENOSPC;
}

CORE_SYSCALL2(int, mkdir, const char *, path, mode_t, mode)
{
    return uk_syscall_r_mkdirat(AT_FDCWD, (long)path, mode);
}

CORE_RAW3(unlinkat, int, folder_fd, const char *, path, int, flags)
{
    int error = 0;
    struct vfs_node *folder = *path == '/' ? NULL : vfs_folder_of(folder_fd, &error);
    struct vfs_node *n = error ? NULL : vfs_find(folder, path, false, &error);
    if (!n)
        return error;
    if (n->driver->read_only)
        return -EROFS;
    if (!(flags & AT_REMOVEDIR) && S_ISDIR(n->mode))
        return -EISDIR;
    if ((flags & AT_REMOVEDIR) && !S_ISDIR(n->mode))
        return -ENOTDIR;
    if (n->children)
        return -ENOTEMPTY;
    if (!n->parent || n == vfs_current)
        return -EBUSY;
    vfs_detach(n);
    return 0;
}

CORE_SYSCALL1(int, unlink, const char *, path)
{
    return uk_syscall_r_unlinkat(AT_FDCWD, (long)path, 0);
}

CORE_SYSCALL1(int, rmdir, const char *, path)
{
    return uk_syscall_r_unlinkat(AT_FDCWD, (long)path, AT_REMOVEDIR);
}

CORE_SYSCALL2(int, rename, const char *, from, const char *, to)
{
    int error;
    const char *name;
    struct vfs_node *n = vfs_find(NULL, from, false, &error);
    struct vfs_node *parent = n ? vfs_parent_of(NULL, to, &name, &error) : NULL;
    if (!parent)
        return error;
    if (n->driver->read_only)
        return -EROFS;
    for (struct vfs_node *p = parent; p; p = p->parent)
        if (p == n)
            return -EINVAL;
    struct vfs_node *old = vfs_child(parent, name, strlen(name));
    if (old == n)
        return 0;
    if (old && S_ISDIR(old->mode))
        return old->children || !S_ISDIR(n->mode) ? -EEXIST : -EBUSY;
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    if (old)
        vfs_detach(old);
    n->uses++;
    vfs_detach(n);
    n->name = copy;
    n->parent = parent;
    n->next = parent->children;
    parent->children = n;
    return 0;
}

CORE_RAW2(getcwd, char *, out, size_t, size)
{
    return vfs_current ? vfs_name(vfs_current, out, size) : -ENOENT;
}

char *getcwd(char *out, size_t size)
{
    return core_result(uk_syscall_r_getcwd((long)out, (long)size)) < 0 ? NULL : out;
}

CORE_SYSCALL1(int, chdir, const char *, path)
{
    int error;
    struct vfs_node *n = vfs_find(NULL, path, true, &error);
    if (!n)
        return error;
    if (!S_ISDIR(n->mode))
        return -ENOTDIR;
    vfs_current = n;
    return 0;
}
