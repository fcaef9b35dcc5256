/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VFSCORE_PRIVATE_H
#define VFSCORE_PRIVATE_H

#include <core/fd.h>
#include <core/vfs.h>

extern const struct uk_file_ops vfs_file_ops;
extern struct vfs_node *vfs_current;

/* The folder that relative names of an ...at call begin at; *error 0 on success. */
struct vfs_node *vfs_folder_of(int fd, int *error);
/* The folder a new name belongs into; *name is its last part. */
struct vfs_node *vfs_parent_of(struct vfs_node *from, const char *path, const char **name,
                               int *error);
struct vfs_node *vfs_child(struct vfs_node *folder, const char *name, size_t length);
/* Adds a node; NULL: no memory. */
struct vfs_node *vfs_add(struct vfs_node *folder, const char *name, size_t length, mode_t mode);
/* Takes a node out of the tree. */
void vfs_detach(struct vfs_node *n);
void vfs_drop(struct vfs_node *n);
void vfs_stat(const struct vfs_node *n, struct stat *out);
/* Writes the node's absolute name; -ERANGE: too long. */
int vfs_name(const struct vfs_node *n, char *out, size_t size);

#endif
