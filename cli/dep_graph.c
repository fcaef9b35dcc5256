/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/dep_graph.h"
#include "common/file.h"
#include "common/graph.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_LIMIT = 40, CROWDED = 120 };

struct vertex { /* a function; the library NULL: a root or a system call */
    const char *library, *name;
    bool call;
};

struct line {
    size_t from, to;
    const char *bound;
};

struct picture {
    struct arena *arena;
    VEC(struct vertex) vertices;
    VEC(struct line) lines;
};

static size_t vertex(struct picture *p, const char *library, const char *name, bool call)
{
    for (size_t i = 0; i < p->vertices.count; i++) {
        const struct vertex *v = &p->vertices.items[i];
        if (v->call == call && strcmp(v->name, name) == 0 &&
            (v->library ? library && strcmp(v->library, library) == 0 : !library))
            return i;
    }
    struct vertex fresh = {library, name, call};
    vec_push(p->arena, &p->vertices, fresh);
    return p->vertices.count - 1;
}

static void line(struct picture *p, size_t from, size_t to, const char *bound)
{
    vec_each (l, &p->lines)
        if (l->from == from && l->to == to && strcmp(l->bound, bound) == 0)
            return;
    struct line fresh = {from, to, bound};
    vec_push(p->arena, &p->lines, fresh);
}

static void add_path(struct picture *p, const struct profile_syscall *call)
{
    size_t last = 0;
    const char *bound = call->root ? "root" : NULL;
    if (call->root)
        last = vertex(p, NULL, call->root, false);
    vec_each (step, &call->evidence) {
        size_t at = vertex(p, step->library, step->function, false);
        if (bound && at != last)
            line(p, last, at, bound);
        last = at;
        bound = step->bound ? step->bound : "call";
    }
    if (call->evidence.count)
        line(p, last, vertex(p, NULL, call->name, true), "kernel");
}

static const struct {
    const char *bound, *label, *colour, *style;
} looks[] = {
    {"root", "", "#6b7280", "dashed"},           {"call", "", "#1f2933", "solid"},
    {"slot", "PLT", "#1d6fb8", "solid"},         {"constant", "pointer", "#1d6fb8", "dashed"},
    {"address", "address", "#b45309", "dashed"}, {"stored", "stored", "#b45309", "dotted"},
    {"data", "table", "#7c3aed", "dashed"},      {"name", "dlsym", "#2f8f4e", "dashed"},
    {"kernel", "", "#c0392b", "bold"},
};

static const char *short_label(struct arena *a, const char *name)
{
    return strlen(name) <= LABEL_LIMIT ? name : arena_printf(a, "%.*s...", LABEL_LIMIT - 3, name);
}

static void print_vertex(FILE *f, struct picture *p, size_t i)
{
    const struct vertex *v = &p->vertices.items[i];
    fprintf(f, "    n%zu [label=%s, tooltip=%s%s];\n", i,
            graph_quote(p->arena, short_label(p->arena, v->name)), graph_quote(p->arena, v->name),
            v->call      ? ", shape=ellipse, fillcolor=\"#fee2e2\", color=\"#c0392b\""
            : v->library ? ""
                         : ", shape=oval, fillcolor=\"#fde68a\"");
}

/* One frame per library, in the order met. */
static void print_libraries(FILE *f, struct picture *p)
{
    for (size_t i = 0; i < p->vertices.count; i++) {
        const char *library = p->vertices.items[i].library;
        bool done = !library;
        for (size_t k = 0; k < i && !done; k++)
            done =
                p->vertices.items[k].library && strcmp(p->vertices.items[k].library, library) == 0;
        if (done)
            continue;
        fprintf(f,
                "  subgraph cluster_%zu {\n    label=%s; style=\"rounded,filled\"; "
                "labelloc=t; labeljust=l; fillcolor=\"#f8fafc\"; color=\"#94a3b8\"; fontsize=12;\n",
                i, graph_quote(p->arena, library));
        for (size_t k = i; k < p->vertices.count; k++)
            if (p->vertices.items[k].library && strcmp(p->vertices.items[k].library, library) == 0)
                print_vertex(f, p, k);
        fputs("  }\n", f);
    }
    for (size_t i = 0; i < p->vertices.count; i++)
        if (!p->vertices.items[i].library)
            print_vertex(f, p, i);
}

