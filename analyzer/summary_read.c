/* SPDX-License-Identifier: BSD-3-Clause
 * Reads kept summaries and finds out which of them hold in this link map. */
#include "analyzer/arguments.h"
#include "analyzer/summary_format.h"
#include "common/version.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NESTED = 8 /* steps of how a value was made */ };

const uint32_t summary_entry_words[SUMMARY_TABLES] = {
    [TABLE_OBJECTS] = sizeof(struct digest) / 4,
    [TABLE_VALUES] = 1,
    [TABLE_LISTS] = 1,
    [TABLE_STRINGS] = 1,
    [TABLE_REFERENCES] = sizeof(struct summary_reference) / 4,
    [TABLE_SPANS] = sizeof(struct summary_span) / 4,
    [TABLE_SLOTS] = sizeof(struct summary_slot) / 4,
    [TABLE_FUNCTIONS] = sizeof(struct summary_function) / 4,
    [TABLE_CONTEXTS] = sizeof(struct summary_context) / 4,
    [TABLE_POOL] = 1,
};

/* ---- entries ---- */

struct cursor summary_cursor(const struct summary *s, uint32_t at)
{
    const uint32_t *pool = summary_entry(s, TABLE_POOL, 0),
                   *end = pool + summary_count(s, TABLE_POOL);
    return (struct cursor){at < summary_count(s, TABLE_POOL) ? pool + at : end, end};
}

struct cursor summary_pooled(const struct summary *s, enum summary_table table, uint32_t index)
{
    if (index >= summary_count(s, table))
        return (struct cursor){0};
    return summary_cursor(s, *(const uint32_t *)summary_entry(s, table, index));
}

/* Whether a copied variable is one that nothing is known of, wherever it lives. */
static bool is_variable(const struct copied *copy)
{
    return !memory_constant(copy->from, copy->source);
}

const struct object *summary_place_of(const struct engine *e, uint64_t constant, uint64_t *address)
{
    uint64_t slot = constant >> 40;
    const struct object *o = slot && slot <= e->objects.count ? e->objects.items[slot - 1]
                                                              : engine_object_at(e, constant);
    *address = constant - (o ? o->base : 0);
    const struct copied *copy = o && o == e->objects.items[0] ? memory_copied(o, *address) : NULL;
    if (!copy || !is_variable(copy))
        return o;
    *address += copy->source - copy->address;
    return copy->from;
}

uint64_t summary_constant(const struct engine *e, const struct object *o, uint64_t address)
{
    const struct object *program = e->objects.items[0];
    vec_each (copy, &program->copies)
        if (copy->from == o && address >= copy->source && address - copy->source < copy->size &&
            is_variable(copy))
            return program->base + copy->address + (address - copy->source);
    return o->base + address;
}

static bool read_constant(struct engine *e, const struct summary *s, struct cursor *at, int64_t *c)
{
    uint32_t object = cursor_next(at);
    *c = (int64_t)cursor_next_long(at);
    if (!object) /* a number, which must not be an address here */
        return (uint64_t)*c >> 40 == 0 ? !engine_object_at(e, (uint64_t)*c)
                                       : (uint64_t)*c >> 40 > e->objects.count;
    if (object > summary_count(s, TABLE_OBJECTS) || !s->objects[object - 1])
        return false;
    *c = (int64_t)summary_constant(e, s->objects[object - 1], (uint64_t)*c);
    return true;
}

static int ascending(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return a < b ? -1 : a > b;
}

static value read_value(struct engine *e, struct summary *s, uint32_t index, unsigned depth)
{
    if (index >= summary_count(s, TABLE_VALUES) || depth > NESTED)
        return VALUE_NONE;
    if (s->decoded[index])
        return s->values[index];
    s->decoded[index] = true;
    struct cursor at = summary_pooled(s, TABLE_VALUES, index);
    int64_t all[VALUE_SET_LIMIT];
    uint32_t word = cursor_next(&at);
    struct value_data d = {.kind = (uint8_t)word,
                           .count = (uint8_t)(word >> 8),
                           .width = (uint8_t)(word >> 16),
                           .sign = (uint8_t)(word >> 24),
                           .deps = cursor_next(&at),
                           .max = cursor_next_long(&at),
                           .all = all};
    if (d.kind == VK_TOP && d.sign) {
        d.first = (int64_t)cursor_next_long(&at);
        d.base = cursor_next(&at);
        if (d.sign > ORIGIN_INPUT && !(d.base = read_value(e, s, (uint32_t)d.base, depth + 1)))
            return VALUE_NONE;
    }
    if (d.kind > VK_TABLE || d.kind == VK_STACK || d.count > VALUE_SET_LIMIT)
        return VALUE_NONE;
    for (unsigned i = 0; i < d.count; i++)
        if (!read_constant(e, s, &at, &all[i]))
            return VALUE_NONE;
    if (d.count) {
        qsort(all, d.count, sizeof *all, ascending);
        d.first = all[0];
    }
    return s->values[index] = value_make(&e->values, &d);
}

