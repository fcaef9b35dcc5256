/* SPDX-License-Identifier: BSD-3-Clause
 * Gaussian process over points of categorical and ordered knobs. Private to the optimiser. */
#ifndef OPTIMISER_MODEL_H
#define OPTIMISER_MODEL_H

#include "optimiser/optimiser.h"

enum { MODEL_POINTS = 400 }; /* the latest are used; work grows with the cube */

struct model {
    struct arena *a;
    size_t knobs;
    const struct perf_knob *knob;
    double *weight;  /* per knob: how much a change matters */
    double additive; /* share of the kernel that adds up over knobs; the rest multiplies */
    double noise;    /* variance, in units of the values' own */
    size_t count;
    const int **x; /* count points */
    double *y;     /* standardised */
    double mean, scale;
    double *factor; /* Cholesky factor of the covariance, row-major lower triangle */
    double *alpha;
};

void model_init(struct model *m, struct arena *a, const struct perf_knob *knobs, size_t count);
/* Learns from count points. learn: the weights too (by marginal likelihood), not the values alone.
 */
void model_fit(struct model *m, const int *const *x, const double *y, size_t count, bool learn);
/* Mean and standard deviation at a point, in the units of y. */
void model_predict(const struct model *m, const int *x, double *mean, double *deviation);
/* Expected improvement below best. */
double expected_improvement(double mean, double deviation, double best);

#endif
