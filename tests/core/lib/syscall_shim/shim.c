/* SPDX-License-Identifier: BSD-3-Clause */
#include "table.h"
#include <core/boot.h>
#include <core/console.h>
#include <errno.h>
#include <stddef.h>

long uk_syscall(long number, const long a[6]);

static __attribute__((unused)) void print_name(long number)
{
#ifdef CONFIG_LIBSYSCALL_SHIM_NAMES
    if (number >= 0 && number < SHIM_CALLS && shim_names[number]) {
        uk_console_text(shim_names[number]);
        return;
    }
#endif
    uk_console_text("number ");
    uk_console_number((unsigned long)number, 10);
}

/* Once for each call. */
static void report(long number)
{
#ifdef CONFIG_LIBSYSCALL_SHIM_REPORT
    static unsigned char said[SHIM_CALLS];
    if (number < 0 || number >= SHIM_CALLS || said[number])
        return;
    said[number] = 1;
    uk_console_text("[shim] syscall ");
    print_name(number);
    uk_console_text(" is not available\n");
#else
    (void)number;
#endif
}

#ifdef CONFIG_LIBSYSCALL_SHIM_STRACE
static void trace_call(long number, const long a[6], unsigned count)
{
    uk_console_text("[trace] ");
    print_name(number);
    for (unsigned i = 0; i < count; i++) {
        uk_console_text(i ? ", 0x" : "(0x");
        uk_console_number((unsigned long)a[i], 16);
    }
    uk_console_text(count ? ")\n" : "()\n");
}

static void trace_result(long number, long result)
{
    uk_console_text("[trace] ");
    print_name(number);
    uk_console_text(result < 0 && result > -4096 ? " = -" : " = ");
    uk_console_number((unsigned long)(result < 0 && result > -4096 ? -result : result), 10);
    uk_console_text("\n");
}
#endif

long uk_syscall(long number, const long a[6])
{
    shim_function f = number >= 0 && number < SHIM_CALLS ? shim_functions[number] : NULL;
#ifdef CONFIG_LIBSYSCALL_SHIM_STRACE
    trace_call(number, a, f ? shim_arguments[number] : 0);
#endif
    long result = -ENOSYS;
    if (f)
        result = f(a[0], a[1], a[2], a[3], a[4], a[5]);
    else
        report(number);
#ifdef CONFIG_LIBSYSCALL_SHIM_STRACE
    trace_result(number, result);
#endif
    return result;
}

#ifdef CONFIG_LIBSYSCALL_SHIM_HANDLER
static int catch (void)
{
    plat_trap_syscalls(uk_syscall);
    return 0;
}
UKBOOT_INIT(9, catch);
#endif
