/* SPDX-License-Identifier: BSD-3-Clause
 * Calls that signals interrupt: begun again by the kernel, gone on with, or given up. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int alarms;
static int ends[2];

static void on_alarm(int signal)
{
    if (++alarms % 10 == 0)
        write(ends[1], "x", 1);
}

static void tick(long us)
{
    struct itimerval timer = {{0, us}, {0, us}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int main(void)
{
    struct sigaction again = {.sa_handler = on_alarm, .sa_flags = SA_RESTART},
                     once = {.sa_handler = on_alarm};
    int restarted = 0, gone_on = 0, given_up = 0;
    char byte;
    if (pipe(ends) != 0)
        return 1;
    sigaction(SIGALRM, &again, NULL);
    tick(1000);
    for (int i = 0; i < 20; i++) {
        restarted += read(ends[0], &byte, 1) == 1;
        struct timespec left = {0, 5000000};
        while (nanosleep(&left, &left) != 0 && errno == EINTR)
            gone_on++;
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += until.tv_nsec < 990000000 ? 3000000 : 0;
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
            gone_on++;
    }
    sigaction(SIGALRM, &once, NULL);
    for (int i = 0; i < 20; i++) {
        sem_t never;
        struct pollfd none = {-1, 0, 0};
        fd_set empty;
        FD_ZERO(&empty);
        sem_init(&never, 0, 0);
        given_up += poll(&none, 1, 1000) == -1 && errno == EINTR;
        given_up += select(0, &empty, NULL, NULL, NULL) == -1 && errno == EINTR;
        given_up += sem_wait(&never) == -1 && errno == EINTR;
        given_up += pause() == -1 && errno == EINTR;
    }
    tick(0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int64_t began = now_ms();
    struct timespec shortly = {0, 20000000};
    int waited =
        sigtimedwait(&set, NULL, &shortly) == -1 && errno == EAGAIN && now_ms() - began >= 19;
    int fd = signalfd(-1, &set, 0);
    struct signalfd_siginfo info;
    raise(SIGUSR1);
    waited += read(fd, &info, sizeof info) == sizeof info && info.ssi_signo == SIGUSR1;
    printf("%d begun again, %s, %d given up, %d waited\n", restarted, gone_on ? "gone on" : "never",
           given_up, waited);
    return 0;
}
