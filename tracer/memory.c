/* SPDX-License-Identifier: BSD-3-Clause
 * Memory of traced processes. Reading goes through process_vm_readv, one call and no stop; writing
 * through /proc/PID/mem, which may change pages that the process itself may only execute (the
 * kernel copies them first), or PTRACE_POKEDATA where that is closed. */
#include "tracer/session.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096 };

size_t memory_read(pid_t id, uint64_t address, void *out, size_t size)
{
    struct iovec local = {out, size};
    struct iovec remote = {(void *)(uintptr_t)address, size};
    ssize_t n = process_vm_readv(id, &local, 1, &remote, 1, 0);
    return n > 0 ? (size_t)n : 0;
}

static bool poke(pid_t id, uint64_t address, const unsigned char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint64_t word = 0, place = (address + i) & ~7ull;
        if (memory_read(id, place, &word, sizeof word) != sizeof word)
            return false;
        ((unsigned char *)&word)[(address + i) & 7] = data[i];
        if (ptrace(PTRACE_POKEDATA, id, (void *)(uintptr_t)place, (void *)(uintptr_t)word) != 0)
            return false;
    }
    return true;
}

int memory_open(pid_t id)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", (int)id);
    return open(path, O_RDWR | O_CLOEXEC);
}

bool memory_write(pid_t id, uint64_t address, const void *data, size_t size)
{
    int fd = memory_open(id);
    ssize_t n = fd < 0 ? -1 : pwrite(fd, data, size, (off_t)address);
    if (fd >= 0)
        close(fd);
    return n == (ssize_t)size || poke(id, address, data, size);
}

bool memory_string(pid_t id, uint64_t address, char *out, size_t limit)
{
    size_t used = 0;
    while (used < limit) {
        /* A string may end right before an unmapped page: never read across one. */
        size_t piece = PAGE - ((address + used) % PAGE);
        if (piece > limit - used)
            piece = limit - used;
        size_t n = memory_read(id, address + used, out + used, piece);
        if (!n)
            return false;
        if (memchr(out + used, '\0', n))
            return true;
        used += n;
    }
    out[limit - 1] = '\0';
    return true;
}
