/* SPDX-License-Identifier: BSD-3-Clause */
#include "crawler/library_graph.h"
#include "common/kconfig_eval.h"
#include "common/name_table.h"
#include "crawler/lint.h"
#include "crawler/scc.h"
#include <stdlib.h>
#include <string.h>

const char *const library_edge_names[] = {"selects", "depends", "implies", "excludes", NULL};

#define S struct library_node
static const struct jm_field node_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "option", option, JM_STRING, .flags = JM_NULLABLE),
    JM_FIELD(S, "repository", repository, JM_STRING, .flags = JM_NULLABLE),
    JM_FIELD(S, "kind", kind, JM_STRING),
    JM_FIELD(S, "parts", parts, JM_STRINGS, .flags = JM_OPTIONAL),
    JM_FIELD(S, "options", options, JM_INT),
    JM_FIELD(S, "syscalls", syscalls, JM_INT),
    JM_FIELD(S, "files", files, JM_INT),
    JM_FIELD(S, "cost", cost, JM_INT),
    JM_FIELD(S, "closure", closure, JM_INT,
             .description = "cost with everything it selects without condition"),
    JM_FIELD(S, "dead", dead, JM_BOOL, .flags = JM_OPTIONAL),
    JM_FIELD(S, "cycle", cycle, JM_INT, .flags = JM_OPTIONAL),
    JM_FIELD(S, "provides", provides, JM_STRINGS, .flags = JM_OPTIONAL),
};
static const struct jm_type node_type = JM_TYPE(S, "node", NULL, node_fields);
#undef S

#define S struct library_edge
static const struct jm_field edge_fields[] = {
    JM_FIELD(S, "from", from, JM_INT),
    JM_FIELD(S, "to", to, JM_INT),
    JM_FIELD(S, "kind", kind, JM_ENUM, .names = library_edge_names),
    JM_FIELD(S, "conditions", conditions, JM_STRINGS, .description = "any of them; empty: always"),
};
static const struct jm_type edge_type = JM_TYPE(S, "edge", NULL, edge_fields);
#undef S

#define S struct library_cycle
static const struct jm_field cycle_fields[] = {JM_FIELD(S, "members", members, JM_STRINGS)};
static const struct jm_type cycle_type = JM_TYPE(S, "cycle", NULL, cycle_fields);
#undef S

#define S struct library_graph
static const struct jm_field graph_fields[] = {
    JM_FIELD(S, "schema", schema, JM_STRING),
    JM_FIELD(S, "catalogue", catalogue, JM_STRING),
    JM_FIELD(S, "version", version, JM_STRING),
    JM_FIELD(S, "unit", unit, JM_STRING),
    JM_FIELD(S, "nodes", nodes, JM_ARRAY, .type = &node_type),
    JM_FIELD(S, "edges", edges, JM_ARRAY, .type = &edge_type),
    JM_FIELD(S, "cycles", cycles, JM_ARRAY, .type = &cycle_type),
};
const struct jm_type library_graph_type =
    JM_TYPE(S, "graph", "Dependencies between micro-libraries", graph_fields);
#undef S

struct build {
    struct diag *diag;
    struct arena *arena;
    const struct catalogue *catalogue;
    struct library_graph *graph;
    struct name_table nodes;   /* micro-library or option name -> node */
    struct name_table owners;  /* option -> node */
    struct name_table edges;   /* "from to kind" -> edge */
    struct name_table options; /* the defined ones */
};

/* ---- nodes ---- */

static size_t add_node(struct build *b, const char *name, const char *kind)
{
    struct library_node *n = vec_add(b->arena, &b->graph->nodes);
    n->name = name;
    n->kind = kind;
    bool added;
    name_table_add(&b->nodes, name, b->graph->nodes.count - 1, &added);
    return b->graph->nodes.count - 1;
}

