/* SPDX-License-Identifier: BSD-3-Clause
 * Constants followed from system calls back through callers: one variable per context and input
 * that matters, joined over every reached call, to a fixed point. */
#include "analyzer/arguments.h"
#include "common/selectors.h"
#include "common/syscalls.h"
#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_LIMIT = 512, VARIABLE_LIMIT = 200000 };

/* Edges by the node they lead to. */
struct incoming {
    struct node *from;
    uint32_t index; /* among its edges */
};

struct argument_reader {
    struct engine *e;
    size_t *first; /* by node id, one more than there are nodes */
    struct incoming *edges;
};

struct argument_reader *argument_reader_new(struct engine *e)
{
    struct argument_reader *r = calloc(1, sizeof *r);
    size_t nodes = e->nodes.count;
    if (!r || !(r->first = calloc(nodes + 2, sizeof *r->first)))
        abort();
    r->e = e;
    vec_each (n, &e->nodes)
        vec_each (edge, &(*n)->edges)
            if (edge_to(e, edge)->kind == NODE_CONTEXT)
                r->first[edge->to + 2]++;
    for (size_t i = 2; i < nodes + 2; i++)
        r->first[i] += r->first[i - 1];
    if (!(r->edges = malloc((r->first[nodes + 1] + 1) * sizeof *r->edges)))
        abort();
    vec_each (n, &e->nodes)
        for (size_t i = 0; i < (*n)->edges.count; i++) {
            const struct node *to = edge_to(e, &(*n)->edges.items[i]);
            if (to->kind == NODE_CONTEXT)
                r->edges[r->first[to->id + 1]++] = (struct incoming){*n, (uint32_t)i};
        }
    return r;
}

void argument_reader_free(struct argument_reader *r)
{
    free(r->edges);
    free(r->first);
    free(r);
}

static const struct node nowhere = {.kind = NODE_ROOT};

/* Where a value is lost. */
struct loss {
    const struct node *node; /* NULL: it is not */
    uint64_t at;
    uint8_t how; /* enum loss_kind */
};
enum loss_kind { LOST_VALUE, LOST_ENTRY, LOST_NUMBER, LOST_COUNT };

struct flow { /* what a variable's values become in another */
    uint32_t to;
    value through;
};

struct variable {
    const struct context *context;
    unsigned input;
    bool queued, expanded;
    struct loss loss;
    VEC(int64_t) values; /* ascending */
    VEC(struct flow) flows;
};

struct solver {
    const struct argument_reader *reader;
    const struct walk *walk;
    struct engine *e;
    struct arena *arena;
    VEC(struct variable) variables;
    struct address_map by_key; /* (node id, input) -> index + 1 */
    VEC(uint32_t) work;
};

static void queue(struct solver *s, uint32_t index)
{
    if (s->variables.items[index].queued)
        return;
    s->variables.items[index].queued = true;
    vec_push(s->arena, &s->work, index);
}

/* Which of two losses is told: not the one that was met first, but always the same. */
static bool is_earlier(struct loss x, struct loss y)
{
    const struct object *a = graph_object(x.node), *b = graph_object(y.node);
    if (x.how != y.how)
        return x.how < y.how;
    if (!a || !b || a == b)
        return x.at < y.at;
    return a->elf->index < b->elf->index;
}

static void lose(struct solver *s, uint32_t index, struct loss loss)
{
    struct variable *x = &s->variables.items[index];
    if (x->loss.node && !is_earlier(loss, x->loss))
        return;
    x->loss = loss;
    queue(s, index);
}

static void add_value(struct solver *s, uint32_t index, int64_t c)
{
    struct variable *x = &s->variables.items[index];
    size_t low = 0, high = x->values.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (x->values.items[middle] < c)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < x->values.count && x->values.items[low] == c)
        return;
    if (x->values.count == VALUES_LIMIT) {
        lose(s, index, (struct loss){&nowhere, 0, LOST_COUNT});
        return;
    }
    vec_push(s->arena, &x->values, c);
    memmove(&x->values.items[low + 1], &x->values.items[low],
            (x->values.count - 1 - low) * sizeof c);
    x->values.items[low] = c;
    queue(s, index);
}

static uint32_t variable(struct solver *s, const struct context *c, unsigned input);

/* What a value becomes when the value stop, or else the input, that it was made from is c; false:
 * cannot be. */
static bool replay(const struct values *v, value x, value stop, int64_t *c)
{
    const struct value_data *d = value_get(v, x);
    if (x != stop && d->sign > ORIGIN_INPUT) {
        if (!replay(v, (value)d->base, stop, c))
            return false;
        *c = value_replay(d, *c);
    }
    return (uint64_t)*c <= d->max;
}

/* The input that a value was made from, as a code of passed lists; false: something unknown. */
static bool origin_input(const struct values *v, value x, unsigned *input)
{
    const struct value_data *d = value_get(v, x);
    while (d->sign > ORIGIN_INPUT)
        d = value_get(v, (value)d->base);
    *input = (unsigned)d->base + (d->sign == ORIGIN_POINTEE ? PASSED_POINTEE : 0);
    return d->sign != ORIGIN_NONE;
}

