/* SPDX-License-Identifier: BSD-3-Clause
 * --memanalyser: what object files, archives and images are made of. */
#include "cli/memanalyser.h"
#include "common/file.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_CSV = 0x2000,
    KEY_SORT,
    KEY_TOP,
    KEY_ADDRESS,
    KEY_DEBUG_FILE,
    KEY_OBJECTS,
    KEY_MAP,
    KEY_DISASSEMBLE,
    KEY_DYNAMIC_SYMBOLS,
    KEY_NO_DEMANGLE,
    KEY_CFG,
    KEY_CALLGRAPH,
    KEY_VIEWS = 0x3000, /* and one for each view */
};

static const struct argp_option fixed_options[] = {
    {NULL, 0, NULL, 0, "Where the facts come from:", 1},
    {"debug-file", KEY_DEBUG_FILE, "FILE", 0,
     "Unstripped twin with symbols and debug information (default: FILE.dbg where there is one)",
     1},
    {"objects", KEY_OBJECTS, "FILE|DIR", 0,
     "Objects, archives or build folder the image was linked from (repeatable)", 1},
    {"map", KEY_MAP, "FILE", 0, "The linker's map of the image (-Wl,-Map=FILE)", 1},
    {NULL, 0, NULL, 0, "Looking closer:", 3},
    {"address", KEY_ADDRESS, "ADDRESS|-", 0,
     "Symbol, section, library and source line of an address (repeatable; -: every number on "
     "standard input, for crash dumps)",
     3},
    {"disassemble", KEY_DISASSEMBLE, "FUNCTION|START-END", OPTION_ARG_OPTIONAL,
     "Instructions of a function, of an address range, or of everything", 3},
    {"cfg", KEY_CFG, "FUNCTION", 0, "A function's control-flow graph: cfg-FUNCTION.dot and .svg",
     3},
    {"callgraph", KEY_CALLGRAPH, "libraries|functions", OPTION_ARG_OPTIONAL,
     "Who calls whom: callgraph.dot and .svg (default: libraries where known)", 3},
    {"dynamic-symbols", KEY_DYNAMIC_SYMBOLS, NULL, 0, "--symbols shows the dynamic table", 3},
    {"no-demangle", KEY_NO_DEMANGLE, NULL, 0, "Leave C++ and Rust names as they are", 3},
    {NULL, 0, NULL, 0, "Output:", 4},
    {"sort", KEY_SORT, "COLUMN", 0, "Sort tables by that column (-COLUMN: the other way round)", 4},
    {"top", KEY_TOP, "N", 0, "Only the first N rows", 4},
    {"csv", KEY_CSV, NULL, 0, "Comma-separated values", 4},
};

static error_t parse_number(struct argp_state *state, const char *option, const char *text,
                            uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 0);
    if (end == text || *end || errno || *text == '-')
        argp_error(state, "--%s: '%s' is not a number", option, text);
    return 0;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct mem_options *o = state->input;
    struct arena *a = o->cli->arena;
    uint64_t number = 0;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = o->cli;
        return 0;
    case ARGP_KEY_ARG:
        vec_push(a, &o->inputs, value);
        return 0;
    case KEY_CSV:
        o->form = FORM_CSV;
        return 0;
    case KEY_SORT:
        o->sort = value;
        return 0;
    case KEY_TOP:
        parse_number(state, "top", value, &number);
        o->top = number;
        return 0;
    case KEY_ADDRESS:
        if (strcmp(value, "-") == 0) {
            o->addresses_from_input = true;
            return 0;
        }
        parse_number(state, "address", value, &number);
        vec_push(a, &o->addresses, number);
        return 0;
    case KEY_DEBUG_FILE:
        o->twin = value;
        return 0;
    case KEY_OBJECTS:
        vec_push(a, &o->objects, value);
        return 0;
    case KEY_MAP:
        o->link_map = value;
        return 0;
    case KEY_DISASSEMBLE:
        o->disassemble = true;
        o->range = value;
        return 0;
    case KEY_CFG:
        o->cfg = value;
        return 0;
    case KEY_CALLGRAPH:
        o->callgraph = value ? value : "";
        if (value && strcmp(value, "libraries") != 0 && strcmp(value, "functions") != 0)
            argp_error(state, "--callgraph: 'libraries' or 'functions', not '%s'", value);
        return 0;
    case KEY_DYNAMIC_SYMBOLS:
        o->view.dynamic = true;
        return 0;
    case KEY_NO_DEMANGLE:
        o->view.demangle = false;
        return 0;
    default:
        if (key < KEY_VIEWS || key >= KEY_VIEWS + (int)view_count)
            return ARGP_ERR_UNKNOWN;
        vec_push(a, &o->views, &views[key - KEY_VIEWS]);
        return 0;
    }
}