value summary_value(struct engine *e, struct summary *s, uint32_t index)
{
    return read_value(e, s, index, 0);
}

uint32_t summary_list(struct engine *e, struct summary *s, uint32_t index)
{
    if (index >= summary_count(s, TABLE_LISTS))
        return PASSED_ANY;
    bool *decoded = &s->decoded[summary_count(s, TABLE_VALUES) + index];
    if (*decoded)
        return s->lists[index];
    *decoded = true;
    struct cursor at = summary_pooled(s, TABLE_LISTS, index);
    uint32_t list[PASSED_LIST_LIMIT] = {0};
    for (uint32_t n = cursor_next(&at); n && list[0] < PASSED_LIST_LIMIT / 2 - 1; n--) {
        uint32_t input = cursor_next(&at);
        value v = summary_value(e, s, cursor_next(&at));
        if (!v)
            continue;
        list[1 + 2 * list[0]] = input;
        list[2 + 2 * list[0]++] = v;
    }
    return s->lists[index] = passed_keep(e, list);
}

bool summary_key(struct engine *e, struct summary *s, uint32_t index, value inputs[DEP_COUNT],
                 uint32_t *known)
{
    *known = 0;
    for (unsigned i = 0; i < DEP_COUNT; i++)
        inputs[i] = VALUE_TOP;
    if (index == SUMMARY_NONE)
        return true;
    struct cursor at = summary_pooled(s, TABLE_LISTS, index);
    for (uint32_t n = cursor_next(&at); n; n--) {
        uint32_t input = cursor_next(&at);
        value v = summary_value(e, s, cursor_next(&at));
        if (!v || input >= DEP_COUNT)
            return false;
        inputs[input] = v;
        *known |= 1u << input;
    }
    return true;
}

const char *summary_string(struct engine *e, const struct summary *s, uint32_t index)
{
    struct cursor at = summary_pooled(s, TABLE_STRINGS, index);
    size_t size = cursor_next(&at);
    return size <= (size_t)(at.end - at.at) * 4 ? arena_strndup(e->arena, (const char *)at.at, size)
                                                : NULL;
}

/* ---- finding ---- */

