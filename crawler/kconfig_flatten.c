/* SPDX-License-Identifier: BSD-3-Clause */
#include "crawler/kconfig_flatten.h"
#include "common/name_table.h"
#include <string.h>

/* One definition of an option or choice, with what surrounds it. */
struct definition {
    const struct kmenu *menu;
    struct kexpr *depends, *visible_if;
};

struct entry {
    const char *name;
    bool choice;
    VEC(struct definition) definitions;
    struct entry *member_of;
    VEC(struct entry *) members;
    int type;
};

struct work {
    struct kflatten *f;
    struct arena *arena;
    struct name_table options, choices; /* name -> index into entries */
    VEC(struct entry *) entries;        /* in order of appearance */
    size_t unnamed;
};

/* Where the walk is. */
struct place {
    struct kexpr *depends, *visible_if;
    struct entry *choice; /* members are looked for */
    const char **submenu; /* the member that following entries may be a submenu of */
};

static void problem(struct work *w, const struct kmenu *m, const char *text)
{
    const char *file = w->f->place ? w->f->place(w->f->context, m->file) : m->file;
    vec_push(w->arena, w->f->problems, arena_printf(w->arena, "%s:%zu: %s", file, m->line, text));
}

/* ---- collecting definitions ---- */

static struct entry *find_or_add(struct work *w, struct name_table *table, const char *name,
                                 bool choice)
{
    bool added;
    size_t index = name_table_add(table, name, w->entries.count, &added);
    if (!added)
        return w->entries.items[index];
    struct entry *e = ARENA_NEW(w->arena, struct entry);
    e->name = name;
    e->choice = choice;
    e->type = -1;
    vec_push(w->arena, &w->entries, e);
    return e;
}

static void define(struct work *w, struct entry *e, const struct kmenu *m, struct kexpr *depends,
                   struct kexpr *visible_if)
{
    struct definition *d = vec_add(w->arena, &e->definitions);
    *d = (struct definition){m, depends, visible_if};
    if (m->type < 0)
        return;
    if (e->type >= 0 && e->type != m->type)
        problem(w, m,
                arena_printf(w->arena, "%s has another type than where it was defined before",
                             e->name));
    else
        e->type = m->type;
}

/* In a choice, an entry whose condition rests on the member before it is that member's submenu, not
 * a member. */
static bool is_submenu(struct work *w, const struct place *at, const struct kmenu *m)
{
    if (!at->submenu || !*at->submenu)
        return false;
    if (kexpr_depends_on(m->depends, *at->submenu))
        return true;
    for (size_t i = 0; i < m->prompts.count; i++)
        if (kexpr_depends_on(kexpr_and(w->arena, m->depends, m->prompts.items[i]), *at->submenu))
            return true;
    return false;
}

static void join_choice(struct work *w, struct entry *e, const struct place *at,
                        const struct kmenu *m)
{
    if (!at->choice || is_submenu(w, at, m))
        return;
    *at->submenu = e->name;
    if (e->member_of) {
        if (e->member_of != at->choice)
            problem(
                w, m,
                arena_printf(w->arena, "%s is a member of two choices, the first counts", e->name));
        return;
    }
    if (!m->prompts.count)
        problem(w, m,
                arena_printf(w->arena, "%s is a member of a choice but has no prompt", e->name));
    e->member_of = at->choice;
    vec_push(w->arena, &at->choice->members, e);
}

static void walk(struct work *w, const struct kmenu *parent, struct place at);

static void visit(struct work *w, const struct kmenu *m, struct place at)
{
    struct place inside = {.depends = kexpr_and(w->arena, at.depends, m->depends),
                           .visible_if = at.visible_if};
    const char *submenu = NULL;
    switch (m->kind) {
    case KMENU_CONFIG: {
        struct entry *e = find_or_add(w, &w->options, m->name, false);
        join_choice(w, e, &at, m);
        define(w, e, m, inside.depends, at.visible_if);
        return;
    }
    case KMENU_CHOICE:
        inside.choice = find_or_add(
            w, &w->choices, m->name ? m->name : arena_printf(w->arena, "choice_%zu", ++w->unnamed),
            true);
        inside.submenu = &submenu;
        define(w, inside.choice, m, inside.depends, at.visible_if);
        break;
    case KMENU_IF:
        if (at.choice && !is_submenu(w, &at, m)) {
            inside.choice = at.choice;
            inside.submenu = at.submenu;
        }
        break;
    default:
        inside.visible_if = kexpr_and(w->arena, at.visible_if, m->visible_if);
        break;
    }
    walk(w, m, inside);
}

static void walk(struct work *w, const struct kmenu *parent, struct place at)
{
    for (size_t i = 0; i < parent->children.count; i++)
        visit(w, parent->children.items[i], at);
}

/* ---- types of choices and members ---- */

static void infer_types(struct work *w)
{
    vec_each (at, &w->entries) {
        struct entry *e = *at;
        if (!e->choice)
            continue;
        for (size_t i = 0; i < e->members.count && e->type < 0; i++)
            e->type = e->members.items[i]->type;
        if (e->type < 0)
            e->type = OPTION_BOOL;
        for (size_t i = 0; i < e->members.count; i++)
            if (e->members.items[i]->type < 0)
                e->members.items[i]->type = e->type;
    }
}

/* ---- writing the catalogue ---- */

static const char *text(struct work *w, const struct kexpr *e)
{
    const char *printed = kexpr_print(w->arena, e);
    return printed && w->f->publish ? w->f->publish(w->f->context, printed) : printed;
}

/* A clause's own condition; with several definitions also what this one depends on. */
static const char *condition(struct work *w, const struct entry *e, const struct definition *d,
                             struct kexpr *own)
{
    return text(w, e->definitions.count > 1 ? kexpr_and(w->arena, d->depends, own) : own);
}

