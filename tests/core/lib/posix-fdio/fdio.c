/* SPDX-License-Identifier: BSD-3-Clause */
#include <core/fd.h>
#include <core/syscall.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { TCGETS = 0x5401, TIOCGWINSZ = 0x5413, FIONBIO = 0x5421, TERMINAL_SIZE = 36 };

ssize_t pread64(int fd, void *data, size_t size, off_t at);
ssize_t pwrite64(int fd, const void *data, size_t size, off_t at);
int ioctl(int fd, unsigned long request, ...);

static ssize_t read_at(struct uk_file *f, void *data, size_t size, off_t at)
{
    if ((f->flags & O_ACCMODE) == O_WRONLY)
        return -EBADF;
    return f->ops->read ? f->ops->read(f, data, size, at) : -EINVAL;
}

static ssize_t write_at(struct uk_file *f, const void *data, size_t size, off_t at)
{
    if ((f->flags & O_ACCMODE) == O_RDONLY)
        return -EBADF;
    return f->ops->write ? f->ops->write(f, data, size, at) : -EINVAL;
}

CORE_SYSCALL3(ssize_t, read, int, fd, void *, data, size_t, size)
{
    struct uk_file *f = uk_fd_get(fd);
    ssize_t n = f ? read_at(f, data, size, f->at) : -EBADF;
    if (n > 0)
        f->at += n;
    return n;
}

CORE_SYSCALL3(ssize_t, write, int, fd, const void *, data, size_t, size)
{
    struct uk_file *f = uk_fd_get(fd);
    if (f && (f->flags & O_APPEND) && f->ops->size)
        f->at = f->ops->size(f);
    ssize_t n = f ? write_at(f, data, size, f->at) : -EBADF;
    if (n > 0)
        f->at += n;
    return n;
}

CORE_SYSCALL3(ssize_t, readv, int, fd, const struct iovec *, v, int, count)
{
    ssize_t total = 0;
    for (int i = 0; i < count; i++) {
        ssize_t n = uk_syscall_r_read(fd, (long)v[i].iov_base, (long)v[i].iov_len);
        if (n < 0)
            return total ? total : n;
        total += n;
        if ((size_t)n < v[i].iov_len)
            break;
    }
    return total;
}

CORE_SYSCALL3(ssize_t, writev, int, fd, const struct iovec *, v, int, count)
{
    ssize_t total = 0;
    for (int i = 0; i < count; i++) {
        ssize_t n = uk_syscall_r_write(fd, (long)v[i].iov_base, (long)v[i].iov_len);
        if (n < 0)
            return total ? total : n;
        total += n;
    }
    return total;
}

CORE_SYSCALL4(ssize_t, pread64, int, fd, void *, data, size_t, size, off_t, at)
{
    struct uk_file *f = uk_fd_get(fd);
    if (!f)
        return -EBADF;
    return f->ops->size ? read_at(f, data, size, at) : -ESPIPE;
}

CORE_SYSCALL4(ssize_t, pwrite64, int, fd, const void *, data, size_t, size, off_t, at)
{
    struct uk_file *f = uk_fd_get(fd);
    if (!f)
        return -EBADF;
    return f->ops->size ? write_at(f, data, size, at) : -ESPIPE;
}

ssize_t pread(int fd, void *data, size_t size, off_t at)
{
    return pread64(fd, data, size, at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    return pwrite64(fd, data, size, at);
}

CORE_SYSCALL3(off_t, lseek, int, fd, off_t, offset, int, whence)
{
    struct uk_file *f = uk_fd_get(fd);
    if (!f)
        return -EBADF;
    if (!f->ops->size)
        return -ESPIPE;
    off_t base = whence == SEEK_CUR ? f->at : whence == SEEK_END ? f->ops->size(f) : 0;
    if (whence < 0 || whence > SEEK_END || offset < -base)
        return -EINVAL;
    f->at = base + offset;
    return f->at;
}

CORE_SYSCALL2(int, fstat, int, fd, struct stat *, out)
{
    struct uk_file *f = uk_fd_get(fd);
    if (!f)
        return -EBADF;
    return f->ops->stat ? f->ops->stat(f, out) : -EINVAL;
}

CORE_RAW3(fcntl, int, fd, int, command, long, argument)
{
    struct uk_file *f = uk_fd_get(fd);
    if (!f)
        return -EBADF;
    switch (command) {
    case F_DUPFD:
    case 1030: { /* with close-on-exec */
        int fresh = uk_fd_install(f, (int)argument);
        if (fresh >= 0)
            f->uses++;
        return fresh;
    }
    case F_GETFD:
    case F_SETFD:
        return 0;
    case F_GETFL:
        return f->flags;
    case F_SETFL:
        f->flags = (f->flags & (O_ACCMODE | O_CREAT)) | (int)argument;
        return 0;
    default:
        return -EINVAL;
    }
}

int fcntl(int fd, int command, ...)
{
    va_list args;
    va_start(args, command);
    long argument = va_arg(args, long);
    va_end(args);
    return (int)core_result(uk_syscall_r_fcntl(fd, command, argument));
}

CORE_RAW3(ioctl, int, fd, unsigned long, request, void *, argument)
{
    struct stat st;
    long known = uk_syscall_r_fstat(fd, (long)&st);
    if (known < 0)
        return known;
    if (request == FIONBIO) {
        struct uk_file *f = uk_fd_get(fd);
        f->flags = *(int *)argument ? f->flags | O_NONBLOCK : f->flags & ~O_NONBLOCK;
        return 0;
    }
    if (!S_ISCHR(st.st_mode))
        return -ENOTTY;
    if (request == TCGETS) {
        memset(argument, 0, TERMINAL_SIZE);
        return 0;
    }
    if (request == TIOCGWINSZ) {
        memcpy(argument, (unsigned short[]){24, 80, 0, 0}, 8);
        return 0;
    }
    return -ENOTTY;
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    va_start(args, request);
    void *argument = va_arg(args, void *);
    va_end(args);
    return (int)core_result(uk_syscall_r_ioctl(fd, (long)request, (long)argument));
}

int isatty(int fd)
{
    char state[TERMINAL_SIZE];
    return ioctl(fd, TCGETS, state) == 0;
}
