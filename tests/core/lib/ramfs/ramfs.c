/* SPDX-License-Identifier: BSD-3-Clause */
#include <core/boot.h>
#include <core/vfs.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

extern const struct vfs_driver ramfs_driver;

static ssize_t ram_read(struct vfs_node *n, void *data, size_t size, off_t at)
{
    if (at < 0 || (size_t)at >= n->size)
        return 0;
    size = size < n->size - (size_t)at ? size : n->size - (size_t)at;
    memcpy(data, n->data + at, size);
    return (ssize_t)size;
}

static int make_room(struct vfs_node *n, size_t size)
{
    if (size <= n->room)
        return 0;
    size_t room = size < 64 ? 64 : size + size / 2;
    char *data = realloc(n->data, room);
    if (!data)
        return -ENOSPC;
    n->data = data;
    n->room = room;
    return 0;
}

static int ram_truncate(struct vfs_node *n, off_t size)
{
    int error = make_room(n, (size_t)size);
    if (!error && (size_t)size > n->size)
        memset(n->data + n->size, 0, (size_t)size - n->size);
    if (!error)
        n->size = (size_t)size;
    return error;
}

static ssize_t ram_write(struct vfs_node *n, const void *data, size_t size, off_t at)
{
    if (at < 0 || size > (size_t)1 << 40)
        return -EINVAL;
    size_t end = (size_t)at + size;
    int error = end > n->size ? ram_truncate(n, (off_t)end) : 0;
    if (error)
        return error;
    memcpy(n->data + at, data, size);
    return (ssize_t)size;
}

static void ram_release(struct vfs_node *n)
{
    if (n->room)
        free(n->data);
}

const struct vfs_driver ramfs_driver = {"ramfs",   false,        ram_read,
                                        ram_write, ram_truncate, ram_release};

#if defined CONFIG_LIBVFSCORE_ROOT_RAMFS || defined CONFIG_LIBVFSCORE_ROOT_INITRD
static int mount(void)
{
    return vfs_mount_root(&ramfs_driver);
}
UKBOOT_INIT(2, mount);
#endif