static int64_t layout_cost(const struct layout *layout, const char *name)
{
    for (size_t i = 0; layout && i < layout->libraries.count; i++) {
        const struct layout_library *l = &layout->libraries.items[i];
        if (strcmp(l->name, name) == 0)
            return l->text + l->rodata + l->data;
    }
    return 0;
}

static bool same_text(const char *x, const char *y)
{
    return x == y || (x && y && strcmp(x, y) == 0);
}

/* Micro-libraries of one folder under one option are one node, named after the first. */
static void add_libraries(struct build *b, const struct layout *layout)
{
    static const char *const kinds[] = {"library", "platform", "application"};
    struct name_table groups;
    name_table_init(&groups, b->arena);
    vec_each (l, &b->catalogue->libraries) {
        const char *key = arena_printf(b->arena, "%s %s %s", l->repository, l->path ? l->path : "",
                                       l->option ? l->option : l->name);
        bool added;
        size_t node = name_table_add(&groups, key, b->graph->nodes.count, &added);
        if (added) {
            node = add_node(b, l->name, kinds[l->kind < 0 ? 0 : l->kind]);
            b->graph->nodes.items[node].option = l->option;
            b->graph->nodes.items[node].repository = l->repository;
        } else {
            vec_push(b->arena, &b->graph->nodes.items[node].parts, l->name);
            name_table_add(&b->nodes, l->name, node, &added);
        }
        struct library_node *n = &b->graph->nodes.items[node];
        int64_t files = (int64_t)l->sources.count + l->origin_files;
        n->files += files;
        n->cost += layout ? layout_cost(layout, l->name) : files;
        if (l->option)
            name_table_add(&b->owners, l->option, node, &added);
    }
}

static void own_options(struct build *b)
{
    vec_each (o, &b->catalogue->options) {
        size_t node;
        bool added;
        if (!o->library || !name_table_find(&b->nodes, o->library, &node))
            continue;
        node = name_table_add(&b->owners, o->name, node, &added);
        b->graph->nodes.items[node].options++;
    }
    vec_each (s, &b->catalogue->syscalls) {
        size_t node;
        if (!s->library || !name_table_find(&b->nodes, s->library, &node))
            continue;
        b->graph->nodes.items[node].syscalls++;
        vec_push(b->arena, &b->graph->nodes.items[node].provides, s->name);
    }
}

/* The node an option stands for: its micro-library, or a node of its own. */
static size_t node_of(struct build *b, const char *option)
{
    size_t node;
    if (name_table_find(&b->owners, option, &node))
        return node;
    bool defined = name_table_find(&b->options, option, NULL);
    node = add_node(b, option, defined ? "option" : "undefined");
    b->graph->nodes.items[node].option = option;
    bool added;
    name_table_add(&b->owners, option, node, &added);
    return node;
}

/* ---- edges ---- */

static void add_edge(struct build *b, size_t from, size_t to, enum library_edge_kind kind,
                     const char *condition)
{
    bool added;
    if (from == to)
        return;
    const char *key = arena_printf(b->arena, "%zu %zu %d", from, to, (int)kind);
    size_t index = name_table_add(&b->edges, key, b->graph->edges.count, &added);
    if (added) {
        struct library_edge *e = vec_add(b->arena, &b->graph->edges);
        e->from = (int64_t)from;
        e->to = (int64_t)to;
        e->kind = (int)kind;
    }
    strings *conditions = &b->graph->edges.items[index].conditions;
    for (size_t i = 0; i < conditions->count; i++)
        if (strcmp(conditions->items[i], condition) == 0)
            return;
    vec_push(b->arena, conditions, condition);
}

/* The condition of what an option says: the option itself, unless it is what turns the library on,
 * and the clause's own. */
static const char *clause_condition(struct build *b, const struct catalogue_option *o, size_t node,
                                    const char *condition)
{
    bool main = same_text(b->graph->nodes.items[node].option, o->name);
    if (main)
        return condition ? condition : "";
    if (!condition)
        return o->name;
    return arena_printf(b->arena, strstr(condition, "||") ? "%s && (%s)" : "%s && %s", o->name,
                        condition);
}

