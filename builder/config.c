/* SPDX-License-Identifier: BSD-3-Clause
 * The selection as a complete .config, and the Kconfig it belongs to. */
#include "builder/private.h"
#include "common/file.h"
#include <string.h>

static bool contains(const strings *list, const char *name)
{
    vec_each (s, list)
        if (strcmp(*s, name) == 0)
            return true;
    return false;
}

/* External repositories take part when the selection has a library of theirs. */
static void choose_repositories(struct job *j)
{
    vec_each (r, &j->catalogue->repositories) {
        bool core = r->kind && strcmp(r->kind, "core") == 0, used = core;
        vec_each (l, &j->selection->libraries)
            used = used || (l->repository && strcmp(l->repository, r->name) == 0);
        if (r->kind && strcmp(r->kind, "application") == 0)
            used = used && j->binary;
        if (used)
            continue;
        vec_push(j->a, &j->excluded, r->name);
        kconfig_include(j->model, r->name, false);
    }
}

/* "text" -> text, for kconfig_set. */
static const char *unquoted(struct arena *a, const char *value)
{
    size_t n = strlen(value);
    if (n < 2 || value[0] != '"' || value[n - 1] != '"')
        return value;
    char *plain = arena_alloc(a, n), *to = plain;
    for (size_t i = 1; i + 1 < n; i++) {
        if (value[i] == '\\' && i + 2 < n)
            i++;
        *to++ = value[i];
    }
    return plain;
}

enum status step_model(struct job *j)
{
    enum status status = kconfig_new(j->d, j->a, j->catalogue, &j->model);
    if (status)
        return status;
    choose_repositories(j);
    vec_each (c, &j->selection->config) {
        int option = kconfig_find(j->model, c->key);
        if (option < 0)
            return diag_fail(
                j->d, STATUS_INPUT,
                "selection: %s: no such option in catalogue %s %s (was the selection made "
                "with another one?)",
                c->key, j->catalogue->name, j->catalogue->version);
        if (!kconfig_set(j->model, option, unquoted(j->a, c->value)))
            return diag_fail(j->d, STATUS_INPUT, "selection: %s: '%s' does not fit its type",
                             c->key, c->value);
    }
    int name = kconfig_find(j->model, "UK_NAME");
    if (name >= 0 && kconfig_visibility(j->model, name) == TRI_Y)
        kconfig_set(j->model, name, j->name);
    /* A selection that contradicts itself would be changed in silence by the tree. */
    vec_each (c, &j->selection->config) {
        const char *why = strcmp(c->key, "UK_NAME") == 0 || strcmp(c->value, "y") != 0
                              ? NULL
                              : kconfig_why_not(j->model, j->a, c->key, c->value);
        if (why)
            return diag_fail(j->d, STATUS_INPUT, "selection: %s", why);
    }
    return STATUS_OK;
}

/* ---- Kconfig ---- */

static const char *type_word(int type)
{
    static const char *const words[] = {"bool", "tristate", "string", "int", "hex"};
    return type >= OPTION_BOOL && type <= OPTION_HEX ? words[type] : NULL;
}

static void add_clauses(struct arena *a, text *t, const char *word, const catalogue_clauses *list)
{
    vec_each (c, list)
        text_add(a, t, "\t%s %s%s%s\n", word, c->value, c->condition ? " if " : "",
                 c->condition ? c->condition : "");
}

/* The defaults of a bool, each as "y under a condition". It means the same, and older kconfig
 * programs (kconfig-frontends) then leave an option without a prompt that comes out as n unwritten,
 * as newer ones and the model do: where any default took part, even n, they note that it is not
 * set. */
static void add_bool_defaults(struct arena *a, text *t, const catalogue_clauses *list)
{
    const char *earlier = NULL; /* the first default whose condition holds is the one that counts */
    vec_each (c, list) {
        strings terms = {0};
        if (strcmp(c->value, "y") != 0)
            vec_push(a, &terms, arena_printf(a, "(%s)", c->value));
        if (c->condition)
            vec_push(a, &terms, arena_printf(a, "(%s)", c->condition));
        if (earlier)
            vec_push(a, &terms, arena_printf(a, "!(%s)", earlier));
        if (strcmp(c->value, "n") != 0) {
            text_add(a, t, "\tdefault y");
            for (size_t i = 0; i < terms.count; i++)
                text_add(a, t, "%s%s", i ? " && " : " if ", terms.items[i]);
            text_add(a, t, "\n");
        }
        if (!c->condition)
            break;
        earlier = earlier ? arena_printf(a, "%s || (%s)", earlier, c->condition)
                          : arena_printf(a, "(%s)", c->condition);
    }
}

