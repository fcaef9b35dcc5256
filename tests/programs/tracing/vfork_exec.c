/* SPDX-License-Identifier: BSD-3-Clause
 * vfork children share the parent's memory; some execute a program, some only end. */
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int main(void)
{
    int sum = 0, status;
    for (int i = 0; i < 20; i++) {
        pid_t pid = vfork();
        if (pid == 0) {
            if (i % 2)
                execl("/bin/true", "true", (char *)NULL);
            dup(1);
            _exit(i % 2 ? 99 : i);
        }
        waitpid(pid, &status, 0);
        sum += WEXITSTATUS(status);
    }
    char *argv[] = {"true", NULL};
    pid_t pid;
    if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ) == 0)
        waitpid(pid, &status, 0);
    printf("sum %d\n", sum);
    return 0;
}