static void add_small(struct solver *s, uint32_t index, uint64_t max)
{
    for (uint64_t c = 0; c <= max; c++)
        add_value(s, index, (int64_t)c);
}

/* What a value can be whatever it was made from, when little of that is left in it. */
static bool add_remains(struct solver *s, uint32_t index, value v)
{
    const struct values *values = &s->e->values;
    const struct value_data *d = value_get(values, v);
    if (d->max < PASSED_SMALL) {
        add_small(s, index, d->max);
        return true;
    }
    value part = v;
    for (; d->sign > ORIGIN_INPUT; part = (value)d->base, d = value_get(values, part)) {
        uint64_t mask =
            (uint64_t)d->first & (d->width < 8 ? (UINT64_C(1) << 8 * d->width) - 1 : UINT64_MAX);
        if (d->sign != ORIGIN_AND || !value_few_bits(mask))
            continue;
        for (uint64_t bits = mask;; bits = (bits - 1) & mask) {
            int64_t c = (int64_t)bits;
            if (replay(values, v, part, &c))
                add_value(s, index, c);
            if (!bits)
                return true;
        }
    }
    return false;
}

/* The entries of a constant table. */
static bool add_table(struct solver *s, uint32_t index, const struct value_data *d)
{
    for (unsigned k = 0; k < d->count; k++) {
        struct object *o = engine_object_at(s->e, (uint64_t)d->all[k]);
        for (uint64_t i = 0; i <= d->max; i++) {
            uint64_t raw = 0;
            if (!o ||
                !elf_word(o->elf, (uint64_t)d->all[k] - o->base + i * d->width, d->width, &raw))
                return false;
            unsigned shift = 64 - 8 * d->width;
            add_value(s, index, d->sign ? (int64_t)(raw << shift) >> shift : (int64_t)raw);
        }
    }
    return true;
}

/* Variable index may hold a value that context c has at an instruction. */
static void add_source(struct solver *s, uint32_t index, const struct context *c, uint64_t at,
                       value v)
{
    const struct values *values = &s->e->values;
    const struct value_data *d = value_get(values, v);
    unsigned input = 0;
    if (d->kind == VK_CONST) {
        for (unsigned i = 0; i < d->count; i++)
            add_value(s, index, d->all[i]);
    } else if (d->kind == VK_TOP && origin_input(values, v, &input) &&
               s->variables.count < VARIABLE_LIMIT) {
        uint32_t from = variable(s, c, input);
        struct flow flow = {index, v};
        vec_push(s->arena, &s->variables.items[from].flows, flow);
        queue(s, from);
    } else if (d->kind == VK_TOP && add_remains(s, index, v)) {
        return;
    } else if (d->kind != VK_NONE &&
               !(d->kind == VK_TABLE && passed_table(d) && add_table(s, index, d))) {
        lose(s, index, (struct loss){&c->node, at, LOST_VALUE});
    }
}

static bool hands_over(const struct edge *edge)
{
    return edge->kind == EDGE_CALL || edge->kind == EDGE_SLOT || edge->kind == EDGE_VALUE;
}

static void add_callers(struct solver *s, uint32_t index, const struct context *c, unsigned input)
{
    uint32_t id = c->node.id;
    for (size_t i = s->reader->first[id]; i < s->reader->first[id + 1]; i++) {
        const struct node *from = s->reader->edges[i].from;
        const struct edge *edge = &from->edges.items[s->reader->edges[i].index];
        if (!s->walk->reached[from->id])
            continue;
        if (from->kind != NODE_CONTEXT || !hands_over(edge)) {
            lose(s, index, (struct loss){&c->node, c->function->address, LOST_ENTRY});
            continue;
        }
        add_source(s, index, (const struct context *)from, edge->at,
                   passed_value(s->e, edge->passed, input));
    }
}

static uint32_t new_variable(struct solver *s, const struct context *c, unsigned input)
{
    struct variable *x = vec_add(s->arena, &s->variables);
    *x = (struct variable){.context = c, .input = input, .expanded = !c};
    return (uint32_t)s->variables.count - 1;
}

static uint32_t variable(struct solver *s, const struct context *c, unsigned input)
{
    uint64_t key = (uint64_t)c->node.id << 9 | input | UINT64_C(1) << 62;
    void *known = address_map_get(&s->by_key, key);
    if (known)
        return (uint32_t)((uintptr_t)known - 1);
    uint32_t index = new_variable(s, c, input);
    address_map_put(s->arena, &s->by_key, key, (void *)((uintptr_t)index + 1));
    queue(s, index);
    return index;
}

static void send(struct solver *s, uint32_t index, struct flow flow)
{
    struct loss loss = s->variables.items[index].loss;
    if (loss.node && !add_remains(s, flow.to, flow.through))
        lose(s, flow.to, loss);
    for (size_t i = 0; i < s->variables.items[index].values.count; i++) {
        int64_t c = s->variables.items[index].values.items[i];
        if (replay(&s->e->values, flow.through, VALUE_NONE, &c))
            add_value(s, flow.to, c);
    }
}

