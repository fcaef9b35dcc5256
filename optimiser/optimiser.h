/* SPDX-License-Identifier: BSD-3-Clause
 * Interface of the optimiser: a search over the values of knobs, by measurements. It knows nothing
 * of images: the caller says which points are valid, measures them and verifies them. */
#ifndef OPTIMISER_OPTIMISER_H
#define OPTIMISER_OPTIMISER_H

#include "common/jsonmap.h"
#include <stdio.h>

#define PERF_SCHEMA    "perf/1"
#define WEIGHTS_SCHEMA "weights/1"

/* Something that can be chosen. values[0] is what the configuration to be improved has. */
struct perf_knob {
    const char *name;
    strings values;
    bool ordered; /* values are numbers in rising or falling order, but for the first */
    bool choice;  /* values are options, of which the one taken is y; the name is only a label */
};

/* One quantity of one point: repeated measurements of it. */
struct perf_metric {
    const char *name;
    double median, mad; /* median absolute deviation */
    int64_t samples;
};
typedef VEC(struct perf_metric) perf_metrics;

struct perf_point {
    jm_pairs values;     /* knob: value, only where it is not the first */
    bool works;          /* built, ran, and passed what it was put to */
    bool verified;       /* compared with the program on Linux */
    const char *failure; /* why it does not work; NULL */
    perf_metrics metrics;
    bool front;    /* no other point is better in one quantity and as good in the others */
    double cost_s; /* time spent on it */
};

/* A quantity to be made small (or great: throughput). */
struct perf_objective {
    const char *name;
    bool maximise;
};

struct perf_effect { /* what changing one knob alone does */
    const char *knob, *value;
    const char *metric;
    double change; /* 0.1: ten per cent more */
    bool certain;  /* beyond the noise */
};

struct perf {
    const char *schema;
    const char *program;
    const char *objective; /* NULL: the whole front */
    const char *stopped;   /* "converged", "measurements", "budget", "exhausted", "interrupted" */
    int64_t space;         /* valid points, or an estimate when there are too many to count */
    int64_t measured, remembered; /* points; of them out of the journal */
    double spent_s;
    VEC(struct perf_knob) knobs;
    VEC(struct perf_objective) objectives;
    VEC(struct perf_point) points; /* in the order in which they were measured; [0] is the start */
    int64_t best;                  /* index of the best for the objective, -1: none */
    VEC(struct perf_effect) effects;
};

extern const struct jm_type perf_type;

enum status perf_read(struct diag *d, struct arena *a, const char *path, struct perf *out);

struct perf_value {
    const char *name;
    double value;
};

/* One measurement of a point. A value "start_NAME" is what the start gave in the same minute: NAME
 * is then told relative to it, so that a host that grows busier during a search does not count
 * against the points that come later. */
struct perf_sample {
    bool works;
    const char *failure; /* where it does not */
    VEC(struct perf_value) values;
};

struct perf_search {
    /* set by the caller */
    const char *program;
    VEC(struct perf_knob) knobs;
    VEC(struct perf_objective) objectives; /* the first is the leading one */
    bool whole_front;                      /* all objectives count, not the first alone */
    double budget_s;                       /* 0: none */
    int64_t most; /* measured points at most; 0: a third of the space, at least 12 */
    int repeat;   /* samples of a point; 0: 3. More are taken where noise leaves it open */
    uint64_t seed;
    VEC(const int *) seeds;          /* points worth trying first: what is known to serve */
    const char *journal;             /* file of all measurements; NULL: none */
    const char *identity;            /* what the journal is for: another identity starts it anew */
    const volatile int *interrupted; /* nonzero: stop after the measurement under way */
    /* choice[k]: index into knobs[k].values. valid may be NULL (all are). */
    bool (*valid)(void *context, const int *choice);
    /* Measures once; what does not work is a result. An error ends the search. */
    enum status (*measure)(void *context, const int *choice, struct perf_sample *out);
    /* Compares with the program on Linux before a point is accepted; NULL: not. *why in the arena.
     */
    enum status (*verify)(void *context, const int *choice, bool *good, const char **why);
    void *context;
};

/* Searches. STATUS_FOUND when not even the start works. out lives in the arena. */
enum status perf_search(struct diag *d, struct arena *a, const struct perf_search *search,
                        struct perf *out);

/* Table of the front, and of what each knob does; the front as SVG (first two objectives). */
void perf_print(const struct perf *p, FILE *out, bool colour, int verbosity);
char *perf_svg(struct arena *a, const struct perf *p);
/* The weights document: what --build --weights takes. */
json_t *perf_weights(const struct perf *p);

/* Whether the knob of that name is a choice. */
bool perf_is_choice(const struct perf *p, const char *name);

/* Median and median absolute deviation; values are reordered. */
void median_mad(double *values, size_t count, double *median, double *mad);

#endif
