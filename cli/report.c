/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/report.h"
#include "cli/report_page.h"
#include "cli/report_parts.h"
#include "common/file.h"
#include "common/graph.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text as HTML: the five special characters escaped. */
void page_put(struct page *p, const char *text)
{
    for (; text && *text; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", p->out);
            break;
        case '>':
            fputs("&gt;", p->out);
            break;
        case '&':
            fputs("&amp;", p->out);
            break;
        case '"':
            fputs("&quot;", p->out);
            break;
        case '\'':
            fputs("&#39;", p->out);
            break;
        default:
            fputc(*text, p->out);
        }
    }
}

void page_cell(struct page *p, const char *class, const char *text)
{
    fprintf(p->out, "<td%s%s%s>", class ? " class=\"" : "", class ? class : "", class ? "\"" : "");
    page_put(p, text);
    fputs("</td>", p->out);
}

void page_list_cell(struct page *p, const strings *list)
{
    fputs("<td>", p->out);
    for (size_t i = 0; i < list->count; i++) {
        fputs(i ? "<br>" : "", p->out);
        page_put(p, list->items[i]);
    }
    fputs("</td>", p->out);
}

void page_table_begin(struct page *p, const char *id, const char *const *heads)
{
    fprintf(p->out,
            "<input data-for=\"%s\" placeholder=\"Filter rows\" aria-label=\"Filter rows\">"
            "<div class=scroll><table id=\"%s\"><thead><tr>",
            id, id);
    for (size_t i = 0; heads[i]; i++)
        fprintf(p->out, "<th>%s</th>", heads[i]);
    fputs("</tr></thead><tbody>", p->out);
}

void page_table_end(struct page *p)
{
    fputs("</tbody></table></div>\n", p->out);
}

void page_card(struct page *p, const char *label, size_t value)
{
    fprintf(p->out, "<div class=card><b>%zu</b>%s</div>", value, label);
}

/* A drawn graph, without the XML prologue that has no place inside HTML. */
static void graph(struct page *p, const char *dot)
{
    char *svg = NULL;
    size_t size = 0;
    if (graph_render(p->diag, p->arena, dot, "dot", "svg", &svg, &size)) {
        diag_warn(p->diag, "a graph is left out of the report: %s", p->diag->message);
        return;
    }
    const char *start = strstr(svg, "<svg");
    fprintf(p->out, "<div class=graph>%s</div>\n", start ? start : "");
}

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static const char graph_head[] =
    "digraph g{rankdir=LR;node[shape=box,style=\"rounded,filled\",fillcolor=\"#eef3fa\","
    "color=\"#8aa0bd\",fontname=\"Helvetica\",fontsize=10];edge[color=\"#8792a2\",arrowsize=.6]\n";

static void link_map_section(struct page *p)
{
    const struct profile_static *s = &p->report->profile->static_part;
    static const char *const heads[] = {"Library", "Path", "Needed by", NULL};
    if (!s->libraries.count)
        return;
    fputs("<h2>Shared libraries</h2>", p->out);
    char *dot = NULL;
    size_t size = 0;
    FILE *text = open_memstream(&dot, &size);
    if (text) {
        fputs(graph_head, text);
        vec_each (l, &s->libraries) {
            if (!l->path)
                fprintf(text, "%s[fillcolor=\"#fbe3e1\"]\n", graph_quote(p->arena, l->soname));
            for (size_t i = 0; i < l->needed_by.count; i++)
                fprintf(text, "%s->%s\n", graph_quote(p->arena, l->needed_by.items[i]),
                        graph_quote(p->arena, l->soname));
        }
        fputs("}", text);
        fclose(text);
        graph(p, dot);
        free(dot);
    }
    page_table_begin(p, "libraries", heads);
    vec_each (l, &s->libraries) {
        fputs("<tr>", p->out);
        page_cell(p, "m", l->soname);
        page_cell(p, l->path ? "m" : "no", l->path ? l->path : "not found");
        page_list_cell(p, &l->needed_by);
        fputs("</tr>\n", p->out);
    }
    page_table_end(p);
}

