/* SPDX-License-Identifier: BSD-3-Clause
 * A server with threads and children for those who kill its tracer: four threads call without end,
 * children are forked, execute something and end, daemons leave the session. Every process holds
 * an open file that the first argument names, by which survivors are found; the second is how long
 * daemons live. */
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void *busy(void *unused)
{
    for (;;) {
        getppid();
        syscall(SYS_getuid);
        void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        munmap(p, 4096);
        usleep(50);
    }
    return unused;
}

int main(int argc, char **argv)
{
    int daemon_ms = argc > 2 ? atoi(argv[2]) : 60000;
    int held = open(argc > 1 ? argv[1] : "/dev/null", O_RDONLY); /* inherited by everyone */
    pthread_t thread;
    for (int i = 0; i < 4; i++)
        pthread_create(&thread, NULL, busy, NULL);
    for (unsigned round = 0;; round++) {
        pid_t child = fork();
        if (child == 0) {
            if (round % 8 == 7) { /* out of the session, parent gone */
                setsid();
                if (fork() == 0)
                    for (int i = 0; i < daemon_ms; i++)
                        usleep(1000);
                _exit(0);
            }
            if (round % 2)
                execl("/bin/sh", "sh", "-c", "/bin/true; exit 0", (char *)NULL);
            for (int i = 0; i < 100; i++)
                getppid();
            _exit(held < 0);
        }
        char *arguments[] = {"true", NULL};
        pid_t spawned;
        if (posix_spawn(&spawned, "/bin/true", NULL, NULL, arguments, environ) == 0)
            waitpid(spawned, NULL, 0);
        waitpid(child, NULL, 0);
    }
}
