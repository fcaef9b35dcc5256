/* SPDX-License-Identifier: BSD-3-Clause
 * The fixed point: which contexts run, when calls return, who is run again. */
#include "analyzer/arguments.h"
#include "analyzer/interp.h"
#include "analyzer/summary.h"
#include <elf.h>
#include <stdlib.h>
#include <string.h>

void engine_init(struct engine *e, struct diag *d, struct arena *a, const struct linkmap *map,
                 const char *folder)
{
    memset(e, 0, sizeof *e);
    e->diag = d;
    e->arena = a;
    e->map = map;
    e->limits.contexts = 640;
    e->limits.branch_contexts = 64;
    e->limits.instructions = (size_t)7 << 20;
    e->limits.states = (size_t)4 << 20;
    e->limits.work = (size_t)64 << 20;
    e->arch = architecture_of(map->objects.items[0].elf->machine);
    e->pool.arena = e->edges.arena = a;
    values_init(&e->values, a);
    shapes_init(&e->shapes, e->arch, a);
    e->summaries = folder ? summaries_new(a, folder) : NULL;
    engine_add_objects(e);
}

static const struct {
    const char *name;
    enum hook hook;
} hooked[] = {
    {"dlopen", HOOK_DLOPEN},
    {"dlmopen", HOOK_DLOPEN},
    {"__libc_dlopen_mode", HOOK_DLOPEN},
    {"dlsym", HOOK_DLSYM},
    {"dlvsym", HOOK_DLSYM},
    {"__libc_dlsym", HOOK_DLSYM},
    {"__libc_start_main", HOOK_START},
    {"atexit", HOOK_ATEXIT},
    {"__cxa_atexit", HOOK_ATEXIT},
    {"on_exit", HOOK_ATEXIT},
    {"exit", HOOK_EXIT},
    {"quick_exit", HOOK_EXIT},
    {"execve", HOOK_EXEC},
    {"execv", HOOK_EXEC},
    {"execvp", HOOK_EXEC},
    {"execvpe", HOOK_EXEC},
    {"execl", HOOK_EXEC},
    {"execlp", HOOK_EXEC},
    {"execle", HOOK_EXEC},
    {"posix_spawn", HOOK_SPAWN},
    {"posix_spawnp", HOOK_SPAWN},
};

static void find_hooks(struct engine *e, struct object *o)
{
    for (size_t i = 1; i < o->elf->symbols.count; i++) {
        const struct elf_symbol *s = &o->elf->symbols.items[i];
        if (!s->section || !s->value || !strchr("acdeopqrs_", s->name[0]))
            continue;
        for (size_t k = 0; k < sizeof hooked / sizeof *hooked; k++)
            if (strcmp(hooked[k].name, s->name) == 0)
                engine_function(e, o, s->value)->hook = (uint8_t)hooked[k].hook;
        if (strcmp(s->name, "clock_gettime") == 0 || strcmp(s->name, "__clock_gettime") == 0 ||
            strcmp(s->name, "read") == 0 || strcmp(s->name, "sysconf") == 0)
            engine_function(e, o, s->value)->relevant |= 1u << e->arch->arguments[0];
        if (strcmp(s->name, "signal") == 0)
            engine_function(e, o, s->value)->relevant |= 1u << e->arch->arguments[1];
    }
}

