/* SPDX-License-Identifier: BSD-3-Clause
 * Anonymous mappings straight from the allocator. */
#include <core/alloc.h>
#include <core/syscall.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

CORE_SYSCALL6(void *, mmap, void *, address, size_t, size, int, protection, int, flags, int, fd,
              off_t, offset)
{
    (void)address;
    (void)protection;
    (void)fd;
    (void)offset;
    if (!(flags & MAP_ANONYMOUS) || flags & MAP_FIXED)
        return -ENODEV;
    size = (size + PAGE - 1) & ~(size_t)(PAGE - 1);
    void *p = size ? uk_memalign(PAGE, size) : NULL;
    if (!p)
        return size ? -ENOMEM : -EINVAL;
    memset(p, 0, size);
    return (long)p;
}

CORE_SYSCALL2(int, munmap, void *, address, size_t, size)
{
    (void)size;
    uk_free(address);
    return 0;
}

CORE_SYSCALL3(int, mprotect, void *, address, size_t, size, int, protection)
{
    (void)size;
    return (uintptr_t)address % PAGE || protection & ~7 ? -EINVAL : 0;
}

CORE_SYSCALL3(int, madvise, void *, address, size_t, size, int, advice)
{
    (void)size;
    (void)advice;
    return (uintptr_t)address % PAGE ? -EINVAL : 0;
}
