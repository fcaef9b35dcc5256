/* SPDX-License-Identifier: BSD-3-Clause
 * Where knobs come from: a file, the command line, or the catalogue. Private to the optimiser and
 * the tools that use it. */
#ifndef OPTIMISER_KNOBS_H
#define OPTIMISER_KNOBS_H

#include "common/catalogue.h"
#include "common/kconfig_eval.h"
#include "common/selection.h"
#include "optimiser/optimiser.h"

/* A search space as a file has it. */
struct knobs_excluded {
    jm_pairs values; /* a point with all of these is not valid */
};
struct knobs_file {
    VEC(struct perf_knob) knobs;
    VEC(struct perf_objective) objectives;
    VEC(struct knobs_excluded) excluded;
};
extern const struct jm_type knobs_file_type;
enum status knobs_read(struct diag *d, struct arena *a, const char *path, struct knobs_file *out);
/* "NAME=VALUE,VALUE,...": the first is the start. */
enum status knob_parse(struct diag *d, struct arena *a, const char *text, struct perf_knob *out);
bool knobs_excluded(const struct knobs_file *file, const struct perf_knob *knobs, size_t count,
                    const int *choice);

/* ---- of a catalogue and a selection ---- */

/* The configuration space around a selection. */
struct knob_space {
    struct arena *a;
    const struct catalogue *catalogue;
    const struct selection *selection;
    struct kconfig *model; /* holds the selection's values */
    strings needed;        /* calls that the selection provides and must go on providing */
    strings kept;          /* options that must stay on */
    strings rules; /* expressions of the catalogue's rules that hold and must go on holding */
};

enum status knob_space_open(struct diag *d, struct arena *a, const struct catalogue *catalogue,
                            const struct selection *selection, const strings *calls,
                            struct knob_space *out);
/* Choices, and the bool and int options that a table of patterns (knobs.c) names as alternatives of
 * how, not of what; those that can be set by hand in this configuration. */
void knob_space_find(struct knob_space *s, size_t limit, struct perf_search *search);
/* The point that comes nearest to another selection: each knob at that selection's value where it
 * has that value, else at the first. */
const int *knob_space_point(const struct knob_space *s, const struct perf_knob *knobs, size_t count,
                            const struct selection *like);
/* All knobs have the values of the point once everything is evaluated, no option's dependencies are
 * broken, and what the program needs is still provided. */
bool knob_space_valid(struct knob_space *s, const struct perf_knob *knobs, size_t count,
                      const int *choice);
/* The selection with the point's values, complete. */
void knob_space_apply(struct knob_space *s, const struct perf_knob *knobs, size_t count,
                      const int *choice, struct selection *out);

#endif
