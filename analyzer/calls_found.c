/* SPDX-License-Identifier: BSD-3-Clause
 * System calls that reached code makes: by the numbers of its sites, by numbers that are not known,
 * by the kernel itself. */
#include "analyzer/reach_private.h"
#include "analyzer/unknown.h"
#include "analyzer/vdso.h"

enum { X32_BIT = 0x40000000 };

const char *reach_call_name(const struct analysis *a, int64_t number)
{
    return syscall_name_in((enum syscall_table)a->engine.arch->calls, number);
}

/* -1: the architecture has no such call. */
int reach_call_number(const struct analysis *a, const char *name)
{
    return syscall_number_in((enum syscall_table)a->engine.arch->calls, name);
}

/* The numbers, in the table of the architecture, of what a site asks for; how many. */
unsigned reach_site_numbers(struct analysis *a, struct context *c, const struct call_site *site,
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

void reach_collect(struct analysis *a, const struct walk *w, unsigned phases, unsigned when,
                   struct found found[SYSCALL_LIMIT])
{
    for (size_t i = 0; i < w->order.count; i++) {
        struct node *n = w->order.items[i];
        if (n->kind != NODE_CONTEXT)
            continue;
        struct context *c = (struct context *)n;
        vec_each (site, &c->sites) {
            int64_t numbers[FOREIGN_LIMIT];
            unsigned count = reach_site_numbers(a, c, site, numbers);
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
void reach_collect_vdso(struct analysis *a, const struct walk *w, unsigned phases,
                        const bool *inside, struct found found[SYSCALL_LIMIT])
{
    for (unsigned i = 0; vdso_call(i); i++) {
        const struct node *n = vdso_user(w, vdso_call(i), inside);
        int number = n ? reach_call_number(a, vdso_call(i)) : -1;
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
void reach_collect_unknown(struct analysis *a, const struct walk *w, unsigned phases,
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
                bool alone = !f->phases || !(f->when & WHEN_NORMAL);
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
void reach_add_restart(const struct analysis *a, struct found found[SYSCALL_LIMIT])
{
    static const char *const restarted[] = {"nanosleep", "clock_nanosleep", "poll", "futex"};
    struct found *restart = &found[reach_call_number(a, "restart_syscall")];
    for (size_t i = 0; i < sizeof restarted / sizeof *restarted; i++) {
        int number = reach_call_number(a, restarted[i]);
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
void reach_add_signal_return(const struct analysis *a, struct found found[SYSCALL_LIMIT])
{
    struct found *returns = &found[reach_call_number(a, "rt_sigreturn")];
    const struct found *handles = &found[reach_call_number(a, "rt_sigaction")];
    if (a->engine.arch->vdso_returns && !returns->phases)
        *returns = *handles;
}

static bool is_inside(const bool *inside, const struct node *n)
{
    const struct object *o = graph_object(n);
    return !o || inside[o->elf->index];
}

static void mark_sites(struct analysis *a, struct context *c, bool made[SYSCALL_LIMIT])
{
    vec_each (site, &c->sites) {
        int64_t numbers[FOREIGN_LIMIT];
        unsigned count = reach_site_numbers(a, c, site, numbers);
        for (unsigned i = 0; i < count; i++)
            made[numbers[i]] = true;
    }
}

/* Calls that code outside the C library makes by itself, or asks syscall() for by number: no
 * circumstance of the library leads to them. */
static void mark_made_outside(struct analysis *a, const struct walk *w, const bool *inside,
                              bool made[SYSCALL_LIMIT])
{
    vec_each (node, &w->order) {
        if (is_inside(inside, *node))
            continue;
        if ((*node)->kind == NODE_CONTEXT)
            mark_sites(a, (struct context *)*node, made);
        vec_each (edge, &(*node)->edges)
            if (edge_to(&a->engine, edge)->kind == NODE_CONTEXT && edge->kind <= EDGE_VALUE &&
                is_inside(inside, edge_to(&a->engine, edge)) &&
                ((struct context *)edge_to(&a->engine, edge))->function->numbers)
                mark_sites(a, (struct context *)edge_to(&a->engine, edge), made);
    }
}

/* Calls that only circumstances lead to. The loader's own stay as they are. */
void reach_tell_circumstances(struct analysis *a, const struct walk *w,
                              struct found found[SYSCALL_LIMIT])
{
    const struct guards *g = guards_read(&a->engine, w, a->candidates.count > 0);
    bool *made = arena_array(a->arena, SYSCALL_LIMIT, sizeof *made);
    if (g)
        mark_made_outside(a, w, guards_library(&a->engine), made);
    for (int64_t n = 0; n < SYSCALL_LIMIT; n++)
        if ((found[n].phases & ~(unsigned)PHASE_LOADER) && found[n].when == WHEN_NORMAL && !made[n])
            found[n].when = guards_when(g, reach_call_name(a, n));
}
