/* SPDX-License-Identifier: BSD-3-Clause
 * Roots, the fixed point with and without plug-ins, and the result read off the graph. */
#include "analyzer/reach.h"
#include "analyzer/absence.h"
#include "analyzer/arguments.h"
#include "analyzer/cache.h"
#include "analyzer/foreign.h"
#include "analyzer/graph.h"
#include "analyzer/guards.h"
#include "analyzer/phases.h"
#include "analyzer/plugins.h"
#include "analyzer/unknown.h"
#include "analyzer/vdso.h"
#include "common/selectors.h"
#include "common/syscalls.h"
#include <ctype.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { X32_BIT = 0x40000000 };

struct analysis {
    struct diag *diag;
    struct arena *arena;
    struct linkmap *map;
    const struct analyzer_options *options;
    struct profile_static *out;
    struct engine engine;
    struct root *loader, *lookups, *start, *constructors, *destructors;
    size_t hooks_done;
    plugin_candidates candidates;
    VEC(struct root *) plugin_roots; /* one per candidate */
};

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

static void add_roots(struct analysis *a)
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
    vec_each (hook, &e->hooks) {
        if (hook->hook != HOOK_DLOPEN)
            continue;
        struct plugin_fact *fact = vec_add(a->arena, facts);
        *fact = (struct plugin_fact){FACT_DLOPEN, hook->caller->function->object->elf->index,
                                     hook->at, hook->name};
    }
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

static void run_all(struct analysis *a)
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
static void root_plugin(struct analysis *a, const struct plugin_candidate *candidate)
{
    struct root *root = engine_root(&a->engine, candidate->path);
    vec_push(a->arena, &a->plugin_roots, root);
    vec_each (group, &candidate->groups) {
        const struct linkmap_group *g = &a->map->groups.items[*group];
        vec_each (member, &g->members) {
            struct object *o = a->engine.objects.items[*member];
            if (*member < a->map->initial)
                continue;
            root_object(a, o, root, root);
            if (*member == g->root)
                root_exports(a, root, o);
        }
    }
}

static enum status run_plugins(struct analysis *a)
{
    for (;;) {
        plugin_facts facts = {0};
        gather_facts(a, &facts);
        size_t before = a->candidates.count;
        enum status status =
            plugins_find(a->diag, a->map, &a->options->plugins, &facts, &a->candidates);
        if (status || a->candidates.count == before)
            return status;
        engine_add_objects(&a->engine);
        for (size_t i = before; i < a->candidates.count; i++)
            root_plugin(a, &a->candidates.items[i]);
        run_all(a);
    }
}

/* ---- reading the result ---- */

static bool inside_loader(void *context, const struct node *from, const struct edge *edge)
{
    const struct analysis *a = context;
    (void)from;
    const struct object *o = a->engine.objects.items[a->map->interpreter];
    if (edge->to->kind == NODE_CONTEXT)
        return ((const struct context *)edge->to)->function->object == o;
    return edge->to->kind == NODE_SPAN && ((const struct span *)edge->to)->object == o;
}

/* Code whose address the dynamic linker keeps in memory may run any time later; what it hands to
 * the program runs at exit. */
static void root_kept_by_loader(struct analysis *a, const struct walk *loader, struct root *run,
                                struct root *last)
{
    struct engine *e = &a->engine;
    for (size_t i = 0; i < loader->order.count; i++) {
        struct node *n = loader->order.items[i];
        vec_each (edge, &n->edges)
            if (edge->kind == EDGE_STORED && edge->to->kind == NODE_CONTEXT)
                engine_edge(e, &run->node, edge->at, edge->to, EDGE_ROOT);
    }
    if (e->rtld_exit)
        engine_edge(e, &last->node, 0, &e->rtld_exit->node, EDGE_ROOT);
}

struct found {
    unsigned phases, when;
    const struct walk *walk; /* of the evidence */
    const struct node *node;
    uint64_t at;
};

static const char *call_name(const struct analysis *a, int64_t number)
{
    return syscall_name_in((enum syscall_table)a->engine.arch->calls, number);
}

