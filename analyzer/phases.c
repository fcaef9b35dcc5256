/* SPDX-License-Identifier: BSD-3-Clause
 * A context may wait when it makes one of the kernel's waiting calls, or calls one that may. What
 * can follow is read off the control flow behind each such call, in the context itself and in all
 * its callers from main() on. An indirect call of the program itself may wait too, when waiting
 * code is only reached through pointers. */
#include "analyzer/phases.h"
#include "analyzer/guards.h"
#include "common/syscalls.h"
#include <stdlib.h>
#include <string.h>

static const char *const waiting[] = {
    "poll",          "ppoll",           "select",       "pselect6",       "epoll_wait",
    "epoll_pwait",   "accept",          "accept4",      "epoll_pwait2",   "pause",
    "rt_sigsuspend", "rt_sigtimedwait", "io_getevents", "io_uring_enter", "epoll_wait_old",
};

struct phases {
    struct engine *engine;
    const bool *library; /* by object: the C library; NULL: not told apart */
    struct root *root;
    bool *waits;   /* by node id: may wait */
    bool *visited; /* by node id */
    bool *taken;   /* by object: the address of waiting code of its own is formed there */
    bool pointers; /* indirect calls of the program may wait */
    VEC(struct context *) work;
};

static bool is_waiting(const struct engine *e, int64_t number)
{
    for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++)
        if (number >= 0 && syscall_number_in(e->arch->calls, waiting[i]) == number)
            return true;
    return false;
}

static bool in_library(const struct phases *p, const struct context *c)
{
    return p->library && p->library[c->function->object->elf->index];
}

static bool is_call(const struct phases *p, const struct edge *edge)
{
    return edge->kind <= EDGE_VALUE && edge_to(p->engine, edge)->kind == NODE_CONTEXT;
}

/* A waiting call made outside the C library, or inside when there is none to tell apart. What the
 * library waits for on its own, the answer of a name service, is no event of the program. */
static bool makes_wait(const struct phases *p, const struct context *c)
{
    if (in_library(p, c))
        return false;
    vec_each (site, &c->sites)
        if (is_waiting(p->engine, site->number))
            return true;
    return false;
}

static bool listed(const char *const *list, const char *name)
{
    for (; *list; list++)
        if (**list == *name && strcmp(*list, name) == 0)
            return true;
    return false;
}

static bool imports(const struct object *o, const char *name)
{
    for (size_t i = 1; i < o->elf->symbols.count; i++)
        if (*o->elf->symbols.items[i].name == *name &&
            strcmp(o->elf->symbols.items[i].name, name) == 0)
            return true;
    return false;
}

/* Whether a context reads the descriptor that its caller named as 0. */
static bool reads_input(const struct phases *p, const struct context *c)
{
    vec_each (item, &c->key) {
        const struct value_data *d = value_get(&p->engine->values, item->v);
        for (unsigned i = 0; item->input == p->engine->arch->arguments[0] && i < d->count; i++)
            if (d->kind == VK_CONST && (uint32_t)d->all[i] == 0)
                return true;
    }
    return false;
}

/* Functions of the C library that wait: those whose purpose it is, and those that read, where it
 * may be the standard input. */
