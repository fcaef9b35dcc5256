/* SPDX-License-Identifier: BSD-3-Clause
 * Roots of what can run, and the fixed point from them with and without plug-ins. */
#include "analyzer/reach_private.h"
#include "analyzer/whole_object.h"
#include <ctype.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

static void root_function(struct analysis *a, struct root *root, struct object *o, uint64_t address)
{
    if (!elf_executable_at(o->elf, address))
        return;
    struct function *f = engine_function(&a->engine, o, address);
    engine_edge(&a->engine, &root->node, address, &engine_generic(&a->engine, f)->node, EDGE_ROOT);
}

static void root_array(struct analysis *a, struct root *root, struct object *o,
                       struct elf_range array)
{
    for (uint64_t at = 0; at + 8 <= array.size && at < 1 << 20; at += 8) {
        struct function *f = NULL;
        uint64_t constant = 0;
        if (memory_pointer(&a->engine, o, array.address + at, &f, &constant) && f)
            engine_edge(&a->engine, &root->node, array.address + at,
                        &engine_generic(&a->engine, f)->node, EDGE_ROOT);
    }
}

/* The first values of thread-local variables, which code reaches without forming their address. */
static void root_thread_locals(struct analysis *a, struct root *root, struct object *o)
{
    const struct elf_range *tls = &o->elf->tls;
    const struct elf_object *elf = o->elf;
    for (size_t i = elf_relocation_from(elf, tls->address); i < elf->relocations.count; i++) {
        uint64_t at = elf->relocations.items[i].address;
        if (at - tls->address >= tls->size)
            break;
        memory_touch(&a->engine, &root->node, at, o->base + at, EDGE_DATA);
    }
    for (uint64_t at = 0; o->absolute && at < tls->size && at < 1 << 20; at += 8)
        memory_touch(&a->engine, &root->node, tls->address + at, o->base + tls->address + at,
                     EDGE_DATA);
}

static void root_object(struct analysis *a, struct object *o, struct root *first, struct root *last)
{
    if (o->elf->init)
        root_function(a, first, o, o->elf->init);
    root_thread_locals(a, first, o);
    root_array(a, first, o, o->elf->preinit_array);
    root_array(a, first, o, o->elf->init_array);
    if (o->elf->fini)
        root_function(a, last, o, o->elf->fini);
    root_array(a, last, o, o->elf->fini_array);
}

/* musl's dynamic linker finds its own later stages by their exported names. */
static void root_musl_stages(struct analysis *a, struct object *o)
{
    for (size_t i = 1; i < o->elf->symbols.count; i++) {
        const struct elf_symbol *s = &o->elf->symbols.items[i];
        if (s->section && strncmp(s->name, "__dls", 5) == 0)
            root_function(a, a->loader, o, s->value);
    }
}

static bool is_name(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] != '_' && !isalnum((unsigned char)text[i]))
            return false;
    return length > 2;
}

/* glibc's dynamic linker calls functions of libc that it looks up by name: those whose name is one
 * of its string constants. */
static void root_lookups(struct analysis *a, struct object *o)
{
    const struct elf_object *elf = o->elf;
    vec_each (segment, &elf->segments) {
        const char *bytes = segment->flags & PF_W
                                ? NULL
                                : (const char *)elf_bytes(elf, segment->vaddr, segment->filesz);
        for (uint64_t at = 0; bytes && at < segment->filesz;) {
            size_t length = strnlen(bytes + at, segment->filesz - at);
            uint64_t place = segment->vaddr + at;
            bool in_table = place >= elf->strtab && place - elf->strtab < elf->strtab_size;
            in_table = in_table || (elf->sections.count && memory_is_code(o, place));
            if (!in_table && at + length < segment->filesz && is_name(bytes + at, length)) {
                struct linkmap_binding b = linkmap_find(a->map, LINKMAP_NONE, bytes + at, NULL);
                struct object *to = b.object ? a->engine.objects.items[b.object->index] : NULL;
                if (to && to != o && to != a->engine.objects.items[0] &&
                    memory_is_code(to, b.address))
                    root_function(a, a->lookups, to, b.address);
            }
            at += length + 1;
        }
    }
}

void reach_add_roots(struct analysis *a)
{
    struct engine *e = &a->engine;
    a->loader = engine_root(e, "the dynamic linker's start");
    a->lookups = engine_root(e, "functions the dynamic linker looks up");
    a->start = engine_root(e, "the program's start");
    a->constructors = engine_root(e, "constructors");
    a->destructors = engine_root(e, "destructors");
    root_function(a, a->start, e->objects.items[0], e->objects.items[0]->elf->entry);
    for (size_t i = 0; i < a->map->initial; i++) {
        struct object *o = e->objects.items[i];
        root_object(a, o, a->constructors, a->destructors);
        if (i == a->map->interpreter) {
            root_function(a, a->loader, o, o->elf->entry);
            if (a->map->musl)
                root_musl_stages(a, o);
            else
                root_lookups(a, o);
        }
    }
}

/* ---- code that is looked up or loaded by name ---- */

static bool context_of(const struct function *f)
{
    return f && f->contexts.count && f->contexts.items[0];
}

/* By place: in which order code was met does not tell. */
static int by_hook(const void *x, const void *y)
{
    const struct plugin_fact *a = x, *b = y;
    if (a->object != b->object)
        return a->object < b->object ? -1 : 1;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return strcmp(a->name ? a->name : "", b->name ? b->name : "");
}

