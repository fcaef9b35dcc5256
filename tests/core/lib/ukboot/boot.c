/* SPDX-License-Identifier: BSD-3-Clause */
#include "boot_private.h"
#include <core/alloc.h>
#include <core/boot.h>
#include <core/console.h>
#include <core/debug.h>
#include <stdlib.h>

int main(int argc, char **argv, char **envp);
/* Set by the linker script. */
extern const ukboot_init_function uk_inittab_start[], uk_inittab_end[];
extern void (*const uk_ctors_start[])(void), (*const uk_ctors_end[])(void);

static struct plat_boot info;

const struct plat_boot *ukboot_info(void)
{
    return &info;
}

_Noreturn void ukboot_shutdown(int status)
{
#ifdef CONFIG_LIBUKBOOT_NOHALT
    (void)status;
    uk_pr_info("the program has ended");
    plat_hang();
#else
    plat_exit(status & 0xff);
#endif
}

_Noreturn void ukboot_panic(const char *text)
{
    uk_console_text("panic: ");
    uk_console_text(text);
    uk_console_text("\n");
    plat_exit(125);
}

static void start_allocator(void)
{
#ifdef CONFIG_LIBUKBOOT_INITALLOC
    size_t size = info.memory.size, wanted = (size_t)CONFIG_LIBUKBOOT_HEAP_KB << 10;
    if (wanted > size)
        ukboot_panic("less memory than the heap needs");
    if (wanted)
        size = wanted;
#ifdef CONFIG_LIBUKBOOT_MEMTEST
    for (int i = 0; i < CONFIG_LIBUKBOOT_MEMTEST_PASSES; i++)
        if (!ukboot_memtest(info.memory.base, size))
            ukboot_panic("the memory test failed");
#endif
    uk_alloc_register(&ukboot_allocator, info.memory.base, size);
#endif
}

static void banner(void)
{
#if defined CONFIG_LIBUKBOOT_BANNER_FULL
    ukboot_banner();
#elif defined CONFIG_LIBUKBOOT_BANNER_LINE
    uk_console_text("Bench core " CONFIG_UK_FULLVERSION "\n");
#endif
}

_Noreturn void ukboot_entry(const struct plat_boot *boot)
{
    static char *no_environment[] = {NULL};
    info = *boot;
    banner();
    if (info.argc > CONFIG_LIBUKBOOT_MAXNBARGS)
        ukboot_panic("more arguments than LIBUKBOOT_MAXNBARGS");
    start_allocator();
    for (const ukboot_init_function *f = uk_inittab_start; f < uk_inittab_end; f++)
        if ((*f)() < 0)
            ukboot_panic("an init function failed");
    for (void (*const *f)(void) = uk_ctors_start; f < uk_ctors_end; f++)
        (*f)();
    exit(main(info.argc, info.argv, no_environment));
}
