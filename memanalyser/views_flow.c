/* SPDX-License-Identifier: BSD-3-Clause
 * What the code of an image does: metrics, instruction mix, calls, system calls, graphs. */
#include "memanalyser/views_flow.h"
#include "common/graph.h"
#include "memanalyser/text.h"
#include <inttypes.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

/* Analyses every function in turn. */
static enum status
each_function(struct diag *d, struct image *image,
              void (*visit)(void *, const struct function *, const struct flow *), void *context)
{
    struct flow_reader *reader;
    functions list;
    enum status status = flow_open(d, image, &reader);
    if (status)
        return status;
    functions_find(image, &list);
    for (size_t i = 0; i < list.count; i++) {
        struct flow flow;
        if (i % 1024 == 0)
            diag_progress(d, i, list.count, "reading functions of %s", image->path);
        flow_read(reader, &list.items[i], &flow);
        visit(context, &list.items[i], &flow);
    }
    diag_progress_end(d);
    flow_close(reader);
    return STATUS_OK;
}

static const char *library_at(const struct image *image, uint32_t section, uint64_t offset)
{
    const struct claim *c = claim_at(image, section, offset);
    int library = c && c->object >= 0 ? image->objects.items[c->object].library : -1;
    return library >= 0 ? image->libraries.items[library] : NULL;
}

struct visitor {
    struct image *image;
    const struct view_options *options;
    struct table *table;
    uint64_t mix[MIX_CLASSES];
};

static const char *shown(const struct visitor *v, const char *name)
{
    return v->options->demangle && name ? demangle(v->image->arena, name) : name;
}

/* ---- metrics ---------------------------------------------------------------------------- */

static void visit_metrics(void *context, const struct function *f, const struct flow *flow)
{
    struct visitor *v = context;
    struct table *t = v->table;
    uint64_t edges = 0;
    vec_each (b, &flow->blocks)
        edges += (b->next[0] != SIZE_MAX) + (b->next[1] != SIZE_MAX);
    table_address(t, section_address(v->image, f->section, f->start));
    table_number(t, (int64_t)(f->end - f->start));
    table_number(t, (int64_t)flow->instructions);
    table_number(t, (int64_t)flow->blocks.count);
    table_number(t, (int64_t)edges);
    table_number(t, (int64_t)flow->calls.count);
    table_number(t, (int64_t)flow->indirect_calls);
    table_number(t, (int64_t)flow->syscalls.count);
    table_number(t, flow->stack);
    table_text(t, flow->stack_varies ? "at least" : "exact");
    table_text(t, library_at(v->image, f->section, f->start));
    table_text(t, shown(v, f->name));
}

enum status view_metrics(struct diag *d, struct image *image, const struct view_options *options,
                         struct table **out)
{
    struct visitor v = {.image = image, .options = options};
    v.table = *out = table_new(image->arena, "metrics",
                               "address:x size:n instructions:n blocks:n edges:n calls:n "
                               "indirect:n syscalls:n stack:n bound library function");
    return each_function(d, image, visit_metrics, &v);
}

/* ---- mix -------------------------------------------------------------------------------- */

static void visit_mix(void *context, const struct function *f, const struct flow *flow)
{
    struct visitor *v = context;
    (void)f;
    for (int i = 0; i < MIX_CLASSES; i++)
        v->mix[i] += flow->mix[i];
}

enum status view_mix(struct diag *d, struct image *image, const struct view_options *options,
                     struct table **out)
{
    struct visitor v = {.image = image, .options = options};
    struct table *t = *out = table_new(image->arena, "mix", "class instructions:n share:p");
    enum status status = each_function(d, image, visit_mix, &v);
    uint64_t total = 0;
    for (int i = 0; i < MIX_CLASSES; i++)
        total += v.mix[i];
    for (int i = 0; i < MIX_CLASSES; i++) {
        table_text(t, mix_names[i]);
        table_number(t, (int64_t)v.mix[i]);
        table_percent(t, v.mix[i], total);
    }
    return status;
}

