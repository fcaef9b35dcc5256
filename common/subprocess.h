/* SPDX-License-Identifier: BSD-3-Clause
 * Running other programs (make, kconfig-conf, qemu, test commands): own process group, output
 * captured, a deadline, nothing left behind. */
#ifndef COMMON_SUBPROCESS_H
#define COMMON_SUBPROCESS_H

#include "common/arena.h"
#include "common/diag.h"

struct subprocess {
    /* set by the caller */
    const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
    const char *directory;   /* NULL: the present one */
    const char *const *env;  /* "NAME=value" added to the environment; NULL: none */
    const char *input;       /* for standard input; NULL: /dev/null */
    size_t input_size;
    int timeout_ms;      /* 0: none */
    size_t output_limit; /* bytes kept of each stream, the rest is read and dropped; 0: 16 MiB */
    /* called with each piece of output as it comes (stream 1 or 2); NULL: not */
    void (*on_output)(void *context, int stream, const char *data, size_t size);
    void *context;
    /* results */
    char *out, *err; /* in the arena, NUL-terminated */
    size_t out_size, err_size;
    int exit_status; /* 0..255, or -1 when it was ended by a signal */
    int signal;      /* that signal, or 0 */
    bool timed_out;
    int64_t duration_ms;
};

/* Runs it to its end. STATUS_SYSTEM when it could not be started (a missing program is named);
 * a program that fails is not an error of this function. When it returns, its process group is
 * gone. */
enum status subprocess_run(struct diag *d, struct arena *a, struct subprocess *p);

#endif
