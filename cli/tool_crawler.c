/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/cli.h"
#include "common/file.h"
#include "common/graph.h"
#include "common/kconfig_eval.h"
#include "crawler/crawler.h"
#include "crawler/difference.h"
#include "crawler/library_graph.h"
#include "crawler/lint.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct crawler_cli {
    struct cli *cli;
    struct crawler_options crawl;
    strings library_folders; /* --uk-libs, before they are looked into */
    const char *complete;    /* a .config to complete */
    strings difference;      /* two catalogues */
    const char *layout, *list;
    struct library_graph_view view;
    bool lint, order, full, no_graph;
};

enum {
    KEY_UK_LIBS = 0x200,
    KEY_APP,
    KEY_NAME,
    KEY_RELEASE,
    KEY_DEFINE,
    KEY_TRUST,
    KEY_COMPLETE,
    KEY_DIFF,
    KEY_LINT,
    KEY_ORDER,
    KEY_ROOT,
    KEY_REVERSE,
    KEY_DEPTH,
    KEY_EDGES,
    KEY_LAYOUT,
    KEY_NO_GRAPH,
};

static const struct argp_option options[] = {
    {"root", 'r', "TREE", 0, "read the core's source tree TREE (else --catalogue)", 1},
    {"repository", 0, NULL, OPTION_ALIAS, NULL, 1},
    {"uk-libs", KEY_UK_LIBS, "DIR", 0,
     "external libraries: a folder of one, or of several such folders (repeatable)", 1},
    {"app", KEY_APP, "DIR", 0, "an application's folder, its options joined", 1},
    {"name", KEY_NAME, "NAME", 0, "the catalogue's name (default: the tree's folder's)", 1},
    {"release", KEY_RELEASE, "VERSION", 0, "its version (default: what version.mk says)", 1},
    {"define", KEY_DEFINE, "NAME=VALUE", 0, "a variable of the build, as Kconfig files see it", 1},
    {"trust-tree", KEY_TRUST, NULL, 0, "run the commands of $(shell,...) that are not known", 1},
    {0, 0, NULL, 0, "Graph:", 2},
    {"library", KEY_ROOT, "NAME", 0,
     "only what NAME asks for (micro-library or option; repeatable)", 2},
    {"libs", 'l', "FILE", 0, "such names from a file, one a line, and one step from them", 2},
    {"full-deps", 'f', NULL, 0, "with --libs: all steps", 2},
    {"reverse", KEY_REVERSE, NULL, 0, "who asks for them, instead", 2},
    {"depth", KEY_DEPTH, "N", 0, "at most N steps", 2},
    {"edges", KEY_EDGES, "KINDS", 0, "only these, of selects,depends,implies,excludes", 2},
    {"layout", KEY_LAYOUT, "FILE", 0, "weigh by the sizes in a layout.json", 2},
    {"no-graph", KEY_NO_GRAPH, NULL, 0, "write the catalogue alone", 2},
    {0, 0, NULL, 0, "Instead:", 3},
    {"complete", KEY_COMPLETE, "CONFIG", 0,
     "print the .config that olddefconfig would make of CONFIG", 3},
    {"diff", KEY_DIFF, "CATALOGUE", 0,
     "given twice: what changed from the first to the second (-o DIR: as a page, too)", 3},
    {"lint", KEY_LINT, NULL, 0, "list what is odd; exit status 1 if anything is", 3},
    {"order", KEY_ORDER, NULL, 0, "print external libraries in an order fit for L=", 3},
    {0}};

static unsigned edge_kinds(struct argp_state *state, char *list)
{
    unsigned kinds = 0;
    char *save = NULL;
    for (char *word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
        int kind = 0;
        while (library_edge_names[kind] && strcmp(library_edge_names[kind], word) != 0)
            kind++;
        if (!library_edge_names[kind])
            argp_error(state,
                       "--edges: selects, depends, implies or excludes was expected, \"%s\" found",
                       word);
        else
            kinds |= 1u << kind;
    }
    return kinds;
}