/* -1: the architecture has no such call. */
static int call_number(const struct analysis *a, const char *name)
{
    return syscall_number_in((enum syscall_table)a->engine.arch->calls, name);
}

/* The numbers, in the table of the architecture, of what a site asks for; how many. */
static unsigned site_numbers(struct analysis *a, struct context *c, const struct call_site *site,
                             int64_t numbers[FOREIGN_LIMIT])
{
    const char *note = "no system call has this number";
    unsigned count = 1;
    numbers[0] = site->number;
    if (site->number < 0)
        return 0;
    if (site->op != OP_SYSCALL) {
        count = foreign_i386(a->arena, site->number, numbers, &note);
    } else if (site->number >= X32_BIT && a->engine.arch->calls == SYSCALLS_X86_64) {
        numbers[0] = foreign_x32(a->arena, site->number - X32_BIT, &note);
        count = numbers[0] >= 0;
    } else if (site->number < SYSCALL_LIMIT) {
        return 1;
    } else {
        count = 0;
    }
    engine_note(&a->engine, c, site->at, note);
    return count;
}

static void collect(struct analysis *a, const struct walk *w, unsigned phases, unsigned when,
                    struct found found[SYSCALL_LIMIT])
{
    for (size_t i = 0; i < w->order.count; i++) {
        struct node *n = w->order.items[i];
        if (n->kind != NODE_CONTEXT)
            continue;
        struct context *c = (struct context *)n;
        vec_each (site, &c->sites) {
            int64_t numbers[FOREIGN_LIMIT];
            unsigned count = site_numbers(a, c, site, numbers);
            for (unsigned k = 0; k < count; k++) {
                struct found *f = &found[numbers[k]];
                if (!f->phases)
                    *f = (struct found){0, 0, w, n, site->at};
                /* The circumstances are those of what follows the loader, if anything does. */
                if (phases != PHASE_LOADER || !f->phases)
                    f->when |= when;
                f->phases |= phases;
            }
        }
    }
}

/* Adds what code of the vDSO calls where a program finds it by itself. */
static void collect_vdso(struct analysis *a, const struct walk *w, unsigned phases,
                         const bool *inside, struct found found[SYSCALL_LIMIT])
{
    for (unsigned i = 0; vdso_call(i); i++) {
        const struct node *n = vdso_user(w, vdso_call(i), inside);
        int number = n ? call_number(a, vdso_call(i)) : -1;
        if (number < 0)
            continue;
        struct found *f = &found[number];
        if (!f->phases)
            *f = (struct found){0, 0, w, n, ((const struct span *)n)->start};
        f->phases |= phases;
        /* Some clocks are always left to the kernel. */
        f->when |= i == 0 ? WHEN_NORMAL : WHEN_FALLBACK;
    }
}

/* Adds what sites may call whose number is not known: any call, where there is no other reason for
 * it, or the few that it can be. */
static void collect_unknown(struct analysis *a, const struct walk *w, unsigned phases,
                            const bool *inside, struct found found[SYSCALL_LIMIT])
{
    for (size_t i = 0; i < w->order.count; i++) {
        struct context *c = (struct context *)w->order.items[i];
        if (c->node.kind != NODE_CONTEXT)
            continue;
        vec_each (site, &c->sites) {
            bool numbers[PASSED_NUMBERS];
            if (site->number >= 0)
                continue;
            enum unknown_kind kind = unknown_origin(w, c, inside, numbers);
            unsigned when = kind == UNKNOWN_ANY ? WHEN_UNKNOWN : WHEN_NORMAL;
            engine_note(&a->engine, c, site->at, unknown_reason(kind));
            for (int64_t n = 0; n < SYSCALL_LIMIT; n++) {
                struct found *f = &found[n];
                bool alone = !f->phases || f->when == WHEN_UNKNOWN;
                if (!syscall_exists_in((enum syscall_table)a->engine.arch->calls, n) ||
                    (kind == UNKNOWN_ANY ? !alone : !numbers[n]))
                    continue;
                if (!f->phases)
                    *f = (struct found){0, 0, w, &c->node, site->at};
                f->when = when == WHEN_NORMAL ? WHEN_NORMAL : f->when | when;
                f->phases |= phases;
            }
        }
    }
}

