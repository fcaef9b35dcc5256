/* SPDX-License-Identifier: BSD-3-Clause
 * The Linux platform: the host's system calls are the hardware. Before the program's arguments
 * the executable takes --initrd=FILE. */
#include "linuxu.h"
#include <core/plat.h>

#define HOST1(n, a)       linuxu_syscall(n, (long)(a), 0, 0, 0, 0, 0)
#define HOST2(n, a, b)    linuxu_syscall(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define HOST3(n, a, b, c) linuxu_syscall(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)

enum { PROT_RWX = 7, MAP_PRIVATE_ANONYMOUS = 0x22, SEEK_END_ = 2, EINTR_ = 4 };
enum { ARCH_SET_FS_ = 0x1002, ARCH_GET_FS_ = 0x1003 };

_Noreturn void linuxu_main(long *stack);
long linuxu_socket_call(long number, const long a[6]);

void plat_console_write(const char *data, size_t size)
{
    while (size) {
        long n = HOST3(HOST_WRITE, 1, data, size);
        if (n == -EINTR_)
            continue;
        if (n <= 0)
            return;
        data += n;
        size -= (size_t)n;
    }
}

long plat_console_read(char *data, size_t size)
{
    long n;
    do {
        n = HOST3(HOST_READ, 0, data, size);
    } while (n == -EINTR_);
    return n > 0 ? n : 0;
}

bool plat_console_ready(void)
{
    struct {
        int fd;
        short events, revents;
    } p = {0, 1, 0};
    return HOST3(HOST_POLL, &p, 1, 0) > 0;
}

static uint64_t clock_ns(long clock)
{
    int64_t t[2] = {0, 0};
    HOST2(HOST_CLOCK_GETTIME, clock, t);
    return (uint64_t)t[0] * 1000000000u + (uint64_t)t[1];
}

uint64_t plat_monotonic_ns(void)
{
    return clock_ns(1);
}

uint64_t plat_wall_ns(void)
{
    return clock_ns(0);
}

void plat_sleep_ns(uint64_t ns)
{
    int64_t t[2] = {(int64_t)(ns / 1000000000u), (int64_t)(ns % 1000000000u)};
    HOST2(HOST_NANOSLEEP, t, 0);
}

bool plat_random(uint64_t *out)
{
    return HOST3(HOST_GETRANDOM, out, sizeof *out, 0) == sizeof *out;
}

bool plat_has_rdrand(void)
{
    uint32_t a = 1, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return c >> 30 & 1;
}

void plat_set_tls(uint64_t base)
{
    HOST2(HOST_ARCH_PRCTL, ARCH_SET_FS_, base);
}

uint64_t plat_get_tls(void)
{
    uint64_t base = 0;
    HOST2(HOST_ARCH_PRCTL, ARCH_GET_FS_, &base);
    return base;
}

_Noreturn void plat_exit(int status)
{
    for (;;)
        HOST1(HOST_EXIT_GROUP, status);
}

_Noreturn void plat_hang(void)
{
    for (;;)
        HOST1(HOST_PAUSE, 0);
}

static const char *initrd_option(const char *argument)
{
    const char *prefix = "--initrd=";
    while (*prefix)
        if (*argument++ != *prefix++)
            return NULL;
    return argument;
}

static void *map(size_t size)
{
    long p = linuxu_syscall(HOST_MMAP, 0, (long)size, PROT_RWX, MAP_PRIVATE_ANONYMOUS, -1, 0);
    return p < 0 && p > -4096 ? NULL : (void *)p;
}

static void load_initrd(const char *path, struct plat_memory *initrd)
{
    static const char failed[] = "linuxu: cannot read the initrd\n";
    long fd = HOST3(HOST_OPEN, path, 0, 0);
    long size = fd < 0 ? -1 : HOST3(HOST_LSEEK, fd, 0, SEEK_END_);
    char *data = size < 0 ? NULL : map((size_t)size + 4096);
    if (!data) {
        plat_console_write(failed, sizeof failed - 1);
        plat_exit(127);
    }
    HOST3(HOST_LSEEK, fd, 0, 0);
    for (long done = 0; done < size;) {
        long n = HOST3(HOST_READ, fd, data + done, size - done);
        if (n <= 0)
            plat_exit(127);
        done += n;
    }
    HOST1(HOST_CLOSE, fd);
    initrd->base = data;
    initrd->size = (size_t)size;
}

_Noreturn void linuxu_main(long *stack)
{
    struct plat_boot boot = {.argc = (int)stack[0], .argv = (char **)(stack + 1)};
    const char *initrd = boot.argc > 1 ? initrd_option(boot.argv[1]) : NULL;
    if (initrd) {
        load_initrd(initrd, &boot.initrd);
        boot.argv[1] = boot.argv[0];
        boot.argv++;
        boot.argc--;
    }
    boot.memory.size = (size_t)CONFIG_LINUXU_MEMORY_KB * 1024;
    boot.memory.base = map(boot.memory.size);
    if (!boot.memory.base)
        plat_exit(127);
    ukboot_entry(&boot);
}

/* For ukhostnet: a call of the host's on its sockets. */
long linuxu_socket_call(long number, const long a[6])
{
    long result;
    do {
        result = linuxu_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    } while (result == -EINTR_);
    return result;
}