static void mark_library(struct phases *p, bool reading)
{
    static const char *const waits[] = {
        "poll",       "ppoll",      "__poll_chk",      "__ppoll_chk",
        "select",     "pselect",    "epoll_wait",      "epoll_pwait",
        "accept",     "accept4",    "epoll_pwait2",    "pause",
        "sigsuspend", "sigpause",   "sigtimedwait",    "sigwaitinfo",
        "sigwait",    "__sigpause", "__xpg_sigpause",  "getchar",
        "getwchar",   "gets",       "scanf",           "__isoc99_scanf",
        "vscanf",     "getpass",    "__isoc99_vscanf", "getchar_unlocked",
        NULL};
    static const char *const reads[] = {"read",
                                        "__read_chk",
                                        "fgets",
                                        "__fgets_chk",
                                        "fgets_unlocked",
                                        "getline",
                                        "getdelim",
                                        "__getdelim",
                                        "fread",
                                        "__fread_chk",
                                        "fread_unlocked",
                                        "getc",
                                        "fgetc",
                                        "_IO_getc",
                                        "getc_unlocked",
                                        "fscanf",
                                        "__isoc99_fscanf",
                                        "fgetwc",
                                        "fgetws",
                                        "getwc",
                                        "readv",
                                        "__fread_unlocked_chk",
                                        "__uflow",
                                        "__underflow",
                                        NULL};
    bool input = reading && imports(p->engine->objects.items[0], "stdin");
    for (size_t i = 0; i < p->engine->objects.count; i++) {
        struct object *o = p->engine->objects.items[i];
        if (!p->library || !p->library[i])
            continue;
        for (size_t n = 1; n < o->elf->symbols.count; n++) {
            const struct elf_symbol *s = &o->elf->symbols.items[n];
            bool wait = listed(waits, s->name), read = !wait && listed(reads, s->name);
            struct function *f = s->section && (wait || read)
                                     ? address_map_get(&o->functions_by_address, s->value)
                                     : NULL;
            for (size_t k = 0; f && k < f->contexts.count; k++) {
                const struct context *c = f->contexts.items[k];
                if (wait ? !reading : reading && (input || reads_input(p, c)))
                    p->waits[c->node.id] = true;
            }
        }
    }
}

/* Whether a context calls through a pointer that may be one of its own object's that wait. */
static bool own_pointer_calls(const struct phases *p, const struct context *c)
{
    const struct object *o = c->function->object;
    return c->indirect.count &&
           (p->taken[o->elf->index] || (p->pointers && o == p->engine->objects.items[0]));
}

/* Which libraries take the address of code of theirs that waits. */
static bool find_taken(struct phases *p, const struct walk *w)
{
    bool changed = false;
    vec_each (node, &w->order) {
        const struct object *from = graph_object(*node);
        if (!from || p->taken[from->elf->index] || from == p->engine->objects.items[0])
            continue;
        vec_each (edge, &(*node)->edges)
            if (edge->kind > EDGE_VALUE && edge_to(p->engine, edge)->kind == NODE_CONTEXT &&
                p->waits[edge->to] && graph_object(edge_to(p->engine, edge)) == from)
                changed = p->taken[from->elf->index] = true;
    }
    return changed;
}

/* Spreads "may wait" from callees to callers until nothing changes. */
static void spread(struct phases *p, const struct walk *w)
{
    vec_each (node, &w->order)
        if ((*node)->kind == NODE_CONTEXT && (makes_wait(p, (struct context *)*node) ||
                                              own_pointer_calls(p, (struct context *)*node)))
            p->waits[(*node)->id] = true;
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = w->order.count; i-- > 0;) {
            const struct node *n = w->order.items[i];
            if (n->kind != NODE_CONTEXT || p->waits[n->id] ||
                in_library(p, (const struct context *)n))
                continue;
            vec_each (edge, &n->edges)
                if (is_call(p, edge) && p->waits[edge->to]) {
                    p->waits[n->id] = changed = true;
                    break;
                }
        }
    }
}

/* The code of one context that can run behind a wait. */
struct after {
    struct address_map blocks; /* those followed */
    VEC(uint64_t) bounds;      /* first and last instruction of each */
    VEC(uint64_t) work;
    bool all; /* behind an indirect jump: everything */
};

static void follow_code(struct phases *p, const struct context *c, uint64_t from,
                        struct after *after)
{
    struct arena *a = p->engine->arena;
    if (c->function->whole) {
        after->all = true;
        return;
    }
    vec_push(a, &after->work, from);
    while (after->work.count && !after->all) {
        uint64_t at = after->work.items[--after->work.count];
        if (address_map_get(&after->blocks, at))
            continue;
        struct block *b = object_block(p->engine, c->function->object, at);
        if (!b)
            continue;
        address_map_put(a, &after->blocks, at, b);
        struct ir last;
        block_insn(p->engine, b, b->count - 1, &last);
        vec_push(a, &after->bounds, block_address(b));
        vec_push(a, &after->bounds, last.at);
        if (b->after)
            vec_push(a, &after->work, block_next(b));
        if (last.i.op == OP_JCC || last.i.op == OP_JMP || last.i.op == OP_LOOP)
            vec_push(a, &after->work, (uint64_t)last.i.imm);
        after->all = last.i.op == OP_JMP_INDIRECT;
    }
}