static void flag_words(struct page *p, unsigned bits, const char *const *names)
{
    fputs("<td>", p->out);
    for (unsigned i = 0, n = 0; names[i]; i++)
        if (bits & (1u << i))
            fprintf(p->out, "%s%s", n++ ? ", " : "", names[i]);
    fputs("</td>", p->out);
}

static void evidence_cell(struct page *p, const struct profile_syscall *call)
{
    fputs("<td>", p->out);
    if (call && call->evidence.count) {
        fprintf(p->out, "<details><summary>%zu steps</summary><ol class=m>", call->evidence.count);
        vec_each (step, &call->evidence) {
            fputs("<li><code>", p->out);
            page_put(p, step->library);
            fputs(": ", p->out);
            page_put(p, step->function);
            fprintf(p->out, "</code> <span class=soft>0x%llx</span></li>",
                    (unsigned long long)step->address);
        }
        fputs("</ol></details>", p->out);
    }
    fputs("</td>", p->out);
}

static void call_row(struct page *p, const struct profile_syscall *fixed,
                     const struct profile_syscall *seen)
{
    const struct profile_syscall *any = fixed ? fixed : seen;
    if (!any)
        return;
    fputs("<tr>", p->out);
    page_cell(p, "m", any->name);
    fprintf(p->out, "<td>%lld</td>", (long long)any->number);
    page_cell(p, fixed ? "yes" : "soft", fixed ? "yes" : "");
    page_cell(p, seen ? "yes" : "soft", seen ? "yes" : "");
    page_cell(p, NULL, seen && seen->class_ >= 0 ? class_names[seen->class_] : "");
    flag_words(p, (fixed ? fixed->phases : 0) | (seen ? seen->phases : 0), phase_names);
    flag_words(p, fixed ? fixed->when : 0, when_names);
    evidence_cell(p, fixed && fixed->evidence.count ? fixed : seen);
    fputs("</tr>\n", p->out);
}

static void calls_section(struct page *p)
{
    const struct profile *profile = p->report->profile;
    const profile_syscalls *fixed = &profile->static_part.syscalls;
    const profile_syscalls *seen = &profile->dynamic_part.syscalls;
    static const char *const heads[] = {"Call",  "Number", "Static",   "Seen", "Class",
                                        "Phase", "When",   "Evidence", NULL};
    fputs("<h2>System calls</h2>", p->out);
    page_table_begin(p, "calls", heads);
    vec_each (s, fixed)
        call_row(p, s, profile_syscalls_find(seen, s->number));
    vec_each (s, seen)
        if (!profile_syscalls_find(fixed, s->number))
            call_row(p, NULL, s);
    page_table_end(p);
    static const char *const plugin_heads[] = {"Plug-in", "Loaded because", "Adds", NULL};
    if (!profile->static_part.plugins.count)
        return;
    fputs("<h2>Plug-ins</h2><p class=lead>What only objects loaded with dlopen bring.</p>", p->out);
    page_table_begin(p, "plugins", plugin_heads);
    vec_each (plugin, &profile->static_part.plugins) {
        fputs("<tr>", p->out);
        page_cell(p, "m", plugin->path);
        page_cell(p, NULL, plugin->reason);
        fputs("<td class=m>", p->out);
        vec_each (s, &plugin->syscalls)
            fprintf(p->out, "%s%s", s == plugin->syscalls.items ? "" : ", ", s->name);
        fputs("</td></tr>\n", p->out);
    }
    page_table_end(p);
}

static void symbols_section(struct page *p)
{
    static const char *const heads[] = {"Symbol", "Version", "Library", NULL};
    const struct profile_static *s = &p->report->profile->static_part;
    if (!s->symbols.count)
        return;
    fputs("<h2>Imported symbols</h2>", p->out);
    page_table_begin(p, "symbols", heads);
    vec_each (symbol, &s->symbols) {
        fputs("<tr>", p->out);
        page_cell(p, "m", symbol->name);
        page_cell(p, "m", symbol->version);
        page_cell(p, symbol->library ? "m" : "soft",
                  symbol->library ? symbol->library : "none (weak)");
        fputs("</tr>\n", p->out);
    }
    page_table_end(p);
}

