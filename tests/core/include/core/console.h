/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CORE_CONSOLE_H
#define CORE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

void uk_console_write(const char *data, size_t size);
/* A line or part of one; 0: the input has ended. */
long uk_console_read(char *data, size_t size);
bool uk_console_ready(void);
/* Writes a NUL-terminated text. */
void uk_console_text(const char *text);
void uk_console_number(unsigned long value, unsigned base);

#endif
