/* SPDX-License-Identifier: BSD-3-Clause
 * Keeps what interpreting functions of libraries has found: which contexts can be told without the
 * program, and a new segment of them for each object. */
#include "analyzer/arguments.h"
#include "analyzer/cache.h"
#include "analyzer/summary_format.h"
#include "common/file.h"
#include <stdlib.h>
#include <string.h>

enum {
    ADDRESS_LIMIT = INT32_MAX, /* of virtual addresses that are kept */
    FEWEST = 64,               /* segments are added for one new context in so many known ones */
    FILE_LIMIT = 32 << 20,     /* bytes */
    LONGEST_STRING = 4096,
};

/* ---- what can be kept ---- */

/* One of the engine's hooks or notes. */
struct fact {
    uint32_t context, index;
};
typedef VEC(struct fact) facts;

struct writer {
    struct engine *e;
    struct arena *arena; /* of one object's segment, or of the choice */
    struct object *object;
    bool *kept; /* by node id: can be told without the program */
    VEC(uint32_t) words[SUMMARY_TABLES];
    struct address_map objects, values, lists, references, spans, slots, strings;
    VEC(struct context *) contexts; /* in part those of an object */
    facts hooks, notes;             /* by context */
};

static bool constant_keepable(const struct engine *e, int64_t constant)
{
    uint64_t address = 0;
    const struct object *o = summary_place_of(e, (uint64_t)constant, &address);
    return o != e->objects.items[0] && (!o || address <= ADDRESS_LIMIT);
}

static bool value_keepable(const struct engine *e, value v)
{
    const struct value_data *d = value_get(&e->values, v);
    if (d->kind == VK_NONE || d->kind == VK_STACK || d->kind == VK_TARGETS)
        return false;
    if (d->kind == VK_TOP && d->sign > ORIGIN_INPUT)
        return value_keepable(e, (value)d->base);
    for (unsigned i = 0; i < d->count; i++)
        if (!constant_keepable(e, d->all[i]))
            return false;
    return true;
}

/* The program's copy of a variable stands for it where the library has it in one piece. */
static bool span_keepable(struct engine *e, const struct span *s)
{
    uint64_t address = 0;
    const struct object *o = summary_place_of(e, s->object->base + s->start, &address);
    if (o == e->objects.items[0] || address > ADDRESS_LIMIT)
        return false;
    const struct copied *copy = o != s->object ? memory_copied(s->object, s->start) : NULL;
    return !copy ||
           memory_in_one_piece(e, e->objects.items[o->elf->index], copy->source, copy->size);
}

static bool edge_keepable(struct engine *e, const struct edge *edge)
{
    const struct object *o = graph_object(edge_to(e, edge));
    if (o && edge_to(e, edge)->kind == NODE_SPAN) {
        const struct span *s = (const struct span *)edge_to(e, edge);
        return edge->at <= ADDRESS_LIMIT && span_keepable(e, s);
    }
    if (!o || o == e->objects.items[0] || edge->at > ADDRESS_LIMIT)
        return false;
    const struct context *c = (const struct context *)edge_to(e, edge);
    vec_each (item, &c->key)
        if (!value_keepable(e, item->v))
            return false;
    return c->function->address <= ADDRESS_LIMIT;
}

/* It is still bound as it was when it was read. */
static bool slot_keepable(const struct engine *e, const struct slot_read *slot)
{
    uint64_t address = 0;
    const struct object *here = engine_object_at(e, slot->at);
    if (!here)
        return false;
    struct linkmap_binding now = linkmap_pointer(e->map, here->elf, slot->at - here->base);
    const struct object *o = summary_place_of(e, slot->at, &address);
    if (slot_binding(e, &now) != slot->to)
        return false;
    if (!o || o == e->objects.items[0] || address > ADDRESS_LIMIT)
        return false;
    struct linkmap_binding b = linkmap_pointer(e->map, o->elf, address);
    return !b.object ||
           constant_keepable(e, (int64_t)(e->objects.items[b.object->index]->base + b.address));
}

