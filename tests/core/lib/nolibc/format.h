/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef NOLIBC_FORMAT_H
#define NOLIBC_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* Formats; gives each piece to put. Returns the number of bytes. */
int core_format(void (*put)(void *cookie, const char *data, size_t size), void *cookie,
                const char *format, va_list args);

#endif