static bool chosen(const struct selection *selection, const char *option)
{
    vec_each (l, &selection->libraries)
        if (l->option && strcmp(l->option, option) == 0)
            return true;
    return false;
}

/* Chosen micro-libraries and who selects whom among them. */
static void selection_graph(struct page *p)
{
    const struct selection *selection = p->report->selection;
    char *dot = NULL;
    size_t size = 0;
    FILE *text = open_memstream(&dot, &size);
    if (!text)
        return;
    fputs(graph_head, text);
    vec_each (l, &selection->libraries)
        fprintf(text, "%s[label=%s]\n", graph_quote(p->arena, l->option ? l->option : l->name),
                graph_quote(p->arena, l->name));
    vec_each (option, &p->report->catalogue->options) {
        if (!chosen(selection, option->name))
            continue;
        vec_each (clause, &option->selects)
            if (chosen(selection, clause->value))
                fprintf(text, "%s->%s\n", graph_quote(p->arena, option->name),
                        graph_quote(p->arena, clause->value));
    }
    fputs("}", text);
    fclose(text);
    graph(p, dot);
    free(dot);
}

static void selection_section(struct page *p)
{
    const struct selection *s = p->report->selection;
    static const char *const heads[] = {"Micro-library", "Option", "From", "Why", NULL};
    if (!s)
        return;
    fputs("<h2>Micro-libraries chosen</h2><p class=lead>From the catalogue ", p->out);
    page_put(p, s->catalogue.name);
    fputc(' ', p->out);
    page_put(p, s->catalogue.version);
    fprintf(p->out, "%s.</p>", s->optimal ? "; proved to be the cheapest choice" : "");
    if (p->report->catalogue)
        selection_graph(p);
    page_table_begin(p, "micro", heads);
    vec_each (l, &s->libraries) {
        fputs("<tr>", p->out);
        page_cell(p, "m", l->name);
        page_cell(p, "m", l->option);
        page_cell(p, NULL, l->repository);
        page_list_cell(p, &l->reasons);
        fputs("</tr>\n", p->out);
    }
    page_table_end(p);
    if (!s->missing.syscalls.count && !s->missing.symbols.count)
        return;
    fputs("<h2>Missing</h2><p class=lead>What no micro-library of the catalogue provides.</p><p "
          "class=m>",
          p->out);
    vec_each (m, &s->missing.syscalls) {
        page_put(p, m->name);
        fputc(' ', p->out);
    }
    for (size_t i = 0; i < s->missing.symbols.count; i++) {
        page_put(p, s->missing.symbols.items[i]);
        fputc(' ', p->out);
    }
    fputs("</p>", p->out);
}

static void tests_section(struct page *p)
{
    static const char *const heads[] = {"Command", "Outcome", "ms", "Output", NULL};
    const struct profile_dynamic *dyn = &p->report->profile->dynamic_part;
    if (!dyn->tests.count)
        return;
    fputs("<h2>Tests run on Linux</h2>", p->out);
    page_table_begin(p, "tests", heads);
    vec_each (t, &dyn->tests) {
        fputs("<tr>", p->out);
        page_cell(p, "m", t->command);
        page_cell(p, NULL, t->status);
        fprintf(p->out, "<td>%lld</td>", (long long)t->duration_ms);
        page_cell(p, "m", t->output);
        fputs("</tr>\n", p->out);
    }
    page_table_end(p);
}

/* Whether the static set is proved, and what that takes for granted. */
static void statement(struct page *p)
{
    const struct profile_statement *s = &p->report->profile->statement;
    if (!p->report->profile->static_part.present)
        return;
    fprintf(p->out, "<p class=lead>The static set of system calls is %s.</p>",
            s->superset ? "proved to hold every call the program can make, under these assumptions"
                        : "not proved to hold every call the program can make");
    const strings *lists[] = {&s->reservations, &s->assumptions};
    static const char *const titles[] = {"What stands in the way", "Assumptions"};
    for (size_t k = 0; k < 2; k++) {
        if (!lists[k]->count)
            continue;
        fprintf(p->out, "<details%s><summary>%s</summary><ul>", k ? "" : " open", titles[k]);
        for (size_t i = 0; i < lists[k]->count; i++) {
            fputs("<li>", p->out);
            page_put(p, lists[k]->items[i]);
            fputs("</li>", p->out);
        }
        fputs("</ul></details>\n", p->out);
    }
}