static void add_prompt(struct arena *a, text *t, const char *word, const char *name,
                       const char *visible)
{
    if (strcmp(visible, "y") == 0)
        text_add(a, t, "\t%s \"%s\"\n", word, name);
    else
        text_add(a, t, "\t%s \"%s\" if %s\n", word, name, visible);
}

static void add_option(struct arena *a, text *t, const struct catalogue_option *o)
{
    const char *word = type_word(o->type);
    if (!word)
        return;
    text_add(a, t, "config %s\n", o->name);
    if (o->visible)
        add_prompt(a, t, word, o->name, o->visible);
    else
        text_add(a, t, "\t%s\n", word);
    if (o->depends)
        text_add(a, t, "\tdepends on %s\n", o->depends);
    if (o->type == OPTION_BOOL)
        add_bool_defaults(a, t, &o->defaults);
    else
        add_clauses(a, t, "default", &o->defaults);
    add_clauses(a, t, "select", &o->selects);
    add_clauses(a, t, "imply", &o->implies);
    vec_each (r, &o->ranges)
        text_add(a, t, "\trange %s %s%s%s\n", r->low, r->high, r->condition ? " if " : "",
                 r->condition ? r->condition : "");
    text_add(a, t, "\n");
}

static const struct catalogue_choice *choice_of(const struct catalogue *c, const char *name)
{
    vec_each (choice, &c->choices)
        if (strcmp(choice->name, name) == 0)
            return choice;
    return NULL;
}

static bool left_out(const struct catalogue_option *o, const strings *excluded)
{
    return o->repository && contains(excluded, o->repository);
}

/* A choice is written where its first member stands. */
static void add_choice(struct arena *a, text *t, const struct catalogue *c,
                       const struct catalogue_choice *choice, const strings *excluded)
{
    bool named = strncmp(choice->name, "choice_", 7) != 0;
    text_add(a, t, "choice%s%s\n", named ? " " : "", named ? choice->name : "");
    add_prompt(a, t, choice->type == OPTION_TRISTATE ? "tristate" : "bool", choice->name,
               choice->visible ? choice->visible : "y");
    if (choice->depends)
        text_add(a, t, "\tdepends on %s\n", choice->depends);
    add_clauses(a, t, "default", &choice->defaults);
    if (choice->optional)
        text_add(a, t, "\toptional\n");
    text_add(a, t, "\n");
    vec_each (o, &c->options)
        if (o->choice && strcmp(o->choice, choice->name) == 0 && !left_out(o, excluded))
            add_option(a, t, o);
    text_add(a, t, "endchoice\n\n");
}

const char *builder_kconfig(struct arena *a, const struct catalogue *c, const strings *excluded)
{
    text t = {0};
    strings done = {0};
    text_add(a, &t, "mainmenu \"%s %s\"\n\n", c->name, c->version);
    vec_each (o, &c->options) {
        if (left_out(o, excluded))
            continue;
        const struct catalogue_choice *choice = o->choice ? choice_of(c, o->choice) : NULL;
        if (!choice) {
            add_option(a, &t, o);
        } else if (!contains(&done, choice->name)) {
            vec_push(a, &done, choice->name);
            add_choice(a, &t, c, choice, excluded);
        }
    }
    vec_push(a, &t, '\0');
    return t.items;
}

enum status step_config(struct job *j)
{
    text t = {0};
    text_add(j->a, &t, "%s", builder_kconfig(j->a, j->catalogue, &j->excluded));
    enum status status = text_write(j, &t, "Kconfig");
    if (status)
        return status;
    t = (text){0};
    text_add(j->a, &t, "#\n# Automatically generated file; DO NOT EDIT.\n# %s %s\n#\n%s",
             j->catalogue->name, j->catalogue->version, kconfig_write_text(j->model, j->a));
    return text_write(j, &t, ".config");
}
