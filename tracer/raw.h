/* SPDX-License-Identifier: BSD-3-Clause
 * System calls without the C library's error variable: what has just been started shares that with
 * the thread that started it, as it shares all memory. Private to tracer/. */
#ifndef TRACER_RAW_H
#define TRACER_RAW_H

#include <stdint.h>

/* The kernel's own result: -1 to -4095 are errors. */
static inline long raw_call(long number, intptr_t a, intptr_t b, intptr_t c, intptr_t d, intptr_t e)
{
    register intptr_t fourth __asm__("r10") = d;
    register intptr_t fifth __asm__("r8") = e;
    long result = number;
    __asm__ volatile("syscall"
                     : "+a"(result)
                     : "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
                     : "rcx", "r11", "memory");
    return result;
}

#endif