/* ---- calls ------------------------------------------------------------------------------ */

static void visit_calls(void *context, const struct function *f, const struct flow *flow)
{
    struct visitor *v = context;
    struct table *t = v->table;
    vec_each (c, &flow->calls) {
        table_address(t, section_address(v->image, f->section, c->from));
        table_text(t, shown(v, f->name));
        table_text(t, c->indirect && !c->name ? "indirect" : c->tail ? "jump" : "call");
        if (c->target)
            table_address(t, c->target);
        else
            table_empty(t);
        table_text(t, shown(v, c->name));
        const struct elf_section *s = c->target ? elf_section_at(&v->image->elf, c->target) : NULL;
        table_text(t, s ? library_at(v->image, s->index, c->target - s->address) : NULL);
    }
}

enum status view_calls(struct diag *d, struct image *image, const struct view_options *options,
                       struct table **out)
{
    struct visitor v = {.image = image, .options = options};
    v.table = *out = table_new(image->arena, "calls", "address:x from kind target:x to library");
    return each_function(d, image, visit_calls, &v);
}

/* ---- system calls ----------------------------------------------------------------------- */

/* The call's name on the image's machine, NULL where it is unknown. */
static const char *call_name(struct image *image, int64_t number)
{
    uint32_t arch = image->machine == EM_AARCH64 ? SCMP_ARCH_AARCH64
                    : image->machine == EM_386   ? SCMP_ARCH_X86
                                                 : SCMP_ARCH_X86_64;
    if (number < 0 || number > INT32_MAX)
        return NULL;
    char *name = seccomp_syscall_resolve_num_arch(arch, (int)number);
    const char *copy = name ? arena_strdup(image->arena, name) : NULL;
    free(name);
    return copy;
}

static void visit_syscalls(void *context, const struct function *f, const struct flow *flow)
{
    struct visitor *v = context;
    struct table *t = v->table;
    vec_each (s, &flow->syscalls) {
        const struct claim *c = claim_at(v->image, f->section, s->offset);
        const char *name = call_name(v->image, s->number);
        table_address(t, section_address(v->image, f->section, s->offset));
        if (s->number >= 0)
            table_number(t, s->number);
        else
            table_empty(t);
        table_text(t, name);
        table_text(t, shown(v, f->name));
        table_text(t, library_at(v->image, f->section, s->offset));
        table_text(t, c && c->object >= 0 ? v->image->objects.items[c->object].path : NULL);
    }
}

enum status view_syscalls(struct diag *d, struct image *image, const struct view_options *options,
                          struct table **out)
{
    struct visitor v = {.image = image, .options = options};
    v.table = *out =
        table_new(image->arena, "syscalls", "address:x number:n name function library object");
    return each_function(d, image, visit_syscalls, &v);
}

/* ---- graphs ----------------------------------------------------------------------------- */

struct listing {
    struct text *text;
    unsigned lines, limit;
};

/* One line of a block's label, left-aligned, with DOT's special characters escaped. */
static void block_line(void *context, const struct instruction *i)
{
    struct listing *l = context;
    if (l->lines++ >= l->limit) {
        if (l->lines == l->limit + 1)
            text_add(l->text, "...\\l");
        return;
    }
    char line[192];
    snprintf(line, sizeof line, "%" PRIx64 "  %s%s%s", i->offset, i->text, i->note ? "  ; " : "",
             i->note ? i->note : "");
    for (const char *p = line; *p; p++) {
        char c[3] = {*p, 0, 0};
        if (*p == '"' || *p == '\\')
            c[0] = '\\', c[1] = *p;
        text_add(l->text, (unsigned char)*p < 0x20 ? " " : c);
    }
    text_add(l->text, "\\l");
}

