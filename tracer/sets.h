/* SPDX-License-Identifier: BSD-3-Clause
 * Small sets that grow while a program runs: selecting arguments, files, libraries. Private to
 * tracer/. */
#ifndef TRACER_SETS_H
#define TRACER_SETS_H

#include "tracer/session.h"

struct library_seen {
    const char *path;
    UT_hash_handle hh;
};

struct file_seen {
    char *key; /* access, then the path */
    struct profile_file file;
    UT_hash_handle hh;
};

struct selector_seen {
    struct selector_key {
        const struct selector *selector;
        int64_t value;
    } key;
    UT_hash_handle hh;
};

struct symbol_seen {
    const char *name, *version;
    const char *path;    /* of the library, where known from the start */
    const char *library; /* its soname */
    UT_hash_handle hh;
};

struct sets {
    struct symbol_seen *symbols;
    struct library_seen *libraries;
    struct file_seen *files;
    unsigned opened, stats, folders; /* how many of them, by access */
    struct selector_seen *selectors;
};

/* ---- selectors.c ---- */
struct selector; /* an argument that selects what a multiplexed call does */
/* Both tell whether that was new. */
bool selectors_record(struct session *s, const struct task *task, const struct call *call);
void selectors_finish(struct session *s, struct arena *a, struct profile_dynamic *out);

bool selectors_watch(int number);
/* The call's selecting argument has this value. */
bool selector_matches(const struct selector *selector, const struct task *task,
                      const struct call *call, int64_t value);
/* The selector that a profile entry is about, where each of its values stands for something of its
 * own (not a bit set); *number is its call. NULL: none. */
const struct selector *selector_find(const struct profile_selector *entry, int *number);
/* "ioctl TCGETS". */
const char *selector_text(struct arena *a, const struct selector *selector, int64_t value);

/* True when that value was new. */
bool selectors_add(struct session *s, const struct selector *selector, int64_t value);

/* ---- rings.c ---- */
/* Looks at the rings of io_uring when a call has to do with them. True when that was new. */
bool rings_record(struct session *s, const struct task *task, const struct call *call);
/* NULL: the selector is another. */
const char *ring_operation_name(struct arena *a, const struct selector *selector, int64_t value);

/* ---- files.c ---- */
bool files_watch(int number);
bool files_record(struct session *s, const struct task *task, const struct call *call);
void files_finish(struct session *s, struct arena *a, struct profile_dynamic *out);

/* ---- functions.c ---- */
/* After the libraries. */
void functions_finish(struct session *s, struct arena *a, struct profile_dynamic *out);

#endif
