/* SPDX-License-Identifier: BSD-3-Clause */
#include <core/console.h>
#include <core/plat.h>
#include <string.h>

void uk_console_write(const char *data, size_t size)
{
    plat_console_write(data, size);
    if (CONFIG_LIBUKCONSOLE_PAUSE_US && memchr(data, '\n', size))
        plat_sleep_ns(CONFIG_LIBUKCONSOLE_PAUSE_US * 1000u);
}

long uk_console_read(char *data, size_t size)
{
    long n = plat_console_read(data, size);
#ifdef CONFIG_LIBUKCONSOLE_ECHO
    plat_console_write(data, (size_t)n);
#endif
    return n;
}

bool uk_console_ready(void)
{
    return plat_console_ready();
}

void uk_console_text(const char *text)
{
    uk_console_write(text, strlen(text));
}

void uk_console_number(unsigned long value, unsigned base)
{
    char buffer[65];
    size_t at = sizeof buffer;
    do {
        buffer[--at] = "0123456789abcdef"[value % base];
    } while (value /= base);
    uk_console_write(buffer + at, sizeof buffer - at);
}
