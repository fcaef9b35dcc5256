/* SPDX-License-Identifier: BSD-3-Clause
 * Takes a kept summary in place of interpreting a function. The data of a context in the pool are
 * lists, each with its length before it: slots; edges (kind, place, what to, list of what is
 * passed, or none: 0); sites (place, operation, number as two words, list); places of unbound
 * indirect calls; numbers passed through pointers; hooks (place, hook, name and context, each one
 * more than its index); notes (place, text). */
#include "analyzer/arguments.h"
#include "analyzer/summary_format.h"

static uint32_t list_of(struct engine *e, struct summary *s, uint32_t index)
{
    return index ? summary_list(e, s, index - 1) : PASSED_ANY;
}

static void run_later(struct engine *e, struct context *c)
{
    if (!c->generation && !c->running)
        engine_queue(e, c);
}

/* The context that is called or whose address is taken; NULL: it is not part of this link map. */
static struct context *referred(struct engine *e, struct summary *s, uint32_t index)
{
    value inputs[DEP_COUNT];
    uint32_t known = 0;
    if (index >= summary_count(s, TABLE_REFERENCES))
        return NULL;
    const struct summary_reference *r = summary_entry(s, TABLE_REFERENCES, index);
    if (r->object >= summary_count(s, TABLE_OBJECTS) || !s->objects[r->object] ||
        !summary_key(e, s, r->key, inputs, &known))
        return NULL;
    struct function *f = engine_function(e, s->objects[r->object], r->address);
    run_later(e, engine_generic(e, f)); /* as whoever calls it does first */
    struct context *c = known ? engine_context(e, f, inputs) : f->contexts.items[0];
    run_later(e, c);
    return c;
}

/* A data object, or the program's copy of it, which leads to it. */
static void replay_span(struct engine *e, const struct summary *s, struct context *c,
                        uint64_t place, uint32_t index)
{
    if (index >= summary_count(s, TABLE_SPANS))
        return;
    const struct summary_span *span = summary_entry(s, TABLE_SPANS, index);
    struct object *o =
        span->object < summary_count(s, TABLE_OBJECTS) ? s->objects[span->object] : NULL;
    uint64_t constant = o ? summary_constant(e, o, span->address) : 0;
    struct object *here = o ? engine_object_at(e, constant) : NULL;
    if (here)
        memory_touch_span(e, &c->node, place, here, constant - here->base);
    else if (o)
        memory_touch_span(e, &c->node, place, o, span->address);
}

static void replay_edge(struct engine *e, struct summary *s, struct context *c, struct cursor *at)
{
    uint32_t kind = cursor_next(at), place = cursor_next(at), to = cursor_next(at);
    uint32_t list = list_of(e, s, cursor_next(at));
    if (kind == EDGE_TO_SPAN) {
        replay_span(e, s, c, place, to);
        return;
    }
    struct context *target = referred(e, s, to);
    if (!target)
        return;
    engine_call_edge(e, &c->node, place, &target->node, (enum edge_kind)kind, list);
    if (kind <= EDGE_VALUE)
        engine_caller(e, target->function, c);
}

static void replay_site(struct engine *e, struct summary *s, struct context *c, struct cursor *at)
{
    struct call_site *site = vec_add(e->arena, &c->sites);
    site->at = cursor_next(at);
    site->op = (uint8_t)cursor_next(at);
    site->number = (int64_t)cursor_next_long(at);
    site->passed = list_of(e, s, cursor_next(at));
}

static void replay_hook(struct engine *e, struct summary *s, struct context *c, struct cursor *at)
{
    struct hook_fact fact = {.caller = c, .at = cursor_next(at)};
    fact.hook = (enum hook)cursor_next(at);
    uint32_t name = cursor_next(at), argument = cursor_next(at);
    fact.name = name ? summary_string(e, s, name - 1) : NULL;
    fact.argument = argument ? referred(e, s, argument - 1) : NULL;
    engine_hook(e, &fact);
}

