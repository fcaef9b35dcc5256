/* SPDX-License-Identifier: BSD-3-Clause */
#include <core/boot.h>
#include <core/console.h>
#include <core/fd.h>
#include <core/syscall.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int dup3(int from, int to, int flags);

static struct uk_file *table[CONFIG_LIBPOSIX_FDTAB_MAXFDS];

int uk_fd_install(struct uk_file *f, int lowest)
{
    for (int fd = lowest; fd < CONFIG_LIBPOSIX_FDTAB_MAXFDS; fd++) {
        if (table[fd])
            continue;
        table[fd] = f;
        return fd;
    }
    return -EMFILE;
}

struct uk_file *uk_fd_get(int fd)
{
    return fd >= 0 && fd < CONFIG_LIBPOSIX_FDTAB_MAXFDS ? table[fd] : NULL;
}

struct uk_file *uk_file_new(const struct uk_file_ops *ops, void *data, int flags)
{
    struct uk_file *f = calloc(1, sizeof *f);
    if (f)
        *f = (struct uk_file){ops, data, 0, flags, 1};
    return f;
}

void uk_file_drop(struct uk_file *f)
{
    if (--f->uses)
        return;
    if (f->ops->close)
        f->ops->close(f);
    free(f);
}

CORE_SYSCALL1(int, close, int, fd)
{
    struct uk_file *f = uk_fd_get(fd);
    if (!f)
        return -EBADF;
    table[fd] = NULL;
    uk_file_drop(f);
    return 0;
}

CORE_SYSCALL1(int, dup, int, fd)
{
    struct uk_file *f = uk_fd_get(fd);
    if (!f)
        return -EBADF;
    int fresh = uk_fd_install(f, 0);
    if (fresh >= 0)
        f->uses++;
    return fresh;
}

CORE_SYSCALL3(int, dup3, int, from, int, to, int, flags)
{
    struct uk_file *f = uk_fd_get(from);
    (void)flags; /* close-on-exec: nothing is ever executed */
    if (!f || to < 0 || to >= CONFIG_LIBPOSIX_FDTAB_MAXFDS)
        return -EBADF;
    if (from == to)
        return -EINVAL;
    if (table[to])
        uk_file_drop(table[to]);
    table[to] = f;
    f->uses++;
    return to;
}

CORE_SYSCALL2(int, dup2, int, from, int, to)
{
    if (from == to)
        return uk_fd_get(from) ? to : -EBADF;
    return uk_syscall_r_dup3(from, to, 0);
}

static ssize_t console_read(struct uk_file *f, void *data, size_t size, off_t at)
{
    (void)f;
    (void)at;
    return uk_console_read(data, size);
}

static ssize_t console_write(struct uk_file *f, const void *data, size_t size, off_t at)
{
    (void)f;
    (void)at;
    uk_console_write(data, size);
    return (ssize_t)size;
}

static int console_stat(struct uk_file *f, struct stat *out)
{
    (void)f;
    *out = (struct stat){.st_mode = S_IFCHR | 0620, .st_rdev = 0x8801, .st_blksize = 1024};
    return 0;
}

static int console_poll(struct uk_file *f)
{
    (void)f;
    return POLLOUT | (uk_console_ready() ? POLLIN : 0);
}

static int init(void)
{
    static const struct uk_file_ops ops = {console_read, console_write, NULL,
                                           console_stat, console_poll,  NULL};
    static struct uk_file console = {&ops, NULL, 0, O_RDWR, 4}; /* one use more: never freed */
    for (int fd = 0; fd < 3; fd++)
        table[fd] = &console;
    return 0;
}
UKBOOT_INIT(1, init);
