/* SPDX-License-Identifier: BSD-3-Clause
 * --core git:URL@REV: a core cloned once into the user's cache, the revision checked out. */
#include "builder/builder.h"
#include "common/file.h"
#include <ctype.h>
#include <errno.h>
#include <ftw.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPEN_FOLDERS = 16 };

struct fetch {
    struct diag *d;
    struct arena *a;
    const char *url, *revision; /* revision NULL: what the repository's HEAD is */
    const char *folder;
};

/* Splits at the last @ behind the last slash, so that git@host:path keeps its own. */
static enum status parse(struct fetch *f, const char *spec)
{
    if (strncmp(spec, "git:", 4) != 0 || !spec[4])
        return diag_fail(f->d, STATUS_INPUT, "--core: git:URL@REV was expected, '%s' found", spec);
    const char *url = spec + 4, *slash = strrchr(url, '/'), *at = strrchr(slash ? slash : url, '@');
    f->url = at ? arena_strndup(f->a, url, (size_t)(at - url)) : url;
    f->revision = at && at[1] ? at + 1 : NULL;
    if (!*f->url)
        return diag_fail(f->d, STATUS_INPUT, "--core: no address in '%s'", spec);
    return STATUS_OK;
}

/* One folder per address and revision, with a name one can read. */
static enum status choose_folder(struct fetch *f)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if ((!cache || *cache != '/') && (!home || *home != '/'))
        return diag_fail(f->d, STATUS_SYSTEM,
                         "--core: neither XDG_CACHE_HOME nor HOME says where to "
                         "keep the clone");
    const char *base = cache && *cache == '/'
                           ? arena_printf(f->a, "%s/toolchain/cores", cache)
                           : arena_printf(f->a, "%s/.cache/toolchain/cores", home);
    char *name = arena_printf(f->a, "%s@%s", f->url, f->revision ? f->revision : "HEAD");
    for (char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr(".-_@", *p))
            *p = '_';
    f->folder = arena_printf(f->a, "%s/%s", base, name);
    return dir_make(f->d, base);
}

static const char *git_message(void)
{
    const git_error *e = git_error_last();
    return e && e->message ? e->message : "unknown failure";
}

static int on_progress(const git_indexer_progress *progress, void *context)
{
    struct fetch *f = context;
    diag_progress(f->d, progress->received_objects, progress->total_objects, "cloning %s", f->url);
    return 0;
}

/* A revision by name, or of the remote's branches. */
static int resolve(git_object **out, git_repository *repository, struct fetch *f)
{
    int error = git_revparse_single(out, repository, f->revision ? f->revision : "HEAD");
    if (error && f->revision)
        error = git_revparse_single(out, repository, arena_printf(f->a, "origin/%s", f->revision));
    return error;
}

static enum status check_out(struct fetch *f, git_repository *repository, const char *folder)
{
    git_object *object = NULL, *commit = NULL;
    git_checkout_options options = GIT_CHECKOUT_OPTIONS_INIT;
    options.checkout_strategy = GIT_CHECKOUT_FORCE;
    int error = resolve(&object, repository, f);
    if (!error)
        error = git_object_peel(&commit, object, GIT_OBJECT_COMMIT);
    enum status status = STATUS_OK;
    if (error)
        status = diag_fail(f->d, STATUS_INPUT, "--core: %s has no revision '%s': %s", f->url,
                           f->revision ? f->revision : "HEAD", git_message());
    else if (git_checkout_tree(repository, commit, &options) ||
             git_repository_set_head_detached(repository, git_object_id(commit)))
        status = diag_fail(f->d, STATUS_SYSTEM, "--core: %s: cannot check out: %s", folder,
                           git_message());
    git_object_free(commit);
    git_object_free(object);
    return status;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *place)
{
    (void)st;
    (void)kind;
    (void)place;
    return remove(path) != 0 && errno != ENOENT;
}

/* Clones beside the final place and moves there when all of it is right. */
static enum status clone(struct fetch *f)
{
    char *partial = arena_printf(f->a, "%s.XXXXXX", f->folder);
    if (!mkdtemp(partial))
        return diag_fail(f->d, STATUS_SYSTEM, "--core: %s: cannot be created", partial);
    git_clone_options options = GIT_CLONE_OPTIONS_INIT;
    options.checkout_opts.checkout_strategy = GIT_CHECKOUT_NONE;
    options.fetch_opts.callbacks.transfer_progress = on_progress;
    options.fetch_opts.callbacks.payload = f;
    git_repository *repository = NULL;
    int error = git_clone(&repository, f->url, partial, &options);
    diag_progress_end(f->d);
    enum status status =
        error ? diag_fail(
                    f->d, STATUS_SYSTEM,
                    "--core: cannot clone %s: %s. Where there is a network: git clone %s TREE%s%s; "
                    "then --uk-root TREE",
                    f->url, git_message(), f->url, f->revision ? " && git -C TREE checkout " : "",
                    f->revision ? f->revision : "")
              : check_out(f, repository, partial);
    git_repository_free(repository);
    if (!status && rename(partial, f->folder) != 0 && !file_exists(f->folder))
        status = diag_fail(f->d, STATUS_SYSTEM, "--core: %s: cannot be put in place", f->folder);
    if (status)
        nftw(partial, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    return status;
}

enum status builder_fetch_core(struct diag *d, struct arena *a, const char *spec,
                               const char **folder)
{
    struct fetch f = {.d = d, .a = a};
    enum status status = parse(&f, spec);
    if (!status)
        status = choose_folder(&f);
    if (!status && !file_exists(arena_printf(a, "%s/.git", f.folder))) {
        git_libgit2_init();
        status = clone(&f);
        git_libgit2_shutdown();
    }
    *folder = f.folder;
    return status;
}