/* Names an expression wants on, and those it wants off. */
static void polarity(struct build *b, const struct kexpr *e, bool positive, strings *on,
                     strings *off)
{
    if (!e)
        return;
    switch (e->kind) {
    case KEXPR_SYMBOL:
        vec_push(b->arena, positive ? on : off, e->name);
        return;
    case KEXPR_CONST:
        return;
    case KEXPR_NOT:
        polarity(b, e->left, !positive, on, off);
        return;
    case KEXPR_AND:
    case KEXPR_OR:
        polarity(b, e->left, positive, on, off);
        polarity(b, e->right, positive, on, off);
        return;
    case KEXPR_NE:
        positive = !positive;
        break;
    default:
        break;
    }
    if (kexpr_is_const(e->right, "n"))
        positive = !positive;
    if (e->left->kind == KEXPR_SYMBOL)
        vec_push(b->arena, positive ? on : off, e->left->name);
}

static enum status add_dependencies(struct build *b, const struct catalogue_option *o, size_t node)
{
    struct kexpr *e = NULL;
    strings on = {0}, off = {0};
    enum status status = kexpr_parse(b->diag, b->arena, o->name, o->depends, &e);
    if (status)
        return status;
    polarity(b, e, true, &on, &off);
    const char *condition = clause_condition(b, o, node, NULL);
    vec_each (name, &on)
        add_edge(b, node, node_of(b, *name), EDGE_DEPENDS, condition);
    vec_each (name, &off)
        add_edge(b, node, node_of(b, *name), EDGE_EXCLUDES, condition);
    return STATUS_OK;
}

static enum status add_edges(struct build *b)
{
    vec_each (o, &b->catalogue->options) {
        size_t node;
        bool relevant =
            o->selects.count || o->implies.count || name_table_find(&b->owners, o->name, &node);
        if (!relevant || (o->type != OPTION_BOOL && o->type != OPTION_TRISTATE))
            continue;
        node = node_of(b, o->name);
        vec_each (s, &o->selects)
            add_edge(b, node, node_of(b, s->value), EDGE_SELECTS,
                     clause_condition(b, o, node, s->condition));
        vec_each (s, &o->implies)
            add_edge(b, node, node_of(b, s->value), EDGE_IMPLIES,
                     clause_condition(b, o, node, s->condition));
        enum status status = add_dependencies(b, o, node);
        if (status)
            return status;
    }
    return STATUS_OK;
}

/* ---- cycles, closures, order ---- */

static void find_cycles(struct build *b)
{
    struct library_graph *g = b->graph;
    struct scc s;
    scc_init(&s, b->arena, g->nodes.count);
    vec_each (e, &g->edges)
        if (e->kind == EDGE_SELECTS || e->kind == EDGE_DEPENDS)
            scc_edge(&s, (size_t)e->from, (size_t)e->to);
    scc_run(&s);
    for (size_t c = 0; c < s.components; c++) {
        strings members = {0};
        for (size_t i = 0; i < g->nodes.count; i++)
            if (s.component[i] == c)
                vec_push(b->arena, &members, g->nodes.items[i].name);
        if (members.count < 2)
            continue;
        struct library_cycle *cycle = vec_add(b->arena, &g->cycles);
        cycle->members.items = members.items;
        cycle->members.count = members.count;
        for (size_t i = 0; i < g->nodes.count; i++)
            if (s.component[i] == c)
                g->nodes.items[i].cycle = (int64_t)g->cycles.count;
    }
}

static bool unconditional(const struct library_edge *e)
{
    for (size_t i = 0; i < e->conditions.count; i++)
        if (!*e->conditions.items[i])
            return true;
    return false;
}

