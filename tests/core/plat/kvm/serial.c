/* SPDX-License-Identifier: BSD-3-Clause
 * The first serial port (16550), polled. Control-D on the input ends it. */
#include "kvm.h"
#include <core/plat.h>
#include <string.h>

enum { COM1 = 0x3f8, LINE_STATUS = COM1 + 5, INPUT_READY = 1, OUTPUT_READY = 0x20, END = 4 };
static bool ended;

void kvm_serial_init(void)
{
    out8(COM1 + 1, 0);
    out8(COM1 + 3, 0x80); /* divisor 1: 115200 baud */
    out8(COM1 + 0, 1);
    out8(COM1 + 1, 0);
    out8(COM1 + 3, 3); /* 8 bits, no parity */
    out8(COM1 + 2, 0xc7);
    out8(COM1 + 4, 3);
}

void plat_console_write(const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        while (!(in8(LINE_STATUS) & OUTPUT_READY))
            __asm__ volatile("pause");
        out8(COM1, (uint8_t)data[i]);
    }
}

bool plat_console_ready(void)
{
    return ended || in8(LINE_STATUS) & INPUT_READY;
}

long plat_console_read(char *data, size_t size)
{
    size_t n = 0;
    while (n < size && !ended) {
        while (!plat_console_ready()) {
            if (n)
                return (long)n;
            __asm__ volatile("pause");
        }
        char c = (char)in8(COM1);
        if (c == END) {
            ended = true;
            break;
        }
        data[n++] = c == '\r' ? '\n' : c;
        if (data[n - 1] == '\n')
            break;
    }
    return (long)n;
}

void kvm_print(const char *text)
{
    plat_console_write(text, strlen(text));
}
