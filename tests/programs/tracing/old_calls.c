/* SPDX-License-Identifier: BSD-3-Clause
 * 32-bit calls from 64-bit code: numbers of another table. */
#include <stdio.h>

int main(void)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
    printf("%s\n", result > 0 ? "getpid by int 0x80" : "no 32-bit calls");
    return 0;
}
