/* SPDX-License-Identifier: BSD-3-Clause
 * Private to crawler/: the stack of open Kconfig files and their logical lines. */
#ifndef CRAWLER_KCONFIG_LINES_H
#define CRAWLER_KCONFIG_LINES_H

#include "crawler/kconfig_parse.h"

struct kparse_input {
    struct kparse_input *from; /* the file whose source statement opened this one */
    const char *path;
    char *next;       /* the rest of the text */
    size_t line;      /* number of the line read last (its last physical line) */
    size_t next_line; /* number of the line at next */
    bool optional;
};

/* Opens a file on top of the stack. Refuses cycles, too many and too large files. */
enum status kinput_open(struct kparse *k, const char *path);
void kinput_close(struct kparse *k);
/* The next line of the innermost file, continuation lines joined, without its newline; NULL at the
 * file's end. Sets where messages point to. */
char *kinput_line(struct kparse *k);
/* Skips the indented text of a help. */
void kinput_skip_help(struct kparse *k);
/* "FILE:LINE: " and the message. */
enum status kinput_fail(struct kparse *k, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void kinput_problem(struct kparse *k, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
