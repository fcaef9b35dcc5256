/* SPDX-License-Identifier: BSD-3-Clause
 * printf's language: flags - 0 + space #, width, precision, h hh l ll z j t, d i u x X o c s p f F
 * e E g G n %. */
#include "format.h"
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct sink {
    void (*put)(void *cookie, const char *data, size_t size);
    void *cookie;
    int total;
};

struct spec {
    bool left, zero, plus, space, alternate;
    int width, precision; /* precision -1: none */
    int length;           /* -2 hh, -1 h, 0, 1 l, 2 ll */
    char conversion;
};

static void emit(struct sink *s, const char *data, size_t size)
{
    if (size)
        s->put(s->cookie, data, size);
    s->total += (int)size;
}

static void pad(struct sink *s, char c, int count)
{
    for (; count > 0; count--)
        emit(s, &c, 1);
}

/* Prefix and digits within the width. */
static void field(struct sink *s, const struct spec *f, const char *prefix, const char *text,
                  int size, bool zero)
{
    int fill = f->width - (int)strlen(prefix) - size;
    if (!f->left && !zero)
        pad(s, ' ', fill);
    emit(s, prefix, strlen(prefix));
    if (!f->left && zero)
        pad(s, '0', fill);
    emit(s, text, (size_t)size);
    if (f->left)
        pad(s, ' ', fill);
}

static void integer(struct sink *s, const struct spec *f, uint64_t value, bool minus)
{
    char buffer[72];
    int at = sizeof buffer, base = 10;
    const char *digits = f->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    const char *prefix = minus ? "-" : f->plus ? "+" : f->space ? " " : "";
    if (f->conversion == 'x' || f->conversion == 'X' || f->conversion == 'p') {
        base = 16;
        prefix = f->conversion == 'p' || (f->alternate && value)
                     ? (f->conversion == 'X' ? "0X" : "0x")
                     : "";
    } else if (f->conversion == 'o') {
        base = 8;
        prefix = f->alternate ? "0" : "";
    } else if (f->conversion == 'u') {
        prefix = "";
    }
    for (uint64_t v = value; v; v /= (unsigned)base)
        buffer[--at] = digits[v % (unsigned)base];
    int wanted = f->precision < 0 ? 1 : f->precision < 64 ? f->precision : 64;
    while ((int)sizeof buffer - at < wanted)
        buffer[--at] = '0';
    field(s, f, prefix, buffer + at, (int)sizeof buffer - at, f->zero && f->precision < 0);
}

#ifdef CONFIG_LIBNOLIBC_FLOAT
static int decimal(char *out, double value, int precision)
{
    char whole[40];
    int n = 0, at = sizeof whole;
    double rounding = 0.5;
    for (int i = 0; i < precision; i++)
        rounding /= 10;
    value += rounding;
    uint64_t integral = (uint64_t)value;
    double rest = value - (double)integral;
    do {
        whole[--at] = (char)('0' + integral % 10);
    } while (integral /= 10);
    memcpy(out, whole + at, sizeof whole - (size_t)at);
    n = (int)sizeof whole - at;
    if (precision)
        out[n++] = '.';
    for (int i = 0; i < precision; i++) {
        rest *= 10;
        int digit = (int)rest;
        out[n++] = (char)('0' + digit);
        rest -= digit;
    }
    return n;
}

static int exponential(char *out, double value, int precision, char letter)
{
    int exponent = 0;
    for (; value >= 10; exponent++)
        value /= 10;
    for (; value > 0 && value < 1; exponent--)
        value *= 10;
    int n = decimal(out, value, precision);
    if (n > 1 && out[1] == '0' && out[0] == '1' && value >= 9) { /* 9.99 became 10.0 */
        exponent++;
        n = decimal(out, value / 10, precision);
    }
    out[n++] = letter;
    out[n++] = exponent < 0 ? '-' : '+';
    exponent = exponent < 0 ? -exponent : exponent;
    if (exponent >= 100)
        out[n++] = (char)('0' + exponent / 100);
    out[n++] = (char)('0' + exponent / 10 % 10);
    out[n++] = (char)('0' + exponent % 10);
    return n;
}

static int general(char *out, double value, int precision, char letter)
{
    int exponent = 0;
    if (precision == 0)
        precision = 1;
    for (double v = value; v >= 10; v /= 10)
        exponent++;
    for (double v = value; v > 0 && v < 1; v *= 10)
        exponent--;
    bool large = exponent < -4 || exponent >= precision;
    int n = large ? exponential(out, value, precision - 1, letter)
                  : decimal(out, value, precision - 1 - exponent);
    char *point = memchr(out, '.', (size_t)n);
    if (!point)
        return n;
    int mantissa = n, tail = 0;
    char *e = memchr(out, letter, (size_t)n);
    if (e) {
        mantissa = (int)(e - out);
        tail = n - mantissa;
    }
    int kept = mantissa;
    while (out[kept - 1] == '0')
        kept--;
    if (out[kept - 1] == '.')
        kept--;
    memmove(out + kept, out + mantissa, (size_t)tail);
    return kept + tail;
}