/* The kernel itself makes restart_syscall when a stopped process goes on in one of these. */
static void add_restart(const struct analysis *a, struct found found[SYSCALL_LIMIT])
{
    static const char *const restarted[] = {"nanosleep", "clock_nanosleep", "poll", "futex"};
    struct found *restart = &found[call_number(a, "restart_syscall")];
    for (size_t i = 0; i < sizeof restarted / sizeof *restarted; i++) {
        int number = call_number(a, restarted[i]);
        if (number < 0 || !found[number].phases || found[number].when == WHEN_UNKNOWN)
            continue;
        const struct found *f = &found[number];
        unsigned phases = restart->phases | f->phases, when = restart->phases ? restart->when : 0;
        *restart = *f;
        restart->phases = phases;
        restart->when = when | (f->when == WHEN_UNKNOWN ? WHEN_UNKNOWN : WHEN_ENVIRONMENT);
    }
}

/* Where programs hand the kernel no code of theirs to return from a signal handler through, it
 * uses the vDSO's: who installs handlers makes the call. */
static void add_signal_return(const struct analysis *a, struct found found[SYSCALL_LIMIT])
{
    struct found *returns = &found[call_number(a, "rt_sigreturn")];
    const struct found *handles = &found[call_number(a, "rt_sigaction")];
    if (a->engine.arch->vdso_returns && !returns->phases)
        *returns = *handles;
}

/* Calls that only circumstances lead to. The loader's own stay as they are. */
static void tell_circumstances(const struct analysis *a, const struct guards *g,
                               struct found found[SYSCALL_LIMIT])
{
    for (int64_t n = 0; n < SYSCALL_LIMIT; n++)
        if ((found[n].phases & ~(unsigned)PHASE_LOADER) && found[n].when == WHEN_NORMAL)
            found[n].when = guards_when(g, call_name(a, n));
}

static void report(struct analysis *a, struct found found[SYSCALL_LIMIT], profile_syscalls *out)
{
    for (int64_t number = 0; number < SYSCALL_LIMIT; number++) {
        struct found *f = &found[number];
        if (!f->phases)
            continue;
        struct profile_syscall *s = vec_add(a->arena, out);
        s->name = call_name(a, number);
        s->number = number;
        s->phases = f->phases;
        s->when = f->when;
        s->class_ = -1;
        graph_evidence(f->walk, f->node, f->at, s);
    }
    profile_syscalls_sort(out);
}

static int by_place(const void *x, const void *y)
{
    const struct profile_unresolved *a = x, *b = y;
    int order = strcmp(a->library, b->library);
    return order ? order : a->address < b->address ? -1 : a->address > b->address;
}

static void report_unresolved(struct analysis *a, const struct walk *all)
{
    vec_each (note, &a->engine.notes) {
        const struct note *n = *note;
        if (!all->reached[n->context->node.id] || n->context->function->data)
            continue;
        struct profile_unresolved *u = vec_add(a->arena, &a->out->unresolved);
        *u = (struct profile_unresolved){n->object->elf->name, n->address, n->reason};
    }
    vec_each (candidate, &a->candidates)
        if (candidate->left_out)
            vec_push(a->arena, &a->out->unresolved,
                     ((struct profile_unresolved){candidate->path, 0, candidate->left_out}));
    vec_sort(&a->out->unresolved, by_place);
}

static int by_path(const void *x, const void *y)
{
    return strcmp(((const struct profile_exec *)x)->path, ((const struct profile_exec *)y)->path);
}

static void explain(struct analysis *a, const struct found found[SYSCALL_LIMIT])
{
    int number = call_number(a, a->options->why);
    if (number < 0 || number >= SYSCALL_LIMIT || !found[number].phases) {
        fprintf(stderr, "%s: no path to it was found\n", a->options->why);
        return;
    }
    fprintf(stderr, "%s:\n", a->options->why);
    graph_print(found[number].walk, found[number].node, found[number].at);
}