static const struct summary_function *function_at(const struct summary *s, uint64_t address)
{
    uint32_t low = 0, high = summary_count(s, TABLE_FUNCTIONS);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct summary_function *f = summary_entry(s, TABLE_FUNCTIONS, middle);
        if (f->address == address)
            return (uint64_t)f->first + f->count <= summary_count(s, TABLE_CONTEXTS) ? f : NULL;
        if (f->address < address)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool same_key(struct engine *e, struct summary *s, uint32_t key,
                     const value inputs[DEP_COUNT], uint32_t known)
{
    value items[DEP_COUNT];
    uint32_t mask = 0;
    if (key == SUMMARY_NONE || !known)
        return key == SUMMARY_NONE && !known;
    return summary_key(e, s, key, items, &mask) && mask == known &&
           memcmp(items, inputs, sizeof items) == 0;
}

static struct summary_place find(struct engine *e, const struct object *o, uint64_t address,
                                 const value inputs[DEP_COUNT], uint32_t known, bool good)
{
    for (struct summary *s = o->summaries; s; s = s->next) {
        const struct summary_function *f = function_at(s, address);
        for (uint32_t i = 0; f && i < f->count; i++) {
            const struct summary_context *c = summary_entry(s, TABLE_CONTEXTS, f->first + i);
            if ((!good || s->good[f->first + i]) && same_key(e, s, c->key, inputs, known))
                return (struct summary_place){s, f->first + i};
        }
    }
    return (struct summary_place){0};
}

struct summary_place summary_find(struct engine *e, const struct object *o, uint64_t address,
                                  const value inputs[DEP_COUNT], uint32_t known)
{
    return find(e, o, address, inputs, known, true);
}

void summaries_function(struct engine *e, struct function *f)
{
    value inputs[DEP_COUNT];
    uint32_t known = 0;
    summary_key(e, f->object->summaries, SUMMARY_NONE, inputs, &known);
    if (!summary_find(e, f->object, f->address, inputs, known).summary)
        return; /* it runs with unknown inputs first, and finds out itself */
    for (struct summary *s = f->object->summaries; s; s = s->next) {
        const struct summary_function *kept = function_at(s, f->address);
        if (!kept)
            continue;
        for (uint32_t i = 0; i < kept->count; i++) {
            const struct summary_context *c = summary_entry(s, TABLE_CONTEXTS, kept->first + i);
            f->relevant |= s->good[kept->first + i] ? c->required : 0;
            f->numbers |= s->good[kept->first + i] ? c->numbers : 0;
        }
        f->twice = f->twice || (kept->flags & FUNCTION_TWICE);
        f->strays = f->strays || (kept->flags & FUNCTION_STRAYS);
        f->pops = f->pops || (kept->flags & FUNCTION_POPS);
    }
}

/* ---- what holds ---- */

static bool slot_same(struct engine *e, const struct summary *s, uint32_t index)
{
    const struct summary_slot *slot = summary_entry(s, TABLE_SLOTS, index);
    uint32_t objects = summary_count(s, TABLE_OBJECTS);
    if (slot->object >= objects || !s->objects[slot->object])
        return false;
    struct linkmap_binding b =
        linkmap_pointer(e->map, s->objects[slot->object]->elf, slot->address);
    uint32_t how = (b.weak ? SLOT_WEAK : 0) | (b.ifunc ? SLOT_IFUNC : 0);
    if (how != slot->how || !b.object || slot->to_object >= objects)
        return how == slot->how && !b.object && slot->to_object == SUMMARY_NONE;
    uint64_t address = 0;
    const struct object *to =
        summary_place_of(e, e->objects.items[b.object->index]->base + b.address, &address);
    return to && s->objects[slot->to_object] == to && address == slot->to_address;
}

/* The context in another object that a reference is to: one that holds, as far as is known. */
static struct summary_place look_up(struct engine *e, struct summary *s, uint32_t index, bool good)
{
    const struct summary_reference *r = summary_entry(s, TABLE_REFERENCES, index);
    value inputs[DEP_COUNT];
    uint32_t known = 0;
    if (s->usable[index] && summary_key(e, s, r->key, inputs, &known))
        return find(e, s->objects[r->object], r->address, inputs, known, good);
    return (struct summary_place){0};
}

/* Whether what a reference names is part of this link map, and no number in its key an address. */
static bool is_usable(struct engine *e, struct summary *s, uint32_t index)
{
    const struct summary_reference *r = summary_entry(s, TABLE_REFERENCES, index);
    value inputs[DEP_COUNT];
    uint32_t known = 0;
    return r->object < summary_count(s, TABLE_OBJECTS) && s->objects[r->object] &&
           summary_key(e, s, r->key, inputs, &known);
}

static bool span_known(const struct summary *s, uint32_t index)
{
    if (index >= summary_count(s, TABLE_SPANS))
        return false;
    const struct summary_span *span = summary_entry(s, TABLE_SPANS, index);
    return span->object < summary_count(s, TABLE_OBJECTS) && s->objects[span->object];
}

static bool reference_good(struct engine *e, struct summary *s, uint32_t index)
{
    if (index >= summary_count(s, TABLE_REFERENCES))
        return false;
    const struct summary_reference *r = summary_entry(s, TABLE_REFERENCES, index);
    if (r->own < summary_count(s, TABLE_CONTEXTS))
        return s->good[r->own];
    struct summary_place *p = &s->references[index];
    if (p->summary && !p->summary->good[p->index])
        *p = look_up(e, s, index, true); /* where slots are bound otherwise there is another */
    return p->summary != NULL;
}

/* Whether a context's slots are bound as they were and all it calls has a summary that holds. */
static bool holds(struct engine *e, struct summary *s, uint32_t index, bool first)
{
    const struct summary_context *c = summary_entry(s, TABLE_CONTEXTS, index);
    struct cursor at = summary_cursor(s, c->data);
    if (first && c->result != SUMMARY_NONE && !summary_value(e, s, c->result))
        return false;
    for (uint32_t n = cursor_next(&at); n; n--) {
        uint32_t slot = cursor_next(&at);
        if (first && (slot >= summary_count(s, TABLE_SLOTS) || !s->slots[slot]))
            return false;
    }
    for (uint32_t n = cursor_next(&at); n && at.at < at.end; n--) {
        uint32_t kind = cursor_next(&at);
        cursor_next(&at);
        uint32_t to = cursor_next(&at);
        cursor_next(&at);
        if (first &&
            (kind == EDGE_TO_SPAN ? !span_known(s, to)
                                  : to >= summary_count(s, TABLE_REFERENCES) || !s->usable[to]))
            return false;
        if (kind <= EDGE_VALUE && !reference_good(e, s, to))
            return false;
    }
    return true;
}

/* Callees stand behind callers as a rule: they are looked at first. */
static bool narrow(struct engine *e, struct summary *s, bool first)
{
    bool changed = false;
    for (uint32_t i = summary_count(s, TABLE_CONTEXTS); i-- > 0;)
        if (s->good[i] && !holds(e, s, i, first)) {
            s->good[i] = false;
            changed = true;
        }
    return changed;
}

static void look_up_references(struct engine *e, struct summary *s)
{
    for (uint32_t i = 0; i < summary_count(s, TABLE_REFERENCES); i++) {
        const struct summary_reference *r = summary_entry(s, TABLE_REFERENCES, i);
        s->usable[i] = is_usable(e, s, i);
        if (r->own == SUMMARY_NONE)
            s->references[i] = look_up(e, s, i, false);
    }
}

/* ---- files ---- */

const char *summary_file(struct engine *e, const struct object *o)
{
    const struct digest *id = &e->summaries->identities.items[o->elf->index];
    return arena_printf(e->arena, "%s/%016llx%016llx.summary", e->summaries->folder,
                        (unsigned long long)id->low, (unsigned long long)id->high);
}

/* Which object, as this program sees it: another build may analyse otherwise. */
static struct digest identity(const struct object *o, const struct digest *self)
{
    struct digest h = *self, file = digest_file(o->elf->path);
    digest_text(&h, o->elf->build_id);
    digest_word(&h, file.low);
    digest_word(&h, file.high);
    digest_word(&h, o->self_relocating); /* what it writes to is constant for others */
    return h;
}

struct mapping {
    void *address;
    size_t size;
};

static void unmap(void *mapping)
{
    const struct mapping *m = mapping;
    munmap(m->address, m->size);
}

static const uint32_t *map_file(struct arena *a, const char *path, size_t *words)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct mapping *m = ARENA_NEW(a, struct mapping);
    m->address = MAP_FAILED;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        m->size = (size_t)st.st_size;
        m->address = mmap(NULL, m->size, PROT_READ, MAP_PRIVATE, fd, 0);
        futimens(fd, NULL); /* those used last stay longest */
    }
    close(fd);
    if (m->address == MAP_FAILED)
        return NULL;
    arena_defer(a, unmap, m);
    *words = m->size / 4;
    return m->address;
}

