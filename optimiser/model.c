/* SPDX-License-Identifier: BSD-3-Clause
 * Regression by a Gaussian process (Rasmussen and Williams, 2006, algorithm 2.1). The kernel has
 * two parts: one adds up over knobs, so that what a knob does alone is known after it was tried
 * once; the other multiplies, so that what knobs do only together is learned where it shows. */
#include "optimiser/model.h"
#include <math.h>
#include <string.h>

static const double weight_grid[] = {0.02, 0.1, 0.4, 1.0, 2.5};
static const double additive_grid[] = {0.1, 0.35, 0.6};
enum { WEIGHTS = 5, ADDITIVES = 3, LEARN_POINTS = 80 };
static const double NOISE = 1e-3, JITTER = 1e-8;

void model_init(struct model *m, struct arena *a, const struct perf_knob *knobs, size_t count)
{
    memset(m, 0, sizeof *m);
    m->a = a;
    m->knobs = count;
    m->knob = knobs;
    m->weight = arena_array(a, count + 1, sizeof *m->weight);
    for (size_t k = 0; k < count; k++)
        m->weight[k] = 0.4;
    m->additive = 0.35;
    m->noise = NOISE;
    m->x = arena_array(a, MODEL_POINTS, sizeof *m->x);
    m->y = arena_array(a, MODEL_POINTS, sizeof *m->y);
    m->alpha = arena_array(a, MODEL_POINTS, sizeof *m->alpha);
    m->factor = arena_array(a, (size_t)MODEL_POINTS * MODEL_POINTS, sizeof *m->factor);
}

/* How far two values of a knob are apart, 0 to 1. */
static double distance(const struct perf_knob *knob, int x, int y)
{
    if (x == y)
        return 0;
    if (!knob->ordered || knob->values.count < 3)
        return 1;
    return 0.3 + 0.7 * fabs((double)x - y) / (double)(knob->values.count - 1);
}

static double kernel(const struct model *m, const int *x, const int *y)
{
    double exponent = 0, sum = 0, total = 0;
    for (size_t k = 0; k < m->knobs; k++) {
        double apart = distance(&m->knob[k], x[k], y[k]) * m->weight[k];
        exponent += apart;
        sum += m->weight[k] * exp(-3 * apart / (m->weight[k] + 1e-9));
        total += m->weight[k];
    }
    return m->additive * (total > 0 ? sum / total : 1) + (1 - m->additive) * exp(-exponent);
}

/* Factors the covariance and solves for alpha; returns the log marginal likelihood. */
static double solve(struct model *m)
{
    size_t n = m->count;
    double log_likelihood = 0;
    for (size_t i = 0; i < n; i++) {
        double *row = m->factor + i * n;
        for (size_t j = 0; j <= i; j++) {
            double s = kernel(m, m->x[i], m->x[j]) + (i == j ? m->noise + JITTER : 0);
            const double *other = m->factor + j * n;
            for (size_t k = 0; k < j; k++)
                s -= row[k] * other[k];
            row[j] = i == j ? sqrt(s > JITTER ? s : JITTER) : s / other[j];
        }
    }
    for (size_t i = 0; i < n; i++) { /* L z = y */
        double s = m->y[i];
        for (size_t k = 0; k < i; k++)
            s -= m->factor[i * n + k] * m->alpha[k];
        m->alpha[i] = s / m->factor[i * n + i];
        log_likelihood -= m->alpha[i] * m->alpha[i] / 2 + log(m->factor[i * n + i]);
    }
    for (size_t i = n; i-- > 0;) { /* L' alpha = z */
        double s = m->alpha[i];
        for (size_t k = i + 1; k < n; k++)
            s -= m->factor[k * n + i] * m->alpha[k];
        m->alpha[i] = s / m->factor[i * n + i];
    }
    return log_likelihood;
}

/* Coordinate by coordinate over a coarse grid: enough, for the data are few. */
static void learn_weights(struct model *m)
{
    size_t all = m->count;
    if (m->count > LEARN_POINTS)
        m->count = LEARN_POINTS;
    double best = solve(m);
    for (size_t k = 0; k < m->knobs; k++) {
        double kept = m->weight[k];
        for (size_t g = 0; g < WEIGHTS; g++) {
            double before = m->weight[k];
            m->weight[k] = weight_grid[g];
            double likelihood = solve(m);
            if (likelihood > best + 1e-9) {
                best = likelihood;
                kept = weight_grid[g];
            } else {
                m->weight[k] = before;
            }
        }
        m->weight[k] = kept;
    }
    double kept = m->additive;
    for (size_t g = 0; g < ADDITIVES; g++) {
        m->additive = additive_grid[g];
        double likelihood = solve(m);
        if (likelihood > best + 1e-9) {
            best = likelihood;
            kept = additive_grid[g];
        }
    }
    m->additive = kept;
    m->count = all;
}

void model_fit(struct model *m, const int *const *x, const double *y, size_t count, bool learn)
{
    size_t skip = count > MODEL_POINTS ? count - MODEL_POINTS : 0;
    m->count = count - skip;
    m->mean = m->scale = 0;
    for (size_t i = 0; i < m->count; i++)
        m->mean += y[skip + i] / (double)m->count;
    for (size_t i = 0; i < m->count; i++)
        m->scale += pow(y[skip + i] - m->mean, 2) / (double)m->count;
    m->scale = sqrt(m->scale) + 1e-12;
    for (size_t i = 0; i < m->count; i++) {
        m->x[i] = x[skip + i];
        m->y[i] = (y[skip + i] - m->mean) / m->scale;
    }
    if (learn && m->count > 3)
        learn_weights(m);
    solve(m);
}

void model_predict(const struct model *m, const int *x, double *mean, double *deviation)
{
    size_t n = m->count;
    double value = 0, variance = 1 + m->noise;
    double z[MODEL_POINTS];
    for (size_t i = 0; i < n; i++) {
        double k = kernel(m, x, m->x[i]), s = k;
        value += k * m->alpha[i];
        for (size_t j = 0; j < i; j++)
            s -= m->factor[i * n + j] * z[j];
        z[i] = s / m->factor[i * n + i];
        variance -= z[i] * z[i];
    }
    *mean = m->mean + m->scale * value;
    *deviation = m->scale * sqrt(variance > 1e-12 ? variance : 1e-12);
}

double expected_improvement(double mean, double deviation, double best)
{
    double z = (best - mean) / deviation;
    return (best - mean) * 0.5 * erfc(-z * M_SQRT1_2) +
           deviation * exp(-z * z / 2) * 0.39894228040143268;
}
