/* SPDX-License-Identifier: BSD-3-Clause
 * Mappings in one address space without protection: memory from the allocator, the bytes of a
 * file copied into it. A mapping at a fixed address must lie in memory mapped before, as a dynamic
 * linker does it. A shared file mapping that could be written is refused: nothing would write it
 * back. */
#include <core/alloc.h>
#include <core/fd.h>
#include <core/syscall.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

/* What the allocator gave, and the pages of it still mapped. */
struct block {
    struct block *next;
    char *base;
    size_t size, mapped;
};
static struct block *blocks;

static struct block *block_of(const char *address, size_t size)
{
    for (struct block *b = blocks; b; b = b->next)
        if (address >= b->base && size <= b->size && address <= b->base + (b->size - size))
            return b;
    return NULL;
}

static char *reserve(size_t size)
{
    struct block *b = malloc(sizeof *b);
    char *base = b ? uk_memalign(PAGE, size) : NULL;
    if (!base) {
        free(b);
        return NULL;
    }
    *b = (struct block){blocks, base, size, size};
    blocks = b;
    return base;
}

CORE_SYSCALL6(void *, mmap, void *, start, size_t, size, int, protection, int, flags, int, fd,
              off_t, offset)
{
    char *address = start;
    struct uk_file *f = flags & MAP_ANONYMOUS ? NULL : uk_fd_get(fd);
    if (!(flags & MAP_ANONYMOUS) && !f)
        return -EBADF;
    if (!size || size > (size_t)1 << 40 || offset % PAGE ||
        (flags & MAP_FIXED && (uintptr_t)address % PAGE))
        return -EINVAL;
    if (f && (flags & MAP_SHARED) && (protection & PROT_WRITE))
        return -ENODEV;
    if (f && !f->ops->read)
        return -EACCES;
    size = (size + PAGE - 1) & ~(size_t)(PAGE - 1);
    if (!(flags & MAP_FIXED))
        address = reserve(size);
    else if (!block_of(address, size))
        return -ENOMEM;
    if (!address)
        return -ENOMEM;
    size_t filled = 0;
    while (f && filled < size) {
        ssize_t n = f->ops->read(f, address + filled, size - filled, offset + (off_t)filled);
        if (n < 0)
            return n;
        if (n == 0)
            break;
        filled += (size_t)n;
    }
    memset(address + filled, 0, size - filled);
    return (long)address;
}

CORE_SYSCALL2(int, munmap, void *, start, size_t, size)
{
    char *address = start;
    if ((uintptr_t)address % PAGE || !size)
        return -EINVAL;
    size = (size + PAGE - 1) & ~(size_t)(PAGE - 1);
    struct block *b = block_of(address, size);
    if (!b)
        return 0;
    b->mapped -= size < b->mapped ? size : b->mapped;
    if (b->mapped)
        return 0;
    struct block **at = &blocks;
    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
    uk_free(b->base);
    free(b);
    return 0;
}

CORE_SYSCALL3(int, mprotect, void *, start, size_t, size, int, protection)
{
    char *address = start;
    (void)size;
    return (uintptr_t)address % PAGE || protection & ~7 ? -EINVAL : 0;
}

CORE_SYSCALL3(int, madvise, void *, start, size_t, size, int, advice)
{
    char *address = start;
    enum { DONTNEED = 4 };
    if ((uintptr_t)address % PAGE)
        return -EINVAL;
    if (advice == DONTNEED && block_of(address, size))
        memset(address, 0, size);
    return 0;
}
