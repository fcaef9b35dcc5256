/* SPDX-License-Identifier: BSD-3-Clause
 * External libraries: which take part, where their trees are, and their order in L=. The build
 * includes them in that order, so that a library's headers come before those of its users; C
 * libraries come before them, as their headers replace those of the core, and before those the C++
 * library, whose headers lead on to the C library's own (include_next). */
#include "builder/private.h"
#include "common/file.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Folder names under --uk-libs that a repository is looked for by. */
static const char *find_folder(struct job *j, const char *repository)
{
    const char *libs = j->options->uk_libs;
    const char *dash = strchr(repository, '-');
    const char *names[] = {repository, dash ? dash + 1 : repository};
    for (size_t i = 0; libs && i < 2; i++) {
        char *real = realpath(arena_printf(j->a, "%s/%s", libs, names[i]), NULL);
        const char *folder = real ? arena_strdup(j->a, real) : NULL;
        free(real);
        if (folder && file_exists(arena_printf(j->a, "%s/Makefile.uk", folder)))
            return folder;
    }
    return NULL;
}

static enum status add_external(struct job *j, const struct catalogue_repository *r)
{
    struct external e = {.repository = r->name,
                         .version = r->version,
                         .application = r->kind && strcmp(r->kind, "application") == 0};
    if (j->uk_root) {
        e.folder = find_folder(j, r->name);
        if (!e.folder && !j->options->uk_libs)
            return diag_fail(j->d, STATUS_INPUT,
                             "the selection uses %s: give the folder that holds its tree with "
                             "--uk-libs DIR",
                             r->name);
        if (!e.folder)
            return diag_fail(j->d, STATUS_INPUT,
                             "%s: no %s in it (a folder with a Makefile.uk): clone %s%s%s there",
                             j->options->uk_libs, r->name, r->name, r->version ? " at " : "",
                             r->version ? r->version : "");
    }
    vec_push(j->a, &j->externals, e);
    return STATUS_OK;
}

static const char *home_of(struct job *j, const char *option)
{
    int i = kconfig_find(j->model, option);
    const char *home = i < 0 ? NULL : kconfig_option(j->model, i)->repository;
    return home ? home : "";
}

static bool text_mentions(struct job *j, const char *expression, const char *repository)
{
    struct kexpr *e = NULL;
    struct diag quiet;
    diag_init(&quiet, -1);
    if (!expression || kexpr_parse(&quiet, j->a, "option", expression, &e))
        return false;
    strings names = {0};
    kexpr_names(j->a, e, &names);
    vec_each (n, &names)
        if (strcmp(home_of(j, *n), repository) == 0)
            return true;
    return false;
}

/* Whether an option of user refers to one of provider. */
static bool refers(struct job *j, const char *user, const char *provider)
{
    for (size_t i = 0; i < kconfig_count(j->model); i++) {
        const struct catalogue_option *o = kconfig_option(j->model, (int)i);
        if (!o->repository || strcmp(o->repository, user) != 0)
            continue;
        if (text_mentions(j, o->depends, provider))
            return true;
        vec_each (s, &o->selects)
            if (strcmp(home_of(j, s->value), provider) == 0)
                return true;
        vec_each (s, &o->implies)
            if (strcmp(home_of(j, s->value), provider) == 0)
                return true;
    }
    return false;
}

static bool is_libc(struct job *j, const char *repository)
{
    for (size_t i = 0; i < kconfig_count(j->model); i++) {
        const struct catalogue_option *o = kconfig_option(j->model, (int)i);
        if (!o->repository || strcmp(o->repository, repository) != 0)
            continue;
        vec_each (s, &o->selects)
            if (strcmp(s->value, "HAVE_LIBC") == 0)
                return true;
    }
    return false;
}

/* The rules of the catalogue know which library has namespace std. */
static bool is_libcxx(struct job *j, const char *repository)
{
    vec_each (rule, &j->catalogue->rules) {
        bool std = false;
        vec_each (symbol, &rule->symbols)
            std = std || strcmp(*symbol, "_ZNS*") == 0;
        if (std && rule->kind && strcmp(rule->kind, "provides") == 0 &&
            text_mentions(j, rule->needs, repository))
            return true;
    }
    return false;
}

/* In the order of L=: the C++ library, C libraries, libraries, the application. */
enum rank { RANK_CXX, RANK_LIBC, RANK_LIBRARY, RANK_APPLICATION };

static int rank(struct job *j, const struct external *e)
{
    return e->application                ? RANK_APPLICATION
           : is_libcxx(j, e->repository) ? RANK_CXX
           : is_libc(j, e->repository)   ? RANK_LIBC
                                         : RANK_LIBRARY;
}

/* Takes, again and again, the first (by rank, then by name) that needs none of those left; where
 * they need each other in a ring, simply the first. */
static void order(struct job *j)
{
    size_t n = j->externals.count;
    struct external *e = j->externals.items;
    for (size_t done = 0; done < n; done++) {
        size_t best = n;
        for (int pass = 0; pass < 2 && best == n; pass++) {
            for (size_t i = done; i < n; i++) {
                bool free_ = true;
                for (size_t k = done; pass == 0 && k < n; k++)
                    free_ = free_ && (k == i || rank(j, &e[k]) > rank(j, &e[i]) ||
                                      !refers(j, e[i].repository, e[k].repository));
                int better = best == n ? -1 : rank(j, &e[i]) - rank(j, &e[best]);
                if (!better)
                    better = strcmp(e[i].repository, e[best].repository);
                if (free_ && better < 0)
                    best = i;
            }
        }
        struct external chosen = e[best];
        memmove(&e[done + 1], &e[done], (best - done) * sizeof *e);
        e[done] = chosen;
    }
}

enum status step_externals(struct job *j)
{
    vec_each (r, &j->catalogue->repositories) {
        bool used = !r->kind || strcmp(r->kind, "core") != 0;
        vec_each (x, &j->excluded)
            used = used && strcmp(*x, r->name) != 0;
        enum status status = used ? add_external(j, r) : STATUS_OK;
        if (status)
            return status;
    }
    order(j);
    return STATUS_OK;
}
