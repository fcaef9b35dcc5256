/* SPDX-License-Identifier: BSD-3-Clause
 * Exercising something that runs with a test file: lines on its standard input, commands in a shell
 * beside it, lines on a TCP connection. The same for a program on Linux and for an image in a
 * virtual machine: what differs is how one sees that it is ready, has answered, or has ended. */
#ifndef COMMON_DRIVE_H
#define COMMON_DRIVE_H

#include "common/process.h"
#include "common/subprocess.h"
#include "common/testfile.h"

enum drive_outcome {
    DRIVE_DONE,     /* stdin: the line was handed over; exec: the command ended */
    DRIVE_REPLY,    /* telnet: something came back */
    DRIVE_SILENT,   /* telnet: nothing came back in time */
    DRIVE_REFUSED,  /* telnet: no connection */
    DRIVE_TIMEOUT,  /* exec: the command did not end in time */
    DRIVE_NOT_SENT, /* the program had ended before this command */
};

/* What one command brought. Bytes are as they came. */
struct drive_step {
    const char *command;
    enum drive_outcome outcome;
    int exit_status;    /* exec: of the shell command, -1 by a signal or not ended; else -1 */
    int signal;         /* exec: the one that ended it, or 0 */
    const char *output; /* exec: the command's output and error; telnet: the reply; stdin: what the
                           program printed from here to the next command */
    size_t size;
    int64_t duration_us; /* until the answer was complete, as far as that shows */
};

struct drive {
    /* set by the caller */
    const struct test_file *tests; /* NULL: the program is only watched */
    struct process *process;       /* started */
    int ready_ms;                  /* longest wait for readiness; 0: 10 s */
    int settle_ms; /* silence after which an answer counts as complete where nothing else tells; 0:
                      the test file's pause, at least 50 ms */
    int run_ms;    /* longest wait for the program's end after the last command; 0: the test's */
    const int *step_ms; /* longest wait for each command, and for the end after the last one, past
                           which the outcome is DRIVE_TIMEOUT; NULL: run_ms for each */
    int idle_ms; /* without tests: enough once it has only waited for events so long; 0: never */
    bool serial; /* its input is a serial line, which is ended as a terminal's input is */
    bool local;  /* the process is the program itself: /proc tells when it waits or listens */
    const char *const *env; /* added for exec commands; NULL: none */
    const char *directory;  /* where exec commands run; NULL: the present one */
    const char *address;    /* telnet: replaces the test's; NULL: not */
    int port;               /* telnet: replaces the test's; 0: not */
    /* Tells that a step's answer is complete (1), that there is no use in waiting for it any longer
     * (-1), or neither (0). Asked again and again; NULL: not. */
    int (*answered)(void *context, size_t step, const char *output, size_t size);
    /* telnet: an answer is known to come to this step, so that silence does not end it; NULL: not.
     */
    bool (*expects)(void *context, size_t step);
    /* Tells from the console so far that the program has ended although its machine still runs
     * (then *status is its exit status, -1: unknown), or that the boot is over (readiness). */
    bool (*over)(void *context, const char *console, size_t size, int *status);
    bool (*booted)(void *context, const char *console, size_t size);
    /* Called once it is ready and the commands begin; NULL: not. */
    void (*begun)(void *context);
    /* Called after each step, with the console as it is then; false: enough, the rest is not sent.
     * NULL: not. */
    bool (*go_on)(void *context, const struct drive_step *step, size_t index);
    /* Runs an exec command; NULL: subprocess_run does. */
    enum status (*run)(void *context, struct diag *d, struct arena *a, struct subprocess *p);
    void *context;
    /* results */
    VEC(struct drive_step) steps;
    const char *console; /* everything the process printed */
    size_t console_size;
    size_t start_size; /* of it, before the first command */
    bool ready;        /* false: the program never became ready */
    bool enough;       /* `go_on` said so */
    bool over_seen;    /* `over` said so */
    int over_status;
    bool timed_out; /* still running when its time was up */
    bool serving;   /* a server that still ran after the last command, as servers do */
    /* After the start; -1: never. commands_us: the last command was done. */
    int64_t first_output_us, ready_us, commands_us, finished_us;
    listenings ports; /* local servers */
};

/* Runs all commands. Failing commands are results, not errors; an error is what the tool itself
 * cannot do. The process is left as it is (process_stop is the caller's). */
enum status drive(struct diag *d, struct arena *a, struct drive *drive);

#endif