static void explain_absence(struct analysis *a, const struct walk *all,
                            const struct found found[SYSCALL_LIMIT])
{
    const char *call = a->options->why_not;
    int number = call_number(a, call);
    const struct found *f = number >= 0 && number < SYSCALL_LIMIT ? &found[number] : NULL;
    if (f && f->phases && f->when != WHEN_UNKNOWN) {
        fprintf(stderr, "%s: is in the set%s; --why %s tells by which path\n", call,
                f->phases == PHASE_LOADER  ? ", for the dynamic linker's own code only"
                : !(f->when & WHEN_NORMAL) ? ", under circumstances only (.when)"
                                           : "",
                call);
        return;
    }
    vec_each (plugin, &a->out->plugins) {
        if (!profile_syscalls_find(&plugin->syscalls, number))
            continue;
        fprintf(stderr, "%s: not made by the link map, but with the plug-in %s (%s)\n", call,
                plugin->path, plugin->reason);
        return;
    }
    absence_print(&a->engine, all, call, number);
}

/* Selectors are listed by x86-64's numbers; -1: it has no such call. */
static int64_t selecting_number(const struct analysis *a, int64_t number)
{
    if (a->engine.arch->calls == SYSCALLS_X86_64 || number < 0)
        return number;
    return syscall_number(call_name(a, number));
}

static size_t numbers_of(void *context, struct context *c, const struct call_site *site,
                         int64_t numbers[FOREIGN_LIMIT])
{
    unsigned count = site_numbers(context, c, site, numbers);
    for (unsigned i = 0; i < count; i++)
        numbers[i] = selecting_number(context, numbers[i]);
    return count;
}

/* Calls that sites may make whose number is not known. */
static const struct unsure_call *unsure_calls(struct analysis *a, const struct walk *w)
{
    struct unsure_call *unsure = arena_array(a->arena, SYSCALL_LIMIT, sizeof *unsure);
    vec_each (n, &w->order) {
        struct context *c = (struct context *)*n;
        if (c->node.kind != NODE_CONTEXT)
            continue;
        vec_each (site, &c->sites) {
            bool numbers[PASSED_NUMBERS];
            if (site->number >= 0)
                continue;
            bool any = unknown_origin(w, c, guards_library(&a->engine), numbers) == UNKNOWN_ANY;
            for (int64_t i = 0; i < SYSCALL_LIMIT; i++)
                if ((any || (i < PASSED_NUMBERS && numbers[i])) && selecting_number(a, i) >= 0)
                    unsure[selecting_number(a, i)] = (struct unsure_call){c, site->at};
        }
    }
    return unsure;
}

/* Selecting arguments that a plug-in passes beyond what the link map does. */
static void read_plugin_arguments(struct analysis *a, struct argument_reader *reader,
                                  const struct walk *w, struct profile_plugin *p)
{
    const struct profile_static *base = a->out;
    profile_selectors selectors = {0};
    profile_unbounded_list unbounded = {0};
    arguments_read(reader, w, numbers_of, a, unsure_calls(a, w), &selectors, &unbounded);
    vec_each (s, &selectors) {
        bool known = false;
        vec_each (b, &base->selectors)
            known = known || selector_order(b, s) == 0;
        if (!known)
            vec_push(a->arena, &p->selectors, *s);
    }
    vec_each (u, &unbounded) {
        bool known = false;
        vec_each (b, &base->unbounded)
            known = known ||
                    (strcmp(b->syscall, u->syscall) == 0 && strcmp(b->argument, u->argument) == 0);
        if (!known)
            vec_push(a->arena, &p->unbounded, *u);
    }
}