static bool own_keepable(struct engine *e, const struct context *c)
{
    const struct function *f = c->function;
    const struct object *o = f->object;
    if (o == e->objects.items[0] || !c->generation || c->queued || c->running || f->data ||
        f->whole || o->stretch || f->address == o->elf->entry || f->address > ADDRESS_LIMIT ||
        (c->trace && c->trace->own) ||
        (c->returns && (!c->published || !value_keepable(e, c->published_result))))
        return false;
    vec_each (item, &c->key)
        if (!value_keepable(e, item->v))
            return false;
    for (size_t i = 0; c->trace && i < c->trace->slots.count; i++)
        if (!slot_keepable(e, &c->trace->slots.items[i]))
            return false;
    vec_each (edge, &c->node.edges)
        if (edge->kind != EDGE_SYMBOL && !edge_keepable(e, edge))
            return false;
    return true;
}

static bool callees_kept(const struct writer *w, const struct context *c)
{
    vec_each (edge, &c->node.edges)
        if (edge->kind <= EDGE_VALUE && !w->kept[edge->to])
            return false;
    return true;
}

/* Those that nothing of the program takes part in, nor in anything they call. */
static void choose(struct writer *w)
{
    struct engine *e = w->e;
    w->kept = arena_array(w->arena, e->nodes.count + 1, sizeof *w->kept);
    vec_each (n, &e->nodes) {
        const struct context *c = (const struct context *)*n;
        if ((*n)->kind == NODE_CONTEXT)
            w->kept[(*n)->id] = c->replayed || own_keepable(e, c);
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = e->nodes.count; i-- > 0;) {
            const struct context *c = (const struct context *)e->nodes.items[i];
            if (!w->kept[i] || c->replayed || callees_kept(w, c))
                continue;
            w->kept[i] = false;
            changed = true;
        }
    }
}

/* ---- entries ---- */

static void put(struct writer *w, enum summary_table table, uint32_t word)
{
    vec_push(w->arena, &w->words[table], word);
}

static void put_long(struct writer *w, enum summary_table table, uint64_t word)
{
    put(w, table, (uint32_t)word);
    put(w, table, (uint32_t)(word >> 32));
}

static uint32_t entries(const struct writer *w, enum summary_table table)
{
    return (uint32_t)(w->words[table].count / summary_entry_words[table]);
}

/* The index of what a key stands for in one of the maps; false: it has none yet, and this one. */
static bool known(struct writer *w, struct address_map *map, uint64_t key, enum summary_table table,
                  uint32_t *index)
{
    uintptr_t entry = (uintptr_t)address_map_get(map, key);
    *index = entry ? (uint32_t)(entry - 1) : entries(w, table);
    if (!entry)
        address_map_put(w->arena, map, key, (void *)((uintptr_t)*index + 1));
    return entry != 0;
}

static uint32_t object_index(struct writer *w, const struct object *o)
{
    uint32_t index = 0;
    const struct digest *id = &w->e->summaries->identities.items[o->elf->index];
    if (known(w, &w->objects, o->elf->index, TABLE_OBJECTS, &index))
        return index;
    put_long(w, TABLE_OBJECTS, id->low);
    put_long(w, TABLE_OBJECTS, id->high);
    return index;
}

static uint32_t value_index(struct writer *w, value v)
{
    const struct value_data *d = value_get(&w->e->values, v);
    uint32_t index = 0, base = 0;
    uint32_t objects[VALUE_SET_LIMIT];
    uint64_t addresses[VALUE_SET_LIMIT];
    bool nested = d->kind == VK_TOP && d->sign > ORIGIN_INPUT;
    if (nested)
        base = value_index(w, (value)d->base);
    for (unsigned i = 0; i < d->count; i++) {
        const struct object *o = summary_place_of(w->e, (uint64_t)d->all[i], &addresses[i]);
        objects[i] = o ? object_index(w, o) + 1 : 0;
    }
    if (known(w, &w->values, v, TABLE_VALUES, &index))
        return index;
    put(w, TABLE_VALUES, entries(w, TABLE_POOL));
    put(w, TABLE_POOL,
        d->kind | (uint32_t)d->count << 8 | (uint32_t)d->width << 16 | (uint32_t)d->sign << 24);
    put(w, TABLE_POOL, d->deps);
    put_long(w, TABLE_POOL, d->max);
    if (d->kind == VK_TOP && d->sign) {
        put_long(w, TABLE_POOL, (uint64_t)d->first);
        put(w, TABLE_POOL, nested ? base : (uint32_t)d->base);
    }
    for (unsigned i = 0; i < d->count; i++) {
        put(w, TABLE_POOL, objects[i]);
        put_long(w, TABLE_POOL, addresses[i]);
    }
    return index;
}

