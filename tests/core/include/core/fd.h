/* SPDX-License-Identifier: BSD-3-Clause
 * Open files. Kept by posix-fdtab; made by the console, vfscore and posix-socket. */
#ifndef CORE_FD_H
#define CORE_FD_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

struct uk_file;

/* A function that is NULL is refused. All return a negative errno on failure. */
struct uk_file_ops {
    ssize_t (*read)(struct uk_file *f, void *data, size_t size, off_t at);
    ssize_t (*write)(struct uk_file *f, const void *data, size_t size, off_t at);
    off_t (*size)(struct uk_file *f); /* NULL: cannot seek */
    int (*stat)(struct uk_file *f, struct stat *out);
    int (*poll)(struct uk_file *f); /* POLLIN, POLLOUT, POLLHUP; NULL: both ready */
    void (*close)(struct uk_file *f);
};

struct uk_file {
    const struct uk_file_ops *ops;
    void *data;
    off_t at;
    int flags; /* O_... */
    unsigned uses;
};

/* Takes f over and gives a descriptor of at least lowest, or -EMFILE. */
int uk_fd_install(struct uk_file *f, int lowest);
/* NULL: not open. */
struct uk_file *uk_fd_get(int fd);
/* A new file with one use; NULL: no memory. */
struct uk_file *uk_file_new(const struct uk_file_ops *ops, void *data, int flags);
/* One use less; the last one closes. */
void uk_file_drop(struct uk_file *f);

#endif
