/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/diag.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void diag_init(struct diag *d, int verbosity)
{
    memset(d, 0, sizeof *d);
    d->verbosity = verbosity;
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    d->terminal = isatty(STDERR_FILENO) && (!term || strcmp(term, "dumb") != 0);
    d->colour = d->terminal && (!no_color || !*no_color);
}

enum status diag_fail(struct diag *d, enum status status, const char *format, ...)
{
    /* Arguments may point into the message being replaced: format into a copy first. */
    char text[sizeof d->message];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    memcpy(d->message, text, sizeof text);
    return status;
}

static void line(struct diag *d, const char *label, const char *colour, const char *format,
                 va_list args)
{
    diag_progress_end(d);
    if (label)
        fprintf(stderr, "%s%s:%s ", d->colour ? colour : "", label, d->colour ? "\033[0m" : "");
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

void diag_warn(struct diag *d, const char *format, ...)
{
    if (d->verbosity < 0)
        return;
    va_list args;
    va_start(args, format);
    line(d, "warning", "\033[33m", format, args);
    va_end(args);
}

void diag_note(struct diag *d, const char *format, ...)
{
    if (d->verbosity < 0)
        return;
    va_list args;
    va_start(args, format);
    line(d, NULL, "", format, args);
    va_end(args);
}

void diag_debug(struct diag *d, int level, const char *format, ...)
{
    if (d->verbosity < level)
        return;
    va_list args;
    va_start(args, format);
    line(d, NULL, "", format, args);
    va_end(args);
}

void diag_progress(struct diag *d, size_t done, size_t total, const char *format, ...)
{
    if (d->verbosity < 0 || !d->terminal)
        return;
    char text[160];
    int used = total ? snprintf(text, sizeof text, "[%zu/%zu] ", done, total) : 0;
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, sizeof text - (size_t)used, format, args);
    va_end(args);
    text[78] = '\0';
    size_t length = strlen(text);
    fprintf(stderr, "\r%s%*s", text, d->progress > length ? (int)(d->progress - length) : 0, "");
    fflush(stderr);
    d->progress = length;
}

void diag_progress_end(struct diag *d)
{
    if (d->progress)
        fprintf(stderr, "\r%*s\r", (int)d->progress, "");
    d->progress = 0;
}

void diag_print_failure(struct diag *d)
{
    diag_progress_end(d);
    fprintf(stderr, "%stoolchain:%s %s\n", d->colour ? "\033[31m" : "", d->colour ? "\033[0m" : "",
            d->message[0] ? d->message : "failed without a message (please report this)");
}
