/* SPDX-License-Identifier: BSD-3-Clause
 * The result read off the graph: calls with phases, circumstances and evidence, plug-ins, what
 * stays unresolved. */
#include "analyzer/absence.h"
#include "analyzer/arguments.h"
#include "analyzer/cache.h"
#include "analyzer/phases.h"
#include "analyzer/reach_private.h"
#include "analyzer/summary.h"
#include "analyzer/unknown.h"
#include "analyzer/vdso.h"
#include "common/selectors.h"
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool inside_loader(void *context, const struct node *from, const struct edge *edge)
{
    const struct analysis *a = context;
    (void)from;
    const struct object *o = a->engine.objects.items[a->map->interpreter];
    if (edge_to(&a->engine, edge)->kind == NODE_CONTEXT)
        return ((const struct context *)edge_to(&a->engine, edge))->function->object == o;
    return edge_to(&a->engine, edge)->kind == NODE_SPAN &&
           ((const struct span *)edge_to(&a->engine, edge))->object == o;
}

static void report(struct analysis *a, struct found found[SYSCALL_LIMIT], profile_syscalls *out)
{
    for (int64_t number = 0; number < SYSCALL_LIMIT; number++) {
        struct found *f = &found[number];
        if (!f->phases)
            continue;
        struct profile_syscall *s = vec_add(a->arena, out);
        s->name = reach_call_name(a, number);
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
    struct address_map told = {0};
    vec_each (note, &a->engine.notes) {
        const struct note *n = *note;
        if (!all->reached[n->context->node.id] || n->context->function->data)
            continue;
        uint64_t place = n->object->base + n->address; /* one context in which it was met will do */
        if (address_map_get(&told, place))
            continue;
        address_map_put(a->arena, &told, place, *note);
        struct profile_unresolved *u = vec_add(a->arena, &a->out->unresolved);
        *u = (struct profile_unresolved){n->object->elf->name, n->address, n->reason};
    }
    vec_each (candidate, &a->candidates)
        if (candidate->left_out)
            vec_push(a->arena, &a->out->unresolved,
                     ((struct profile_unresolved){candidate->path, 0, candidate->left_out}));
    vec_sort(&a->out->unresolved, by_place);
}

static void explain(struct analysis *a, const struct found found[SYSCALL_LIMIT])
{
    int number = reach_call_number(a, a->options->why);
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
    int number = reach_call_number(a, call);
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
    return syscall_number(reach_call_name(a, number));
}

static size_t numbers_of(void *context, struct context *c, const struct call_site *site,
                         int64_t numbers[FOREIGN_LIMIT])
{
    unsigned count = reach_site_numbers(context, c, site, numbers);
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
        struct arena *scratch = arena_new();
        struct walk *w = ARENA_NEW(scratch, struct walk);
        struct found *found = arena_array(scratch, SYSCALL_LIMIT, sizeof *found);
        walk_init_in(w, &a->engine, scratch);
        walk_from(w, &a->plugin_roots.items[i]->node);
        walk_run(w);
        reach_collect(a, w, PHASE_INIT | PHASE_RUN, WHEN_NORMAL, found);
        reach_add_signal_return(a, found);
        reach_tell_circumstances(a, w, found);
        reach_collect_unknown(a, w, PHASE_INIT | PHASE_RUN, guards_library(&a->engine), found);
        for (size_t n = 0; n < SYSCALL_LIMIT; n++)
            if ((found[n].when == WHEN_UNKNOWN && base[n].phases) ||
                ((base[n].phases & ~(unsigned)PHASE_LOADER) && (base[n].when & WHEN_NORMAL)))
                found[n].phases = 0;
        struct profile_plugin *p = vec_add(a->arena, &a->out->plugins);
        p->path = a->candidates.items[i].path;
        p->reason = a->candidates.items[i].reason;
        report(a, found, &p->syscalls);
        read_plugin_arguments(a, reader, w, p);
        arena_free(scratch);
    }
}

static int by_name(const void *x, const void *y)
{
    const struct hook_fact *a = *(const struct hook_fact *const *)x,
                           *b = *(const struct hook_fact *const *)y;
    return strcmp(a->name, b->name);
}