void engine_add_objects(struct engine *e)
{
    size_t first = e->objects.count;
    for (size_t i = e->objects.count; i < e->map->objects.count; i++) {
        struct object *o = ARENA_NEW(e->arena, struct object);
        o->elf = e->map->objects.items[i].elf;
        o->absolute = o->elf->type == ET_EXEC;
        o->base = o->absolute && i == 0 ? 0 : (uint64_t)(i + 1) << 40;
        o->step = e->arch->step;
        o->mixed = e->arch->partial && o->elf->sections.count;
        o->stack_arguments = e->arch->link == REG_NONE ? 8 : 0;
        o->self_relocating =
            i == e->map->interpreter || (i == 0 && e->map->interpreter == LINKMAP_NONE);
        const struct elf_section *got = elf_section_named(o->elf, ".got");
        if (got)
            o->got = (struct elf_range){got->address, got->size};
        const struct elf_section *origin = elf_section_named(o->elf, ".got.plt");
        o->origin = o->elf->pltgot ? o->elf->pltgot : origin ? origin->address : o->got.address;
        o->plugin = i >= e->map->initial;
        o->arguments = e->arch->arguments;
        vec_push(e->arena, &e->objects, o);
    }
    if (!first && e->objects.count)
        memory_find_copies(e, e->objects.items[0]);
    if (e->summaries)
        summaries_load(e);
    for (size_t i = first; i < e->objects.count; i++)
        find_hooks(e, e->objects.items[i]);
}

struct function *engine_function(struct engine *e, struct object *o, uint64_t address)
{
    struct function *f = address_map_get(&o->functions_by_address, address);
    if (f)
        return f;
    f = ARENA_NEW(e->arena, struct function);
    f->object = o;
    f->address = address;
    if (o->summaries)
        summaries_function(e, f);
    address_map_put(e->arena, &o->functions_by_address, address, f);
    return f;
}

/* The slot that a call stub jumps through. x86-64: `jmp *slot(%rip)`; AArch64: `adrp x16; ldr x17,
 * [x16, #low]; add x16, x16, #low; br x17`; either after a landing mark. Read from the bytes: a
 * table of thousands of stubs has one range. */
static bool stub_slot(const struct engine *e, const struct object *o, uint64_t address,
                      uint64_t *place)
{
    struct insn c[4];
    uint64_t available = 0, at = 0;
    unsigned length = e->arch->partial ? 4 : 1;
    const unsigned char *bytes = elf_span(o->elf, address, &available);
    for (unsigned n = 0; bytes && n < length;) {
        unsigned size = e->arch->decode(bytes + at, (size_t)(available - at), address + at, &c[n]);
        bool mark = at == 0 && c[n].op == OP_NOP;
        if (!size)
            return false;
        at += size;
        n += !mark;
    }
    const struct insn *last = &c[length - 1], *load = &c[1];
    if (!bytes || last->op != OP_JMP_INDIRECT)
        return false;
    if (!e->arch->partial) {
        *place = (uint64_t)last->disp;
        return last->src_kind == OPERAND_MEM && !last->segment && last->base == REG_NONE &&
               last->index == REG_NONE;
    }
    *place = (uint64_t)c[0].disp + (uint64_t)load->disp;
    return c[0].op == OP_PAGE && load->op == OP_MOV && load->src_kind == OPERAND_MEM &&
           load->base == c[0].dst && load->index == REG_NONE && load->extra < EXTRA_PRE &&
           last->src == load->dst;
}

/* Call stubs stand for what their slot is bound to. */
struct function *engine_call_target(struct engine *e, struct function *f, enum edge_kind *kind)
{
    for (unsigned hops = 0; hops < 4; hops++) {
        if (!f->examined) {
            f->examined = true;
            uint64_t constant = 0, place = 0;
            if (stub_slot(e, f->object, f->address, &place)) {
                const struct elf_relocation *r = elf_relocation_at(f->object->elf, place);
                if (r &&
                    (r->plt || memory_constant(f->object, place) || r->type == e->arch->glob_dat)) {
                    f->stub = true;
                    struct linkmap_binding b = linkmap_pointer(e->map, f->object->elf, place);
                    f->slot = f->object->base + place;
                    f->slot_bound = slot_binding(e, &b);
                    memory_pointer(e, f->object, place, &f->forward, &constant);
                }
            }
        }
        if (!f->stub)
            return f;
        *kind = EDGE_SLOT;
        if (e->current)
            summaries_slot(e, e->current, (struct slot_read){f->slot, f->slot_bound});
        if (!f->forward)
            return NULL;
        f = f->forward;
    }
    return f;
}

