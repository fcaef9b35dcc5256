/* SPDX-License-Identifier: BSD-3-Clause
 * C streams and folder streams over files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

long getdents64(int fd, char *out, size_t size);

static ssize_t stream_read(void *cookie, char *data, size_t size)
{
    return read((int)(intptr_t)cookie, data, size);
}

static ssize_t stream_write(void *cookie, const char *data, size_t size)
{
    return write((int)(intptr_t)cookie, data, size);
}

static off_t stream_seek(void *cookie, off_t offset, int whence)
{
    return lseek((int)(intptr_t)cookie, offset, whence);
}

static int stream_close(void *cookie)
{
    return close((int)(intptr_t)cookie);
}

FILE *fopen(const char *path, const char *mode)
{
    static const struct core_stream_ops ops = {stream_read, stream_write, stream_seek,
                                               stream_close};
    bool both = strchr(mode, '+') != NULL;
    int flags = both ? O_RDWR : *mode == 'r' ? O_RDONLY : O_WRONLY;
    flags |= *mode == 'w' ? O_CREAT | O_TRUNC : *mode == 'a' ? O_CREAT | O_APPEND : 0;
    int fd = open(path, flags, 0666);
    FILE *f = fd < 0 ? NULL : core_stream_new(&ops, (void *)(intptr_t)fd, _IOFBF);
    if (fd >= 0 && !f)
        close(fd);
    return f;
}

int remove(const char *path)
{
    return unlink(path) == 0 || (errno == EISDIR && rmdir(path) == 0) ? 0 : -1;
}

struct core_directory {
    int fd;
    size_t used, at;
    char data[1024];
    struct dirent entry;
};

DIR *opendir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    DIR *d = fd < 0 ? NULL : calloc(1, sizeof *d);
    if (d)
        d->fd = fd;
    else if (fd >= 0)
        close(fd);
    return d;
}

struct dirent *readdir(DIR *d)
{
    if (d->at == d->used) {
        long n = getdents64(d->fd, d->data, sizeof d->data);
        if (n <= 0)
            return NULL;
        d->used = (size_t)n;
        d->at = 0;
    }
    const struct dirent *e = (const struct dirent *)(d->data + d->at);
    memcpy(&d->entry, e, e->d_reclen);
    d->at += e->d_reclen;
    return &d->entry;
}

int closedir(DIR *d)
{
    int result = close(d->fd);
    free(d);
    return result;
}
