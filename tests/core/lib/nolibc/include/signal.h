/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _SIGNAL_H
#define _SIGNAL_H

#include <sys/types.h>

#define SIGINT  2
#define SIGABRT 6
#define SIGPIPE 13
#define SIGTERM 15
#define SIGUSR1 10
#define SIG_DFL ((void (*)(int))0)
#define SIG_IGN ((void (*)(int))1)
#define SIG_ERR ((void (*)(int)) - 1)

void (*signal(int number, void (*handler)(int)))(int);
int raise(int number);
int kill(pid_t pid, int number);

#endif
