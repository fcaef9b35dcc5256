/* SPDX-License-Identifier: BSD-3-Clause
 * --memanalyser: what object files, archives and images are made of. */
#include "cli/memanalyser.h"
#include "common/file.h"
#include "memanalyser/diff.h"
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
    KEY_DIFF,
    KEY_BY,
    KEY_BUDGET,
    KEY_SHARING,
    KEY_ALIGN,
    KEY_SUPPLEMENT,
    KEY_HTML,
    KEY_TREEMAP,
    KEY_PAGE_MAP,
    KEY_VIEWS = 0x3000, /* and one for each view */
};

static const struct argp_option fixed_options[] = {
    {NULL, 0, NULL, 0, "Where the facts come from:", 1},
    {"debug-file", KEY_DEBUG_FILE, "FILE|DIR", 0,
     "Unstripped twin with symbols and debug information, or a folder that has one by build id, as "
     "/usr/lib/debug (default: FILE.dbg where there is one)",
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
    {NULL, 0, NULL, 0, "Several images:", 4},
    {"diff", KEY_DIFF, "OLD", 0, "What changed since that image: grown, shrunk, new, gone, moved",
     4},
    {"by", KEY_BY, "library|section|object|symbol", 0, "Level of --diff (default: symbol)", 4},
    {"budget", KEY_BUDGET, "BYTES", 0, "--diff ends with status 1 when memory grew by more", 4},
    {"sharing", KEY_SHARING, NULL, 0, "Pages that several images have in common", 4},
    {"align", KEY_ALIGN, "BASE", OPTION_ARG_OPTIONAL,
     "A linker script that puts common libraries at common pages (align.lds)", 4},
    {"supplement", KEY_SUPPLEMENT, NULL, 0,
     "Symbols each library defines and needs (supplement.json)", 4},
    {NULL, 0, NULL, 0, "Output:", 5},
    {"html", KEY_HTML, NULL, 0, "report.html: everything on one page, with search and zoom", 5},
    {"treemap", KEY_TREEMAP, NULL, 0, "treemap.svg: area by memory, library > section > symbol", 5},
    {"page-map", KEY_PAGE_MAP, NULL, 0, "pagemap.svg: each page coloured by its library", 5},
    {"sort", KEY_SORT, "COLUMN", 0, "Sort tables by that column (-COLUMN: the other way round)", 5},
    {"top", KEY_TOP, "N", 0, "Only the first N rows", 5},
    {"csv", KEY_CSV, NULL, 0, "Comma-separated values", 5},
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

/* Options that only set a flag or keep their value. */
static bool parse_simple(struct mem_options *o, int key, const char *value)
{
    const struct {
        int key;
        bool *flag;
        const char **text;
    } simple[] = {
        {KEY_SORT, NULL, &o->sort},
        {KEY_DEBUG_FILE, NULL, &o->twin},
        {KEY_MAP, NULL, &o->link_map},
        {KEY_DISASSEMBLE, &o->disassemble, &o->range},
        {KEY_CFG, NULL, &o->cfg},
        {KEY_DIFF, NULL, &o->diff},
        {KEY_SHARING, &o->sharing, NULL},
        {KEY_ALIGN, &o->align, NULL},
        {KEY_SUPPLEMENT, &o->supplement, NULL},
        {KEY_HTML, &o->html, NULL},
        {KEY_TREEMAP, &o->treemap, NULL},
        {KEY_PAGE_MAP, &o->page_map, NULL},
        {KEY_DYNAMIC_SYMBOLS, &o->view.dynamic, NULL},
    };
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++) {
        if (simple[i].key != key)
            continue;
        if (simple[i].flag)
            *simple[i].flag = true;
        if (simple[i].text)
            *simple[i].text = value;
        return true;
    }
    return false;
}

static void parse_level(struct mem_options *o, const char *value, struct argp_state *state)
{
    o->diff_level = 0;
    while (diff_level_names[o->diff_level] && strcmp(diff_level_names[o->diff_level], value) != 0)
        o->diff_level++;
    if (!diff_level_names[o->diff_level])
        argp_error(state, "--by: library, section, object or symbol, not '%s'", value);
}

static void parse_address(struct mem_options *o, const char *value, struct argp_state *state)
{
    uint64_t number = 0;
    o->addresses_from_input |= strcmp(value, "-") == 0;
    if (strcmp(value, "-") == 0)
        return;
    parse_number(state, "address", value, &number);
    vec_push(o->cli->arena, &o->addresses, number);
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct mem_options *o = state->input;
    struct arena *a = o->cli->arena;
    uint64_t number = 0;
    bool simple = parse_simple(o, key, value);
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
    case KEY_TOP:
        parse_number(state, "top", value, &number);
        o->top = number;
        return 0;
    case KEY_ADDRESS:
        parse_address(o, value, state);
        return 0;
    case KEY_OBJECTS:
        vec_push(a, &o->objects, value);
        return 0;
    case KEY_CALLGRAPH:
        o->callgraph = value ? value : "";
        if (value && strcmp(value, "libraries") != 0 && strcmp(value, "functions") != 0)
            argp_error(state, "--callgraph: 'libraries' or 'functions', not '%s'", value);
        return 0;
    case KEY_BY:
        parse_level(o, value, state);
        return 0;
    case KEY_BUDGET:
        parse_number(state, "budget", value, &number);
        o->budget = (int64_t)(number & INT64_MAX);
        return 0;
    case KEY_ALIGN:
        if (value)
            parse_number(state, "align", value, &o->align_base);
        return 0;
    case KEY_NO_DEMANGLE:
        o->view.demangle = false;
        return 0;
    default:
        if (key >= KEY_VIEWS && key < KEY_VIEWS + (int)view_count)
            vec_push(a, &o->views, &views[key - KEY_VIEWS]);
        else if (!simple)
            return ARGP_ERR_UNKNOWN;
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

/* --json: one object per image, one member per table, all printed at the end. */
static void collect(struct mem_options *o, const struct image *image, const struct table *t)
{
    size_t count = o->collected ? json_array_size(o->collected) : 0;
    json_t *last = count ? json_array_get(o->collected, count - 1) : NULL;
    if (!o->collected)
        o->collected = json_array();
    json_t *name = json_string(image->path);
    const char *before = last ? json_string_value(json_object_get(last, "image")) : NULL;
    if (!before || strcmp(before, image->path) != 0 || json_object_get(last, t->name)) {
        last = json_object();
        json_object_set(last, "image", name ? name : json_null());
        json_array_append_new(o->collected, last);
    }
    json_decref(name);
    json_object_set_new(last, t->name, table_json(t));
}

/* One image: its object; several: an array. */
static enum status print_collected(struct mem_options *o)
{
    if (!o->collected)
        return STATUS_OK;
    const json_t *only =
        json_array_size(o->collected) == 1 ? json_array_get(o->collected, 0) : o->collected;
    enum status status = json_print(&o->cli->diag, only);
    json_decref(o->collected);
    o->collected = NULL;
    return status;
}

enum status mem_show(struct mem_options *o, const struct image *image, struct table *t)
{
    enum status status = table_finish(&o->cli->diag, t, o->sort, o->top);
    if (status)
        return status;
    if (o->form == FORM_CSV) {
        table_csv(t, stdout);
    } else if (o->form == FORM_JSON) {
        collect(o, image, t);
    } else {
        printf("%s: %s\n", image->path, t->name);
        table_print(t, stdout);
        putchar('\n');
    }
    return STATUS_OK;
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
                 o->disassemble || o->cfg || o->callgraph || o->html || o->treemap || o->page_map;
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
    if (!status && (o->html || o->treemap || o->page_map))
        status = mem_pictures(o, image);
    if (!status && !asked) {
        o->views.count = 0;
        if (!image->elf.relocatable)
            status = write_layout(o, image);
    }
    return status;
}

static enum status each_input(struct mem_options *o, struct mem_session *session)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; !status && i < session->inputs.count; i++) {
        struct image *image = ARENA_NEW(o->cli->arena, struct image);
        status = mem_open(session, &session->inputs.items[i], image);
        if (status)
            break;
        status = run_views(o, image);
        image_close(image);
    }
    return status;
}

