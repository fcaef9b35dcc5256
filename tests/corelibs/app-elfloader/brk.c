/* SPDX-License-Identifier: BSD-3-Clause */
#include <core/alloc.h>
#include <core/syscall.h>
#include <stdint.h>
#include <string.h>

/* Moves the end of the program's data within one block taken at the first call. */
CORE_RAW1(brk, uintptr_t, wanted)
{
    static uintptr_t start, end;
    const size_t size = (size_t)CONFIG_APPELFLOADER_BRK_KB * 1024;
    if (!start) {
        start = end = (uintptr_t)uk_memalign(4096, size);
        if (!start)
            return -ENOMEM;
    }
    if (wanted < start || wanted > start + size)
        return (long)end;
    if (wanted > end)
        memset((void *)end, 0, wanted - end);
    end = wanted;
    return (long)end;
}
