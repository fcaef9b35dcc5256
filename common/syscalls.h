/* SPDX-License-Identifier: BSD-3-Clause
 * System-call names and numbers (libseccomp's tables, completed for newer calls). Without a table
 * named, those of x86-64 are meant: what runs here. */
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

enum syscall_table { SYSCALLS_X86_64, SYSCALLS_AARCH64, SYSCALL_TABLES };
/* The table of an architecture as profiles name it; NULL or one not known: x86-64's. */
enum syscall_table syscall_table_of(const char *architecture);
const char *syscall_name_in(enum syscall_table table, int64_t number);
int syscall_number_in(enum syscall_table table, const char *name);
bool syscall_exists_in(enum syscall_table table, int64_t number);
/* libseccomp's SCMP_ARCH_* of a table. */
uint32_t syscall_table_token(enum syscall_table table);

#endif
