/* SPDX-License-Identifier: BSD-3-Clause
 * A program that locks itself up: any call outside a short list ends it. Argument: calls made
 * before it does so. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ALLOW(nr)                                                                                  \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define ANSWER(nr, how)                                                                            \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), BPF_STMT(BPF_RET | BPF_K, how)

static volatile int trapped;

static void on_trap(int signal, siginfo_t *info, void *context)
{
    trapped += info->si_syscall == SYS_getpgid;
}

int main(int argc, char **argv)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(SYS_read),
        ALLOW(SYS_write),
        ALLOW(SYS_exit_group),
        ALLOW(SYS_rt_sigreturn),
        ALLOW(SYS_getuid),
        ALLOW(SYS_getgid),
        ANSWER(SYS_getppid, SECCOMP_RET_ERRNO | ENOTTY),
        ANSWER(SYS_getpgid, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    const struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    int before = argc > 1 ? atoi(argv[1]) : 0, refused = 0;
    static char buffer[64];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    sigaction(SIGSYS, &action, NULL);
    for (int i = 0; i < before; i++)
        getegid();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        return 1;
    for (int i = 0; i < 300; i++) {
        syscall(i % 2 ? SYS_getuid : SYS_getgid);
        refused += syscall(SYS_getppid) == -1 && errno == ENOTTY;
    }
    for (int i = 0; i < 3; i++)
        syscall(SYS_getpgid, 0);
    char text[64];
    int n = snprintf(text, sizeof text, "%d refused, %d trapped\n", refused, trapped);
    write(1, text, n);
    syscall(SYS_exit_group, 0);
}