static enum status run_inputs(struct mem_options *o)
{
    struct mem_session session = {.options = o};
    enum status status = mem_inputs(&session);
    if (!status && o->diff)
        status = mem_diff(o, &session);
    else if (!status && o->sharing)
        status = mem_sharing(o, &session);
    else if (!status && o->align)
        status = mem_align(o, &session);
    else if (!status && o->supplement)
        status = mem_supplement(o, &session);
    else if (!status)
        status = each_input(o, &session);
    mem_inputs_close(&session);
    return status;
}

static enum status run_all(struct mem_options *o)
{
    enum status status = STATUS_OK;
    strings files = {0};
    for (size_t i = 0; !status && i < o->inputs.count; i++) {
        if (mem_is_batch(o, o->inputs.items[i]))
            status = mem_batch(o, o->inputs.items[i]);
        else
            vec_push(o->cli->arena, &files, o->inputs.items[i]);
    }
    o->inputs = files;
    if (!status && files.count)
        status = run_inputs(o);
    if (!status || status == STATUS_FOUND) {
        enum status printed = print_collected(o);
        status = printed ? printed : status;
    }
    json_decref(o->collected);
    return status;
}

static enum status run(int argc, char **argv, struct cli *cli)
{
    struct argp_child children[] = {{&cli_common_argp, 0, NULL, 0}, {0}};
    struct mem_options o = {
        .cli = cli, .view.demangle = true, .budget = -1, .diff_level = DIFF_SYMBOL};
    const struct argp argp = {.options = all_options(cli->arena),
                              .parser = parse,
                              .children = children,
                              .args_doc = "FILE|ARCHIVE|BUILD-FOLDER|LIST.json...",
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
    static char buffer[1 << 18]; /* listings of millions of lines */
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    status = run_all(&o);
    fflush(stdout);
    return status;
}

const struct tool tool_memanalyser = {"memanalyser",
                                      "object files, archives, images: sizes, mapping", run};
