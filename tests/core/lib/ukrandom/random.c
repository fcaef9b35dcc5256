/* SPDX-License-Identifier: BSD-3-Clause
 * A small generator (splitmix64), seeded by the platform at boot. */
#include <core/boot.h>
#include <core/console.h>
#include <core/syscall.h>
#include <string.h>
#include <sys/random.h>

static uint64_t state;

static uint64_t next(void)
{
    uint64_t x = state += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

CORE_SYSCALL3(ssize_t, getrandom, void *, data, size_t, size, unsigned, flags)
{
    if (flags & ~7u)
        return -EINVAL;
    for (size_t at = 0; at < size; at += 8) {
        uint64_t x = next();
        memcpy((char *)data + at, &x, size - at < 8 ? size - at : 8);
    }
    return (long)size;
}

static int seed(void)
{
    bool hardware = plat_random(&state);
#ifdef CONFIG_LIBUKRANDOM_HARDWARE
    if (!hardware) {
        uk_console_text("ukrandom: no hardware source of random numbers\n");
        return -ENODEV;
    }
#endif
    (void)hardware;
    return 0;
}
UKBOOT_INIT(1, seed);
