/* SPDX-License-Identifier: BSD-3-Clause
 * One run of the program on Linux, or of the image, under the tests: everything that can be seen.
 */
#ifndef VERIFIER_OBSERVE_H
#define VERIFIER_OBSERVE_H

#include "common/drive.h"
#include "common/runner.h"
#include "common/sandbox.h"
#include "verifier/calls.h"
#include "verifier/compare.h"
#include "verifier/normalise.h"

struct observed {
    struct drive drive;
    struct process process;
    bool exit_known;
    int exit_status; /* 0..255; -1: ended by .signal */
    int signal;
    const char *exit_reason; /* why it is not known, or how it is */
    bool crashed;            /* the core says so */
    bool hung;               /* still running when its time was up */
    const char *directory;   /* where it ran; NULL: the present one */
    /* image: */
    strings command; /* the runner's */
    console_events events;
    calls calls;
};

/* What both sides share. */
struct bench {
    struct diag *d;
    struct arena *a;
    const struct verif_options *options;
    struct console *console;
    struct normalisers normalisers;
    const strings *arguments;      /* of this run */
    struct sandbox box;            /* ports for all runs; each has its own folder */
    const struct test_file *tests; /* variables replaced, for the run under way */
    bool terminal; /* the program has a terminal as standard input, as the image has */
    /* for the report */
    size_t console_lines; /* of the core, cut from the console */
    strings console_examples;
    size_t varying; /* tokens that vary from run to run of the program */
    strings varying_examples;
};

/* name: of the folder it runs in, where the tests ask for one. record: file for its calls, or
 * NULL. */
enum status observe_native(struct bench *b, const char *name, const char *record,
                           struct observed *out);

/* What the image is expected to print, so that waiting ends when it has: per step, and first of all
 * (index 0) what comes before any command. */
struct script {
    VEC(struct expectation) steps;
    int64_t longest_us; /* of the program's own answers */
    bool open;          /* nothing is known: an answer is over once it has begun and then ceased */
    int64_t run_ms; /* longest wait for the end, where nothing else says it; 0: from longest_us */
};

enum status observe_image(struct bench *b, const char *name, const struct runner *runner,
                          const struct image *image, const struct script *script,
                          const listenings *ports, struct observed *out);

/* The program's arguments in run number index: its command line, else the user's, else the test's.
 */
enum status run_arguments(struct bench *b, size_t index, strings *words);

/* The lines of a piece of an observed console (image: without what is the core's). */
void observed_lines(struct bench *b, const char *text, size_t size, bool image, strings *lines);

#endif