/* One more than its index; 0: it tells nothing. What the program takes part in is left out. */
static uint32_t list_index(struct writer *w, uint32_t list)
{
    const uint32_t *all = list == PASSED_ANY ? NULL : &w->e->passed.words.items[list];
    uint32_t index = 0, count = 0, pairs[PASSED_LIST_LIMIT];
    if (!all)
        return 0;
    for (uint32_t i = 0; i < all[0]; i++)
        if (value_keepable(w->e, all[2 + 2 * i])) {
            pairs[2 * count] = all[1 + 2 * i];
            pairs[2 * count++ + 1] = value_index(w, all[2 + 2 * i]);
        }
    if (!count)
        return 0;
    if (known(w, &w->lists, list, TABLE_LISTS, &index))
        return index + 1;
    put(w, TABLE_LISTS, entries(w, TABLE_POOL));
    put(w, TABLE_POOL, count);
    for (uint32_t i = 0; i < 2 * count; i++)
        put(w, TABLE_POOL, pairs[i]);
    return index + 1;
}

static uint32_t key_index(struct writer *w, const struct context *c)
{
    uint32_t values[DEP_COUNT], index = 0, count = 0;
    if (!c->key.count)
        return SUMMARY_NONE;
    vec_each (item, &c->key)
        values[count++] = value_index(w, item->v);
    /* Keys share the table with what calls pass, and never their places. */
    if (known(w, &w->lists, UINT64_C(1) << 32 | c->node.id, TABLE_LISTS, &index))
        return index;
    put(w, TABLE_LISTS, entries(w, TABLE_POOL));
    put(w, TABLE_POOL, count);
    for (uint32_t i = 0; i < count; i++) {
        put(w, TABLE_POOL, c->key.items[i].input);
        put(w, TABLE_POOL, values[i]);
    }
    return index;
}

static uint32_t string_index(struct writer *w, const char *text)
{
    size_t size = strnlen(text, LONGEST_STRING);
    uint32_t index = 0;
    if (known(w, &w->strings, (uint64_t)(uintptr_t)text, TABLE_STRINGS, &index))
        return index;
    put(w, TABLE_STRINGS, entries(w, TABLE_POOL));
    put(w, TABLE_POOL, (uint32_t)size);
    for (size_t i = 0; i < size; i += 4) {
        uint32_t word = 0;
        memcpy(&word, text + i, size - i < 4 ? size - i : 4);
        put(w, TABLE_POOL, word);
    }
    return index;
}

/* Where a context of this segment stands is filled in once all have their place. */
static uint32_t reference_index(struct writer *w, const struct context *c)
{
    uint32_t index = 0, key = key_index(w, c), object = object_index(w, c->function->object);
    if (known(w, &w->references, c->node.id, TABLE_REFERENCES, &index))
        return index;
    put(w, TABLE_REFERENCES, object);
    put(w, TABLE_REFERENCES, (uint32_t)c->function->address);
    put(w, TABLE_REFERENCES, key);
    put(w, TABLE_REFERENCES, SUMMARY_NONE);
    return index;
}

static uint32_t span_index(struct writer *w, const struct span *s)
{
    uint64_t address = 0;
    const struct object *o = summary_place_of(w->e, s->object->base + s->start, &address);
    uint32_t index = 0, object = object_index(w, o ? o : s->object);
    if (known(w, &w->spans, s->node.id, TABLE_SPANS, &index))
        return index;
    put(w, TABLE_SPANS, object);
    put(w, TABLE_SPANS, (uint32_t)address);
    return index;
}

