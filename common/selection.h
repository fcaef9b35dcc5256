/* SPDX-License-Identifier: BSD-3-Clause
 * The selection document: the chosen micro-libraries and option values, each with its reason, and
 * what nothing provides. Produced by the matcher; read by builder, verifier and reports.
 * JSON form: docs/schema/selection.json. */
#ifndef COMMON_SELECTION_H
#define COMMON_SELECTION_H

#include "common/jsonmap.h"

#define SELECTION_SCHEMA "selection/1"

struct selection_library {
    const char *name, *option, *repository;
    strings reasons; /* "provides openat (static, sqlite3)", "selected by LIBVFSCORE", ... */
};

struct selection_missing_call {
    const char *name;
    int64_t number;
    const char *class_; /* from the profile, NULL when not tried */
    strings near;       /* catalogue entries that come close */
};

struct selection {
    const char *schema;
    struct {
        const char *name, *version;
    } catalogue;
    const char *program; /* base name */
    const char *mode;    /* "source" or "binary" */
    const char *need;    /* "static", "dynamic", "required" */
    VEC(struct selection_library) libraries;
    jm_pairs config;  /* option -> value: "y", "n", "4", "\"text\""; sorted by option */
    jm_pairs reasons; /* option -> why it is on */
    struct {
        VEC(struct selection_missing_call) syscalls;
        strings symbols;
    } missing;
    bool optimal; /* the solver proved it */
    double cost;
    const char *objective; /* what cost counts */
};

extern const struct jm_type selection_type;

enum status selection_read(struct diag *d, struct arena *a, const char *path,
                           struct selection *out);

#endif
