/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CORE_BOOT_H
#define CORE_BOOT_H

#include <core/plat.h>

/* What the platform handed over. */
const struct plat_boot *ukboot_info(void);
/* Ends the image (or, with LIBUKBOOT_NOHALT, leaves it running for ever). */
_Noreturn void ukboot_shutdown(int status);
/* Prints TEXT and ends the image with status 125: the boot cannot go on. */
_Noreturn void ukboot_panic(const char *text);

/* UKBOOT_INIT(order, function): int function(void) is called at boot, low orders (0..9) first; a
 * negative result stops the boot. */
typedef int (*ukboot_init_function)(void);
#define UKBOOT_INIT(order, function)                                                               \
    static const ukboot_init_function ukboot_init_##function                                       \
        __attribute__((used, retain, section(".uk_inittab" #order))) = function

#endif
