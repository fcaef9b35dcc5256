/* SPDX-License-Identifier: BSD-3-Clause
 * The graph of definitions, and what a program reaches in it. */
#include "common/csource_private.h"
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct entry {
    const char *key;
    VEC(size_t) nodes;
    UT_hash_handle hh;
};

struct csource_index {
    struct entry *keys;  /* key -> the node */
    struct entry *names; /* linker's name -> definitions; made by csource_reach */
};

static struct entry *entry_of(struct arena *a, struct entry **table, const char *key)
{
    struct entry *e = NULL;
    HASH_FIND_STR(*table, key, e);
    if (!e) {
        e = ARENA_NEW(a, struct entry);
        e->key = arena_strdup(a, key);
        HASH_ADD_KEYPTR(hh, *table, e->key, strlen(e->key), e);
    }
    return e;
}

static void release(void *resource)
{
    struct csource_index *index = resource;
    HASH_CLEAR(hh, index->keys);
    HASH_CLEAR(hh, index->names);
}

size_t csource_node(struct csources *s, const char *key, const char *name)
{
    struct entry *e = entry_of(s->arena, &s->index->keys, key);
    if (!e->nodes.count) {
        struct csource_node *n = vec_add(s->arena, &s->nodes);
        *n = (struct csource_node){.name = name ? arena_strdup(s->arena, name) : "", .unit = -1};
        vec_push(s->arena, &e->nodes, s->nodes.count - 1);
    }
    return e->nodes.items[0];
}

size_t csource_word(struct csources *s, const char *word)
{
    size_t n = csource_node(s, arena_printf(s->arena, "w:%s", word), word);
    s->nodes.items[n].word = true;
    return n;
}

size_t csource_another(struct csources *s, size_t node)
{
    struct csource_node copy = s->nodes.items[node];
    copy.unit = -1;
    memset(&copy.references, 0, sizeof copy.references);
    memset(&copy.lines, 0, sizeof copy.lines);
    vec_push(s->arena, &s->nodes, copy);
    return s->nodes.count - 1;
}

void csource_refer(struct csources *s, size_t from, size_t to, int line)
{
    struct csource_node *n = &s->nodes.items[from];
    enum { LOOK_BACK = 16 };
    for (size_t i = n->references.count, k = 0; i-- > 0 && k < LOOK_BACK; k++)
        if (n->references.items[i] == to)
            return;
    vec_push(s->arena, &n->references, to);
    vec_push(s->arena, &n->lines, line);
}

void csource_open(struct arena *a, const csource_inputs *inputs, struct csources *out)
{
    memset(out, 0, sizeof *out);
    out->arena = a;
    out->index = ARENA_NEW(a, struct csource_index);
    arena_defer(a, release, out->index);
    vec_each (input, inputs)
        vec_push(a, &out->units,
                 ((struct csource_unit){.path = input->path, .main_node = SIZE_MAX}));
}

enum status csource_read(struct diag *d, struct arena *a, const csource_inputs *inputs,
                         struct csources *out)
{
    csource_open(a, inputs, out);
    out->clang = csource_parse(out, inputs);
    for (size_t i = 0; i < out->units.count; i++) {
        enum status status = out->units.items[i].parsed ? STATUS_OK : csource_scan(d, out, i);
        if (status)
            return status;
    }
    return STATUS_OK;
}

/* ---- what a program reaches ---- */

struct reach {
    struct csources *s;
    VEC(size_t) work;
};

static void reach_node(struct reach *r, size_t n, size_t by, int line);

static void reach_unit(struct reach *r, int unit)
{
    if (unit < 0 || r->s->units.items[unit].reached)
        return;
    r->s->units.items[unit].reached = true;
    for (size_t n = 0; n < r->s->nodes.count; n++)
        if (r->s->nodes.items[n].unit == unit && r->s->nodes.items[n].constructor)
            reach_node(r, n, n, r->s->nodes.items[n].line);
}

static void reach_node(struct reach *r, size_t n, size_t by, int line)
{
    struct csource_node *node = &r->s->nodes.items[n];
    if (node->reached)
        return;
    node->reached = true;
    node->by = by;
    node->by_line = line;
    vec_push(r->s->arena, &r->work, n);
    reach_unit(r, node->unit);
}

/* The definition that a reference from a unit means, or the node itself where there is none. */
static size_t resolve(struct reach *r, size_t n, int unit)
{
    const struct csource_node *node = &r->s->nodes.items[n];
    struct entry *e = NULL;
    if ((node->internal || node->macro) && node->unit >= 0)
        return n;
    HASH_FIND_STR(r->s->index->names, node->name, e);
    size_t best = SIZE_MAX;
    int best_rank = 0;
    for (size_t i = 0; e && i < e->nodes.count; i++) {
        const struct csource_node *x = &r->s->nodes.items[e->nodes.items[i]];
        int rank = x->unit == unit                      ? 3
                   : x->internal                        ? 0
                   : r->s->units.items[x->unit].reached ? 2
                                                        : 1;
        if (rank > best_rank) {
            best = e->nodes.items[i];
            best_rank = rank;
        }
    }
    return best == SIZE_MAX ? n : best;
}

void csource_reach(struct csources *s, size_t unit)
{
    struct reach r = {.s = s};
    for (size_t n = 0; n < s->nodes.count; n++) {
        struct csource_node *node = &s->nodes.items[n];
        node->reached = false;
        if (node->unit < 0 || !*node->name || node->macro)
            continue;
        struct entry *e = entry_of(s->arena, &s->index->names, node->name);
        bool known = false;
        vec_each (x, &e->nodes)
            known = known || *x == n;
        if (!known)
            vec_push(s->arena, &e->nodes, n);
    }
    vec_each (u, &s->units)
        u->reached = false;
    size_t start = s->units.items[unit].main_node;
    if (start == SIZE_MAX)
        return;
    reach_node(&r, start, start, s->nodes.items[start].line);
    for (size_t i = 0; i < r.work.count; i++) {
        size_t from = r.work.items[i];
        int in = s->nodes.items[from].unit;
        for (size_t k = 0; k < s->nodes.items[from].references.count; k++) {
            size_t to = resolve(&r, s->nodes.items[from].references.items[k], in);
            if (s->nodes.items[to].word && s->nodes.items[to].unit < 0)
                continue;
            reach_node(&r, to, from, s->nodes.items[from].lines.items[k]);
        }
    }
}

bool csource_external(const struct csource_node *n)
{
    return n->reached && n->unit < 0 && !n->word && *n->name;
}
