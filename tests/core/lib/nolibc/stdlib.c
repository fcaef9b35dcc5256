/* SPDX-License-Identifier: BSD-3-Clause */
#include <core/alloc.h>
#include <core/boot.h>
#include <core/plat.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HANDLERS = 32 };
static void (*handlers[MAX_HANDLERS])(void);
static unsigned handler_count, random_state = 1;

int atexit(void (*function)(void))
{
    if (handler_count == MAX_HANDLERS)
        return -1;
    handlers[handler_count++] = function;
    return 0;
}

_Noreturn void exit(int status)
{
    while (handler_count)
        handlers[--handler_count]();
    ukboot_shutdown(status);
}

_Noreturn void _Exit(int status)
{
    ukboot_shutdown(status);
}

_Noreturn void abort(void)
{
    static const char text[] = "aborted\n";
    plat_console_write(text, sizeof text - 1);
    ukboot_shutdown(128 + 6);
}

void *malloc(size_t size)
{
    void *p = uk_malloc(size);
    if (!p)
        errno = ENOMEM;
    return p;
}

void *calloc(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    void *p = malloc(total);
    if (p)
        memset(p, 0, total);
    return p;
}

void *realloc(void *p, size_t size)
{
    return uk_realloc(p, size);
}

void free(void *p)
{
    uk_free(p);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return uk_memalign(alignment, size);
}

int posix_memalign(void **p, size_t alignment, size_t size)
{
    *p = uk_memalign(alignment, size);
    return *p ? 0 : ENOMEM;
}

int abs(int x)
{
    return x < 0 ? -x : x;
}

long labs(long x)
{
    return x < 0 ? -x : x;
}

static int digit_of(int c)
{
    if (isdigit(c))
        return c - '0';
    if (isalpha(c))
        return tolower(c) - 'a' + 10;
    return 99;
}

/* Reads sign, prefix and digits; *over says that the value left the range of unsigned long long. */
static unsigned long long digits(const char *s, char **end, int base, bool *minus, bool *over)
{
    const char *p = s;
    unsigned long long value = 0;
    bool any = false;
    *over = false;
    while (isspace((unsigned char)*p))
        p++;
    *minus = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    if ((base == 0 || base == 16) && p[0] == '0' && (p[1] == 'x' || p[1] == 'X') &&
        isxdigit((unsigned char)p[2])) {
        p += 2;
        base = 16;
    } else if (base == 0) {
        base = *p == '0' ? 8 : 10;
    }
    for (int d; (d = digit_of((unsigned char)*p)) < base; p++, any = true)
        if (__builtin_mul_overflow(value, (unsigned)base, &value) ||
            __builtin_add_overflow(value, (unsigned)d, &value))
            *over = true;
    if (end)
        *end = (char *)(any ? p : s);
    return value;
}

unsigned long long strtoull(const char *s, char **end, int base)
{
    bool minus, over;
    unsigned long long value = digits(s, end, base, &minus, &over);
    if (over) {
        errno = ERANGE;
        return ULLONG_MAX;
    }
    return minus ? -value : value;
}

long long strtoll(const char *s, char **end, int base)
{
    bool minus, over;
    unsigned long long value = digits(s, end, base, &minus, &over);
    if (over || value > (unsigned long long)LLONG_MAX + minus) {
        errno = ERANGE;
        return minus ? LLONG_MIN : LLONG_MAX;
    }
    return minus ? (long long)-value : (long long)value;
}

unsigned long strtoul(const char *s, char **end, int base)
{
    return strtoull(s, end, base);
}

long strtol(const char *s, char **end, int base)
{
    return (long)strtoll(s, end, base);
}

int atoi(const char *s)
{
    return (int)strtol(s, NULL, 10);
}

long atol(const char *s)
{
    return strtol(s, NULL, 10);
}

long long atoll(const char *s)
{
    return strtoll(s, NULL, 10);
}

double strtod(const char *s, char **end)
{
    const char *p = s;
    double value = 0, scale = 1;
    while (isspace((unsigned char)*p))
        p++;
    bool minus = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    const char *first = p;
    for (; isdigit((unsigned char)*p); p++)
        value = value * 10 + (*p - '0');
    if (*p == '.')
        for (p++; isdigit((unsigned char)*p); p++)
            value += (*p - '0') * (scale /= 10);
    if (p > first && (*p == 'e' || *p == 'E')) {
        char *after;
        long exponent = strtol(p + 1, &after, 10);
        if (after != p + 1)
            p = after;
        for (; exponent > 0; exponent--)
            value *= 10;
        for (; exponent < 0; exponent++)
            value /= 10;
    }
    if (end)
        *end = (char *)(p > first ? p : s);
    return minus ? -value : value;
}

double atof(const char *s)
{
    return strtod(s, NULL);
}

int rand(void)
{
    random_state = random_state * 1103515245u + 12345u;
    return (int)(random_state >> 1 & RAND_MAX);
}

void srand(unsigned seed)
{
    random_state = seed;
}

char *getenv(const char *name)
{
    (void)name;
    return NULL;
}