static void solve(struct solver *s)
{
    while (s->work.count) {
        uint32_t index = s->work.items[--s->work.count];
        struct variable *x = &s->variables.items[index];
        x->queued = false;
        if (!x->expanded) {
            x->expanded = true;
            add_callers(s, index, x->context, x->input);
        }
        for (size_t f = 0; f < s->variables.items[index].flows.count; f++)
            send(s, index, s->variables.items[index].flows.items[f]);
    }
}

/* ---- what the system calls get ---- */

struct sink { /* a selector of a call that is reached */
    const struct selector *selector;
    uint32_t variable;
};
typedef VEC(struct sink) sinks;

static uint32_t sink_of(struct solver *s, sinks *all, const struct selector *selector)
{
    vec_each (sink, all)
        if (sink->selector == selector)
            return sink->variable;
    struct sink *sink = vec_add(s->arena, all);
    *sink = (struct sink){selector, new_variable(s, NULL, 0)};
    return sink->variable;
}

static const char *reason(struct engine *e, struct arena *a, struct loss loss)
{
    if (loss.how == LOST_COUNT)
        return arena_printf(a, "more than %d values", VALUES_LIMIT);
    const struct context *c = (const struct context *)loss.node;
    const struct object *o = c->function->object;
    const char *function = graph_function_name(e, o, c->function->address);
    static const char *const texts[] = {
        [LOST_VALUE] = "%s: %s, at 0x%llx: the value there is not constant",
        [LOST_NUMBER] = "%s: %s, at 0x%llx, may make this call: its number there is not known",
        [LOST_ENTRY] = "%s: %s, at 0x%llx, may be called from anywhere: its address is taken",
    };
    return arena_printf(a, texts[loss.how], o->elf->name, function, (unsigned long long)loss.at);
}

static void report_sink(struct solver *s, const struct sink *sink, struct arena *a,
                        profile_selectors *selectors, profile_unbounded_list *unbounded)
{
    const struct variable *x = &s->variables.items[sink->variable];
    size_t first = selectors->count;
    if (x->loss.node) {
        struct profile_unbounded *u = vec_add(a, unbounded);
        *u = (struct profile_unbounded){syscall_name(sink->selector->number), sink->selector->name,
                                        reason(s->e, a, x->loss)};
    }
    vec_each (c, &x->values) {
        bool foreign = sink->selector->x86 && s->e->arch->machine != EM_X86_64;
        uint32_t mask = foreign ? UINT32_MAX : sink->selector->mask;
        int64_t selected = (int64_t)((uint64_t)*c & mask);
        bool known = false;
        for (size_t i = first; i < selectors->count; i++)
            known = known || selectors->items[i].value == selected;
        if (known)
            continue;
        struct profile_selector entry = selector_entry(a, sink->selector, selected);
        if (foreign)
            entry.name = NULL;
        vec_push(a, selectors, entry);
    }
}

/* What a site passes as the selecting arguments of one call. */
static void add_site_sources(struct solver *s, sinks *all, const struct context *c,
                             const struct call_site *site, int64_t number)
{
    const struct selector *of = selector_of(number, NULL);
    for (; of; of = selector_of(number, of)) {
        unsigned input = of->argument + (of->in_memory ? PASSED_POINTEE : 0u);
        add_source(s, sink_of(s, all, of), c, site->at, passed_value(s->e, site->passed, input));
    }
}

static int by_call(const void *x, const void *y)
{
    const struct profile_unbounded *a = x, *b = y;
    int order = strcmp(a->syscall, b->syscall);
    return order ? order : strcmp(a->argument, b->argument);
}

void arguments_read(struct argument_reader *reader, const struct walk *w,
                    size_t (*numbers_of)(void *context, struct context *c,
                                         const struct call_site *site,
                                         int64_t numbers[FOREIGN_LIMIT]),
                    void *context, const struct unsure_call *unsure, profile_selectors *selectors,
                    profile_unbounded_list *unbounded)
{
    struct engine *e = reader->e;
    struct solver s = {.reader = reader, .walk = w, .e = e, .arena = arena_new()};
    sinks all = {0};
    vec_each (n, &w->order) {
        if ((*n)->kind != NODE_CONTEXT)
            continue;
        struct context *c = (struct context *)*n;
        vec_each (site, &c->sites) {
            int64_t numbers[FOREIGN_LIMIT];
            size_t count = numbers_of(context, c, site, numbers);
            for (size_t i = 0; i < count; i++)
                add_site_sources(&s, &all, c, site, numbers[i]);
        }
    }
    for (int64_t number = 0; number < SYSCALL_LIMIT; number++) {
        const struct selector *of = unsure[number].context ? selector_of(number, NULL) : NULL;
        for (; of; of = selector_of(number, of))
            lose(&s, sink_of(&s, &all, of),
                 (struct loss){&unsure[number].context->node, unsure[number].at, LOST_NUMBER});
    }
    solve(&s);
    vec_each (sink, &all)
        report_sink(&s, sink, e->arena, selectors, unbounded);
    vec_sort(selectors, selector_order);
    vec_sort(unbounded, by_call);
    arena_free(s.arena);
}