static uint32_t slot_index(struct writer *w, uint64_t constant)
{
    const struct engine *e = w->e;
    uint64_t place = 0, address = SUMMARY_NONE;
    const struct object *o = summary_place_of(e, constant, &place), *to_object = NULL;
    struct linkmap_binding b = linkmap_pointer(e->map, o->elf, place);
    if (b.object)
        to_object =
            summary_place_of(e, e->objects.items[b.object->index]->base + b.address, &address);
    uint32_t index = 0, object = object_index(w, o);
    uint32_t to = to_object ? object_index(w, to_object) : SUMMARY_NONE;
    if (known(w, &w->slots, constant, TABLE_SLOTS, &index))
        return index;
    put(w, TABLE_SLOTS, object);
    put(w, TABLE_SLOTS, (uint32_t)place);
    put(w, TABLE_SLOTS, to);
    put(w, TABLE_SLOTS, (uint32_t)address);
    put(w, TABLE_SLOTS, (b.weak ? SLOT_WEAK : 0) | (b.ifunc ? SLOT_IFUNC : 0));
    return index;
}

/* ---- contexts ---- */

typedef VEC(uint32_t) word_list;

static void put_edges(struct writer *w, word_list *out, const struct context *c)
{
    size_t at = out->count;
    uint32_t count = 0;
    vec_push(w->arena, out, 0);
    vec_each (edge, &c->node.edges) {
        if (edge->kind == EDGE_SYMBOL) /* follows from the hook */
            continue;
        bool span = edge_to(w->e, edge)->kind == NODE_SPAN;
        uint32_t to = span ? span_index(w, (const struct span *)edge_to(w->e, edge))
                           : reference_index(w, (const struct context *)edge_to(w->e, edge));
        vec_push(w->arena, out, span ? EDGE_TO_SPAN : edge->kind);
        vec_push(w->arena, out, (uint32_t)edge->at);
        vec_push(w->arena, out, to);
        vec_push(w->arena, out, list_index(w, edge->passed));
        count++;
    }
    out->items[at] = count;
}

static void put_sites(struct writer *w, word_list *out, const struct context *c)
{
    vec_push(w->arena, out, (uint32_t)c->sites.count);
    vec_each (site, &c->sites) {
        vec_push(w->arena, out, (uint32_t)site->at);
        vec_push(w->arena, out, site->op);
        vec_push(w->arena, out, (uint32_t)site->number);
        vec_push(w->arena, out, (uint32_t)((uint64_t)site->number >> 32));
        vec_push(w->arena, out, list_index(w, site->passed));
    }
}

