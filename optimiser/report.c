/* SPDX-License-Identifier: BSD-3-Clause */
#include "optimiser/optimiser.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EFFECTS_SHOWN = 12, FRONT_SHOWN = 20 };

static void print_setting(const struct perf *perf, const char *knob, const char *value, FILE *out)
{
    if (perf_is_choice(perf, knob))
        fprintf(out, " %s", value);
    else
        fprintf(out, " %s=%s", knob, value);
}

static void print_values(const struct perf *perf, const struct perf_point *p, FILE *out)
{
    vec_each (pair, &p->values)
        print_setting(perf, pair->key, pair->value, out);
    if (!p->values.count)
        fprintf(out, " (as it was)");
    fputc('\n', out);
}

static void print_point(const struct perf *perf, size_t index, FILE *out)
{
    const struct perf_point *p = &perf->points.items[index];
    fprintf(out, "%c%4zu", (int64_t)index == perf->best ? '*' : ' ', index);
    vec_each (m, &p->metrics) {
        char noise[32] = "";
        if (m->mad > 0 && m->median != 0)
            snprintf(noise, sizeof noise, "+-%.1f%%", 100 * fabs(m->mad / m->median));
        fprintf(out, "  %12.6g %-8s", m->median, noise);
    }
    fprintf(out, " %-9s", p->verified ? "verified" : "");
    print_values(perf, p, out);
}

static int by_weight(const void *x, const void *y)
{
    const struct perf_effect *a = *(const struct perf_effect *const *)x,
                             *b = *(const struct perf_effect *const *)y;
    double p = fabs(a->change), q = fabs(b->change);
    return (p < q) - (p > q);
}

static void print_effects(const struct perf *p, FILE *out)
{
    size_t count = 0, shown = 0;
    const struct perf_effect **list = calloc(p->effects.count + 1, sizeof *list);
    if (!list)
        return;
    vec_each (e, &p->effects)
        if (e->certain)
            list[count++] = e;
    qsort(list, count, sizeof *list, by_weight);
    if (count)
        fprintf(out, "\nWhat a change alone does:\n");
    for (; shown < count && shown < EFFECTS_SHOWN; shown++) {
        fprintf(out, "  %+7.1f%% %-10s", 100 * list[shown]->change, list[shown]->metric);
        print_setting(p, list[shown]->knob, list[shown]->value, out);
        fputc('\n', out);
    }
    if (shown < count)
        fprintf(out, "  (%zu more in perf.json)\n", count - shown);
    free(list);
}

void perf_print(const struct perf *p, FILE *out, bool colour, int verbosity)
{
    size_t failed = 0, shown = 0;
    vec_each (point, &p->points)
        failed += !point->works;
    fprintf(out,
            "%" PRId64 " of %" PRId64 " configurations measured in %.0f s (%" PRId64
            " out of the journal), %zu did not work; stopped: %s\n",
            p->measured, p->space, p->spent_s, p->remembered, failed, p->stopped);
    fprintf(out, "\n%sPareto front:%s\n     ", colour ? "\033[1m" : "", colour ? "\033[0m" : "");
    vec_each (o, &p->objectives)
        fprintf(out, "  %12s%-9s", o->name, o->maximise ? " (great)" : "");
    fprintf(out, "\n");
    for (size_t i = 0; i < p->points.count; i++) {
        bool start = i == 0, best = (int64_t)i == p->best;
        if (!p->points.items[i].works || (!(p->points.items[i].front && shown < FRONT_SHOWN) &&
                                          !start && !best && verbosity < 1))
            continue;
        shown += p->points.items[i].front;
        print_point(p, i, out);
    }
    fprintf(out, "(0: where the search began; *: best%s%s)\n", p->objective ? " for " : "",
            p->objective ? p->objective : "");
    if (verbosity > 0)
        vec_each (point, &p->points)
            if (!point->works) {
                fprintf(out, "did not work: %s:", point->failure ? point->failure : "");
                print_values(p, point, out);
            }
    print_effects(p, out);
}

/* ---- the plot ---- */

enum { WIDTH = 720, HEIGHT = 480, MARGIN = 70 };

struct axis {
    double low, high;
    const char *name;
};

