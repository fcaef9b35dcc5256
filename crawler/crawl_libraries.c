/* SPDX-License-Identifier: BSD-3-Clause
 * What the repositories' Makefile.uk files and sources say of micro-libraries. */
#include "common/file.h"
#include "crawler/crawl_private.h"
#include "crawler/handlers.h"
#include "crawler/makefile_uk.h"
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

enum { FOLDER_LIMIT = 100000, SOURCE_BYTES = 4 << 20 };

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* ---- Makefiles ---- */

/* The families a core's architectures form, and the options that mean one of them. */
static const struct {
    const char *folder;
    const char *options[3];
} families[] = {{"arch/x86", {"ARCH_X86_64"}}, {"arch/arm", {"ARCH_ARM_32", "ARCH_ARM_64"}}};

static struct kexpr *family_condition(struct crawl *c, const char *inside)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        size_t length = strlen(families[i].folder);
        if (strncmp(inside, families[i].folder, length) != 0 ||
            (inside[length] && inside[length] != '/'))
            continue;
        struct kexpr *any = kexpr_const(c->arena, "n");
        for (size_t n = 0; n < 3 && families[i].options[n]; n++)
            any = kexpr_or(c->arena, any, kexpr_symbol(c->arena, families[i].options[n]));
        return any;
    }
    return NULL;
}

/* Folders of a repository that hold a Makefile.uk, outer ones first: they may include inner ones.
 */
static enum status makefile_folders(struct crawl *c, const struct repository *r, strings *out)
{
    char *const roots[] = {(char *)r->path, NULL};
    FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
    if (!fts)
        return diag_fail(c->diag, STATUS_SYSTEM, "%s: %s", r->path, strerror(errno));
    size_t folders = 0;
    for (FTSENT *e; (e = fts_read(fts));) {
        bool hidden = e->fts_level > 0 && e->fts_name[0] == '.';
        bool outside = e->fts_level > 0 &&
                       (strcmp(e->fts_name, "build") == 0 || strcmp(e->fts_name, "support") == 0);
        if (e->fts_info == FTS_D && (hidden || outside || ++folders > FOLDER_LIMIT))
            fts_set(fts, e, FTS_SKIP);
        else if (e->fts_level > 0 && strcmp(e->fts_name, "Makefile.uk") == 0)
            vec_push(c->arena, out,
                     arena_strndup(c->arena, e->fts_path, e->fts_pathlen - strlen("/Makefile.uk")));
    }
    fts_close(fts);
    vec_sort(out, by_text);
    return STATUS_OK;
}

enum status crawl_makefiles(struct crawl *c)
{
    struct name_table options, seen;
    name_table_init(&options, c->arena);
    name_table_init(&seen, c->arena);
    name_table_init(&c->libraries, c->arena);
    bool added;
    for (size_t i = 0; i < c->out->options.count; i++)
        name_table_add(&options, c->out->options.items[i].name, i, &added);
    vec_each (repository, &c->repositories) {
        strings folders = {0};
        enum status status = makefile_folders(c, repository, &folders);
        vec_each (folder, &folders) {
            if (status)
                return status;
            const char *inside = *folder + strlen(repository->path);
            struct makefile_reader r = {.diag = c->diag,
                                        .arena = c->arena,
                                        .out = c->out,
                                        .problems = &c->problems,
                                        .options = &options,
                                        .libraries = &c->libraries,
                                        .root = c->repositories.items[0].path,
                                        .top = repository->path,
                                        .repository = repository->name,
                                        .kind = repository->kind,
                                        .seen = &seen};
            if (repository == c->repositories.items && *inside)
                r.condition = family_condition(c, inside + 1);
            status = makefile_uk_read(&r, *folder);
        }
        if (status)
            return status;
    }
    return STATUS_OK;
}

/* ---- handlers ---- */

static const struct repository *named_repository(const struct crawl *c, const char *name)
{
    vec_each (r, &c->repositories)
        if (strcmp(r->name, name) == 0)
            return r;
    return NULL;
}

/* A call defined several times counts as done where any of its handlers does something. */
void crawl_mark_constant_calls(struct crawl *c)
{
    struct diag quiet;
    diag_init(&quiet, -1);
    vec_each (l, &c->out->libraries) {
        const struct repository *r = named_repository(c, l->repository);
        handlers found = {0};
        for (size_t i = 0; r && i < l->sources.count; i++) {
            const char *file = l->sources.items[i].file;
            char *text = NULL;
            size_t size = 0, length = strlen(file);
            const char *path = arena_printf(c->arena, "%s/%s/%s", r->path, l->path, file);
            if (length > 2 && strcmp(file + length - 2, ".c") == 0 && !strstr(file, "..") &&
                file_exists(path) && !file_read(&quiet, c->arena, path, SOURCE_BYTES, &text, &size))
                handlers_find(c->arena, text, &found);
        }
        vec_each (s, &c->out->syscalls) {
            if (!s->library || strcmp(s->library, l->name) != 0)
                continue;
            bool works = false;
            vec_each (h, &found) {
                if (strcmp(h->name, s->name) != 0)
                    continue;
                works |= !h->constant;
                s->constant = h->constant;
            }
            if (works)
                s->constant = NULL;
        }
    }
}

/* ---- whose options they are ---- */

void crawl_name_libraries(struct crawl *c)
{
    vec_each (o, &c->out->options) {
        const char *file = o->library;
        const struct repository *r = crawl_repository(c, file);
        o->library = NULL;
        size_t longest = 0;
        const char *inside = r ? file + strlen(r->path) + 1 : file;
        vec_each (l, &c->out->libraries) {
            size_t length = strcmp(l->path, ".") == 0 ? 0 : strlen(l->path);
            bool above =
                r && strcmp(l->repository, r->name) == 0 &&
                (!length || (strncmp(inside, l->path, length) == 0 && inside[length] == '/'));
            if (!above || (!length && r == c->repositories.items))
                continue;
            /* among several of one folder, the one the option itself turns on */
            bool own = l->option && strcmp(l->option, o->name) == 0;
            if (!o->library || length > longest || (length == longest && own)) {
                o->library = l->name;
                longest = length;
            }
        }
    }
}
