/* SPDX-License-Identifier: BSD-3-Clause */
#include "crawler/difference.h"
#include "common/name_table.h"
#include <stdlib.h>
#include <string.h>

#define S struct difference_entry
static const struct jm_field entry_fields[] = {
    JM_FIELD(S, "what", what, JM_STRING),
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "change", change, JM_STRING),
    JM_FIELD(S, "details", details, JM_STRINGS, .flags = JM_OPTIONAL),
};
static const struct jm_type entry_type = JM_TYPE(S, "entry", NULL, entry_fields);
#undef S

#define S struct catalogue_difference
static const struct jm_field difference_fields[] = {
    JM_FIELD(S, "schema", schema, JM_STRING),
    JM_FIELD(S, "from", from, JM_STRING),
    JM_FIELD(S, "to", to, JM_STRING),
    JM_FIELD(S, "entries", entries, JM_ARRAY, .type = &entry_type),
};
const struct jm_type catalogue_difference_type =
    JM_TYPE(S, "difference", "What changed between two catalogues", difference_fields);
#undef S

/* One thing of a catalogue as lines of facts: things are compared by these. */
struct thing {
    const char *what, *name;
    strings facts;
};
typedef VEC(struct thing) things;

static void fact(struct arena *a, struct thing *t, const char *label, const char *value)
{
    if (value)
        vec_push(a, &t->facts, arena_printf(a, "%s: %s", label, value));
}

static void clause_facts(struct arena *a, struct thing *t, const char *label,
                         const catalogue_clauses *clauses)
{
    vec_each (c, clauses)
        fact(a, t, label,
             c->condition ? arena_printf(a, "%s if %s", c->value, c->condition) : c->value);
}

static struct thing *add(struct arena *a, things *list, const char *what, const char *name)
{
    struct thing *t = vec_add(a, list);
    t->what = what;
    t->name = name;
    return t;
}

static void options(struct arena *a, const struct catalogue *c, things *list)
{
    static const char *const types[] = {"bool", "tristate", "string", "int", "hex"};
    vec_each (o, &c->options) {
        struct thing *t = add(a, list, "option", o->name);
        fact(a, t, "type", o->type < 0 ? "none" : types[o->type]);
        fact(a, t, "prompt", o->visible ? o->visible : "none");
        fact(a, t, "depends", o->depends);
        clause_facts(a, t, "default", &o->defaults);
        clause_facts(a, t, "select", &o->selects);
        clause_facts(a, t, "imply", &o->implies);
        vec_each (r, &o->ranges)
            fact(a, t, "range",
                 arena_printf(a, "%s to %s%s%s", r->low, r->high, r->condition ? " if " : "",
                              r->condition ? r->condition : ""));
        fact(a, t, "repository", o->repository);
    }
    /* Unnamed choices are numbered by appearance: the first member tells them apart better. */
    vec_each (choice, &c->choices) {
        const char *name = strncmp(choice->name, "choice_", 7) == 0 && choice->members.count
                               ? arena_printf(a, "of %s", choice->members.items[0])
                               : choice->name;
        struct thing *t = add(a, list, "choice", name);
        fact(a, t, "prompt", choice->visible ? choice->visible : "none");
        clause_facts(a, t, "default", &choice->defaults);
        vec_each (member, &choice->members)
            fact(a, t, "member", *member);
    }
}

static void libraries(struct arena *a, const struct catalogue *c, things *list)
{
    vec_each (l, &c->libraries) {
        struct thing *t = add(a, list, "library", l->name);
        fact(a, t, "option", l->option);
        fact(a, t, "condition", l->condition);
        fact(a, t, "repository", l->repository);
        fact(a, t, "path", l->path);
        vec_each (symbol, &l->symbols)
            fact(a, t, "symbol", *symbol);
        if (l->exports_all)
            fact(a, t, "symbol", "every global one");
    }
    vec_each (s, &c->syscalls) {
        const char *provider = s->option ? s->option : "always";
        struct thing *t = add(a, list, "syscall", arena_printf(a, "%s by %s", s->name, provider));
        fact(a, t, "condition", s->condition);
        fact(a, t, "arguments", arena_printf(a, "%lld", (long long)s->arguments));
    }
    vec_each (r, &c->repositories)
        add(a, list, "repository", r->name);
}

static bool has(const strings *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0)
            return true;
    return false;
}

static void compare_facts(struct arena *a, const struct thing *from, const struct thing *to,
                          struct catalogue_difference *out)
{
    strings details = {0};
    vec_each (f, &from->facts)
        if (!has(&to->facts, *f))
            vec_push(a, &details, arena_printf(a, "- %s", *f));
    vec_each (f, &to->facts)
        if (!has(&from->facts, *f))
            vec_push(a, &details, arena_printf(a, "+ %s", *f));
    /* the same facts in another order matter for defaults alone */
    for (size_t i = 0; !details.count && i < from->facts.count; i++)
        if (strcmp(from->facts.items[i], to->facts.items[i]) != 0 &&
            strncmp(from->facts.items[i], "default", 7) == 0)
            vec_push(a, &details, "the order of defaults");
    if (!details.count)
        return;
    struct difference_entry *e = vec_add(a, &out->entries);
    *e = (struct difference_entry){to->what, to->name, "changed", {0}};
    e->details.items = details.items;
    e->details.count = details.count;
}

static int entry_order(const void *x, const void *y)
{
    const struct difference_entry *a = x, *b = y;
    int order = strcmp(a->what, b->what);
    return order ? order : strcmp(a->name, b->name);
}

void catalogue_compare(struct arena *a, const struct catalogue *from, const struct catalogue *to,
                       struct catalogue_difference *out)
{
    things before = {0}, after = {0};
    struct name_table known, seen;
    name_table_init(&known, a);
    name_table_init(&seen, a);
    memset(out, 0, sizeof *out);
    out->schema = DIFFERENCE_SCHEMA;
    out->from = arena_printf(a, "%s %s", from->name, from->version);
    out->to = arena_printf(a, "%s %s", to->name, to->version);
    options(a, from, &before);
    libraries(a, from, &before);
    options(a, to, &after);
    libraries(a, to, &after);
    bool added;
    for (size_t i = 0; i < before.count; i++)
        name_table_add(&known, arena_printf(a, "%s %s", before.items[i].what, before.items[i].name),
                       i, &added);
    vec_each (t, &after) {
        const char *key = arena_printf(a, "%s %s", t->what, t->name);
        size_t index = 0;
        name_table_add(&seen, key, 0, &added);
        if (!added)
            continue;
        if (name_table_find(&known, key, &index) && index < before.count)
            compare_facts(a, &before.items[index], t, out);
        else
            vec_push(a, &out->entries, ((struct difference_entry){t->what, t->name, "new", {0}}));
    }
    vec_each (t, &before) {
        const char *key = arena_printf(a, "%s %s", t->what, t->name);
        name_table_add(&seen, key, 0, &added);
        if (added)
            vec_push(a, &out->entries, ((struct difference_entry){t->what, t->name, "gone", {0}}));
    }
    vec_sort(&out->entries, entry_order);
}
