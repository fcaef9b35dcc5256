/* SPDX-License-Identifier: BSD-3-Clause
 * The parts of report.html about the image: how it compares with the program, and what was
 * measured. */
#include "cli/report_parts.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- verification ---- */

static void divergence(struct page *p, const struct verif_divergence *v)
{
    static const char *const heads[] = {"What would give it", "In", "Why", NULL};
    if (!v->present)
        return;
    fputs("<h2>Where they part</h2><p><b>", p->out);
    page_put(p, v->kind ? v->kind : "unexplained");
    fputs("</b> at ", p->out);
    page_put(p, v->where);
    fputs(": ", p->out);
    page_put(p, v->explanation ? v->explanation : "no cause found");
    fputs("</p><pre class=m>", p->out);
    vec_each (line, &v->evidence) {
        page_put(p, *line);
        fputc('\n', p->out);
    }
    fputs("</pre>", p->out);
    if (!v->candidates.count)
        return;
    page_table_begin(p, "candidates", heads);
    vec_each (c, &v->candidates) {
        fputs("<tr>", p->out);
        page_cell(p, "m", c->option);
        page_cell(p, "m", c->library);
        page_cell(p, NULL, c->why);
        fputs("</tr>\n", p->out);
    }
    page_table_end(p);
}

static void check_row(struct page *p, const struct verif_check *c)
{
    static const char *const classes[] = {"yes", "no", "soft"};
    fputs("<tr>", p->out);
    page_cell(p, classes[c->verdict], verdict_names[c->verdict]);
    page_cell(p, NULL, c->aspect);
    page_cell(p, "m", c->subject);
    page_cell(p, "m", c->native);
    page_cell(p, "m", c->image);
    fputs("<td>", p->out);
    page_put(p, c->reason);
    if (c->diff && c->verdict == VERDICT_DIFFERENT) {
        fputs("<details><summary>difference</summary><pre>", p->out);
        page_put(p, c->diff);
        fputs("</pre></details>", p->out);
    }
    fputs("</td></tr>\n", p->out);
}

static void behaviour(struct page *p, const struct verif_run *run)
{
    fprintf(p->out,
            "<p class=lead>Memory, as seen at most: %" PRId64 " KiB on Linux, %" PRId64
            " KiB for the image and what runs it.",
            run->native_peak_kb, run->image_peak_kb);
    if (run->native_calls) {
        fprintf(p->out, " System calls: %" PRId64 " on Linux, %" PRId64 " in the image",
                run->native_calls, run->image_calls);
        for (size_t i = 0; i < run->calls_differ.count; i++) {
            fputs(i ? "; " : "; with another outcome: ", p->out);
            page_put(p, run->calls_differ.items[i]);
        }
        fputc('.', p->out);
    }
    fputs("</p>", p->out);
}

static void left_out(struct page *p, const struct verif *v)
{
    static const char *const heads[] = {"Left out of the comparison", "What", "Linux", "Image",
                                        NULL};
    page_table_begin(p, "normalisers", heads);
    vec_each (n, &v->normalisers) {
        if (!n->native_count && !n->image_count)
            continue;
        fputs("<tr>", p->out);
        page_cell(p, "m", n->name);
        page_cell(p, NULL, n->what);
        fprintf(p->out, "<td>%" PRId64 "</td><td>%" PRId64 "</td></tr>\n", n->native_count,
                n->image_count);
    }
    page_table_end(p);
}

static void fixes(struct page *p, const struct verif *v)
{
    static const char *const heads[] = {"Added", "Verdict", "Why", NULL};
    if (!v->fixes.count)
        return;
    fputs("<h2>Mended</h2>", p->out);
    page_table_begin(p, "fixes", heads);
    vec_each (fix, &v->fixes) {
        fputs("<tr>", p->out);
        page_list_cell(p, &fix->pinned);
        page_cell(p, NULL, verdict_names[fix->verdict]);
        page_cell(p, NULL, fix->explanation);
        fputs("</tr>\n", p->out);
    }
    page_table_end(p);
}

void page_verif(struct page *p)
{
    static const char *const heads[] = {"Verdict", "Aspect", "Of", "Linux",
                                        "Image",   "Remark", NULL};
    const struct verif *v = p->report->verif;
    if (!v)
        return;
    fprintf(p->out, "<h2>Image and program: %s</h2><p class=lead>", verdict_names[v->verdict]);
    page_put(p, v->image);
    fputs(", run by ", p->out);
    page_put(p, v->runner.name);
    for (size_t i = 0; i < v->environment.count; i++) {
        fputs(i ? ", " : "; environment given to both: ", p->out);
        page_put(p, v->environment.items[i]);
    }
    fputs("</p>", p->out);
    divergence(p, &v->divergence);
    fixes(p, v);
    size_t index = 0;
    vec_each (run, &v->runs) {
        char id[32];
        snprintf(id, sizeof id, "checks%zu", index++);
        if (v->runs.count > 1) {
            fputs("<p class=m>", p->out);
            page_put(p, run->arguments);
            fputs("</p>", p->out);
        }
        page_table_begin(p, id, heads);
        vec_each (check, &run->checks)
            check_row(p, check);
        page_table_end(p);
        behaviour(p, run);
    }
    left_out(p, v);
}

/* ---- measurements ---- */

static void point_row(struct page *p, const struct perf *perf, size_t index)
{
    const struct perf_point *point = &perf->points.items[index];
    fprintf(p->out, "<tr><td>%zu%s</td><td>", index,
            index == 0                     ? " (as it was)"
            : (int64_t)index == perf->best ? " (best)"
                                           : "");
    for (size_t i = 0; i < point->values.count; i++) {
        const struct jm_pair *pair = &point->values.items[i];
        fputs(i ? "<br>" : "", p->out);
        if (!perf_is_choice(perf, pair->key)) {
            page_put(p, pair->key);
            fputc('=', p->out);
        }
        page_put(p, pair->value);
    }
    fprintf(p->out, "</td><td>%s%s</td>", point->front ? "on the front" : "",
            point->verified ? ", verified" : "");
    for (size_t o = 0; o < perf->objectives.count; o++) {
        fputs("<td>", p->out);
        if (o < point->metrics.count)
            fprintf(p->out, "%.6g", point->metrics.items[o].median);
        fputs("</td>", p->out);
    }
    fputs("</tr>\n", p->out);
}

void page_perf(struct page *p)
{
    enum { COLUMNS = 12 };
    const char *heads[COLUMNS + 1] = {"Point", "Settings", ""};
    const struct perf *perf = p->report->perf;
    if (!perf)
        return;
    size_t used = 3;
    vec_each (objective, &perf->objectives)
        if (used < COLUMNS)
            heads[used++] = objective->name;
    fprintf(p->out,
            "<h2>Measured</h2><p class=lead>%" PRId64 " of %" PRId64
            " configurations, %.0f s; stopped: %s. Size in bytes, boot in ms, memory in KiB.</p>",
            perf->measured, perf->space, perf->spent_s, perf->stopped);
    if (perf->points.count > 1)
        fprintf(p->out, "<div class=graph>%s</div>\n", perf_svg(p->arena, perf));
    page_table_begin(p, "perf", heads);
    for (size_t i = 0; i < perf->points.count; i++)
        if (perf->points.items[i].works &&
            (perf->points.items[i].front || i == 0 || (int64_t)i == perf->best))
            point_row(p, perf, i);
    page_table_end(p);
}