static void add_closures(struct build *b)
{
    struct library_graph *g = b->graph;
    /* edges are sorted by where they begin: those of a node are first[node] .. first[node + 1] */
    size_t *first = arena_array(b->arena, g->nodes.count + 2, sizeof *first);
    for (size_t i = 0; i < g->edges.count; i++)
        first[g->edges.items[i].from + 1]++;
    for (size_t i = 0; i < g->nodes.count; i++)
        first[i + 1] += first[i];
    bool *seen = arena_array(b->arena, g->nodes.count + 1, sizeof *seen);
    VEC(size_t) queue = {0};
    for (size_t root = 0; root < g->nodes.count; root++) {
        memset(seen, 0, g->nodes.count * sizeof *seen);
        queue.count = 0;
        vec_push(b->arena, &queue, root);
        seen[root] = true;
        int64_t sum = 0;
        for (size_t i = 0; i < queue.count; i++) {
            size_t at = queue.items[i];
            sum += g->nodes.items[at].cost;
            for (size_t n = first[at]; n < first[at + 1]; n++) {
                const struct library_edge *e = &g->edges.items[n];
                if (e->kind != EDGE_SELECTS || seen[e->to] || !unconditional(e))
                    continue;
                seen[e->to] = true;
                vec_push(b->arena, &queue, (size_t)e->to);
            }
        }
        g->nodes.items[root].closure = sum;
    }
}

struct ranked {
    const char *name;
    size_t index;
};