/* The fixed options and one per view. */
static struct argp_option *all_options(struct arena *a)
{
    size_t fixed = sizeof fixed_options / sizeof *fixed_options;
    struct argp_option *options = arena_array(a, fixed + view_count + 2, sizeof *options);
    memcpy(options, fixed_options, sizeof fixed_options);
    options[fixed] = (struct argp_option){.doc = "Tables:", .group = 2};
    for (size_t i = 0; i < view_count; i++)
        options[fixed + 1 + i] =
            (struct argp_option){views[i].name, KEY_VIEWS + (int)i, NULL, 0, views[i].summary, 2};
    return options;
}

enum status mem_show(struct mem_options *o, struct image *image, struct table *t)
{
    enum status status = table_finish(&o->cli->diag, t, o->sort, o->top);
    if (status)
        return status;
    if (o->form == FORM_CSV) {
        table_csv(t, stdout);
    } else if (o->form == FORM_JSON) {
        json_t *json = json_object();
        json_object_set_new(json, "image", json_string(image->path));
        json_object_set_new(json, t->name, table_json(t));
        status = json_print(&o->cli->diag, json);
        json_decref(json);
    } else {
        printf("%s: %s\n", image->path, t->name);
        table_print(t, stdout);
        putchar('\n');
    }
    return status;
}

enum status mem_output_dir(struct mem_options *o, const struct image *image, const char **dir)
{
    const char *slash = strrchr(image->path, '/');
    o->cli->program = slash ? slash + 1 : image->path;
    return cli_output_dir(o->cli, dir);
}

static enum status write_layout(struct mem_options *o, struct image *image)
{
    struct cli *cli = o->cli;
    struct layout layout;
    layout_fill(image, &layout);
    json_t *json = jm_encode(&layout_type, &layout);
    enum status status;
    if (o->form == FORM_JSON) {
        status = json_print(&cli->diag, json);
    } else {
        const char *dir;
        status = mem_output_dir(o, image, &dir);
        if (!status)
            status = json_write(&cli->diag, cli_path(cli, dir, "layout.json"), json);
        if (!status)
            diag_note(&cli->diag, "wrote %s", cli_path(cli, dir, "layout.json"));
    }
    json_decref(json);
    return status;
}

/* Without any view: the libraries and the layout document. */
static enum status run_views(struct mem_options *o, struct image *image)
{
    struct diag *d = &o->cli->diag;
    struct table *t;
    enum status status = STATUS_OK;
    bool asked = o->views.count || o->addresses.count || o->addresses_from_input ||
                 o->disassemble || o->cfg || o->callgraph;
    if (!asked && o->form == FORM_JSON)
        return write_layout(o, image);
    if (!asked)
        vec_push(o->cli->arena, &o->views, view_named("libraries"));
    vec_each (v, &o->views) {
        status = (*v)->make(d, image, &o->view, &t);
        if (!status)
            status = mem_show(o, image, t);
        if (status)
            return status;
    }
    if (o->addresses.count || o->addresses_from_input) {
        status = mem_address_view(o, image, &t);
        if (!status)
            status = mem_show(o, image, t);
    }
    if (!status && o->disassemble)
        status = mem_disassemble(o, image);
    if (!status && (o->cfg || o->callgraph))
        status = mem_graphs(o, image);
    if (!status && !asked) {
        o->views.count = 0;
        if (!image->elf.relocatable)
            status = write_layout(o, image);
    }
    return status;
}

static enum status run_inputs(struct mem_options *o)
{
    struct mem_session session = {.options = o};
    enum status status = mem_inputs(&session);
    for (size_t i = 0; !status && i < session.inputs.count; i++) {
        struct image *image = ARENA_NEW(o->cli->arena, struct image);
        status = mem_open(&session, &session.inputs.items[i], image);
        if (status)
            break;
        status = run_views(o, image);
        image_close(image);
    }
    mem_inputs_close(&session);
    return status;
}

static enum status run(int argc, char **argv, struct cli *cli)
{
    struct argp_child children[] = {{&cli_common_argp, 0, NULL, 0}, {0}};
    struct mem_options o = {.cli = cli, .view.demangle = true};
    const struct argp argp = {.options = all_options(cli->arena),
                              .parser = parse,
                              .children = children,
                              .args_doc = "FILE|ARCHIVE|BUILD-FOLDER...",
                              .doc = "Says what object files, archives and images are made of: "
                                     "which library every byte belongs to."};
    enum status status = cli_parse(&argp, argc, argv, cli, &o);
    if (status)
        return status;
    if (cli->json)
        o.form = FORM_JSON;
    if (!o.inputs.count)
        return diag_fail(&cli->diag, STATUS_INPUT,
                         "no file given: an object, archive, image or build folder (see --help)");
    return run_inputs(&o);
}

const struct tool tool_memanalyser = {"memanalyser",
                                      "object files, archives, images: sizes, mapping", run};
