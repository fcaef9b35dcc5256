/* SPDX-License-Identifier: BSD-3-Clause
 * Reading folders. The file position counts entries: ".", "..", then the children. */
#include "private.h"
#include <core/syscall.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>

long getdents64(int fd, char *out, size_t size);
long getdents(int fd, char *out, size_t size);

enum { HEADER = 19, OLD_HEADER = 18 }; /* bytes before the name */

static const struct vfs_node *entry(const struct vfs_node *folder, off_t at, const char **name)
{
    if (at < 2) {
        *name = at ? ".." : ".";
        return at && folder->parent ? folder->parent : folder;
    }
    const struct vfs_node *n = folder->children;
    for (at -= 2; n && at > 0; at--)
        n = n->next;
    if (n)
        *name = n->name;
    return n;
}

static long list(int fd, char *out, size_t size, bool old)
{
    struct uk_file *f = uk_fd_get(fd);
    if (!f)
        return -EBADF;
    if (f->ops != &vfs_file_ops || !S_ISDIR(((struct vfs_node *)f->data)->mode))
        return -ENOTDIR;
    size_t used = 0;
    const char *name;
    for (const struct vfs_node *n; (n = entry(f->data, f->at, &name)); f->at++) {
        size_t length = strlen(name) + 1, whole = (HEADER + length + 8) & ~(size_t)7;
        char *e = out + used;
        unsigned char type = (unsigned char)(n->mode >> 12);
        if (used + whole > size)
            return used ? (long)used : -EINVAL;
        memset(e, 0, whole);
        memcpy(e, &n->number, 8);
        memcpy(e + 8, &(off_t){f->at + 1}, 8);
        memcpy(e + 16, &(unsigned short){(unsigned short)whole}, 2);
        memcpy(e + (old ? OLD_HEADER : HEADER), name, length);
        e[old ? whole - 1 : 18] = (char)type;
        used += whole;
    }
    return (long)used;
}

CORE_SYSCALL3(long, getdents64, int, fd, char *, out, size_t, size)
{
    return list(fd, out, size, false);
}

#ifdef CONFIG_LIBVFSCORE_NONLARGEFILE
CORE_SYSCALL3(long, getdents, int, fd, char *, out, size_t, size)
{
    return list(fd, out, size, true);
}
#endif