static void define(struct crawler_cli *c, struct argp_state *state, char *arg)
{
    struct arena *a = c->cli->arena;
    char *equals = strchr(arg, '=');
    if (!equals || equals == arg)
        argp_error(state, "--define: NAME=VALUE was expected, \"%s\" found", arg);
    else
        vec_push(a, &c->crawl.variables,
                 ((struct jm_pair){arena_strndup(a, arg, (size_t)(equals - arg)), equals + 1}));
}

static int depth(struct argp_state *state, const char *arg)
{
    char *tail;
    long value = strtol(arg, &tail, 10);
    if (tail == arg || *tail || value < 1 || value > 10000)
        argp_error(state, "--depth: a number from 1 was expected, \"%s\" found", arg);
    return (int)value;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct crawler_cli *c = state->input;
    struct arena *a = c->cli->arena;
    const struct {
        int key;
        const char **text;
    } texts[] = {{'r', &c->crawl.root},
                 {KEY_APP, &c->crawl.application},
                 {KEY_NAME, &c->crawl.name},
                 {KEY_RELEASE, &c->crawl.version},
                 {KEY_COMPLETE, &c->complete},
                 {KEY_LAYOUT, &c->layout},
                 {'l', &c->list}};
    const struct {
        int key;
        bool *flag;
    } flags[] = {{KEY_TRUST, &c->crawl.trust_tree},
                 {KEY_LINT, &c->lint},
                 {KEY_ORDER, &c->order},
                 {'f', &c->full},
                 {KEY_REVERSE, &c->view.reverse},
                 {KEY_NO_GRAPH, &c->no_graph}};
    const struct {
        int key;
        strings *list;
    } lists[] = {
        {KEY_UK_LIBS, &c->library_folders}, {KEY_DIFF, &c->difference}, {KEY_ROOT, &c->view.roots}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].key == key) {
            *texts[i].text = arg;
            return 0;
        }
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (flags[i].key == key) {
            *flags[i].flag = true;
            return 0;
        }
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (lists[i].key == key) {
            vec_push(a, lists[i].list, arg);
            return 0;
        }
    if (key == ARGP_KEY_INIT)
        state->child_inputs[0] = c->cli;
    else if (key == KEY_DEFINE)
        define(c, state, arg);
    else if (key == KEY_DEPTH)
        c->view.depth = depth(state, arg);
    else if (key == KEY_EDGES)
        c->view.kinds = edge_kinds(state, arg);
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static enum status print_json(struct cli *cli, const struct jm_type *type, const void *value)
{
    json_t *json = jm_encode(type, value);
    enum status status = json_print(&cli->diag, json);
    json_decref(json);
    return status;
}

/* ---- --complete ---- */

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

/* ---- --diff, --lint, --order ---- */

static enum status lint(struct crawler_cli *c, const struct catalogue *catalogue)
{
    strings found = {0};
    enum status status = lint_catalogue(&c->cli->diag, c->cli->arena, catalogue, &found);
    if (status)
        return status;
    vec_each (line, &found)
        printf("%s\n", *line);
    return found.count ? STATUS_FOUND : STATUS_OK;
}

static enum status order(struct crawler_cli *c, const struct catalogue *catalogue)
{
    strings names = {0};
    enum status status = lint_repository_order(&c->cli->diag, c->cli->arena, catalogue, &names);
    vec_each (name, &names)
        printf("%s\n", *name);
    return status;
}

/* ---- catalogue and graph files ---- */

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

