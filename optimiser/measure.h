/* SPDX-License-Identifier: BSD-3-Clause
 * Measuring one image: sizes, boot, memory, answers to its tests. Private to the optimiser and the
 * tools that use it. */
#ifndef OPTIMISER_MEASURE_H
#define OPTIMISER_MEASURE_H

#include "common/console.h"
#include "common/drive.h"
#include "common/runner.h"
#include "common/sandbox.h"
#include "optimiser/optimiser.h"

struct measuring {
    /* set by the caller */
    const char *program; /* for ${PROGRAM} in tests */
    const struct test_file *tests;
    strings arguments;
    const char *load;        /* shell command that loads a server; NULL: the tests do */
    const char *load_metric; /* regular expression whose first group is its throughput */
    const char *work_dir;
    /* The program's first line on Linux: what tells its output from a core's that is not
     * recognised. NULL: not known. */
    const char *first_line;
    int rounds;          /* times the tests' commands are sent; 0: enough for percentiles */
    int boot_ms;         /* longest boot; 0: 30 s */
    bool minimum_memory; /* by bisection, where the runner lets memory be set */
    /* Says whether the image passes its tests with that memory; used by the bisection. */
    enum status (*passes)(void *context, const struct image *image, bool *good);
    void *context;
    listenings ports; /* further ones to lead into the machine */
    /* private */
    struct console *console;
    struct sandbox box;
};

enum status measuring_open(struct diag *d, struct arena *a, struct measuring *m);
void measuring_close(struct measuring *m);

/* Runs the program on Linux, twice, and notes in m->first_line what it prints first, where that is
 * the same both times and no command's answer; of a server whose tests name no port, in m->ports on
 * which it listens. That it cannot be run is no error here. */
void measuring_learn(const struct diag *d, struct arena *a, struct measuring *m);

/* One sample, the least disturbed of some runs where other processes had the processors meanwhile:
 * "size", "loaded" (bytes), "boot" (ms to the program's first output, or to the first
 * answer of a server),
 * "memory" (KiB), and with tests "throughput" (commands per second), "p50", "p99" (ms), else "run"
 * (ms). A quantity that cannot be had is left out. sample->works is false when the image does not
 * run. */
enum status measure_image(struct diag *d, struct arena *a, struct measuring *m,
                          const struct image *image, struct perf_sample *sample);

/* Bytes of the file, and of its loadable segments in memory (0: not an ELF file). */
enum status measure_size(struct diag *d, struct arena *a, const char *path, int64_t *file,
                         int64_t *loaded);

/* Least memory in MiB, 1 to limit, with which passes() holds; 0: not even with limit. */
enum status least_memory(struct diag *d, struct arena *a, struct measuring *m,
                         const struct image *image, int limit_mib, int *mib);

/* Runs a user's own measurement: a shell command that prints lines "NAME VALUE"; exit status not 0:
 * it does not work. The choice is in its environment (KNOB_NAME=value) and as lines NAME=value in
 * the file that CONFIG names. */
enum status measure_command(struct diag *d, struct arena *a, const char *command,
                            const char *work_dir, const struct perf_knob *knobs, size_t count,
                            const int *choice, struct perf_sample *sample);

#endif