enum status cfg_dot(struct diag *d, struct image *image, const struct function *f, char **out)
{
    struct flow_reader *reader;
    struct disassembler *dis;
    enum status status = flow_open(d, image, &reader);
    if (status)
        return status;
    status = disassembler_open(d, image, &dis);
    struct flow flow = {0};
    flow_read(reader, f, &flow);
    struct text t = {.arena = image->arena};
    text_add(&t, arena_printf(image->arena,
                              "digraph %s {\n  node [shape=box fontname=monospace fontsize=10];\n",
                              graph_quote(image->arena, f->name)));
    for (size_t i = 0; !status && i < flow.blocks.count; i++) {
        const struct flow_block *b = &flow.blocks.items[i];
        struct listing l = {&t, 0, 40};
        text_add(&t, arena_printf(image->arena, "  b%zu [label=\"", i));
        disassemble(dis, f->section, b->start, b->end, block_line, &l);
        text_add(&t, b->ends_with == FLOW_JUMP_INDIRECT ? "\" style=dashed];\n" : "\"];\n");
        for (int k = 0; k < 2; k++)
            if (b->next[k] != SIZE_MAX)
                text_add(&t, arena_printf(image->arena, "  b%zu -> b%zu%s;\n", i, b->next[k],
                                          b->ends_with != FLOW_BRANCH ? ""
                                          : k                         ? " [color=darkgreen]"
                                                                      : " [color=red]"));
    }
    text_add(&t, "}\n");
    *out = t.bytes;
    disassembler_close(dis);
    flow_close(reader);
    return status;
}

struct edge {
    const char *from, *to;
    size_t count;
};

struct graph_visitor {
    struct visitor base;
    bool libraries; /* nodes are libraries, not functions */
    VEC(struct edge) edges;
};

static void visit_graph(void *context, const struct function *f, const struct flow *flow)
{
    struct graph_visitor *g = context;
    struct image *image = g->base.image;
    vec_each (c, &flow->calls) {
        const struct elf_section *s = c->target ? elf_section_at(&image->elf, c->target) : NULL;
        const char *from = f->name, *to = c->name;
        if (g->libraries) {
            from = library_at(image, f->section, f->start);
            to = s ? library_at(image, s->index, c->target - s->address) : NULL;
        }
        if (from && to && (!g->libraries || strcmp(from, to) != 0))
            vec_push(image->arena, &g->edges, ((struct edge){from, to, 1}));
    }
}

static int by_edge(const void *x, const void *y)
{
    const struct edge *a = x, *b = y;
    int order = strcmp(a->from, b->from);
    return order ? order : strcmp(a->to, b->to);
}

enum status callgraph_dot(struct diag *d, struct image *image, const struct view_options *options,
                          bool libraries, char **out)
{
    struct graph_visitor g = {.base = {.image = image, .options = options}, .libraries = libraries};
    enum status status = each_function(d, image, visit_graph, &g);
    if (status)
        return status;
    vec_sort(&g.edges, by_edge);
    struct text t = {.arena = image->arena};
    text_add(&t, "digraph calls {\n  rankdir=LR;\n  node [shape=box fontname=\"sans-serif\" "
                 "fontsize=10];\n");
    for (size_t i = 0; i < g.edges.count;) {
        size_t k = i;
        while (k < g.edges.count && by_edge(&g.edges.items[i], &g.edges.items[k]) == 0)
            k++;
        const struct edge *e = &g.edges.items[i];
        text_add(&t, arena_printf(image->arena, "  %s -> %s",
                                  graph_quote(image->arena, shown(&g.base, e->from)),
                                  graph_quote(image->arena, shown(&g.base, e->to))));
        text_add(&t, k - i > 1 ? arena_printf(image->arena, " [label=\"%zu\"];\n", k - i) : ";\n");
        i = k;
    }
    text_add(&t, "}\n");
    *out = t.bytes;
    return STATUS_OK;
}
