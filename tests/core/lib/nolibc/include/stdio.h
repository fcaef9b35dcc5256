/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _STDIO_H
#define _STDIO_H

#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>

#define EOF      (-1)
#define BUFSIZ   512
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define _IOFBF   0
#define _IOLBF   1
#define _IONBF   2

/* A stream over whatever these functions reach. */
struct core_stream_ops {
    ssize_t (*read)(void *cookie, char *data, size_t size);
    ssize_t (*write)(void *cookie, const char *data, size_t size);
    off_t (*seek)(void *cookie, off_t offset, int whence);
    int (*close)(void *cookie);
};
typedef struct core_stream FILE;
extern FILE *const core_stdin, *const core_stdout, *const core_stderr;
#define stdin  core_stdin
#define stdout core_stdout
#define stderr core_stderr

/* A new stream; mode of the buffer as for setvbuf. NULL: no memory. */
FILE *core_stream_new(const struct core_stream_ops *ops, void *cookie, int mode);

FILE *fopen(const char *path, const char *mode);
int fclose(FILE *f);
int fflush(FILE *f);
size_t fread(void *data, size_t size, size_t count, FILE *f);
size_t fwrite(const void *data, size_t size, size_t count, FILE *f);
int fseek(FILE *f, long offset, int whence);
long ftell(FILE *f);
void rewind(FILE *f);
int feof(FILE *f);
int ferror(FILE *f);
void clearerr(FILE *f);
int setvbuf(FILE *f, char *buffer, int mode, size_t size);
int fgetc(FILE *f);
int getc(FILE *f);
int getchar(void);
int ungetc(int c, FILE *f);
char *fgets(char *s, int n, FILE *f);
int fputc(int c, FILE *f);
int putc(int c, FILE *f);
int putchar(int c);
int fputs(const char *s, FILE *f);
int puts(const char *s);
void perror(const char *s);
int remove(const char *path);
int rename(const char *from, const char *to);
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int fprintf(FILE *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
int sprintf(char *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
int snprintf(char *s, size_t n, const char *format, ...) __attribute__((format(printf, 3, 4)));
int vprintf(const char *format, va_list args);
int vfprintf(FILE *f, const char *format, va_list args);
int vsprintf(char *s, const char *format, va_list args);
int vsnprintf(char *s, size_t n, const char *format, va_list args);

#endif
