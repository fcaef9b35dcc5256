/* SPDX-License-Identifier: BSD-3-Clause
 * A child made with CLONE_UNTRACED, and a daemon that leaves its session and its parent. Given an
 * argument, both sleep that many seconds. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    unsigned seconds = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
    long child = syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
        getpgid(0);
        sleep(seconds);
        _exit(0);
    }
    pid_t daemon_pid = fork();
    if (daemon_pid == 0) {
        setsid();
        signal(SIGTERM, SIG_IGN);
        if (fork() != 0)
            _exit(0);
        getsid(0);
        sleep(seconds);
        _exit(0);
    }
    waitpid(daemon_pid, NULL, 0);
    waitpid((pid_t)child, NULL, 0);
    puts("done");
    return 0;
}
