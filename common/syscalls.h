/* SPDX-License-Identifier: BSD-3-Clause
 * x86-64 system-call names and numbers (libseccomp's table, completed for newer calls). */
#ifndef COMMON_SYSCALLS_H
#define COMMON_SYSCALLS_H

#include <stdbool.h>
#include <stdint.h>

/* Highest number in use plus some room: tables indexed by number have this many entries. */
enum { SYSCALL_LIMIT = 512 };

/* Name of a number, "syscall_<n>" copied into a static table for unknown ones below SYSCALL_LIMIT;
 * NULL for numbers that cannot be system calls. The string lives for ever. */
const char *syscall_name(int64_t number);
/* Whether a number has a name of its own. */
bool syscall_exists(int64_t number);
/* Number of a name, or -1. Accepts "syscall_<n>". */
int syscall_number(const char *name);

#endif