static struct context *new_context(struct engine *e, struct function *f)
{
    struct context *c = ARENA_NEW(e->arena, struct context);
    c->node.kind = NODE_CONTEXT;
    c->node.id = (uint32_t)e->nodes.count;
    c->function = f;
    vec_push(e->arena, &e->nodes, &c->node);
    vec_push(e->arena, &f->contexts, c);
    return c;
}

void engine_queue(struct engine *e, struct context *c)
{
    if (c->queued || c->running)
        return;
    c->queued = true;
    vec_push(e->arena, &e->queue, c);
}

struct context *engine_generic(struct engine *e, struct function *f)
{
    if (!f->contexts.count)
        engine_queue(e, new_context(e, f));
    return f->contexts.items[0];
}

struct context *engine_finished(struct engine *e, struct function *f)
{
    struct context *c = new_context(e, f);
    c->generation = 1;
    c->finished = c->final = c->returns = c->published = true;
    c->result = c->published_result = VALUE_TOP;
    return c;
}

/* known: the inputs that are constant. */
static bool same_key(const struct context *c, const value inputs[DEP_COUNT], uint32_t known)
{
    uint32_t matched = 0;
    vec_each (item, &c->key) {
        if (!(known >> item->input & 1) || inputs[item->input] != item->v)
            return false;
        matched |= 1u << item->input;
    }
    return matched == known;
}

struct context *engine_context(struct engine *e, struct function *f, const value inputs[DEP_COUNT])
{
    uint32_t known = 0;
    for (uint32_t relevant = f->relevant; relevant; relevant &= relevant - 1)
        if (inputs[__builtin_ctz(relevant)] != VALUE_TOP)
            known |= relevant & -relevant;
    if (!f->contexts.count)
        new_context(e, f);
    if (!known)
        return f->contexts.items[0];
    for (size_t i = 1; i < f->contexts.count; i++)
        if (same_key(f->contexts.items[i], inputs, known))
            return f->contexts.items[i];
    size_t limit = f->numbers        ? e->limits.contexts
                   : whole_wanted(e) ? 1
                                     : e->limits.branch_contexts;
    if (f->contexts.count >= limit)
        return f->contexts.items[0];
    struct context *c = new_context(e, f);
    for (; known; known &= known - 1) {
        unsigned i = (unsigned)__builtin_ctz(known);
        vec_push(e->arena, &c->key, ((struct key_item){(uint8_t)i, inputs[i]}));
    }
    return c;
}

static void grow_edges(struct engine *e, struct node *n)
{
    size_t size = n->edges.capacity * sizeof *n->edges.items;
    size_t capacity = n->edges.capacity ? n->edges.capacity + n->edges.capacity / 2 + 1 : 4;
    struct edge *larger = pool_get(&e->edges, capacity * sizeof *larger);
    if (size)
        memcpy(larger, n->edges.items, size);
    pool_put(&e->edges, n->edges.items, size);
    n->edges.items = larger;
    n->edges.capacity = capacity;
}

void engine_edge(struct engine *e, struct node *from, uint64_t at, struct node *to,
                 enum edge_kind kind)
{
    engine_call_edge(e, from, at, to, kind, PASSED_ANY);
}

void engine_call_edge(struct engine *e, struct node *from, uint64_t at, struct node *to,
                      enum edge_kind kind, uint32_t passed)
{
    size_t recent = from->edges.count > 12 ? from->edges.count - 12 : 0;
    for (size_t i = from->edges.count; i-- > recent;)
        if (from->edges.items[i].to == to->id && from->edges.items[i].at == at &&
            from->edges.items[i].kind == kind) {
            from->edges.items[i].passed = passed_join(e, from->edges.items[i].passed, passed);
            return;
        }
    if (from->edges.count == from->edges.capacity)
        grow_edges(e, from);
    struct edge *edge = &from->edges.items[from->edges.count++];
    *edge = (struct edge){at, (uint8_t)kind, to->id, passed};
}