/* Whether a call is reached before another, or else comes before it. */
static bool is_nearer(const size_t *rank, const struct hook_fact *x, const struct hook_fact *y)
{
    size_t a = rank[x->caller->node.id], b = rank[y->caller->node.id];
    return a != b ? a < b : x->at < y->at;
}

/* Programs it may execute, where the path is known; each once, by the call that is reached first.
 */
static void report_execs(struct analysis *a, const struct walk *w)
{
    VEC(const struct hook_fact *) facts = {0};
    size_t *rank = arena_array(a->arena, a->engine.nodes.count + 1, sizeof *rank);
    for (size_t i = 0; i < w->order.count; i++)
        rank[w->order.items[i]->id] = i;
    vec_each (hook, &a->engine.hooks) {
        if ((hook->hook == HOOK_EXEC || hook->hook == HOOK_SPAWN) && hook->name && *hook->name &&
            w->reached[hook->caller->node.id])
            vec_push(a->arena, &facts, hook);
    }
    vec_sort(&facts, by_name);
    for (size_t i = 0, next; i < facts.count; i = next) {
        const struct hook_fact *first = facts.items[i];
        for (next = i; next < facts.count && !strcmp(facts.items[next]->name, first->name); next++)
            if (is_nearer(rank, facts.items[next], first))
                first = facts.items[next];
        struct profile_syscall path = {0};
        graph_evidence(w, &first->caller->node, first->at, &path);
        struct profile_exec *exec = vec_add(a->arena, &a->out->execs);
        exec->path = arena_strdup(a->arena, first->name);
        memcpy(&exec->evidence, &path.evidence, sizeof exec->evidence);
    }
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
    reach_keep_by_loader(a, w, kept, exits);
    return w;
}

/* Most code has been read: its pages are not needed while other things take their place. */
static void spare_pages(const struct engine *e)
{
    vec_each (object, &e->objects)
        elf_object_spare((*object)->elf);
}

static void read_result(struct analysis *a)
{
    struct engine *e = &a->engine;
    vdso_look(e);
    spare_pages(e);
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
    reach_collect(a, started, running ? PHASE_INIT : PHASE_INIT | PHASE_RUN, WHEN_NORMAL, found);
    if (running)
        reach_collect(a, running, PHASE_RUN, WHEN_NORMAL, found);
    reach_collect(a, last, PHASE_EXIT, WHEN_NORMAL, found);
    struct node *own[] = {&a->start->node, &a->constructors->node, &a->destructors->node};
    reach_add_signal_return(a, found);
    reach_tell_circumstances(a, walk_of(a, own, 3), found);
    const bool *inside = guards_library(e);
    reach_collect_vdso(a, started, PHASE_INIT | PHASE_RUN, inside, found);
    reach_collect_unknown(a, started, running ? PHASE_INIT : PHASE_INIT | PHASE_RUN, inside, found);
    if (running)
        reach_collect_unknown(a, running, PHASE_RUN, inside, found);
    reach_collect_unknown(a, last, PHASE_EXIT, inside, found);
    reach_add_restart(a, found);
    reach_collect(a, loader, PHASE_LOADER, WHEN_NORMAL, found);
    reach_collect(a, walk_of(a, looked_up, 1), PHASE_LOADER, WHEN_NORMAL, found);
    reach_collect_unknown(a, loader, PHASE_LOADER, inside, found);
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
    /* Numbers of libraries may be addresses of a program that is not relocated. */
    bool kept = !options->no_cache && !options->bound && map->objects.items[0].elf->type != ET_EXEC;
    engine_init(&a.engine, d, arena, map, kept ? cache_folder(arena) : NULL);
    if (options->bound)
        a.engine.limits.instructions = options->bound;
    reach_add_roots(&a);
    reach_fixed_point(&a);
    spare_pages(&a.engine);
    enum status status = reach_run_plugins(&a);
    if (status)
        return status;
    if (a.engine.summaries)
        summaries_write(&a.engine);
    dump(&a);
    read_result(&a);
    diag_debug(d, 1,
               "%zu instructions decoded, %zu executed, %zu nodes, %zu of them from summaries, %zu "
               "values",
               a.engine.decoded, a.engine.executed, a.engine.nodes.count, a.engine.replayed,
               a.engine.values.items.count);
    if (file)
        cache_write(d, arena, file, map, out);
    return STATUS_OK;
}