static struct axis axis_of(const struct perf *p, size_t objective)
{
    struct axis axis = {INFINITY, -INFINITY, p->objectives.items[objective].name};
    vec_each (point, &p->points) {
        if (!point->works || point->metrics.count <= objective)
            continue;
        double v = point->metrics.items[objective].median;
        axis.low = fmin(axis.low, v);
        axis.high = fmax(axis.high, v);
    }
    double room = (axis.high - axis.low) * 0.05;
    if (!isfinite(axis.low))
        return (struct axis){0, 1, axis.name};
    if (!(room > 0))
        room = fabs(axis.low) * 0.05 + 1e-9;
    axis.low -= room;
    axis.high += room;
    return axis;
}

static const char *escape(struct arena *a, const char *s)
{
    char *out = arena_alloc(a, strlen(s) * 6 + 1), *to = out;
    for (; *s; s++)
        to = *s == '<'   ? stpcpy(to, "&lt;")
             : *s == '&' ? stpcpy(to, "&amp;")
             : *s == '>' ? stpcpy(to, "&gt;")
                         : (*to = *s, to + 1);
    *to = '\0';
    return out;
}

static char *ticks(struct arena *a, char *text, const struct axis *x, const struct axis *y)
{
    for (int i = 0; i <= 4; i++) {
        double part = i / 4.0;
        text = arena_printf(a,
                            "%s<text x='%.1f' y='%d' text-anchor='middle'>%.6g</text>"
                            "<text x='%d' y='%.1f' text-anchor='end'>%.6g</text>\n",
                            text, MARGIN + part * (WIDTH - 2 * MARGIN), HEIGHT - MARGIN + 18,
                            x->low + part * (x->high - x->low), MARGIN - 6,
                            HEIGHT - MARGIN - part * (HEIGHT - 2 * MARGIN) + 4,
                            y->low + part * (y->high - y->low));
    }
    return text;
}

char *perf_svg(struct arena *a, const struct perf *p)
{
    size_t second = p->objectives.count > 1 ? 1 : 0;
    struct axis x = axis_of(p, 0), y = axis_of(p, second);
    char *text = arena_printf(
        a,
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' font-family='sans-serif' "
        "font-size='12'>\n<rect width='%d' height='%d' fill='white'/>\n"
        "<rect x='%d' y='%d' width='%d' height='%d' fill='none' stroke='#888'/>\n"
        "<text x='%d' y='24' font-size='15'>%s: %s against %s</text>\n"
        "<text x='%d' y='%d' text-anchor='middle'>%s</text>\n"
        "<text x='18' y='%d' text-anchor='middle' transform='rotate(-90 18 %d)'>%s</text>\n",
        WIDTH, HEIGHT, WIDTH, HEIGHT, MARGIN, MARGIN, WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN,
        MARGIN, escape(a, p->program), x.name, y.name, WIDTH / 2, HEIGHT - 20, x.name, HEIGHT / 2,
        HEIGHT / 2, y.name);
    text = ticks(a, text, &x, &y);
    for (size_t i = 0; i < p->points.count; i++) {
        const struct perf_point *point = &p->points.items[i];
        if (!point->works || point->metrics.count <= second)
            continue;
        double px = (point->metrics.items[0].median - x.low) / (x.high - x.low);
        double py = (point->metrics.items[second].median - y.low) / (y.high - y.low);
        const char *colour = i == 0 ? "#d62728" : point->front ? "#1f77b4" : "#bbb";
        text = arena_printf(a, "%s<circle cx='%.1f' cy='%.1f' r='%d' fill='%s'%s><title>%zu:", text,
                            MARGIN + px * (WIDTH - 2 * MARGIN),
                            HEIGHT - MARGIN - py * (HEIGHT - 2 * MARGIN),
                            point->front || i == 0 ? 5 : 3, colour,
                            (int64_t)i == p->best ? " stroke='black' stroke-width='2'" : "", i);
        vec_each (pair, &point->values)
            text = arena_printf(a, "%s %s=%s", text, escape(a, pair->key), escape(a, pair->value));
        text = arena_printf(a, "%s</title></circle>\n", text);
    }
    return arena_printf(a,
                        "%s<text x='%d' y='%d' fill='#d62728'>start</text><text x='%d' y='%d' "
                        "fill='#1f77b4'>Pareto front</text>\n</svg>\n",
                        text, WIDTH - 180, 24, WIDTH - 130, 24);
}
