/* SPDX-License-Identifier: BSD-3-Clause */
#include "format.h"
#include <core/alloc.h>
#include <core/console.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct core_stream {
    const struct core_stream_ops *ops;
    void *cookie;
    int mode; /* as for setvbuf */
    bool end, error, writing;
    int back; /* ungetc, -1: none */
    size_t used, at;
    char buffer[CONFIG_LIBNOLIBC_BUFFER];
    struct core_stream *next;
};

static ssize_t console_read(void *cookie, char *data, size_t size)
{
    (void)cookie;
    return uk_console_read(data, size);
}

static ssize_t console_write(void *cookie, const char *data, size_t size)
{
    (void)cookie;
    uk_console_write(data, size);
    return (ssize_t)size;
}

static const struct core_stream_ops console_ops = {console_read, console_write, NULL, NULL};
static FILE in = {.ops = &console_ops, .mode = _IOLBF, .back = -1};
static FILE out = {.ops = &console_ops, .mode = _IOLBF, .back = -1};
static FILE err = {.ops = &console_ops, .mode = _IONBF, .back = -1};
FILE *const core_stdin = &in, *const core_stdout = &out, *const core_stderr = &err;
static FILE *opened;

FILE *core_stream_new(const struct core_stream_ops *ops, void *cookie, int mode)
{
    FILE *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->ops = ops;
    f->cookie = cookie;
    f->mode = mode;
    f->back = -1;
    f->next = opened;
    opened = f;
    return f;
}

static int write_out(FILE *f)
{
    size_t done = 0;
    while (f->writing && done < f->used) {
        ssize_t n = f->ops->write(f->cookie, f->buffer + done, f->used - done);
        if (n <= 0) {
            f->error = true;
            f->used = 0;
            return EOF;
        }
        done += (size_t)n;
    }
    if (f->writing)
        f->used = 0;
    return 0;
}

int fflush(FILE *f)
{
    if (f)
        return write_out(f);
    int result = write_out(&out);
    for (f = opened; f; f = f->next)
        result |= write_out(f);
    return result;
}

static void flush_all(void)
{
    fflush(NULL);
}

/* The first byte written asks for everything to be flushed at exit. */
static void begin_writing(FILE *f)
{
    static bool registered;
    if (!registered) {
        registered = true;
        atexit(flush_all);
    }
    if (!f->writing) {
        f->used = f->at = 0;
        f->writing = true;
    }
}

static void put(void *cookie, const char *data, size_t size)
{
    FILE *f = cookie;
    begin_writing(f);
    for (size_t i = 0; i < size; i++) {
        f->buffer[f->used++] = data[i];
        if (f->used == sizeof f->buffer || (f->mode == _IOLBF && data[i] == '\n'))
            write_out(f);
    }
    if (f->mode == _IONBF)
        write_out(f);
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *f)
{
    put(f, data, size * count);
    return f->error ? 0 : count;
}

int fgetc(FILE *f)
{
    if (f->back >= 0) {
        int c = f->back;
        f->back = -1;
        return c;
    }
    if (f->writing) {
        write_out(f);
        f->writing = false;
        f->used = f->at = 0;
    }
    if (f == &in)
        write_out(&out);
    if (f->at == f->used) {
        ssize_t n = f->end ? 0 : f->ops->read(f->cookie, f->buffer, sizeof f->buffer);
        f->at = 0;
        f->used = n > 0 ? (size_t)n : 0;
        f->end = n == 0;
        f->error = n < 0;
        if (n <= 0)
            return EOF;
    }
    return (unsigned char)f->buffer[f->at++];
}

size_t fread(void *data, size_t size, size_t count, FILE *f)
{
    unsigned char *p = data;
    size_t wanted = size * count, n = 0;
    for (int c; n < wanted && (c = fgetc(f)) != EOF; n++)
        p[n] = (unsigned char)c;
    return size ? n / size : 0;
}

