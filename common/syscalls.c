/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/syscalls.h"
#include <pthread.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Calls younger than the libseccomp of the oldest supported Debian; numbers from the kernel's
 * arch/x86/entry/syscalls/syscall_64.tbl. */
static const struct {
    const char *name;
    int number;
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
    {"open_tree_attr", 467},    {"uretprobe", 335},
};

/* Filled once: the one piece of process-wide state, constant after that. */
static char names[SYSCALL_LIMIT][32];
static pthread_once_t filled = PTHREAD_ONCE_INIT;

static void fill(void)
{
    for (int i = 0; i < SYSCALL_LIMIT; i++) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, i);
        if (name)
            snprintf(names[i], sizeof names[i], "%s", name);
        else
            snprintf(names[i], sizeof names[i], "syscall_%d", i);
        free(name);
    }
    for (size_t i = 0; i < sizeof younger / sizeof younger[0]; i++)
        snprintf(names[younger[i].number], sizeof names[0], "%s", younger[i].name);
}

const char *syscall_name(int64_t number)
{
    pthread_once(&filled, fill);
    return number >= 0 && number < SYSCALL_LIMIT ? names[number] : NULL;
}

bool syscall_exists(int64_t number)
{
    return syscall_name(number) && strncmp(syscall_name(number), "syscall_", 8) != 0;
}

int syscall_number(const char *name)
{
    pthread_once(&filled, fill);
    for (int i = 0; i < SYSCALL_LIMIT; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}
