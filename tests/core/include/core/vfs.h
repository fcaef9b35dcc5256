/* SPDX-License-Identifier: BSD-3-Clause
 * The tree of names, kept by vfscore; a file system keeps the bytes of its files. */
#ifndef CORE_VFS_H
#define CORE_VFS_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

struct vfs_node;

struct vfs_driver {
    const char *name;
    bool read_only;
    ssize_t (*read)(struct vfs_node *n, void *data, size_t size, off_t at);
    ssize_t (*write)(struct vfs_node *n, const void *data, size_t size, off_t at);
    int (*truncate)(struct vfs_node *n, off_t size);
    void (*release)(struct vfs_node *n); /* the last use is gone */
};

struct vfs_node {
    char *name;
    mode_t mode;
    ino_t number;
    struct vfs_node *parent, *children, *next;
    const struct vfs_driver *driver;
    char *data; /* the driver's: bytes of a file, or the target of a link */
    size_t size, room;
    unsigned uses; /* open files, and the tree */
    uint64_t changed_ns;
};

/* Makes the driver's root the one of all names. */
int vfs_mount_root(const struct vfs_driver *driver);
/* Creates a node and the folders above it; NULL: no memory or no root. */
struct vfs_node *vfs_make(const char *path, mode_t mode);
/* Finds a node; relative paths begin at the folder from (NULL: the current one). *error is set to
 * a negative errno where NULL is returned. */
struct vfs_node *vfs_find(struct vfs_node *from, const char *path, bool follow, int *error);

#endif