/* Names of a --libs file: one a line, what follows a comma or blank left aside. */
static enum status read_list(struct crawler_cli *c)
{
    struct arena *a = c->cli->arena;
    char *data = NULL, *save = NULL;
    size_t size;
    if (!c->list)
        return STATUS_OK;
    enum status status = file_read(&c->cli->diag, a, c->list, 1 << 20, &data, &size);
    if (status)
        return status;
    for (char *line = strtok_r(data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        line += strspn(line, " \t");
        line[strcspn(line, ", \t\r#")] = '\0';
        if (*line)
            vec_push(a, &c->view.roots, line);
    }
    if (!c->view.depth && !c->full)
        c->view.depth = 1;
    return STATUS_OK;
}

static enum status write_text(struct crawler_cli *c, const char *dir, const char *name,
                              const char *text, size_t size)
{
    const char *path = cli_path(c->cli, dir, name);
    enum status status = file_write(&c->cli->diag, path, text, size, 0);
    if (!status)
        printf("written: %s\n", path);
    return status;
}

static enum status write_document(struct crawler_cli *c, const char *dir, const char *name,
                                  const struct jm_type *type, const void *value)
{
    const char *path = cli_path(c->cli, dir, name);
    json_t *json = jm_encode(type, value);
    enum status status = json_write(&c->cli->diag, path, json);
    json_decref(json);
    if (!status)
        printf("written: %s\n", path);
    return status;
}

/* Laying out a graph takes time that grows faster than its size. */
enum { DRAWN_NODES = 1000, DRAWN_EDGES = 3000 };

static enum status draw(struct crawler_cli *c, const char *dir, const struct library_graph *whole,
                        const struct library_graph *shown,
                        const struct catalogue_difference *difference)
{
    struct arena *a = c->cli->arena;
    struct diag *d = &c->cli->diag;
    static const char *const formats[] = {"svg", "png"};
    const char *dot = library_graph_dot(a, shown), *picture = NULL;
    enum status status = write_text(c, dir, "libraries.dot", dot, strlen(dot));
    bool small = shown->nodes.count <= DRAWN_NODES && shown->edges.count <= DRAWN_EDGES;
    if (!small)
        diag_warn(
            d,
            "the graph is too large to be drawn (%zu nodes, %zu edges): choose with --library "
            "and --depth",
            shown->nodes.count, shown->edges.count);
    for (size_t i = 0; small && !status && i < sizeof formats / sizeof formats[0]; i++) {
        char *data = NULL;
        size_t size = 0;
        status = graph_render(d, a, dot, "dot", formats[i], &data, &size);
        if (!status)
            status = write_text(c, dir, arena_printf(a, "libraries.%s", formats[i]), data, size);
        if (i == 0)
            picture = data;
    }
    if (status)
        return status;
    const char *page = library_graph_page(a, whole, picture, difference);
    return write_text(c, dir, "libraries.html", page, strlen(page));
}

/* With -o: difference.json, and the later catalogue's page with what changed in it. */
static enum status draw_difference(struct crawler_cli *c, const struct catalogue *to,
                                   const struct catalogue_difference *out)
{
    struct cli *cli = c->cli;
    struct library_graph whole, shown;
    enum status status = dir_make(&cli->diag, cli->output);
    if (!status)
        status = library_graph_build(&cli->diag, cli->arena, to, NULL, &whole);
    if (!status)
        status = library_graph_select(&cli->diag, cli->arena, &whole, &c->view, &shown);
    if (!status)
        status = write_document(c, cli->output, "difference.json", &catalogue_difference_type, out);
    return status ? status : draw(c, cli->output, &whole, &shown, out);
}

static enum status compare_catalogues(struct crawler_cli *c)
{
    struct cli *cli = c->cli;
    struct catalogue from = {0}, to = {0};
    struct catalogue_difference out;
    if (c->difference.count != 2)
        return diag_fail(&cli->diag, STATUS_INPUT,
                         "--diff: two catalogues were expected, --diff A --diff B");
    enum status status = catalogue_open(&cli->diag, cli->arena, c->difference.items[0], &from);
    if (!status)
        status = catalogue_open(&cli->diag, cli->arena, c->difference.items[1], &to);
    if (status)
        return status;
    catalogue_compare(cli->arena, &from, &to, &out);
    if (cli->output && !cli->json && (status = draw_difference(c, &to, &out)))
        return status;
    if (cli->json)
        return print_json(cli, &catalogue_difference_type, &out);
    printf("%s -> %s: %zu differences\n", out.from, out.to, out.entries.count);
    vec_each (e, &out.entries) {
        printf("%-7s %s %s\n", e->change, e->what, e->name);
        for (size_t i = 0; i < e->details.count && (i < 8 || cli->diag.verbosity > 0); i++)
            printf("        %s\n", e->details.items[i]);
        if (e->details.count > 8 && cli->diag.verbosity <= 0)
            printf("        and %zu more (-v shows them)\n", e->details.count - 8);
    }
    return STATUS_OK;
}

static enum status graph(struct crawler_cli *c, const char *dir, const struct catalogue *catalogue)
{
    struct cli *cli = c->cli;
    struct layout layout = {0};
    struct library_graph whole, shown;
    enum status status = read_list(c);
    if (!status && c->layout)
        status = layout_read(&cli->diag, cli->arena, c->layout, &layout);
    if (!status)
        status = library_graph_build(&cli->diag, cli->arena, catalogue, c->layout ? &layout : NULL,
                                     &whole);
    if (!status)
        status = library_graph_select(&cli->diag, cli->arena, &whole, &c->view, &shown);
    if (!status)
        status = write_document(c, dir, "libraries.json", &library_graph_type, &shown);
    if (!status)
        status = draw(c, dir, &whole, &shown, NULL);
    if (status)
        return status;
    printf("graph: %zu nodes, %zu edges", shown.nodes.count, shown.edges.count);
    printf(whole.cycles.count ? "; cycles:\n" : "; no cycles\n");
    vec_each (cycle, &whole.cycles) {
        for (size_t i = 0; i < cycle->members.count; i++)
            printf("%s%s", i ? ", " : "  ", cycle->members.items[i]);
        printf("\n");
    }
    return STATUS_OK;
}

static enum status write_files(struct crawler_cli *c, const struct catalogue *catalogue)
{
    struct cli *cli = c->cli;
    const char *dir =
        cli->output ? cli->output : arena_printf(cli->arena, "./%s_output", catalogue->name);
    enum status status = dir_make(&cli->diag, dir);
    if (status)
        return status;
    print_summary(catalogue);
    status = write_document(c, dir, "catalogue.json", &catalogue_type, catalogue);
    return status || c->no_graph ? status : graph(c, dir, catalogue);
}

static enum status read_catalogue(struct crawler_cli *c, struct catalogue *catalogue)
{
    struct cli *cli = c->cli;
    enum status status = STATUS_OK;
    if (!c->crawl.root && (c->library_folders.count || c->crawl.application))
        return diag_fail(&cli->diag, STATUS_INPUT, "--uk-libs and --app go with --root TREE");
    vec_each (dir, &c->library_folders)
        if (!status)
            status = crawl_library_folders(&cli->diag, cli->arena, *dir, &c->crawl.libraries);
    if (status)
        return status;
    if (!c->crawl.root)
        return catalogue_open(&cli->diag, cli->arena, cli->catalogue, catalogue);
    return crawl(&cli->diag, cli->arena, &c->crawl, catalogue);
}

static enum status run(int argc, char **argv, struct cli *cli)
{
    struct crawler_cli c = {.cli = cli};
    struct argp_child children[] = {{&cli_common_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {.options = options,
                              .parser = parse,
                              .children = children,
                              .doc = "Reads a core's source tree, or a catalogue, and writes "
                                     "catalogue.json and the dependency graph of its "
                                     "micro-libraries: libraries.dot, .svg, .png, .json, .html."};
    struct catalogue catalogue = {0};
    enum status status = cli_parse(&argp, argc, argv, cli, &c);
    if (!status && cli->program)
        status = diag_fail(&cli->diag, STATUS_INPUT,
                           "--crawler takes no program (\"%s\" found): --root "
                           "TREE or --catalogue NAME",
                           cli->program);
    if (!status && c.difference.count)
        return compare_catalogues(&c);
    if (!status)
        status = read_catalogue(&c, &catalogue);
    if (status)
        return status;
    if (c.complete)
        return complete(&c, &catalogue);
    if (c.lint)
        return lint(&c, &catalogue);
    if (c.order)
        return order(&c, &catalogue);
    return cli->json ? print_json(cli, &catalogue_type, &catalogue) : write_files(&c, &catalogue);
}

const struct tool tool_crawler = {"crawler", "micro-library catalogues and dependency graphs", run};