static void add_clauses(struct work *w, const struct entry *e, const struct definition *d,
                        const kmenu_clauses *from, catalogue_clauses *to)
{
    vec_each (c, from) {
        struct catalogue_clause *clause = vec_add(w->arena, to);
        clause->value = text(w, c->value);
        clause->condition = condition(w, e, d, c->condition);
    }
}

static struct kexpr *all_depends(struct work *w, const struct entry *e)
{
    struct kexpr *all = e->definitions.items[0].depends;
    for (size_t i = 1; i < e->definitions.count; i++)
        all = kexpr_or(w->arena, all, e->definitions.items[i].depends);
    return all;
}

/* Under which condition any prompt shows; NULL: there is none. */
static const char *all_visible(struct work *w, const struct entry *e)
{
    struct kexpr *any = kexpr_const(w->arena, "n");
    bool prompt = false;
    vec_each (d, &e->definitions)
        for (size_t i = 0; i < d->menu->prompts.count; i++) {
            prompt = true;
            struct kexpr *one = kexpr_and(w->arena, d->depends, d->visible_if);
            any = kexpr_or(w->arena, any, kexpr_and(w->arena, one, d->menu->prompts.items[i]));
        }
    if (!prompt)
        return NULL;
    return any ? text(w, any) : "y";
}

static void write_option(struct work *w, struct entry *e)
{
    struct arena *a = w->arena;
    const struct kmenu *first = e->definitions.items[0].menu;
    struct catalogue_option *o = vec_add(a, &w->f->out->options);
    o->name = e->name;
    o->type = e->type;
    o->visible = all_visible(w, e);
    o->depends = text(w, all_depends(w, e));
    o->choice = e->member_of ? e->member_of->name : NULL;
    vec_each (d, &e->definitions) {
        add_clauses(w, e, d, &d->menu->defaults, &o->defaults);
        add_clauses(w, e, d, &d->menu->selects, &o->selects);
        add_clauses(w, e, d, &d->menu->implies, &o->implies);
        vec_each (r, &d->menu->ranges) {
            struct catalogue_range *range = vec_add(a, &o->ranges);
            range->low = text(w, r->low);
            range->high = text(w, r->high);
            range->condition = condition(w, e, d, r->condition);
        }
    }
    struct kflatten_owner owner = w->f->owner(w->f->context, first->file);
    o->repository = owner.repository;
    o->library = owner.library;
    for (size_t i = 1; i < e->definitions.count; i++) {
        const struct kmenu *m = e->definitions.items[i].menu;
        struct kflatten_owner other = w->f->owner(w->f->context, m->file);
        bool same = owner.repository && other.repository
                        ? strcmp(owner.repository, other.repository) == 0
                        : owner.repository == other.repository;
        if (!same)
            problem(w, m,
                    arena_printf(a, "%s is also defined by %s", e->name,
                                 owner.repository ? owner.repository : "the core"));
    }
    if (e->type < 0)
        problem(w, first, arena_printf(a, "%s is defined without a type", e->name));
}

static void write_choice(struct work *w, struct entry *e)
{
    struct catalogue_choice *c = vec_add(w->arena, &w->f->out->choices);
    c->name = e->name;
    c->type = e->type;
    c->visible = all_visible(w, e);
    c->depends = text(w, all_depends(w, e));
    vec_each (d, &e->definitions) {
        add_clauses(w, e, d, &d->menu->defaults, &c->defaults);
        c->optional |= d->menu->optional;
    }
    vec_each (member, &e->members)
        vec_push(w->arena, &c->members, (*member)->name);
    if (!e->members.count)
        problem(w, e->definitions.items[0].menu, "a choice without members");
}

/* ---- names that nobody defines ---- */

struct use {
    struct work *work;
    struct name_table seen;
};

static void check_names(struct use *u, const struct kmenu *m, const struct kexpr *e)
{
    strings names = {0};
    kexpr_names(u->work->arena, e, &names);
    vec_each (name, &names) {
        bool added;
        if (name_table_find(&u->work->options, *name, NULL) || strcmp(*name, "MODULES") == 0)
            continue;
        name_table_add(&u->seen, *name, 0, &added);
        if (added)
            problem(u->work, m,
                    arena_printf(u->work->arena, "%s is used but nobody defines it", *name));
    }
}

static void check_clauses(struct use *u, const struct kmenu *m, const kmenu_clauses *clauses,
                          bool values)
{
    vec_each (c, clauses) {
        if (values)
            check_names(u, m, c->value);
        check_names(u, m, c->condition);
    }
}

static void check_menu(struct use *u, const struct kmenu *m)
{
    check_names(u, m, m->depends);
    check_names(u, m, m->visible_if);
    for (size_t i = 0; i < m->prompts.count; i++)
        check_names(u, m, m->prompts.items[i]);
    check_clauses(u, m, &m->defaults, true);
    check_clauses(u, m, &m->selects, true);
    check_clauses(u, m, &m->implies, true);
    for (size_t i = 0; i < m->children.count; i++)
        check_menu(u, m->children.items[i]);
}

void kflatten(struct kflatten *f, const struct kmenu *root)
{
    struct work w = {.f = f, .arena = f->arena};
    name_table_init(&w.options, f->arena);
    name_table_init(&w.choices, f->arena);
    walk(&w, root, (struct place){0});
    infer_types(&w);
    vec_each (e, &w.entries) {
        if ((*e)->choice)
            write_choice(&w, *e);
        else
            write_option(&w, *e);
    }
    struct use u = {.work = &w};
    name_table_init(&u.seen, f->arena);
    check_menu(&u, root);
}