static int by_name(const void *x, const void *y)
{
    return strcmp(((const struct ranked *)x)->name, ((const struct ranked *)y)->name);
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static int edge_order(const void *x, const void *y)
{
    const struct library_edge *a = x, *b = y;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    if (a->to != b->to)
        return a->to < b->to ? -1 : 1;
    return a->kind - b->kind;
}

/* Nodes by name, edges renumbered and sorted. */
static void sort_graph(struct arena *a, struct library_graph *g)
{
    size_t count = g->nodes.count;
    struct ranked *ranks = arena_array(a, count + 1, sizeof *ranks);
    int64_t *position = arena_array(a, count + 1, sizeof *position);
    struct library_node *nodes = arena_array(a, count + 1, sizeof *nodes);
    for (size_t i = 0; i < count; i++)
        ranks[i] = (struct ranked){g->nodes.items[i].name, i};
    qsort(ranks, count, sizeof *ranks, by_name);
    for (size_t i = 0; i < count; i++) {
        position[ranks[i].index] = (int64_t)i;
        nodes[i] = g->nodes.items[ranks[i].index];
    }
    g->nodes.items = nodes;
    vec_each (e, &g->edges) {
        e->from = position[e->from];
        e->to = position[e->to];
        vec_sort(&e->conditions, by_text);
    }
    vec_sort(&g->edges, edge_order);
}

enum status library_graph_build(struct diag *d, struct arena *a, const struct catalogue *c,
                                const struct layout *layout, struct library_graph *out)
{
    memset(out, 0, sizeof *out);
    struct build b = {.diag = d, .arena = a, .catalogue = c, .graph = out};
    name_table_init(&b.nodes, a);
    name_table_init(&b.owners, a);
    name_table_init(&b.edges, a);
    name_table_init(&b.options, a);
    bool added;
    vec_each (o, &c->options)
        name_table_add(&b.options, o->name, 0, &added);
    out->schema = LIBRARY_GRAPH_SCHEMA;
    out->catalogue = c->name;
    out->version = c->version;
    out->unit = layout ? "bytes" : "files";
    add_libraries(&b, layout);
    own_options(&b);
    enum status status = add_edges(&b);
    if (status)
        return status;
    strings dead = {0};
    status = lint_dead_options(d, a, c, &dead);
    if (status)
        return status;
    vec_each (name, &dead) {
        size_t node;
        if (name_table_find(&b.owners, *name, &node) &&
            same_text(out->nodes.items[node].option, *name))
            out->nodes.items[node].dead = true;
    }
    sort_graph(a, out);
    find_cycles(&b);
    add_closures(&b);
    return STATUS_OK;
}

/* ---- views ---- */

static bool kind_wanted(const struct library_graph_view *view, int kind)
{
    return !view->kinds || (view->kinds & (1u << kind));
}

static enum status find_root(struct diag *d, struct arena *a, const struct library_graph *g,
                             const char *name, size_t *out)
{
    const char *near = "";
    for (size_t i = 0; i < g->nodes.count; i++) {
        const struct library_node *n = &g->nodes.items[i];
        *out = i;
        bool part = false;
        vec_each (p, &n->parts)
            part |= strcmp(*p, name) == 0;
        if (part || strcmp(n->name, name) == 0 || same_text(n->option, name) ||
            (strncmp(n->name, "lib", 3) == 0 && strcmp(n->name + 3, name) == 0) ||
            same_text(n->repository, name))
            return STATUS_OK;
        if (strlen(near) < 200 && (strcasestr(n->name, name) || strcasestr(name, n->name)))
            near = arena_printf(a, "%s%s%s", near, *near ? ", " : "", n->name);
    }
    return diag_fail(d, STATUS_INPUT, "%s: no such micro-library or option in %s %s%s%s", name,
                     g->catalogue, g->version, *near ? "; near it: " : "", near);
}

/* steps[i]: distance from the nearest root, -1: not reached. */
static enum status measure(struct diag *d, struct arena *a, const struct library_graph *g,
                           const struct library_graph_view *view, int *steps)
{
    VEC(size_t) queue = {0};
    for (size_t i = 0; i < g->nodes.count; i++)
        steps[i] = view->roots.count ? -1 : 0;
    vec_each (name, &view->roots) {
        size_t root = 0;
        enum status status = find_root(d, a, g, *name, &root);
        if (status)
            return status;
        steps[root] = 0;
        vec_push(a, &queue, root);
    }
    for (size_t i = 0; i < queue.count; i++) {
        size_t at = queue.items[i];
        if (view->depth && steps[at] >= view->depth)
            continue;
        vec_each (e, &g->edges) {
            size_t from = (size_t)(view->reverse ? e->to : e->from);
            size_t to = (size_t)(view->reverse ? e->from : e->to);
            if (from != at || !kind_wanted(view, e->kind) || steps[to] >= 0)
                continue;
            steps[to] = steps[at] + 1;
            vec_push(a, &queue, to);
        }
    }
    return STATUS_OK;
}

enum status library_graph_select(struct diag *d, struct arena *a, const struct library_graph *graph,
                                 const struct library_graph_view *view, struct library_graph *out)
{
    int *steps = arena_array(a, graph->nodes.count + 1, sizeof *steps);
    int64_t *position = arena_array(a, graph->nodes.count + 1, sizeof *position);
    bool *touched = arena_array(a, graph->nodes.count + 1, sizeof *touched);
    enum status status = measure(d, a, graph, view, steps);
    if (status)
        return status;
    *out = *graph;
    memset(&out->nodes, 0, sizeof out->nodes);
    memset(&out->edges, 0, sizeof out->edges);
    vec_each (e, &graph->edges) {
        bool kept = kind_wanted(view, e->kind) && steps[e->from] >= 0 && steps[e->to] >= 0;
        /* at the last step nothing more is shown than how it was reached */
        if (kept && view->depth && view->roots.count &&
            steps[view->reverse ? e->to : e->from] >= view->depth)
            kept = false;
        if (kept)
            vec_push(a, &out->edges, *e);
        touched[e->from] |= kept;
        touched[e->to] |= kept;
    }
    for (size_t i = 0; i < graph->nodes.count; i++) {
        const struct library_node *n = &graph->nodes.items[i];
        bool kept = steps[i] >= 0 && (touched[i] || steps[i] == 0);
        if (!view->roots.count && !touched[i] && !n->repository)
            kept = false;
        position[i] = (int64_t)out->nodes.count;
        if (kept)
            vec_push(a, &out->nodes, *n);
    }
    vec_each (e, &out->edges) {
        e->from = position[e->from];
        e->to = position[e->to];
    }
    return STATUS_OK;
}
