/* SPDX-License-Identifier: BSD-3-Clause
 * Signals by the thousand, whose handler makes calls of its own, while calls are interrupted and
 * restarted. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t seen;

static void handler(int signal)
{
    int saved = errno;
    (void)signal;
    getpid();
    getppid();
    seen++;
    errno = saved;
}

int main(void)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    char byte = 0;
    int ends[2];
    sigaction(SIGALRM, &action, NULL);
    if (pipe(ends) != 0)
        return 1;
    pid_t child = fork();
    if (child == 0) {
        struct timespec pause = {0, 300000000};
        setitimer(ITIMER_REAL, &never, NULL);
        nanosleep(&pause, NULL);
        return write(ends[1], "x", 1) == 1 ? 0 : 1;
    }
    setitimer(ITIMER_REAL, &often, NULL);
    ssize_t n = read(ends[0], &byte, 1); /* restarted again and again */
    setitimer(ITIMER_REAL, &never, NULL);
    waitpid(child, NULL, 0);
    printf("%s %zd %c\n", seen > 10 ? "stormy" : "calm", n, byte);
    return 0;
}
