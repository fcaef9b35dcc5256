/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEFAULT_LIMIT = 256 << 20, READ_STEP = 64 * 1024 };
static const size_t json_flags = JSON_INDENT(2);

/* Reads what fd gives until its end; grows by doubling, stops past limit. */
static enum status read_all(struct diag *d, struct arena *a, int fd, const char *path, size_t limit,
                            char **data, size_t *size)
{
    size_t capacity = READ_STEP, used = 0;
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size < limit)
        capacity = (size_t)st.st_size + 2;
    char *buffer = arena_alloc(a, capacity);
    for (;;) {
        if (used + 1 >= capacity) {
            buffer = arena_grow(a, buffer, used, capacity * 2);
            capacity *= 2;
        }
        ssize_t n = read(fd, buffer + used, capacity - used - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return diag_fail(d, STATUS_INPUT, "%s: cannot read: %s", path, strerror(errno));
        if (n == 0)
            break;
        used += (size_t)n;
        if (used > limit)
            return diag_fail(d, STATUS_INPUT, "%s: larger than the %zu bytes allowed here", path,
                             limit);
    }
    buffer[used] = '\0';
    *data = buffer;
    *size = used;
    return STATUS_OK;
}

enum status file_read(struct diag *d, struct arena *a, const char *path, size_t limit, char **data,
                      size_t *size)
{
    if (!limit)
        limit = DEFAULT_LIMIT;
    *data = NULL;
    *size = 0;
    if (strcmp(path, "-") == 0)
        return read_all(d, a, STDIN_FILENO, "standard input", limit, data, size);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return diag_fail(d, STATUS_INPUT, "%s: cannot open: %s", path, strerror(errno));
    struct stat st;
    enum status status;
    if (fstat(fd, &st) != 0)
        status = diag_fail(d, STATUS_INPUT, "%s: cannot examine: %s", path, strerror(errno));
    else if (S_ISDIR(st.st_mode))
        status = diag_fail(d, STATUS_INPUT, "%s: is a directory, a file was expected", path);
    else if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
        status = diag_fail(d, STATUS_INPUT, "%s: neither a regular file nor a pipe", path);
    else if (fcntl(fd, F_SETFL, 0) !=
             0) /* it was opened so that a pipe could not keep us waiting */
        status = diag_fail(d, STATUS_SYSTEM, "%s: %s", path, strerror(errno));
    else
        status = read_all(d, a, fd, path, limit, data, size);
    close(fd);
    return status;
}

static bool write_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

enum status file_write(struct diag *d, const char *path, const void *data, size_t size,
                       unsigned mode)
{
    char temporary[4096];
    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
        return diag_fail(d, STATUS_INPUT, "%s: name too long", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return diag_fail(d, STATUS_SYSTEM, "%s: cannot create: %s", path, strerror(errno));
    bool good = write_all(fd, data, size) && fchmod(fd, mode ? mode : 0644) == 0;
    int saved = errno;
    if (close(fd) != 0 && good) {
        good = false;
        saved = errno;
    }
    if (good && rename(temporary, path) != 0) {
        good = false;
        saved = errno;
    }
    if (good)
        return STATUS_OK;
    unlink(temporary);
    return diag_fail(d, STATUS_SYSTEM, "%s: cannot write: %s", path, strerror(saved));
}

enum status dir_make(struct diag *d, const char *path)
{
    char partial[4096];
    size_t length = strlen(path);
    if (!length || length >= sizeof partial)
        return diag_fail(d, STATUS_INPUT, "'%s': not a usable folder name", path);
    memcpy(partial, path, length + 1);
    for (char *p = partial + 1;; p++) {
        if (*p && *p != '/')
            continue;
        char kept = *p;
        *p = '\0';
        if (mkdir(partial, 0777) != 0 && errno != EEXIST)
            return diag_fail(d, STATUS_SYSTEM, "%s: cannot create folder: %s", partial,
                             strerror(errno));
        if (!kept)
            break;
        *p = kept;
    }
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return diag_fail(d, STATUS_SYSTEM, "%s: exists and is not a folder", path);
    return STATUS_OK;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

enum status file_copy(struct diag *d, const char *from, const char *to)
{
    char folder[4096];
    const char *slash = strrchr(to, '/');
    if (slash && slash != to) {
        if ((size_t)(slash - to) >= sizeof folder)
            return diag_fail(d, STATUS_INPUT, "%s: name too long", to);
        memcpy(folder, to, (size_t)(slash - to));
        folder[slash - to] = '\0';
        enum status made = dir_make(d, folder);
        if (made)
            return made;
    }
    struct stat st;
    if (stat(from, &st) != 0)
        return diag_fail(d, STATUS_INPUT, "%s: cannot examine: %s", from, strerror(errno));
    struct arena *a = arena_new();
    char *data = NULL;
    size_t size = 0;
    enum status status = file_read(d, a, from, (size_t)2 << 30, &data, &size);
    if (!status)
        status = file_write(d, to, data, size, st.st_mode & 0777);
    arena_free(a);
    return status;
}

enum status json_read(struct diag *d, const char *path, json_t **out)
{
    struct arena *a = arena_new();
    char *data = NULL;
    size_t size = 0;
    *out = NULL;
    enum status status = file_read(d, a, path, 0, &data, &size);
    if (!status && data) {
        json_error_t error;
        *out = json_loadb(data, size, JSON_REJECT_DUPLICATES, &error);
        if (!size)
            status = diag_fail(d, STATUS_INPUT, "%s: empty, JSON was expected", path);
        else if (!*out)
            status = diag_fail(d, STATUS_INPUT, "%s:%d:%d: not valid JSON: %s", path, error.line,
                               error.column, error.text);
    }
    arena_free(a);
    return status;
}

static char *dump(struct diag *d, const json_t *value, size_t *length)
{
    char *text = json_dumps(value, json_flags);
    if (!text) {
        diag_fail(d, STATUS_SYSTEM, "cannot write the document as JSON (text that is not UTF-8?)");
        return NULL;
    }
    *length = strlen(text);
    text[(*length)++] = '\n'; /* in place of the NUL: the length travels with it */
    return text;
}

enum status json_write(struct diag *d, const char *path, const json_t *value)
{
    size_t length;
    char *text = dump(d, value, &length);
    if (!text)
        return STATUS_SYSTEM;
    enum status status = file_write(d, path, text, length, 0);
    free(text);
    return status;
}

enum status json_print(struct diag *d, const json_t *value)
{
    size_t length;
    char *text = dump(d, value, &length);
    if (!text)
        return STATUS_SYSTEM;
    bool good = fwrite(text, 1, length, stdout) == length && fflush(stdout) == 0;
    free(text);
    return good ? STATUS_OK : diag_fail(d, STATUS_SYSTEM, "standard output: cannot write");
}
