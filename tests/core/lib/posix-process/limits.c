/* SPDX-License-Identifier: BSD-3-Clause */
#include <core/syscall.h>
#include <stdint.h>

struct limit {
    uint64_t soft, hard;
};
int getrlimit(int resource, struct limit *out);

CORE_SYSCALL2(int, getrlimit, int, resource, struct limit *, out)
{
    enum { STACK = 3, FILES = 7, LAST = 15 };
    uint64_t value = UINT64_MAX;
    if (resource < 0 || resource > LAST)
        return -EINVAL;
    if (resource == STACK)
        value = 8 << 20;
    if (resource == FILES)
        value = 1024;
    *out = (struct limit){value, value};
    return 0;
}

CORE_RAW4(prlimit64, int, pid, int, resource, const struct limit *, fresh, struct limit *, old)
{
    (void)pid;
    if (fresh)
        return -EPERM;
    return old ? uk_syscall_r_getrlimit(resource, (long)old) : 0;
}
