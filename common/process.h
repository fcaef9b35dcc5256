/* SPDX-License-Identifier: BSD-3-Clause
 * A program that keeps running while one talks to it (subprocess.h is for those run to their end):
 * started in a process group of its own, its output readable as it comes, ended with the tool. */
#ifndef COMMON_PROCESS_H
#define COMMON_PROCESS_H

#include "common/arena.h"
#include "common/diag.h"
#include "common/vec.h"
#include <sys/types.h>

struct process {
    /* set by the caller */
    const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
    const char *path;        /* what to execute, argv[0] being only a name; NULL: argv[0] */
    const char *directory;   /* NULL: the present one */
    const char *const *env;  /* "NAME=value" added to the environment; NULL: none */
    /* Output goes through a pseudo terminal in raw mode, so that the program's C library hands out
     * each line when it is complete. Standard input stays a pipe. */
    bool terminal;
    /* With terminal: standard input is that terminal too, and echoes what is written to it. */
    bool terminal_input;
    /* Called in the child in place of execvp (a tracer, say); must not return. NULL: none. */
    void (*in_child)(void *context, const char *const *argv);
    /* Tells whether it has ended and how, where somebody else waits for it; NULL: waitpid does. */
    bool (*watch)(struct process *p);
    void *context;
    int wake; /* with watch: readable once it is worth asking again; 0: none */
    /* results */
    pid_t pid;
    int input;  /* write end of its standard input, non-blocking; -1: closed */
    int output; /* its standard output and error, merged; -1: ended */
    bool ended;
    int exit_status;              /* 0..255, or -1 when a signal ended it */
    int signal;                   /* that signal, or 0 */
    int64_t started_us, ended_us; /* monotonic clock */
    int64_t peak_kb;              /* largest resident size, once ended */
    int64_t seen_kb, floor_kb;    /* private: the largest seen so far; below it the kernel's figure
                                     may be this process's own before it executed the program */
};

int64_t now_us(void);

/* Starts it. STATUS_SYSTEM names a program that cannot be run. */
enum status process_start(struct diag *d, struct process *p);
/* Notices its end without waiting; true once it has ended (output may still hold data). */
bool process_ended(struct process *p);
/* Ends it: SIGTERM to its group, SIGKILL after grace_ms; all descriptors closed, all of its process
 * group gone. Safe to call when it ended by itself. */
void process_stop(struct process *p, int grace_ms);
void process_close_input(struct process *p);

/* Time for which the threads of pid have stood ready so far while others had the processors
 * (microseconds; 0 where the kernel does not tell): what another process's load adds to theirs. */
int64_t process_delayed_us(pid_t pid);

/* True when some process of the group waits for input and none of it works: what it had to say to
 * the input so far has been said. Looks at /proc/PID/syscall of pid and its descendants. */
bool process_waits(pid_t pid);
/* True when no thread of pid or of a descendant is at work: each waits for something to come. */
bool process_rests(pid_t pid);

struct listening {
    int port;
    bool udp;
};
typedef VEC(struct listening) listenings;

/* TCP ports on which pid or a descendant of it listens (bound UDP ports too), sorted. */
void process_listens(struct arena *a, pid_t pid, listenings *out);

#endif
