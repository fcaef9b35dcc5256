/* SPDX-License-Identifier: BSD-3-Clause
 * Which catalogue a run uses: the one named, the one read from the core's own tree, or the newest
 * embedded one that suits. */
#include "catalogue/rules.h"
#include "cli/surroundings.h"
#include "common/file.h"
#include "crawler/crawler.h"
#include <string.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Sorts the folders of --uk-libs into libraries and the application that a mode uses: the loader
 * of unmodified programs, none for a source port. */
static enum status find_externals(struct build_options *o, struct crawler_options *crawler)
{
    struct cli *cli = o->cli;
    strings folders = {0};
    if (!o->builder.uk_libs)
        return STATUS_OK;
    enum status status =
        crawl_library_folders(&cli->diag, cli->arena, o->builder.uk_libs, &folders);
    vec_each (folder, &folders) {
        const char *name = base_name(*folder);
        if (strncmp(name, "app-", 4) != 0)
            vec_push(cli->arena, &crawler->libraries, *folder);
        else if (strcmp(name, "app-elfloader") == 0 && o->matcher.mode == MODE_BINARY)
            crawler->application = *folder;
    }
    return status;
}

static enum status crawl_core(struct build_options *o, struct catalogue *out)
{
    struct cli *cli = o->cli;
    const char *root = o->builder.uk_root;
    struct crawler_options crawler = {.root = root};
    /* Rules are kept by core: the real one is known by what only it has. */
    if (file_exists(cli_path(cli, root, "lib/ukvmem/Config.uk")) ||
        file_exists(cli_path(cli, root, "lib/uk9p/Config.uk")))
        crawler.name = "unikraft";
    enum status status = find_externals(o, &crawler);
    if (!status)
        status = crawl(&cli->diag, cli->arena, &crawler, out);
    return status ? status : catalogue_add_rules(&cli->diag, cli->arena, out);
}

static enum status open_catalogue(struct build_options *o, struct catalogue *out)
{
    struct cli *cli = o->cli;
    if (cli->catalogue)
        return catalogue_open(&cli->diag, cli->arena, cli->catalogue, out);
    if (o->builder.uk_root)
        return crawl_core(o, out);
    const char *const *names = catalogue_embedded_names();
    for (size_t i = 0; names[i]; i++) {
        bool suits = false;
        enum status status = catalogue_open(&cli->diag, cli->arena, names[i], out);
        if (!status)
            status = match_suits(&cli->diag, cli->arena, out, &o->matcher, &suits);
        if (status || suits)
            return status;
    }
    return catalogue_open(&cli->diag, cli->arena, NULL, out);
}

enum status build_catalogue(struct build_options *o, struct catalogue *out)
{
    enum status status = open_catalogue(o, out);
    if (!status)
        environment_rule(o, out);
    return status;
}
