/* SPDX-License-Identifier: BSD-3-Clause
 * The program's system calls with their results, in order: on Linux as recorded here, in an image
 * as its core's trace tells. */
#ifndef VERIFIER_CALLS_H
#define VERIFIER_CALLS_H

#include "common/console.h"

struct call {
    const char *name;
    const char *arguments; /* as text */
    int64_t result;        /* negative errno for a failure */
    bool has_result;       /* false: it did not return, or the trace does not say */
    size_t offset;         /* in the console that told of it */
};
typedef VEC(struct call) calls;

/* For struct process.in_child: runs a program as a traced child of this process, its calls written
 * to a file, and ends as it ends. Does not return. */
struct calls_recording {
    const char *program, *file;
};
void calls_record(void *recording, const char *const *argv);
/* Reads such a file. */
enum status calls_read(struct diag *d, struct arena *a, struct console *c, const char *path,
                       calls *out);
/* True when the core traced its calls, and did not only tell of some. */
bool events_hold_trace(const console_events *events);
/* Those that a console told. */
void calls_of_events(struct arena *a, const console_events *events, calls *out);

/* A place where the two part: both make the call, with different outcome; or only the image makes
 * it, and is refused; or the image stops making calls. Indices into the two lists, SIZE_MAX: none.
 * Addresses, ids and times in results do not count. */
struct parting {
    size_t native, image;
    bool ends; /* the image makes no more calls after image - 1 */
};
typedef VEC(struct parting) partings;
/* All of them, in order. */
void calls_part(struct arena *a, const calls *native, const calls *image,
                bool (*harmless)(void *context, const char *name), void *context, partings *out);

/* A call's first argument, as a descriptor; -1: it is no number. */
long call_descriptor(const struct call *c);
/* A read of standard input. */
bool call_reads_input(const struct call *c);
/* The call opened something that then served for nothing: every use of it until it was closed
 * failed. That it fails at once elsewhere makes no difference. */
bool call_fruitless(const calls *list, size_t index);
/* Bytes that the calls wrote to standard output and error, by their own results. */
int64_t calls_printed(const calls *list);

/* Text of a result: "12", "-38 (ENOSYS)". */
const char *call_result_text(struct arena *a, const struct call *call);

#endif
