/* SPDX-License-Identifier: BSD-3-Clause
 * A program that is a debugger itself. Under another one the kernel refuses it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    int status, stops = 0;
    pid_t pid = fork();
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(errno == EPERM ? 7 : 8);
        raise(SIGSTOP);
        getsid(0);
        _exit(0);
    }
    while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
        stops++;
        ptrace(PTRACE_CONT, pid, NULL, NULL);
    }
    printf("%d stops, exit %d\n", stops, WEXITSTATUS(status));
    return 0;
}