static void selectors_section(struct page *p)
{
    const struct profile_static *s = &p->report->profile->static_part;
    static const char *const heads[] = {"Call", "Argument", "Values", NULL};
    if (!s->selectors.count && !s->unbounded.count)
        return;
    fputs("<h2>Selecting arguments</h2>", p->out);
    page_table_begin(p, "arguments", heads);
    for (size_t i = 0; i < s->selectors.count;) {
        const struct profile_selector *first = &s->selectors.items[i];
        fputs("<tr>", p->out);
        page_cell(p, "m", first->syscall);
        page_cell(p, NULL, first->argument);
        fputs("<td class=m>", p->out);
        for (size_t n = 0; i < s->selectors.count; i++, n++) {
            const struct profile_selector *x = &s->selectors.items[i];
            if (strcmp(x->syscall, first->syscall) != 0 ||
                strcmp(x->argument, first->argument) != 0)
                break;
            page_put(p, n ? ", " : "");
            page_put(p, x->name ? x->name
                                : arena_printf(p->arena, "0x%llx", (unsigned long long)x->value));
        }
        fputs("</td></tr>\n", p->out);
    }
    vec_each (u, &s->unbounded) {
        fputs("<tr>", p->out);
        page_cell(p, "m", u->syscall);
        page_cell(p, NULL, u->argument);
        page_cell(p, "soft", arena_printf(p->arena, "any: %s", u->reason));
        fputs("</tr>\n", p->out);
    }
    page_table_end(p);
}

static void head_section(struct page *p)
{
    const struct report *r = p->report;
    const char *name = base(r->profile->program.path);
    fputs("<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
          "content=\"width=device-width\"><title>",
          p->out);
    page_put(p, name);
    fprintf(p->out, "</title><style>%s</style><h1>", report_style);
    page_put(p, name);
    fputs("</h1><p class=lead>", p->out);
    page_put(p, r->profile->program.path);
    fprintf(p->out, " &middot; %s %s</p><div class=cards>", r->profile->program.arch,
            r->profile->program.type);
    page_card(p, "shared libraries", r->profile->static_part.libraries.count);
    page_card(p, "imported symbols", r->profile->static_part.symbols.count);
    page_card(p, "system calls possible", r->profile->static_part.syscalls.count);
    if (r->profile->dynamic_part.present)
        page_card(p, "system calls seen", r->profile->dynamic_part.syscalls.count);
    if (r->selection) {
        page_card(p, "micro-libraries", r->selection->libraries.count);
        page_card(p, "calls missing", r->selection->missing.syscalls.count);
    }
    if (r->verif)
        page_card(p, "checks the same", (size_t)r->verif->same);
    if (r->perf)
        page_card(p, "configurations measured", (size_t)r->perf->measured);
    fputs("</div>", p->out);
    statement(p);
    for (size_t i = 0; i < r->notes.count; i++) {
        fputs("<p class=lead>", p->out);
        page_put(p, r->notes.items[i]);
        fputs("</p>", p->out);
    }
}

enum status report_write(struct diag *d, struct arena *a, const char *path, const struct report *r)
{
    char *html = NULL;
    size_t size = 0;
    struct page p = {open_memstream(&html, &size), a, d, r};
    if (!p.out)
        return diag_fail(d, STATUS_SYSTEM, "%s: %s", path, strerror(errno));
    head_section(&p);
    page_verif(&p);
    page_perf(&p);
    selection_section(&p);
    calls_section(&p);
    selectors_section(&p);
    link_map_section(&p);
    symbols_section(&p);
    tests_section(&p);
    fprintf(p.out, "<script>%s</script>\n", report_script);
    fclose(p.out);
    enum status status = file_write(d, path, html, size, 0);
    free(html);
    return status;
}
