/* SPDX-License-Identifier: BSD-3-Clause
 * What a platform gives to the libraries above it. Every image links exactly one platform. */
#ifndef CORE_PLAT_H
#define CORE_PLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct plat_memory {
    void *base;
    size_t size; /* bytes */
};

struct plat_boot {
    int argc; /* argv[0] is the image's name; argv[argc] is NULL */
    char **argv;
    struct plat_memory memory; /* free memory for an allocator */
    struct plat_memory initrd; /* size 0: none */
};

/* Called by the platform's start code; defined by ukboot. */
_Noreturn void ukboot_entry(const struct plat_boot *boot);

void plat_console_write(const char *data, size_t size);
/* Waits for at least one byte; 0: the input has ended. */
long plat_console_read(char *data, size_t size);
bool plat_console_ready(void);

uint64_t plat_monotonic_ns(void);
uint64_t plat_wall_ns(void); /* since 1970 */
void plat_sleep_ns(uint64_t ns);

/* 64 bits nobody can foresee, or false where the hardware has none. */
bool plat_random(uint64_t *out);
bool plat_has_rdrand(void);

void plat_set_tls(uint64_t base);
uint64_t plat_get_tls(void);

/* From now on a system call instruction outside the image's own text calls the handler. */
typedef long plat_syscall_handler(long number, const long arguments[6]);
void plat_trap_syscalls(plat_syscall_handler *handler);

/* Ends the image; the runner sees status (0..255). */
_Noreturn void plat_exit(int status);
/* Stays where it is for ever, as a machine that nobody switches off. */
_Noreturn void plat_hang(void);

/* Enters a program: the stack pointer is set, rdx is 0. */
_Noreturn void plat_jump(uint64_t entry, uint64_t stack);

#endif