/* The first of the facts, sorted, of a context. */
static size_t first_of(const facts *all, uint32_t context)
{
    size_t low = 0, high = all->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (all->items[middle].context < context)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void put_hooks(struct writer *w, word_list *out, const struct context *c)
{
    size_t at = out->count, first = first_of(&w->hooks, c->node.id), i = first;
    vec_push(w->arena, out, 0);
    for (; i < w->hooks.count && w->hooks.items[i].context == c->node.id; i++) {
        const struct hook_fact *hook = &w->e->hooks.items[w->hooks.items[i].index];
        vec_push(w->arena, out, (uint32_t)hook->at);
        vec_push(w->arena, out, hook->hook);
        vec_push(w->arena, out, hook->name ? string_index(w, hook->name) + 1 : 0);
        vec_push(w->arena, out, hook->argument ? reference_index(w, hook->argument) + 1 : 0);
    }
    out->items[at] = (uint32_t)(i - first);
}

static void put_notes(struct writer *w, word_list *out, const struct context *c)
{
    size_t at = out->count, first = first_of(&w->notes, c->node.id), i = first;
    vec_push(w->arena, out, 0);
    for (; i < w->notes.count && w->notes.items[i].context == c->node.id; i++) {
        const struct note *note = w->e->notes.items[w->notes.items[i].index];
        vec_push(w->arena, out, (uint32_t)note->address);
        vec_push(w->arena, out, string_index(w, note->reason));
    }
    out->items[at] = (uint32_t)(i - first);
}

static int by_context(const void *x, const void *y)
{
    const struct fact *a = x, *b = y;
    if (a->context != b->context)
        return a->context < b->context ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static void sort_facts(struct writer *w)
{
    for (uint32_t i = 0; i < w->e->hooks.count; i++)
        vec_push(w->arena, &w->hooks, ((struct fact){w->e->hooks.items[i].caller->node.id, i}));
    for (uint32_t i = 0; i < w->e->notes.count; i++)
        vec_push(w->arena, &w->notes, ((struct fact){w->e->notes.items[i]->context->node.id, i}));
    vec_sort(&w->hooks, by_context);
    vec_sort(&w->notes, by_context);
}

static void put_context(struct writer *w, const struct context *c)
{
    word_list data = {0};
    const struct context_trace none = {0}, *trace = c->trace ? c->trace : &none;
    uint32_t key = key_index(w, c);
    uint32_t result = c->returns ? value_index(w, c->published_result) : SUMMARY_NONE;
    vec_push(w->arena, &data, (uint32_t)trace->slots.count);
    vec_each (slot, &trace->slots)
        vec_push(w->arena, &data, slot_index(w, slot->at));
    put_edges(w, &data, c);
    put_sites(w, &data, c);
    vec_push(w->arena, &data, (uint32_t)c->indirect.count);
    vec_each (at, &c->indirect)
        vec_push(w->arena, &data, (uint32_t)*at);
    vec_push(w->arena, &data, (uint32_t)trace->passed.count);
    vec_each (passed, &trace->passed)
        vec_push(w->arena, &data, *passed);
    put_hooks(w, &data, c);
    put_notes(w, &data, c);
    put(w, TABLE_CONTEXTS, key);
    put(w, TABLE_CONTEXTS, (c->loose ? CONTEXT_LOOSE : 0) | (c->final ? CONTEXT_FINAL : 0));
    put(w, TABLE_CONTEXTS, result);
    put(w, TABLE_CONTEXTS, trace->required);
    put(w, TABLE_CONTEXTS, trace->numbers);
    put(w, TABLE_CONTEXTS, entries(w, TABLE_POOL));
    vec_each (word, &data)
        put(w, TABLE_POOL, *word);
}

static void put_function(struct writer *w, const struct function *f, uint32_t first, uint32_t count)
{
    put(w, TABLE_FUNCTIONS, (uint32_t)f->address);
    put(w, TABLE_FUNCTIONS,
        (f->twice ? FUNCTION_TWICE : 0) | (f->strays ? FUNCTION_STRAYS : 0) |
            (f->pops ? FUNCTION_POPS : 0));
    put(w, TABLE_FUNCTIONS, first);
    put(w, TABLE_FUNCTIONS, count);
}

static int by_place(const void *x, const void *y)
{
    const struct context *a = *(struct context *const *)x, *b = *(struct context *const *)y;
    size_t i = a->function->object->elf->index, k = b->function->object->elf->index;
    if (i != k)
        return i < k ? -1 : 1;
    if (a->function->address != b->function->address)
        return a->function->address < b->function->address ? -1 : 1;
    return a->node.id < b->node.id ? -1 : a->node.id > b->node.id;
}

/* References to contexts of this segment get their place in it. */
static void place_references(struct writer *w)
{
    for (uint32_t i = 0; i < w->contexts.count; i++) {
        uint32_t index = 0;
        uintptr_t entry = (uintptr_t)address_map_get(&w->references, w->contexts.items[i]->node.id);
        if (!entry)
            continue;
        index = (uint32_t)(entry - 1) * summary_entry_words[TABLE_REFERENCES];
        w->words[TABLE_REFERENCES].items[index + 3] = i;
    }
}

static void put_contexts(struct writer *w)
{
    uint32_t first = 0;
    object_index(w, w->object); /* the first */
    for (uint32_t i = 0; i < w->contexts.count; i++) {
        const struct function *f = w->contexts.items[i]->function;
        put_context(w, w->contexts.items[i]);
        if (i + 1 < w->contexts.count && w->contexts.items[i + 1]->function == f)
            continue;
        put_function(w, f, first, i + 1 - first);
        first = i + 1;
    }
    place_references(w);
}

/* ---- files ---- */

/* Appends the segment to a buffer with room for it. */
static size_t lay_out(const struct writer *w, unsigned char *out)
{
    struct summary_head head = {.magic = SUMMARY_MAGIC, .seal = {11, 13}};
    size_t at = sizeof head / 4;
    for (unsigned t = 0; t < SUMMARY_TABLES; t++) {
        head.tables[t].first = (uint32_t)at;
        head.tables[t].count = entries(w, (enum summary_table)t);
        if (w->words[t].count)
            memcpy(out + at * 4, w->words[t].items, w->words[t].count * 4);
        at += (w->words[t].count + 1) / 2 * 2;
    }
    head.words = (uint32_t)at;
    memcpy(out, &head, sizeof head);
    digest_bytes(&head.seal, out + offsetof(struct summary_head, tables),
                 at * 4 - offsetof(struct summary_head, tables));
    memcpy(out, &head, sizeof head);
    return at * 4;
}

static size_t segment_size(const struct writer *w)
{
    size_t words = sizeof(struct summary_head) / 4;
    for (unsigned t = 0; t < SUMMARY_TABLES; t++)
        words += (w->words[t].count + 1) / 2 * 2;
    return words * 4;
}

bool summary_full(const struct object *o)
{
    return o->summaries && o->summaries->older + 1 >= SUMMARY_SEGMENTS;
}

/* Segments already there, oldest first; out: NULL, or where they go. */
static size_t keep_segments(const struct summary *s, unsigned char *out)
{
    if (!s)
        return 0;
    size_t older = keep_segments(s->next, out), size = (size_t)s->head->words * 4;
    if (out)
        memcpy(out + older, s->head, size);
    return older + size;
}

static void write_object(struct writer *w)
{
    const struct summary *old = summary_full(w->object) ? NULL : w->object->summaries;
    put_contexts(w);
    size_t kept = keep_segments(old, NULL), size = kept + segment_size(w);
    if (size > FILE_LIMIT)
        return;
    unsigned char *bytes = arena_alloc(w->arena, size);
    keep_segments(old, bytes);
    lay_out(w, bytes + kept);
    struct diag quiet;
    diag_init(&quiet, -1);
    if (file_write(&quiet, summary_file(w->e, w->object), bytes, size, 0600))
        diag_debug(w->e->diag, 1, "summaries are not kept: %s", quiet.message);
}

/* Writes the segments of all objects that the contexts, sorted, belong to. */
static void write_objects(const struct writer *all)
{
    for (size_t first = 0, next; first < all->contexts.count; first = next) {
        struct writer w = *all;
        bool any = false;
        w.object = all->contexts.items[first]->function->object;
        for (next = first;
             next < all->contexts.count && all->contexts.items[next]->function->object == w.object;
             next++)
            any = any || !all->contexts.items[next]->replayed;
        if (!any)
            continue;
        w.contexts.items += first;
        w.contexts.count = next - first;
        w.arena = arena_new();
        write_object(&w);
        arena_free(w.arena);
    }
}

void summaries_write(struct engine *e)
{
    struct writer w = {.e = e, .arena = arena_new()};
    struct diag quiet;
    size_t count = 0;
    diag_init(&quiet, -1);
    choose(&w);
    vec_each (n, &e->nodes) {
        struct context *c = (struct context *)*n;
        if (!w.kept[(*n)->id] || (c->replayed && !summary_full(c->function->object)))
            continue;
        vec_push(w.arena, &w.contexts, c);
        count += !c->replayed;
    }
    if (count * FEWEST > e->replayed && !dir_make(&quiet, e->summaries->folder)) {
        vec_sort(&w.contexts, by_place);
        sort_facts(&w);
        write_objects(&w);
        cache_trim(e->summaries->folder);
    }
    arena_free(w.arena);
}
