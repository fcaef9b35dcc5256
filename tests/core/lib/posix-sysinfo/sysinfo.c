/* SPDX-License-Identifier: BSD-3-Clause */
#include <core/alloc.h>
#include <core/boot.h>
#include <core/syscall.h>
#include <stdint.h>
#include <string.h>
#include <sys/utsname.h>

struct sysinfo {
    long uptime;
    unsigned long loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    unsigned short procs;
    unsigned long totalhigh, freehigh;
    unsigned mem_unit;
};
int sysinfo(struct sysinfo *out);
long sysconf(int name);

CORE_SYSCALL1(int, uname, struct utsname *, out)
{
    memset(out, 0, sizeof *out);
    strcpy(out->sysname, "Linux");
    strncpy(out->nodename, CONFIG_LIBPOSIX_SYSINFO_HOSTNAME, sizeof out->nodename - 1);
    strncpy(out->release, CONFIG_LIBPOSIX_SYSINFO_RELEASE, sizeof out->release - 1);
    strcpy(out->version, "bench core " CONFIG_UK_FULLVERSION);
    strcpy(out->machine, CONFIG_UK_ARCH);
    return 0;
}

CORE_SYSCALL1(int, sysinfo, struct sysinfo *, out)
{
    memset(out, 0, sizeof *out);
    out->uptime = (long)(plat_monotonic_ns() / 1000000000u);
    out->totalram = ukboot_info()->memory.size;
    out->freeram = out->totalram - uk_alloc_peak();
    out->procs = 1;
    out->mem_unit = 1;
    return 0;
}

long sysconf(int name)
{
    enum { PAGE_SIZE_ = 30, PROCESSORS = 84 };
    if (name == PAGE_SIZE_)
        return 4096;
    if (name == PROCESSORS)
        return 1;
    errno = EINVAL;
    return -1;
}
