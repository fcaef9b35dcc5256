/* SPDX-License-Identifier: BSD-3-Clause */
#include "boot_private.h"
#include <stdint.h>

bool ukboot_memtest(void *base, size_t size)
{
    volatile uint64_t *words = base;
    size_t count = size / sizeof *words;
    for (size_t i = 0; i < count; i++)
        words[i] = i * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < count; i++) {
        if (words[i] != i * 0x9e3779b97f4a7c15u)
            return false;
        words[i] = 0;
    }
    return true;
}