struct root *engine_root(struct engine *e, const char *name)
{
    struct root *r = ARENA_NEW(e->arena, struct root);
    r->node.kind = NODE_ROOT;
    r->node.id = (uint32_t)e->nodes.count;
    r->name = name;
    vec_push(e->arena, &e->nodes, &r->node);
    return r;
}

void engine_caller(struct engine *e, struct function *f, struct context *caller)
{
    f->called = true;
    if (f->callers.count && f->callers.items[f->callers.count - 1] == caller)
        return;
    vec_push(e->arena, &f->callers, caller);
}

void engine_require(struct engine *e, struct context *c, uint32_t deps, bool number)
{
    struct function *f = c->function;
    if (e->summaries && (deps & e->arch->inputs))
        summaries_required(e, c, deps & e->arch->inputs, number);
    deps &= ~(number ? f->numbers : f->relevant) & e->arch->inputs;
    if (!deps)
        return;
    f->relevant |= deps;
    if (number)
        f->numbers |= deps;
    size_t kept = 0;
    vec_each (caller, &f->callers) {
        if ((*caller)->function->whole && !number) {
            f->callers.items[kept++] = *caller; /* the branch decides nothing for it */
            continue;
        }
        (*caller)->restart = true;
        engine_queue(e, *caller);
    }
    f->callers.count = kept;
}

void engine_stray(struct engine *e, struct function *f)
{
    if (f->strays)
        return;
    f->strays = true;
    vec_each (caller, &f->callers) {
        (*caller)->restart = true;
        engine_queue(e, *caller);
    }
}

void engine_note(struct engine *e, struct context *c, uint64_t at, const char *reason)
{
    uint64_t key = (uint64_t)c->node.id << 40 ^ at;
    if (address_map_get(&e->noted, key))
        return;
    struct note *n = ARENA_NEW(e->arena, struct note);
    *n = (struct note){c->function->object, at, reason, c};
    address_map_put(e->arena, &e->noted, key, n);
    vec_push(e->arena, &e->notes, n);
}

void engine_hook(struct engine *e, const struct hook_fact *fact)
{
    vec_push(e->arena, &e->hooks, *fact);
    if (fact->hook == HOOK_START && fact->argument)
        e->main_entry = fact->argument;
    else if (fact->argument)
        vec_push(e->arena, &e->at_exit, fact->argument);
}

void engine_passed(struct engine *e, struct context *c, unsigned argument, uint64_t number)
{
    bool known = number < PASSED_NUMBERS;
    if (known)
        c->function->object->passed[argument][number] = true;
    else
        c->function->object->passed_unknown[argument] = true;
    if (e->summaries)
        summaries_passed(e, c, argument, known ? (unsigned)number : TRACE_UNKNOWN);
}

static void begin(struct engine *e, struct context *c)
{
    if (e->summaries && summaries_replay(e, c))
        return;
    c->running = true;
    c->queued = false;
    if (!c->generation || c->restart) {
        c->restart = c->dropped = false;
        c->finished = c->final = false;
        interp_start(e, c);
    }
    vec_push(e->arena, &e->stack, c);
}

bool engine_try(struct engine *e, struct function *f)
{
    if (!f->contexts.count)
        new_context(e, f);
    struct context *c = f->contexts.items[0];
    if (c->generation || c->running)
        return false;
    f->called = true;
    begin(e, c);
    return !c->replayed;
}

void engine_wait(struct engine *e, struct context *callee, struct context *caller, uint64_t resume,
                 const struct state *s)
{
    struct waiter w = {caller, caller->generation, resume, NULL};
    if (e->summaries)
        summaries_replay(e, callee);
    bool settled = callee->final || (callee->published && callee->published_result == VALUE_TOP);
    if (!settled) {
        w.state = interp_keep(e, s, NULL);
        vec_push(e->arena, &callee->waiters, w);
    }
    vec_push(e->arena, &caller->waits, callee);
    if (callee->published) {
        w.state = interp_keep(e, s, NULL);
        interp_resume(e, callee, &w, callee->published_result);
        interp_drop(e, w.state);
    }
    if (!callee->generation && !callee->running)
        begin(e, callee);
}