static bool segment_whole(const struct summary_head *h, size_t words)
{
    struct digest seal = {11, 13};
    if (words < sizeof *h / 4 || h->magic != SUMMARY_MAGIC || h->words < sizeof *h / 4 ||
        h->words > words || h->words % 2)
        return false;
    for (unsigned i = 0; i < SUMMARY_TABLES; i++)
        if (h->tables[i].first > h->words ||
            (uint64_t)h->tables[i].count * summary_entry_words[i] > h->words - h->tables[i].first)
            return false;
    digest_bytes(&seal, &h->tables, h->words * 4 - offsetof(struct summary_head, tables));
    return seal.low == h->seal.low && seal.high == h->seal.high;
}

static void use_segment(struct engine *e, struct object *o, const struct summary_head *h)
{
    struct summary *s = ARENA_NEW(e->arena, struct summary);
    struct arena *a = e->arena;
    s->head = h;
    s->next = o->summaries;
    s->older = s->next ? s->next->older + 1 : 0;
    o->summaries = s;
    uint32_t values = summary_count(s, TABLE_VALUES), lists = summary_count(s, TABLE_LISTS);
    s->objects = arena_array(a, summary_count(s, TABLE_OBJECTS) + 1, sizeof *s->objects);
    s->values = arena_array(a, values + 1, sizeof *s->values);
    s->lists = arena_array(a, lists + 1, sizeof *s->lists);
    s->decoded = arena_array(a, (size_t)values + lists + 1, 1);
    s->references = arena_array(a, summary_count(s, TABLE_REFERENCES) + 1, sizeof *s->references);
    s->usable = arena_array(a, summary_count(s, TABLE_REFERENCES) + 1, 1);
    s->slots = arena_array(a, summary_count(s, TABLE_SLOTS) + 1, 1);
    s->good = arena_array(a, summary_count(s, TABLE_CONTEXTS) + 1, 1);
    vec_push(a, &e->summaries->all, s);
}