/* What it depends on is only asked for again to be written again. */
static void replay_slot(struct engine *e, const struct summary *s, struct context *c,
                        uint32_t index)
{
    if (!summary_full(c->function->object) || index >= summary_count(s, TABLE_SLOTS))
        return;
    const struct summary_slot *slot = summary_entry(s, TABLE_SLOTS, index);
    const struct object *o = s->objects[slot->object];
    struct linkmap_binding b = linkmap_pointer(e->map, o->elf, slot->address);
    summaries_slot(e, c, (struct slot_read){o->base + slot->address, slot_binding(e, &b)});
}

static void replay_data(struct engine *e, struct summary *s, struct context *c, struct cursor *at)
{
    for (uint32_t n = cursor_next(at); n; n--)
        replay_slot(e, s, c, cursor_next(at));
    for (uint32_t n = cursor_next(at); n; n--)
        replay_edge(e, s, c, at);
    for (uint32_t n = cursor_next(at); n; n--)
        replay_site(e, s, c, at);
    for (uint32_t n = cursor_next(at); n; n--)
        vec_push(e->arena, &c->indirect, cursor_next(at));
    for (uint32_t n = cursor_next(at); n; n--) {
        uint32_t passed = cursor_next(at);
        engine_passed(e, c, passed >> 16, passed & TRACE_UNKNOWN);
    }
    for (uint32_t n = cursor_next(at); n; n--)
        replay_hook(e, s, c, at);
    for (uint32_t n = cursor_next(at); n; n--) {
        uint64_t place = cursor_next(at);
        const char *text = summary_string(e, s, cursor_next(at));
        if (text)
            engine_note(e, c, place, text);
    }
}

bool summaries_replay(struct engine *e, struct context *c)
{
    value inputs[DEP_COUNT];
    uint32_t known = 0;
    if (!c->function->object->summaries || c->generation || c->running)
        return false;
    for (unsigned i = 0; i < DEP_COUNT; i++)
        inputs[i] = VALUE_TOP;
    vec_each (item, &c->key) {
        inputs[item->input] = item->v;
        known |= 1u << item->input;
    }
    struct summary_place p =
        summary_find(e, c->function->object, c->function->address, inputs, known);
    if (!p.summary)
        return false;
    const struct summary_context *kept = summary_entry(p.summary, TABLE_CONTEXTS, p.index);
    struct cursor at = summary_cursor(p.summary, kept->data);
    c->generation = 1;
    c->queued = false;
    c->replayed = c->finished = true;
    c->final = kept->flags & CONTEXT_FINAL;
    c->loose = kept->flags & CONTEXT_LOOSE;
    if (summary_full(c->function->object)) {
        summaries_required(e, c, kept->required, false);
        summaries_required(e, c, kept->numbers, true);
    }
    if (kept->result != SUMMARY_NONE) {
        c->returns = c->published = true;
        c->result = c->published_result = summary_value(e, p.summary, kept->result);
    }
    replay_data(e, p.summary, c, &at);
    e->replayed++;
    return true;
}

static struct context_trace *trace_of(struct engine *e, struct context *c)
{
    if (!c->trace)
        c->trace = ARENA_NEW(e->arena, struct context_trace);
    return c->trace;
}

uint64_t slot_binding(const struct engine *e, const struct linkmap_binding *b)
{
    return b->object ? e->objects.items[b->object->index]->base + b->address : b->weak;
}

void summaries_slot(struct engine *e, struct context *c, struct slot_read slot)
{
    struct context_trace *t = trace_of(e, c);
    vec_each (known, &t->slots)
        if (known->at == slot.at && known->to == slot.to)
            return;
    vec_push(e->arena, &t->slots, slot);
}

void summaries_required(struct engine *e, struct context *c, uint32_t deps, bool number)
{
    struct context_trace *t = trace_of(e, c);
    t->required |= deps;
    t->numbers |= number ? deps : 0;
}

void summaries_own(struct engine *e, struct context *c)
{
    trace_of(e, c)->own = true;
}

void summaries_passed(struct engine *e, struct context *c, unsigned argument, unsigned number)
{
    uint32_t word = argument << 16 | number;
    struct context_trace *t = trace_of(e, c);
    vec_each (known, &t->passed)
        if (*known == word)
            return;
    vec_push(e->arena, &t->passed, word);
}