static void print_line(FILE *f, struct picture *p, const struct line *l)
{
    size_t look = 0;
    while (look + 1 < sizeof looks / sizeof *looks && strcmp(looks[look].bound, l->bound) != 0)
        look++;
    const char *from = p->vertices.items[l->from].name, *to = p->vertices.items[l->to].name;
    fprintf(f, "  n%zu -> n%zu [color=\"%s\", fontcolor=\"%s\", style=%s, edgetooltip=%s", l->from,
            l->to, looks[look].colour, looks[look].colour, looks[look].style,
            graph_quote(p->arena, arena_printf(p->arena, "%s, %s, %s", from, l->bound, to)));
    if (*looks[look].label)
        fprintf(f, ", label=\"%s\"", looks[look].label);
    fputs("];\n", f);
}

static const char *picture_dot(struct picture *p, const char *title)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return "digraph {}\n";
    fprintf(
        f,
        "digraph evidence {\n  rankdir=LR; nodesep=%s; ranksep=%s;\n"
        "  fontname=\"Helvetica\"; fontsize=10; labelloc=b; label=%s;\n"
        "  node [shape=box, style=filled, fillcolor=white, fontname=\"Helvetica\", fontsize=10, "
        "height=0.22, margin=\"0.06,0.02\", color=\"#64748b\"];\n"
        "  edge [fontname=\"Helvetica\", fontsize=8, arrowsize=0.6];\n",
        p->vertices.count > CROWDED ? "0.08" : "0.15", p->vertices.count > CROWDED ? "0.4" : "0.5",
        graph_quote(p->arena, title));
    print_libraries(f, p);
    vec_each (l, &p->lines)
        print_line(f, p, l);
    fputs("}\n", f);
    if (fclose(f) != 0 || !text)
        return "digraph {}\n";
    const char *copy = arena_strdup(p->arena, text);
    free(text);
    return copy;
}

const char *dep_graph_format(const char *file)
{
    static const char *const formats[] = {"svg", "png", "dot"};
    const char *dot = strrchr(file, '.');
    for (size_t i = 0; dot && i < sizeof formats / sizeof *formats; i++)
        if (strcmp(dot + 1, formats[i]) == 0)
            return formats[i];
    return NULL;
}

enum status dep_graph_write(struct diag *d, struct arena *a, const struct profile *profile,
                            const char *only, const char *file)
{
    struct picture p = {.arena = a};
    const char *slash = strrchr(profile->program.path, '/');
    vec_each (call, &profile->static_part.syscalls)
        if (!only || strcmp(call->name, only) == 0)
            add_path(&p, call);
    vec_each (plugin, &profile->static_part.plugins)
        vec_each (call, &plugin->syscalls)
            if (only && strcmp(call->name, only) == 0 && !p.lines.count)
                add_path(&p, call);
    if (!p.lines.count)
        return diag_fail(d, STATUS_FOUND, "--graph: no path to %s was found; nothing to draw",
                         only ? only : "a system call");
    const char *title = arena_printf(
        a,
        "%s: a shortest path to %s. Black: direct call; blue: through a relocated slot (PLT) or a "
        "constant pointer;\norange: address taken; violet: pointer in data; green: looked up by "
        "name; red: enters the kernel",
        slash ? slash + 1 : profile->program.path, only ? only : "each system call");
    if (p.vertices.count > CROWDED && !only)
        diag_note(d, "%zu functions and calls are drawn; --why CALL draws the path to one call",
                  p.vertices.count);
    const char *dot = picture_dot(&p, title), *format = dep_graph_format(file);
    char *picture = NULL;
    size_t size = strlen(dot);
    if (strcmp(format, "dot") == 0)
        return file_write(d, file, dot, size, 0);
    enum status status = graph_render(d, a, dot, "dot", format, &picture, &size);
    return status ? status : file_write(d, file, picture, size, 0);
}
