/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

int main(void)
{
    puts("Hello from C");
    return 0;
}