static void floating(struct sink *s, const struct spec *f, double value)
{
    char buffer[400];
    int n, precision = f->precision < 0 ? 6 : f->precision > 60 ? 60 : f->precision;
    bool minus = __builtin_signbit(value);
    const char *prefix = minus ? "-" : f->plus ? "+" : f->space ? " " : "";
    char lower = (char)tolower(f->conversion), letter = isupper(f->conversion) ? 'E' : 'e';
    value = minus ? -value : value;
    if (value != value || value > 1.7976931348623157e308) {
        field(s, f, prefix, value != value ? "nan" : "inf", 3, false);
        return;
    }
    if (lower == 'f' && value < 1e18)
        n = decimal(buffer, value, precision);
    else if (lower == 'g')
        n = general(buffer, value, precision, letter);
    else
        n = exponential(buffer, value, precision, letter);
    field(s, f, prefix, buffer, n, f->zero);
}
#endif

static const char *read_spec(const char *p, struct spec *f, va_list *args)
{
    *f = (struct spec){.precision = -1};
    for (;; p++) {
        if (*p == '-')
            f->left = true;
        else if (*p == '0')
            f->zero = true;
        else if (*p == '+')
            f->plus = true;
        else if (*p == ' ')
            f->space = true;
        else if (*p == '#')
            f->alternate = true;
        else
            break;
    }
    if (*p == '*') {
        f->width = va_arg(*args, int);
        f->left = f->left || f->width < 0;
        f->width = f->width < 0 ? -f->width : f->width;
        p++;
    }
    for (; isdigit(*p); p++)
        f->width = f->width * 10 + (*p - '0');
    if (*p == '.') {
        f->precision = 0;
        if (*++p == '*') {
            f->precision = va_arg(*args, int);
            p++;
        }
        for (; isdigit(*p); p++)
            f->precision = f->precision * 10 + (*p - '0');
    }
    for (;; p++) {
        if (*p == 'h')
            f->length--;
        else if (*p == 'l')
            f->length++;
        else if (*p == 'z' || *p == 'j' || *p == 't')
            f->length = 1;
        else
            break;
    }
    f->conversion = *p;
    return *p ? p + 1 : p;
}

static int64_t signed_argument(const struct spec *f, va_list *args)
{
    if (f->length > 0)
        return va_arg(*args, long);
    int value = va_arg(*args, int);
    return f->length == 0 ? value : f->length == -1 ? (short)value : (signed char)value;
}

static uint64_t unsigned_argument(const struct spec *f, va_list *args)
{
    if (f->length > 0)
        return va_arg(*args, unsigned long);
    unsigned value = va_arg(*args, unsigned);
    return f->length == 0 ? value : f->length == -1 ? (unsigned short)value : (unsigned char)value;
}

static void convert(struct sink *s, const struct spec *f, va_list *args)
{
    switch (f->conversion) {
    case 'd':
    case 'i': {
        int64_t v = signed_argument(f, args);
        struct spec decimal_spec = *f;
        decimal_spec.conversion = 'd';
        integer(s, &decimal_spec, v < 0 ? -(uint64_t)v : (uint64_t)v, v < 0);
        return;
    }
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        integer(s, f, unsigned_argument(f, args), false);
        return;
    case 'p':
        integer(s, f, (uintptr_t)va_arg(*args, void *), false);
        return;
    case 'c': {
        char c = (char)va_arg(*args, int);
        field(s, f, "", &c, 1, false);
        return;
    }
    case 's': {
        const char *text = va_arg(*args, const char *);
        text = text ? text : "(null)";
        size_t n = f->precision < 0 ? strlen(text) : strnlen(text, (size_t)f->precision);
        field(s, f, "", text, (int)n, false);
        return;
    }
#ifdef CONFIG_LIBNOLIBC_FLOAT
    case 'f':
    case 'F':
    case 'e':
    case 'E':
    case 'g':
    case 'G':
        floating(s, f, va_arg(*args, double));
        return;
#endif
    case 'n':
        *va_arg(*args, int *) = s->total;
        return;
    default:
        emit(s, &f->conversion, f->conversion ? 1 : 0);
    }
}

int core_format(void (*put)(void *cookie, const char *data, size_t size), void *cookie,
                const char *format, va_list original)
{
    struct sink s = {put, cookie, 0};
    va_list args;
    va_copy(args, original);
    while (*format) {
        size_t plain = strcspn(format, "%");
        emit(&s, format, plain);
        format += plain;
        if (*format) {
            struct spec f;
            format = read_spec(format + 1, &f, &args);
            convert(&s, &f, &args);
        }
    }
    va_end(args);
    return s.total;
}