static void gather_facts(struct analysis *a, plugin_facts *facts)
{
    struct engine *e = &a->engine;
    for (size_t i = 0; i < e->objects.count; i++) {
        struct object *o = e->objects.items[i];
        for (size_t n = 1; n < o->elf->symbols.count; n++) {
            const struct elf_symbol *s = &o->elf->symbols.items[n];
            if (!s->section || !s->value || !plugins_ask_about(s->name) ||
                !context_of(address_map_get(&o->functions_by_address, s->value)))
                continue;
            struct plugin_fact *fact = vec_add(a->arena, facts);
            *fact = (struct plugin_fact){FACT_REACHED, i, s->value, s->name};
        }
    }
    size_t reached = facts->count;
    vec_each (hook, &e->hooks) {
        if (hook->hook != HOOK_DLOPEN)
            continue;
        struct plugin_fact *fact = vec_add(a->arena, facts);
        *fact = (struct plugin_fact){FACT_DLOPEN, hook->caller->function->object->elf->index,
                                     hook->at, hook->name};
    }
    if (facts->count > reached)
        qsort(&facts->items[reached], facts->count - reached, sizeof *facts->items, by_hook);
}

static void edge_to_symbol(struct analysis *a, struct hook_fact *hook, size_t group)
{
    struct linkmap_binding b = linkmap_find(a->map, group, hook->name, NULL);
    if (!b.object || b.object->index >= a->engine.objects.count)
        return;
    struct object *o = a->engine.objects.items[b.object->index];
    if (memory_is_code(o, b.address))
        engine_edge(&a->engine, &hook->caller->node, hook->at,
                    &engine_generic(&a->engine, engine_function(&a->engine, o, b.address))->node,
                    EDGE_SYMBOL);
}

/* dlsym() of a known name may find it in the global scope; what it finds in a plug-in is that
 * plug-in's export, reached as such. */
static void bind_looked_up(struct analysis *a)
{
    for (; a->hooks_done < a->engine.hooks.count; a->hooks_done++) {
        struct hook_fact *hook = &a->engine.hooks.items[a->hooks_done];
        if (hook->hook == HOOK_DLSYM && hook->name)
            edge_to_symbol(a, hook, LINKMAP_NONE);
        else if (!hook->name && hook->hook <= HOOK_DLSYM)
            engine_note(&a->engine, hook->caller, hook->at,
                        hook->hook == HOOK_DLSYM ? "dlsym() of a name that is not known"
                                                 : "dlopen() of a name that is not known");
    }
}

void reach_fixed_point(struct analysis *a)
{
    do {
        bind_looked_up(a);
        engine_run(&a->engine);
    } while (a->hooks_done < a->engine.hooks.count);
}

static void root_exports(struct analysis *a, struct root *root, struct object *o)
{
    for (size_t n = 1; n < o->elf->symbols.count; n++) {
        const struct elf_symbol *s = &o->elf->symbols.items[n];
        if (s->section == SHN_UNDEF || s->section == SHN_ABS || !s->value)
            continue;
        if (s->type == STT_FUNC || s->type == STT_GNU_IFUNC || s->type == STT_NOTYPE)
            root_function(a, root, o, s->value);
        else if (s->type == STT_OBJECT)
            memory_touch(&a->engine, &root->node, s->value, o->base + s->value, EDGE_DATA);
    }
}

/* A plug-in's constructors run and its exports may be looked up; libraries it needs run their
 * constructors, and are otherwise reached through it. */
static void root_plugin(struct analysis *a, const struct plugin_candidate *candidate,
                        const struct walk *w)
{
    struct root *root = engine_root(&a->engine, candidate->path);
    vec_push(a->arena, &a->plugin_roots, root);
    vec_each (group, &candidate->groups) {
        const struct linkmap_group *g = &a->map->groups.items[*group];
        vec_each (member, &g->members) {
            struct object *o = a->engine.objects.items[*member];
            if (*member < a->map->initial)
                continue;
            struct context *taken = whole_object(&a->engine, w, o);
            if (taken) {
                engine_edge(&a->engine, &root->node, taken->function->address, &taken->node,
                            EDGE_ROOT);
                continue;
            }
            root_object(a, o, root, root);
            if (*member == g->root)
                root_exports(a, root, o);
        }
    }
}

enum status reach_run_plugins(struct analysis *a)
{
    for (;;) {
        plugin_facts facts = {0};
        gather_facts(a, &facts);
        size_t before = a->candidates.count;
        enum status status =
            plugins_find(a->diag, a->map, &a->options->plugins, &facts, &a->candidates);
        if (status || a->candidates.count == before)
            return status;
        struct walk w;
        walk_init(&w, &a->engine);
        struct root *own[] = {a->start, a->constructors, a->destructors, a->loader, a->lookups};
        for (size_t i = 0; i < sizeof own / sizeof *own; i++)
            walk_from(&w, &own[i]->node);
        walk_run(&w);
        engine_add_objects(&a->engine);
        for (size_t i = before; i < a->candidates.count; i++)
            root_plugin(a, &a->candidates.items[i], &w);
        reach_fixed_point(a);
    }
}

/* Code whose address the dynamic linker keeps in memory may run any time later; what it hands to
 * the program runs at exit. */
void reach_keep_by_loader(struct analysis *a, const struct walk *loader, struct root *run,
                          struct root *last)
{
    struct engine *e = &a->engine;
    for (size_t i = 0; i < loader->order.count; i++) {
        struct node *n = loader->order.items[i];
        vec_each (edge, &n->edges)
            if (edge->kind == EDGE_STORED && edge_to(e, edge)->kind == NODE_CONTEXT)
                engine_edge(e, &run->node, edge->at, edge_to(e, edge), EDGE_ROOT);
    }
    if (e->rtld_exit)
        engine_edge(e, &last->node, 0, &e->rtld_exit->node, EDGE_ROOT);
}
