/* SPDX-License-Identifier: BSD-3-Clause
 * The selection document: the chosen micro-libraries and option values, each with its reason, and
 * what nothing provides. Produced by the matcher; read by builder, verifier and reports.
 * JSON form: docs/schema/selection.json. */
#ifndef COMMON_SELECTION_H
#define COMMON_SELECTION_H

#include "common/jsonmap.h"

#define SELECTION_SCHEMA "selection/1"

struct selection_library {
    const char *name, *option, *repository; /* option NULL: always built */
    strings reasons; /* "provides openat (static: main > fopen)", "selected by LIBVFSCORE", ... */
    int64_t bytes;   /* its cost where sizes are known, else 0 */
};

struct selection_missing_call {
    const char *name;
    int64_t number;
    const char *class_;    /* from the profile, NULL when not tried */
    strings near;          /* catalogue entries that come close */
    const char *harmless;  /* why programs live with its refusal; NULL: they may not */
    const char *needed_by; /* the evidence: a call path or a library; NULL: none known */
    const char *prototype; /* C declaration for a stub; NULL: unknown */
};

struct selection_missing_symbol {
    const char *name;
    const char *library; /* of the Linux program: where it comes from there; NULL: unknown */
    strings near;
};

/* A rule of the catalogue that could not be met: what will be seen, in its words. */
struct selection_unmet {
    const char *rule, *needs, *symptom;
};

/* A C file built along with the image, for what no option of this release gives. */
struct selection_source {
    const char *rule, *why;
    strings lines;
    strings wrap; /* functions whose calls it takes over: __wrap_NAME for NAME */
};

/* Another configuration that would do, and what it costs more. */
struct selection_alternative {
    const char *instead; /* the option left out of it */
    const char *change;  /* "LIBUKALLOCREGION instead of LIBUKALLOCBBUDDY" */
    int64_t libraries;   /* more (or fewer) libraries */
    int64_t bytes;       /* more bytes, 0 where sizes are not known */
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
    jm_pairs config;   /* option -> value: "y", "n", "4", "\"text\""; sorted by option */
    jm_pairs reasons;  /* option -> why it is on */
    jm_pairs provides; /* needed call -> the option that gives it */
    jm_pairs exports;  /* source port: needed function -> the option or library that gives it */
    struct {
        VEC(struct selection_missing_call) syscalls;
        VEC(struct selection_missing_symbol) details; /* of symbols, where more is known */
        strings symbols;
    } missing;
    VEC(struct selection_unmet) unmet; /* rules */
    VEC(struct selection_source) sources;
    strings facts;   /* of profile and build that rules looked at */
    strings clashes; /* symbols that two selected libraries export: "strlen: libnolibc, libmusl" */
    VEC(struct selection_alternative) alternatives;
    bool optimal; /* the solver proved it */
    double cost;
    const char *objective; /* what cost counts */
};

extern const struct jm_type selection_type;

/* Reads and checks a selection.json. */
enum status selection_read(struct diag *d, struct arena *a, const char *path,
                           struct selection *out);
/* The value of an option, NULL where the selection does not know it. */
const char *selection_value(const struct selection *s, const char *option);

#endif