static bool runs_after(const struct after *after, uint64_t at)
{
    for (size_t i = 0; i < after->bounds.count && !after->all; i += 2)
        if (at >= after->bounds.items[i] && at <= after->bounds.items[i + 1])
            return true;
    return after->all;
}

static uint64_t behind(struct phases *p, struct object *o, uint64_t at)
{
    uint64_t available = 0;
    const unsigned char *bytes = elf_span(o->elf, at, &available);
    struct insn i;
    return bytes ? at + p->engine->arch->decode(bytes, (size_t)available, at, &i) : at;
}

static void visit(struct phases *p, struct context *c)
{
    struct after after = {0};
    struct object *o = c->function->object;
    vec_each (site, &c->sites)
        if (is_waiting(p->engine, site->number))
            follow_code(p, c, behind(p, o, site->at), &after);
    if (own_pointer_calls(p, c))
        vec_each (at, &c->indirect)
            follow_code(p, c, behind(p, o, *at), &after);
    vec_each (edge, &c->node.edges) {
        if (!is_call(p, edge) || !p->waits[edge->to])
            continue;
        follow_code(p, c, behind(p, o, edge->at), &after);
        /* The wait itself, and what leads to it, goes on running in a loop. */
        engine_edge(p->engine, &p->root->node, edge->at, edge_to(p->engine, edge), EDGE_ROOT);
        if (!p->visited[edge->to]) {
            p->visited[edge->to] = true;
            vec_push(p->engine->arena, &p->work, (struct context *)edge_to(p->engine, edge));
        }
    }
    vec_each (edge, &c->node.edges)
        if (runs_after(&after, edge->at))
            engine_edge(p->engine, &p->root->node, edge->at, edge_to(p->engine, edge), EDGE_ROOT);
    vec_each (site, &c->sites)
        if (is_waiting(p->engine, site->number) || runs_after(&after, site->at))
            engine_edge(p->engine, &p->root->node, site->at, &c->node, EDGE_ROOT);
}

static bool any_waits(const struct phases *p, const struct walk *started)
{
    vec_each (node, &started->order)
        if (p->waits[(*node)->id])
            return true;
    return false;
}

/* What main() waits for: events, in what it calls, or in what a library calls for it through its
 * own pointers, or else in what the program calls through pointers; without any, the standard
 * input. */
static bool find_waits(struct phases *p, const struct walk *started)
{
    const bool *waits = &p->waits[p->engine->main_entry->node.id];
    mark_library(p, false);
    spread(p, started);
    for (bool more = true; more && !*waits;) {
        more = find_taken(p, started);
        spread(p, started);
    }
    if (!*waits && any_waits(p, started)) {
        p->pointers = true;
        spread(p, started);
    }
    if (!*waits) {
        mark_library(p, true);
        spread(p, started);
    }
    return *waits;
}

bool phases_after_wait(struct engine *e, const struct walk *started, struct root *root)
{
    struct phases p = {.engine = e, .root = root, .library = guards_library(e)};
    if (!e->main_entry || !started->reached[e->main_entry->node.id])
        return false;
    p.waits = arena_array(e->arena, e->nodes.count + 1, sizeof *p.waits);
    p.taken = arena_array(e->arena, e->objects.count + 1, sizeof *p.taken);
    p.visited = arena_array(e->arena, e->nodes.count + 1, sizeof *p.visited);
    if (!find_waits(&p, started))
        return false;
    p.visited[e->main_entry->node.id] = true;
    vec_push(e->arena, &p.work, e->main_entry);
    while (p.work.count)
        visit(&p, p.work.items[--p.work.count]);
    /* Pointers that start-up code keeps may be followed later. */
    vec_each (node, &started->order)
        vec_each (edge, &(*node)->edges)
            if (edge->kind >= EDGE_ADDRESS && edge->kind <= EDGE_SYMBOL &&
                edge_to(e, edge) != &e->main_entry->node)
                engine_edge(e, &root->node, edge->at, edge_to(e, edge), EDGE_ROOT);
    return true;
}
