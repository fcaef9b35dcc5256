/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/cli.h"
#include "common/file.h"
#include "common/kconfig_eval.h"
#include "crawler/crawler.h"
#include <stdio.h>
#include <string.h>

struct crawler_cli {
    struct cli *cli;
    struct crawler_options crawl;
    strings library_folders; /* --uk-libs, before they are looked into */
    const char *complete;    /* a .config to complete */
};

enum { KEY_UK_LIBS = 0x200, KEY_APP, KEY_NAME, KEY_RELEASE, KEY_DEFINE, KEY_TRUST, KEY_COMPLETE };

static const struct argp_option options[] = {
    {"root", 'r', "TREE", 0, "read the core's source tree TREE", 1},
    {"uk-libs", KEY_UK_LIBS, "DIR", 0,
     "external libraries: a folder of one, or of several such folders (repeatable)", 1},
    {"app", KEY_APP, "DIR", 0, "an application's folder, its options joined", 1},
    {"name", KEY_NAME, "NAME", 0, "the catalogue's name (default: the tree's folder's)", 1},
    {"release", KEY_RELEASE, "VERSION", 0, "its version (default: what version.mk says)", 1},
    {"define", KEY_DEFINE, "NAME=VALUE", 0, "a variable of the build, as Kconfig files see it", 1},
    {"trust-tree", KEY_TRUST, NULL, 0, "run the commands of $(shell,...) that are not known", 1},
    {"complete", KEY_COMPLETE, "CONFIG", 0,
     "print the .config that olddefconfig would make of CONFIG", 2},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct crawler_cli *c = state->input;
    struct arena *a = c->cli->arena;
    char *equals;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = c->cli;
        return 0;
    case 'r':
        c->crawl.root = arg;
        return 0;
    case KEY_UK_LIBS:
        vec_push(a, &c->library_folders, arg);
        return 0;
    case KEY_APP:
        c->crawl.application = arg;
        return 0;
    case KEY_NAME:
        c->crawl.name = arg;
        return 0;
    case KEY_RELEASE:
        c->crawl.version = arg;
        return 0;
    case KEY_DEFINE:
        equals = strchr(arg, '=');
        if (!equals || equals == arg)
            argp_error(state, "--define: NAME=VALUE was expected, \"%s\" found", arg);
        else
            vec_push(a, &c->crawl.variables,
                     ((struct jm_pair){arena_strndup(a, arg, (size_t)(equals - arg)), equals + 1}));
        return 0;
    case KEY_COMPLETE:
        c->complete = arg;
        return 0;
    case KEY_TRUST:
        c->crawl.trust_tree = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static enum status complete(struct crawler_cli *c, struct catalogue *catalogue)
{
    struct arena *a = c->cli->arena;
    struct diag *d = &c->cli->diag;
    struct kconfig *k;
    strings ignored = {0};
    catalogue_define(a, catalogue, &c->crawl.variables);
    enum status status = kconfig_new(d, a, catalogue, &k);
    if (!status)
        status = kconfig_read_file(d, k, c->complete, &ignored);
    if (status)
        return status;
    vec_each (line, &ignored)
        diag_warn(d, "%s: %s", c->complete, *line);
    for (size_t i = 0; i < kconfig_count(k); i++) {
        const char *wanted = kconfig_assigned(k, (int)i);
        const char *why =
            wanted ? kconfig_why_not(k, a, kconfig_option(k, (int)i)->name, wanted) : NULL;
        if (why)
            diag_debug(d, 1, "%s", why);
        if (kconfig_unmet(k, (int)i))
            diag_debug(d, 1, "%s is selected although its dependencies are not met",
                       kconfig_option(k, (int)i)->name);
    }
    fputs(kconfig_write_text(k, a), stdout);
    return STATUS_OK;
}

static enum status print_json(struct cli *cli, const struct catalogue *catalogue)
{
    json_t *json = jm_encode(&catalogue_type, catalogue);
    enum status status = json_print(&cli->diag, json);
    json_decref(json);
    return status;
}

static void print_summary(const struct catalogue *c)
{
    size_t selects = 0, implies = 0, defaults = 0, hidden = 0;
    vec_each (o, &c->options) {
        selects += o->selects.count;
        implies += o->implies.count;
        defaults += o->defaults.count;
        hidden += !o->visible;
    }
    printf("%s %s: %zu repositories, %zu micro-libraries, %zu options (%zu without prompt), "
           "%zu choices,\n  %zu selects, %zu implies, %zu defaults, %zu system calls registered\n",
           c->name, c->version, c->repositories.count, c->libraries.count, c->options.count, hidden,
           c->choices.count, selects, implies, defaults, c->syscalls.count);
    if (c->problems.count)
        printf("%zu oddities in the sources:\n", c->problems.count);
    vec_each (problem, &c->problems)
        printf("  %s\n", *problem);
}

static enum status write_files(struct crawler_cli *c, const struct catalogue *catalogue)
{
    struct cli *cli = c->cli;
    const char *dir =
        cli->output ? cli->output : arena_printf(cli->arena, "./%s_output", catalogue->name);
    enum status status = dir_make(&cli->diag, dir);
    if (status)
        return status;
    const char *path = cli_path(cli, dir, "catalogue.json");
    json_t *json = jm_encode(&catalogue_type, catalogue);
    status = json_write(&cli->diag, path, json);
    json_decref(json);
    if (status)
        return status;
    print_summary(catalogue);
    printf("written: %s\n", path);
    return STATUS_OK;
}

static enum status run(int argc, char **argv, struct cli *cli)
{
    struct crawler_cli c = {.cli = cli};
    struct argp_child children[] = {{&cli_common_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {.options = options, .parser = parse, .children = children};
    enum status status = cli_parse(&argp, argc, argv, cli, &c);
    if (status)
        return status;
    struct catalogue catalogue = {0};
    vec_each (dir, &c.library_folders)
        if (!status)
            status = crawl_library_folders(&cli->diag, cli->arena, *dir, &c.crawl.libraries);
    if (status)
        return status;
    status = c.crawl.root ? crawl(&cli->diag, cli->arena, &c.crawl, &catalogue)
                          : catalogue_open(&cli->diag, cli->arena, cli->catalogue, &catalogue);
    if (status)
        return status;
    if (c.complete)
        return complete(&c, &catalogue);
    return cli->json ? print_json(cli, &catalogue) : write_files(&c, &catalogue);
}

const struct tool tool_crawler = {"crawler", "micro-library catalogues and dependency graphs", run};