/* What each plug-in brings beyond what the link map can do by itself. */
static void report_plugins(struct analysis *a, struct argument_reader *reader,
                           const struct found base[SYSCALL_LIMIT])
{
    for (size_t i = 0; i < a->candidates.count; i++) {
        struct walk *w = ARENA_NEW(a->arena, struct walk);
        struct found *found = arena_array(a->arena, SYSCALL_LIMIT, sizeof *found);
        walk_init(w, &a->engine);
        walk_from(w, &a->plugin_roots.items[i]->node);
        walk_run(w);
        collect(a, w, PHASE_INIT | PHASE_RUN, WHEN_NORMAL, found);
        add_signal_return(a, found);
        tell_circumstances(a, guards_read(&a->engine, w), found);
        collect_unknown(a, w, PHASE_INIT | PHASE_RUN, guards_library(&a->engine), found);
        for (size_t n = 0; n < SYSCALL_LIMIT; n++)
            if ((found[n].when == WHEN_UNKNOWN && base[n].phases) ||
                ((base[n].phases & ~(unsigned)PHASE_LOADER) && (base[n].when & WHEN_NORMAL)))
                found[n].phases = 0;
        struct profile_plugin *p = vec_add(a->arena, &a->out->plugins);
        p->path = a->candidates.items[i].path;
        p->reason = a->candidates.items[i].reason;
        report(a, found, &p->syscalls);
        read_plugin_arguments(a, reader, w, p);
    }
}

/* Programs it may execute, where the path is known; each once. */
static void report_execs(struct analysis *a, const struct walk *w)
{
    vec_each (hook, &a->engine.hooks) {
        bool known = false;
        if ((hook->hook != HOOK_EXEC && hook->hook != HOOK_SPAWN) || !hook->name || !*hook->name ||
            !w->reached[hook->caller->node.id])
            continue;
        vec_each (exec, &a->out->execs)
            known = known || strcmp(exec->path, hook->name) == 0;
        if (known)
            continue;
        struct profile_syscall path = {0};
        graph_evidence(w, &hook->caller->node, hook->at, &path);
        struct profile_exec *exec = vec_add(a->arena, &a->out->execs);
        exec->path = arena_strdup(a->arena, hook->name);
        memcpy(&exec->evidence, &path.evidence, sizeof exec->evidence);
    }
    vec_sort(&a->out->execs, by_path);
}

static struct walk *walk_of(struct analysis *a, struct node *const *roots, size_t count)
{
    struct walk *w = ARENA_NEW(a->arena, struct walk);
    walk_init(w, &a->engine);
    for (size_t i = 0; i < count; i++)
        walk_from(w, roots[i]);
    walk_run(w);
    return w;
}

/* What runs once main() may have waited: all of main() when it never does. */
static struct walk *walk_running(struct analysis *a, const struct walk *started)
{
    struct engine *e = &a->engine;
    struct root *after = engine_root(e, "the program, once it waited for events");
    if (!phases_after_wait(e, started, after)) {
        if (!e->main_entry)
            return NULL;
        engine_edge(e, &after->node, 0, &e->main_entry->node, EDGE_ROOT);
        after->name = "main()";
    }
    struct node *roots[] = {&after->node};
    return walk_of(a, roots, 1);
}

static struct walk *walk_loader(struct analysis *a, struct root *kept, struct root *exits)
{
    struct walk *w = ARENA_NEW(a->arena, struct walk);
    walk_init(w, &a->engine);
    if (a->map->interpreter == LINKMAP_NONE)
        return w;
    w->follow = inside_loader;
    w->context = a;
    walk_from(w, &a->loader->node);
    walk_run(w);
    root_kept_by_loader(a, w, kept, exits);
    return w;
}

