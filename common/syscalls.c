/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/syscalls.h"
#include <pthread.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Calls younger than the libseccomp of the oldest supported Debian; numbers from the kernel's
 * scripts/syscall.tbl, which all architectures share from 424 on, and arch/x86's own. */
static const struct {
    const char *name;
    int number;
    bool x86_only;
} younger[] = {
    {"futex_waitv", 449},       {"set_mempolicy_home_node", 450},
    {"cachestat", 451},         {"fchmodat2", 452},
    {"map_shadow_stack", 453},  {"futex_wake", 454},
    {"futex_wait", 455},        {"futex_requeue", 456},
    {"statmount", 457},         {"listmount", 458},
    {"lsm_get_self_attr", 459}, {"lsm_set_self_attr", 460},
    {"lsm_list_modules", 461},  {"mseal", 462},
    {"setxattrat", 463},        {"getxattrat", 464},
    {"listxattrat", 465},       {"removexattrat", 466},
    {"open_tree_attr", 467},    {"uretprobe", 335, true},
};

static const struct {
    const char *architecture;
    uint32_t token;
} tables[SYSCALL_TABLES] = {
    [SYSCALLS_X86_64] = {"x86_64", SCMP_ARCH_X86_64},
    [SYSCALLS_AARCH64] = {"aarch64", SCMP_ARCH_AARCH64},
};

/* Filled once: the one piece of process-wide state, constant after that. */
static char names[SYSCALL_TABLES][SYSCALL_LIMIT][32];
static pthread_once_t filled = PTHREAD_ONCE_INIT;

static void fill_one(enum syscall_table table)
{
    for (int i = 0; i < SYSCALL_LIMIT; i++) {
        char *name = seccomp_syscall_resolve_num_arch(tables[table].token, i);
        if (name)
            snprintf(names[table][i], sizeof names[0][0], "%s", name);
        else
            snprintf(names[table][i], sizeof names[0][0], "syscall_%d", i);
        free(name);
    }
    for (size_t i = 0; i < sizeof younger / sizeof younger[0]; i++)
        if (!younger[i].x86_only || table == SYSCALLS_X86_64)
            snprintf(names[table][younger[i].number], sizeof names[0][0], "%s", younger[i].name);
}

static void fill(void)
{
    for (unsigned table = 0; table < SYSCALL_TABLES; table++)
        fill_one((enum syscall_table)table);
}

const char *syscall_name_in(enum syscall_table table, int64_t number)
{
    pthread_once(&filled, fill);
    return number >= 0 && number < SYSCALL_LIMIT ? names[table][number] : NULL;
}

int syscall_number_in(enum syscall_table table, const char *name)
{
    pthread_once(&filled, fill);
    for (int i = 0; i < SYSCALL_LIMIT; i++)
        if (strcmp(names[table][i], name) == 0)
            return i;
    return -1;
}

enum syscall_table syscall_table_of(const char *architecture)
{
    for (unsigned table = 0; architecture && table < SYSCALL_TABLES; table++)
        if (strcmp(tables[table].architecture, architecture) == 0)
            return (enum syscall_table)table;
    return SYSCALLS_X86_64;
}

uint32_t syscall_table_token(enum syscall_table table)
{
    return tables[table].token;
}

const char *syscall_name(int64_t number)
{
    return syscall_name_in(SYSCALLS_X86_64, number);
}

bool syscall_exists_in(enum syscall_table table, int64_t number)
{
    const char *name = syscall_name_in(table, number);
    return name && strncmp(name, "syscall_", 8) != 0;
}

bool syscall_exists(int64_t number)
{
    return syscall_exists_in(SYSCALLS_X86_64, number);
}

int syscall_number(const char *name)
{
    return syscall_number_in(SYSCALLS_X86_64, name);
}
