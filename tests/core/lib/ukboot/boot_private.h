/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef UKBOOT_PRIVATE_H
#define UKBOOT_PRIVATE_H

#include <core/alloc.h>
#include <stdbool.h>

void ukboot_banner(void);
/* Writes and reads back every word; false: one did not keep its value. */
bool ukboot_memtest(void *base, size_t size);

/* The allocator chosen in the configuration. */
#if defined CONFIG_LIBUKBOOT_INITBUDDY
extern const struct uk_allocator uk_allocbuddy;
#define ukboot_allocator uk_allocbuddy
#elif defined CONFIG_LIBUKBOOT_INITLIST
extern const struct uk_allocator uk_alloclist;
#define ukboot_allocator uk_alloclist
#elif defined CONFIG_LIBUKBOOT_INITBUMP
extern const struct uk_allocator uk_allocbump;
#define ukboot_allocator uk_allocbump
#elif defined CONFIG_LIBUKBOOT_INITSLAB
extern const struct uk_allocator slab_allocator;
#define ukboot_allocator slab_allocator
#endif

#endif