int fseek(FILE *f, long offset, int whence)
{
    if (!f->ops->seek) {
        errno = ESPIPE;
        return -1;
    }
    write_out(f);
    if (!f->writing && whence == SEEK_CUR)
        offset -= (long)(f->used - f->at) + (f->back >= 0);
    f->used = f->at = 0;
    f->writing = f->end = false;
    f->back = -1;
    return f->ops->seek(f->cookie, offset, whence) < 0 ? -1 : 0;
}

long ftell(FILE *f)
{
    if (!f->ops->seek) {
        errno = ESPIPE;
        return -1;
    }
    long at = f->ops->seek(f->cookie, 0, SEEK_CUR);
    if (at < 0)
        return at;
    return f->writing ? at + (long)f->used : at - (long)(f->used - f->at) - (f->back >= 0);
}

void rewind(FILE *f)
{
    fseek(f, 0, SEEK_SET);
    clearerr(f);
}

int fclose(FILE *f)
{
    int result = write_out(f);
    if (f->ops->close && f->ops->close(f->cookie) < 0)
        result = EOF;
    for (FILE **p = &opened; *p; p = &(*p)->next) {
        if (*p != f)
            continue;
        *p = f->next;
        free(f);
        break;
    }
    return result;
}

int feof(FILE *f)
{
    return f->end;
}

int ferror(FILE *f)
{
    return f->error;
}

void clearerr(FILE *f)
{
    f->end = f->error = false;
}

int setvbuf(FILE *f, char *buffer, int mode, size_t size)
{
    (void)buffer;
    (void)size;
    f->mode = mode;
    return 0;
}

int getc(FILE *f)
{
    return fgetc(f);
}

int getchar(void)
{
    return fgetc(&in);
}

int ungetc(int c, FILE *f)
{
    if (c != EOF) {
        f->back = (unsigned char)c;
        f->end = false;
    }
    return c;
}

char *fgets(char *s, int n, FILE *f)
{
    int used = 0, c = 0;
    while (used + 1 < n && c != '\n' && (c = fgetc(f)) != EOF)
        s[used++] = (char)c;
    if (!used)
        return NULL;
    s[used] = '\0';
    return s;
}

int fputc(int c, FILE *f)
{
    char byte = (char)c;
    put(f, &byte, 1);
    return (unsigned char)c;
}

int putc(int c, FILE *f)
{
    return fputc(c, f);
}

int putchar(int c)
{
    return fputc(c, &out);
}

int fputs(const char *s, FILE *f)
{
    put(f, s, strlen(s));
    return 0;
}

int puts(const char *s)
{
    fputs(s, &out);
    return fputc('\n', &out);
}

void perror(const char *s)
{
    int kept = errno;
    fprintf(&err, "%s%s%s\n", s ? s : "", s && *s ? ": " : "", strerror(kept));
}

int vfprintf(FILE *f, const char *format, va_list args)
{
    return core_format(put, f, format, args);
}

int vprintf(const char *format, va_list args)
{
    return vfprintf(&out, format, args);
}

int printf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vfprintf(&out, format, args);
    va_end(args);
    return n;
}

int fprintf(FILE *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vfprintf(f, format, args);
    va_end(args);
    return n;
}

struct string_sink {
    char *to;
    size_t room;
};

static void put_string(void *cookie, const char *data, size_t size)
{
    struct string_sink *s = cookie;
    size_t n = size < s->room ? size : s->room;
    memcpy(s->to, data, n);
    s->to += n;
    s->room -= n;
}

int vsnprintf(char *s, size_t n, const char *format, va_list args)
{
    struct string_sink sink = {s, n ? n - 1 : 0};
    int total = core_format(put_string, &sink, format, args);
    if (n)
        *sink.to = '\0';
    return total;
}

int vsprintf(char *s, const char *format, va_list args)
{
    return vsnprintf(s, (size_t)1 << 30, format, args);
}

int snprintf(char *s, size_t n, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int total = vsnprintf(s, n, format, args);
    va_end(args);
    return total;
}

int sprintf(char *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int total = vsnprintf(s, (size_t)1 << 30, format, args);
    va_end(args);
    return total;
}