static void read_result(struct analysis *a)
{
    struct engine *e = &a->engine;
    struct root *kept = engine_root(e, "code kept by the dynamic linker");
    struct root *exits = engine_root(e, "exit");
    struct found *found = arena_array(a->arena, SYSCALL_LIMIT, sizeof *found);
    struct walk *loader = walk_loader(a, kept, exits);
    struct node *starts[] = {&a->start->node, &a->constructors->node, &kept->node};
    struct walk *started = walk_of(a, starts, 3);
    vec_each (handler, &e->at_exit)
        if (started->reached[(*handler)->node.id])
            engine_edge(e, &exits->node, 0, &(*handler)->node, EDGE_ROOT);
    struct node *lasts[] = {&a->destructors->node, &exits->node};
    struct walk *last = walk_of(a, lasts, 2);
    struct walk *running = walk_running(a, started);
    struct node *looked_up[] = {&a->lookups->node};
    collect(a, started, running ? PHASE_INIT : PHASE_INIT | PHASE_RUN, WHEN_NORMAL, found);
    if (running)
        collect(a, running, PHASE_RUN, WHEN_NORMAL, found);
    collect(a, last, PHASE_EXIT, WHEN_NORMAL, found);
    struct node *own[] = {&a->start->node, &a->constructors->node, &a->destructors->node};
    add_signal_return(a, found);
    tell_circumstances(a, guards_read(e, walk_of(a, own, 3)), found);
    const bool *inside = guards_library(e);
    collect_vdso(a, started, PHASE_INIT | PHASE_RUN, inside, found);
    collect_unknown(a, started, running ? PHASE_INIT : PHASE_INIT | PHASE_RUN, inside, found);
    if (running)
        collect_unknown(a, running, PHASE_RUN, inside, found);
    collect_unknown(a, last, PHASE_EXIT, inside, found);
    add_restart(a, found);
    collect(a, loader, PHASE_LOADER, WHEN_NORMAL, found);
    collect(a, walk_of(a, looked_up, 1), PHASE_LOADER, WHEN_NORMAL, found);
    collect_unknown(a, loader, PHASE_LOADER, inside, found);
    report(a, found, &a->out->syscalls);
    if (a->options->why)
        explain(a, found);
    report_execs(a, started);
    struct root *const roots[] = {a->loader,      a->lookups, a->start, a->constructors,
                                  a->destructors, kept,       exits};
    struct walk *all = ARENA_NEW(a->arena, struct walk);
    walk_init(all, e);
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        walk_from(all, &roots[i]->node);
    walk_run(all);
    struct argument_reader *arguments = argument_reader_new(e);
    arguments_read(arguments, all, numbers_of, a, unsure_calls(a, all), &a->out->selectors,
                   &a->out->unbounded);
    report_plugins(a, arguments, found);
    argument_reader_free(arguments);
    vec_each (root, &a->plugin_roots)
        walk_from(all, &(*root)->node);
    walk_run(all);
    report_unresolved(a, all);
    if (a->options->why_not)
        explain_absence(a, all, found);
}

/* With -v -v -v: every context and what it waits for. */
static void dump(struct analysis *a)
{
    if (a->diag->verbosity < 3)
        return;
    vec_each (node, &a->engine.nodes) {
        if ((*node)->kind != NODE_CONTEXT)
            continue;
        const struct context *c = (const struct context *)*node;
        diag_debug(a->diag, 3, "%s %s 0x%llx%s%s%s", c->function->object->elf->name,
                   graph_function_name(&a->engine, c->function->object, c->function->address),
                   (unsigned long long)c->function->address, c->key.count ? " constants" : "",
                   c->returns ? "" : " noreturn", c->final ? "" : " open");
    }
}

enum status syscalls_analyze(struct diag *d, struct arena *arena, struct linkmap *map,
                             const struct analyzer_options *options, struct profile_static *out)
{
    struct analysis a = {.diag = d, .arena = arena, .map = map, .options = options, .out = out};
    /* --why needs the graph, and what a user names is looked at afresh. */
    bool cached =
        !options->no_cache && !options->why && !options->why_not && !options->plugins.count;
    const char *file = cached ? cache_file(arena, map, options) : NULL;
    if (file && cache_read(arena, file, out))
        return STATUS_OK;
    engine_init(&a.engine, d, arena, map);
    if (options->bound)
        a.engine.limits.instructions = options->bound;
    add_roots(&a);
    run_all(&a);
    enum status status = run_plugins(&a);
    if (status)
        return status;
    dump(&a);
    read_result(&a);
    diag_debug(d, 1, "%zu instructions decoded, %zu executed, %zu nodes, %zu values",
               a.engine.decoded, a.engine.executed, a.engine.nodes.count,
               a.engine.values.items.count);
    if (file)
        cache_write(d, arena, file, map, out);
    return STATUS_OK;
}