static void read_file(struct engine *e, struct object *o)
{
    size_t words = 0;
    const uint32_t *at = map_file(e->arena, summary_file(e, o), &words);
    const struct digest *id = &e->summaries->identities.items[o->elf->index];
    while (at && segment_whole((const struct summary_head *)at, words)) {
        const struct summary_head *h = (const struct summary_head *)at;
        const struct digest *own = (const struct digest *)(at + h->tables[TABLE_OBJECTS].first);
        if (h->tables[TABLE_OBJECTS].count && own->low == id->low && own->high == id->high)
            use_segment(e, o, h);
        at += h->words;
        words -= h->words;
    }
}

/* Which of the objects that a segment names are part of the link map now. */
static void find_objects(struct engine *e, struct summary *s)
{
    const struct summaries *all = e->summaries;
    for (uint32_t i = 0; i < summary_count(s, TABLE_OBJECTS); i++) {
        const struct digest *id = summary_entry(s, TABLE_OBJECTS, i);
        for (size_t k = 1; k < all->identities.count && !s->objects[i]; k++)
            if (all->identities.items[k].low == id->low &&
                all->identities.items[k].high == id->high)
                s->objects[i] = e->objects.items[k];
    }
    for (uint32_t i = 0; i < summary_count(s, TABLE_VALUES); i++)
        s->decoded[i] = s->decoded[i] && s->values[i];
    for (uint32_t i = 0; i < summary_count(s, TABLE_SLOTS); i++)
        s->slots[i] = slot_same(e, s, i); /* plug-ins may bind it otherwise */
}

struct summaries *summaries_new(struct arena *a, const char *folder)
{
    struct summaries *all = ARENA_NEW(a, struct summaries);
    all->folder = folder;
    return all;
}

/* All that may hold, less what does not, until nothing changes. */
static void find_good(struct engine *e)
{
    vec_each (item, &e->summaries->all) {
        look_up_references(e, *item);
        memset((*item)->good, true, summary_count(*item, TABLE_CONTEXTS));
    }
    bool changed = true;
    for (bool first = true; changed; first = false) {
        changed = false;
        vec_each (item, &e->summaries->all)
            changed = narrow(e, *item, first) || changed;
    }
    vec_each (item, &e->summaries->all) {
        (*item)->good_count = 0;
        for (uint32_t i = 0; i < summary_count(*item, TABLE_CONTEXTS); i++)
            (*item)->good_count += (*item)->good[i];
    }
}

void summaries_load(struct engine *e)
{
    struct summaries *all = e->summaries;
    struct digest self = digest_file("/proc/self/exe");
    digest_text(&self, "function-summaries/2 " TOOLCHAIN_VERSION);
    for (; all->loaded < e->objects.count; all->loaded++) {
        struct object *o = e->objects.items[all->loaded];
        vec_push(e->arena, &all->identities, identity(o, &self));
        if (all->loaded) /* the program's own functions have none */
            read_file(e, o);
    }
    vec_each (item, &all->all)
        find_objects(e, *item);
    find_good(e);
}