static bool all_final(const struct context *c)
{
    vec_each (callee, &c->waits)
        if (!(*callee)->final && *callee != c)
            return false;
    return true;
}

/* Whether no callee can have news any more. */
static bool all_settled(const struct context *c)
{
    vec_each (callee, &c->waits)
        if (!(*callee)->final &&
            !((*callee)->published && (*callee)->published_result == VALUE_TOP))
            return false;
    return true;
}

static void drop_waiters(struct engine *e, struct context *c)
{
    vec_each (w, &c->waiters)
        interp_drop(e, w->state);
    c->waiters.count = 0;
}

static void finish(struct engine *e, struct context *c)
{
    c->finished = true;
    c->final = all_final(c);
    value result = c->final && !c->function->twice ? c->result : VALUE_TOP;
    if (c->returns && (!c->published || c->published_result != result)) {
        if (c->published)
            result = value_join(&e->values, c->published_result, result, false);
        bool news = !c->published || result != c->published_result;
        c->published = true;
        c->published_result = result;
        size_t count = c->waiters.count;
        for (size_t i = 0; news && i < count; i++) {
            struct waiter w = c->waiters.items[i];
            if (w.generation == w.caller->generation)
                interp_resume(e, c, &w, result);
        }
    }
    if (c->final || (c->published && c->published_result == VALUE_TOP))
        drop_waiters(e, c);
    bool settled = c->final || all_settled(c);
    if (!settled && e->pool.used < e->limits.states)
        return;
    /* Where many wait for news that seldom comes, whoever gets any starts again. */
    interp_release(e, c);
    c->dropped = !settled;
}

/* How deep the stack is, is not known any more. */
static void lose_depth(struct engine *e, struct context *c, uint64_t at, struct state *s)
{
    state_forget(e, c, at, s);
    s->reg[e->arch->sp] = value_in_frame(&e->values, VALUE_TOP);
    s->escaped = s->lost = s->deeper = true;
}

void interp_resume(struct engine *e, const struct context *callee, struct waiter *w, value result)
{
    struct context *c = w->caller;
    if (c->dropped) {
        c->restart = true;
    } else if (!w->resume) {
        c->returns = true;
        c->function->twice = c->function->twice || callee->function->twice;
        c->result = value_join(&e->values, c->result, value_outside(&e->values, result), false);
    } else {
        struct state s;
        state_restore(e, w->state, &s);
        s.reg[e->arch->result] = value_outside(&e->values, result);
        /* The second time, what lies on the stack is what came after the first. Go reads return
         * addresses for its tracebacks only. */
        if (callee->function->twice && !callee->function->object->go) {
            s.escaped = true;
            state_forget(e, c, w->resume, &s);
        }
        if (callee->function->strays) {
            c->returns = true;
            c->result = VALUE_TOP;
        }
        if (callee->function->pops)
            lose_depth(e, c, w->resume, &s);
        interp_enter(e, c, &s, w->resume);
    }
    engine_queue(e, c);
}

void engine_run(struct engine *e)
{
    for (;;) {
        if (e->stack.count) {
            struct context *c = e->stack.items[e->stack.count - 1];
            if (c->restart) {
                c->restart = c->dropped = false;
                interp_start(e, c);
            }
            if (c->work_count) {
                e->current = e->summaries ? c : NULL;
                interp_step(e, c);
                e->current = NULL;
                continue;
            }
            e->stack.count--;
            c->running = false;
            finish(e, c);
            continue;
        }
        memory_run(e);
        if (e->queue_head < e->queue.count) {
            struct context *c = e->queue.items[e->queue_head++];
            if (e->queue_head == e->queue.count)
                e->queue.count = e->queue_head = 0;
            begin(e, c);
            continue;
        }
        return;
    }
}
