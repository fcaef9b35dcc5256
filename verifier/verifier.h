/* SPDX-License-Identifier: BSD-3-Clause
 * Interface of the verifier: the same tests on a Linux program and on an image, compared. */
#ifndef VERIFIER_VERIFIER_H
#define VERIFIER_VERIFIER_H

#include "common/catalogue.h"
#include "common/diag.h"
#include "common/profile.h"
#include "common/runner.h"
#include "common/selection.h"
#include "common/testfile.h"
#include <stdio.h>

#define VERIF_SCHEMA "verif/1"

enum verdict { VERDICT_SAME, VERDICT_DIFFERENT, VERDICT_NOT_COMPARABLE };
extern const char *const verdict_names[]; /* "same", "different", "not comparable", NULL */

/* One aspect compared: a command's answer, the exit, a file, the calls, memory. */
struct verif_check {
    const char *aspect;          /* "output", "start", "end", "exit", "file", "calls", "memory" */
    const char *subject;         /* the command, the file's name; NULL: none */
    int verdict;                 /* enum verdict */
    const char *reason;          /* why it is different or not comparable; what was masked */
    const char *native, *image;  /* what was seen on either side, shortened */
    const char *diff;            /* unified, of normalised lines; NULL: none */
    int64_t native_us, image_us; /* until the answer was complete; 0: not measured */
};
typedef VEC(struct verif_check) verif_checks;

/* One run of the program: its arguments, and all that was compared. */
struct verif_run {
    const char *arguments;
    int verdict;
    verif_checks checks;
    /* Where they were recorded: number of calls on either side, and those with another outcome. */
    int64_t native_calls, image_calls;
    strings calls_differ;
    int64_t native_peak_kb, image_peak_kb; /* memory high-water: of the program; of the image's
                                              process (with QEMU: the whole of QEMU) */
};

/* A normaliser, and how often it changed something. */
struct verif_normaliser {
    const char *name, *what;
    int64_t native_count, image_count;
    strings examples;
};
typedef VEC(struct verif_normaliser) verif_normalisers;

struct verif_candidate {
    const char *option, *library; /* library NULL: an option of no library of its own */
    const char *why;
};

/* Where the image first parted from the program, and what would mend it. */
struct verif_divergence {
    bool present;
    const char *kind;  /* "missing call", "failed call", "wrong result", "lost output", "crash",
                          "hang", "file", "missing need", "unexplained" */
    const char *where; /* the first check that differs */
    const char *call;  /* NULL: no call could be named */
    const char *native_result, *image_result; /* of that call */
    const char *library; /* the one at fault, where it provides the call and is there; or NULL */
    const char *explanation;
    VEC(struct verif_candidate) candidates; /* best first; what to turn on */
    strings evidence;                       /* lines of the console, of the traces */
};

struct verif_fix {
    strings pinned; /* what was added this time */
    int verdict;
    const char *explanation;
};

struct verif {
    const char *schema;
    const char *program, *image;
    struct {
        const char *name;
        strings command;
    } runner;
    int verdict;
    int64_t same, different, not_comparable; /* checks */
    /* Some program's exit status is known and its image's is not: an image that traces its calls
     * may tell. Not in the document. */
    bool exit_untold;
    bool awaits_input; /* the image waits at the end of the tests' input, where the program goes on;
                          not in the document */
    strings environment; /* variables given to both sides */
    verif_normalisers normalisers;
    VEC(struct verif_run) runs;
    struct verif_divergence divergence;
    VEC(struct verif_fix) fixes;
};

extern const struct jm_type verif_type;

enum status verif_read(struct diag *d, struct arena *a, const char *path, struct verif *out);

struct verif_options {
    const char *program; /* absolute */
    const char *name;    /* argv[0], as the user wrote it; NULL: the path */
    strings arguments;
    strings command_lines; /* each a run; empty: one run with arguments */
    const struct test_file *tests;
    int wait_ms;
    int repeat;           /* native runs, to learn what varies; 0: 2 */
    int boot_ms;          /* longest boot; 0: 30 s */
    const char *work_dir; /* runs' folders are made below it */
    strings normalise;    /* normalisers applied always, beside the test file's */
    strings environment;  /* "NAME=value", given to the program on Linux as to the image */
    bool runs_on; /* the image's machine is known to run on after its program's end: once its output
                     is complete that is no hang */
    bool calls;   /* record the program's calls on Linux for the comparison */
    const struct profile *profile;     /* NULL: not known */
    const struct selection *selection; /* NULL: not known */
    const struct catalogue *catalogue; /* NULL: not known */
    /* What the matcher would choose were nothing forbidden or forced: what it has and selection has
     * not is suspect. NULL: not known. */
    const struct selection *wanted;
};

/* Fills *out. STATUS_FOUND: different. STATUS_SYSTEM: neither side could be run. */
enum status verify(struct diag *d, struct arena *a, const struct verif_options *options,
                   const struct image *image, struct verif *out);

/* Readable report. */
void verif_print(const struct verif *v, FILE *out, bool colour, int verbosity);
/* Test Anything Protocol; JUnit XML. */
char *verif_tap(struct arena *a, const struct verif *v);
char *verif_junit(struct arena *a, const struct verif *v);

/* ---- an image by itself ---- */

#define BOOT_SCHEMA "run/1"

/* What one command of the test file brought. */
struct boot_test {
    const char *command;
    const char
        *status; /* "sent", "exit 0", "reply", "no reply", "refused", "timeout", "not sent" */
    const char *output; /* the program's own, shortened; NULL: none */
    const char *fault;  /* why it counts as failed; NULL: it does not */
    int64_t duration_ms;
};

struct boot_run {
    const char *arguments;
    strings command;   /* the runner's */
    const char *start; /* printed before the first command (without tests: everything) */
    int64_t ready_ms;  /* after the runner's start; -1: never */
    VEC(struct boot_test) tests;
    int64_t exit_status; /* -1: not known */
    const char *end;     /* how it ended, in words */
    strings faults;      /* of the run as a whole: a crash, no end, a bad status; empty: none */
    strings refused;     /* calls that the core said it lacks */
};

struct boot {
    const char *schema, *image, *runner;
    bool passed;
    VEC(struct boot_run) runs;
};

extern const struct jm_type boot_type;

/* Runs the image under the test file of options, as often as there are command lines, and says what
 * each test brought; it is compared with nothing but the test file's expected output. forwards are
 * the ports led from this host into the machine beside those that the test file names; where it
 * names none and its commands run in a shell, the program is run here once to see on which it
 * listens. STATUS_FOUND: something failed (out says what). STATUS_SYSTEM: it cannot be run. */
enum status boot_image(struct diag *d, struct arena *a, const struct verif_options *options,
                       const struct image *image, const listenings *forwards, struct boot *out);

#endif
