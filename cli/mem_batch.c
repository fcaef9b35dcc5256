/* SPDX-License-Identifier: BSD-3-Clause
 * The published tool's bin_analysis form: a JSON file that lists images and what to show of each.
 *
 *   { "unikernels": [ { "buildPath": DIR, "kernel": FILE, "splitSections": [SECTION...],
 *       "ignoredPlats": [NAME...], "displayMapping": BOOL, "displayStatSize": BOOL,
 *       "displayElfFile": [header|segments|sections|symbols|relocations|dynamics|notes|functions|
 *       mapping|all], "displaySectionInfo": [SECTION...], "findSectionByAddress": [ADDRESS...],
 *       "compareGroup": NUMBER } ] }
 *
 * All keys but one of buildPath and kernel are optional; images of one compareGroup above 0 are
 * compared page by page. */
#include "cli/memanalyser.h"
#include "common/file.h"
#include "memanalyser/sharing.h"
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    const char *build_path, *kernel;
    strings split, ignored, display, section_info, addresses;
    bool mapping, stat_size;
    int64_t group;
};

struct batch {
    struct mem_options *options;
    const char *path;
    size_t index; /* of the entry read now */
};

bool mem_is_batch(struct mem_options *o, const char *path)
{
    (void)o;
    size_t length = strlen(path);
    return length > 5 && strcmp(path + length - 5, ".json") == 0;
}

/* ---- reading ---------------------------------------------------------------------------- */

static enum status wrong(const struct batch *b, const char *key, const char *expected)
{
    return diag_fail(&b->options->cli->diag, STATUS_INPUT,
                     "%s: .unikernels[%zu].%s: %s was expected", b->path, b->index, key, expected);
}

static enum status get_string(const struct batch *b, const json_t *from, const char *key,
                              const char **out)
{
    const json_t *v = json_object_get(from, key);
    if (v && !json_is_string(v))
        return wrong(b, key, "a string");
    *out = v && *json_string_value(v) ? arena_strdup(b->options->cli->arena, json_string_value(v))
                                      : NULL;
    return STATUS_OK;
}

/* A list of strings; older files hold one string, or false for an empty list. */
static enum status get_strings(const struct batch *b, const json_t *from, const char *key,
                               strings *out)
{
    struct arena *a = b->options->cli->arena;
    const json_t *v = json_object_get(from, key);
    if (!v || json_is_false(v) || json_is_null(v))
        return STATUS_OK;
    if (json_is_string(v)) {
        vec_push(a, out, arena_strdup(a, json_string_value(v)));
        return STATUS_OK;
    }
    if (!json_is_array(v))
        return wrong(b, key, "an array of strings");
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *item = json_array_get(v, i);
        if (!json_is_string(item))
            return wrong(b, key, "an array of strings");
        vec_push(a, out, arena_strdup(a, json_string_value(item)));
    }
    return STATUS_OK;
}

static enum status get_bool(const struct batch *b, const json_t *from, const char *key, bool *out)
{
    const json_t *v = json_object_get(from, key);
    if (v && !json_is_boolean(v))
        return wrong(b, key, "true or false");
    *out = json_is_true(v);
    return STATUS_OK;
}

static enum status read_entry(const struct batch *b, const json_t *json, struct entry *e)
{
    const json_t *group = json_object_get(json, "compareGroup");
    enum status status = STATUS_OK;
    *e = (struct entry){0};
    const struct {
        const char *key;
        strings *list;
    } lists[] = {{"splitSections", &e->split},
                 {"ignoredPlats", &e->ignored},
                 {"displayElfFile", &e->display},
                 {"displaySectionInfo", &e->section_info},
                 {"findSectionByAddress", &e->addresses}};
    if (!json_is_object(json))
        return wrong(b, "", "an object");
    for (size_t i = 0; !status && i < sizeof lists / sizeof *lists; i++)
        status = get_strings(b, json, lists[i].key, lists[i].list);
    if (!status)
        status = get_string(b, json, "buildPath", &e->build_path);
    if (!status)
        status = get_string(b, json, "kernel", &e->kernel);
    if (!status)
        status = get_bool(b, json, "displayMapping", &e->mapping);
    if (!status)
        status = get_bool(b, json, "displayStatSize", &e->stat_size);
    if (!status && group && !json_is_integer(group))
        status = wrong(b, "compareGroup", "a number");
    e->group = json_integer_value(group);
    if (!status && !e->build_path && !e->kernel)
        status = wrong(b, "buildPath", "a build folder (or a kernel)");
    return status;
}

/* ---- showing ---------------------------------------------------------------------------- */

static enum status show_view(struct mem_options *o, struct image *image, const char *name)
{
    struct table *t;
    const struct view *v = view_named(name);
    enum status status = v->make(&o->cli->diag, image, &o->view, &t);
    return status ? status : mem_show(o, image, t);
}

static enum status show_contents(const struct batch *b, const struct entry *e, struct image *image)
{
    static const struct {
        const char *key, *view;
    } names[] = {
        {"header", "headers"},  {"segments", "segments"},       {"sections", "sections"},
        {"symbols", "symbols"}, {"relocations", "relocations"}, {"dynamics", "dynamic"},
        {"notes", "notes"},     {"functions", "functions"},     {"mapping", "section-sizes"}};
    enum { COUNT = sizeof names / sizeof *names };
    for (size_t i = 0; i < e->display.count; i++) {
        bool all = strcmp(e->display.items[i], "all") == 0, any = false;
        for (size_t k = 0; k < COUNT; k++) {
            if (!all && strcmp(e->display.items[i], names[k].key) != 0)
                continue;
            any = true;
            enum status status = show_view(b->options, image, names[k].view);
            if (status)
                return status;
        }
        if (!any)
            return wrong(b, "displayElfFile",
                         "header, segments, sections, symbols, relocations, dynamics, notes, "
                         "functions, mapping or all");
    }
    return STATUS_OK;
}

static bool listed(const strings *patterns, const char *name)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (fnmatch(patterns->items[i], name, 0) == 0)
            return true;
    return false;
}

static enum status show_section_info(struct mem_options *o, struct image *image,
                                     const strings *patterns)
{
    struct table *t =
        table_new(image->arena, "section-info", "section address:x end:x offset:x size:n pages:n");
    vec_each (s, &image->elf.sections) {
        if (!s->index || !listed(patterns, s->name))
            continue;
        table_text(t, s->name);
        table_address(t, s->address);
        table_address(t, s->address + s->size);
        table_address(t, s->offset);
        table_number(t, (int64_t)s->size);
        table_number(t, (int64_t)(s->size / 4096 + (s->size % 4096 != 0)));
    }
    return mem_show(o, image, t);
}

/* The 4 KiB pages of sections, from the section's start. */
static enum status show_pages(struct mem_options *o, struct image *image, const strings *patterns)
{
    struct table *t =
        table_new(image->arena, "section-pages", "section page:n address:x bytes:n zero library");
    vec_each (s, &image->elf.sections) {
        const unsigned char *p = elf_contents(&image->elf, s);
        if (!s->index || !p || !listed(patterns, s->name))
            continue;
        for (uint64_t at = 0; at < s->size; at += 4096) {
            uint64_t size = s->size - at < 4096 ? s->size - at : 4096, any = 0;
            for (uint64_t k = 0; k < size; k++)
                any |= p[at + k];
            const struct claim *c = claim_at(image, s->index, at);
            int library = c && c->object >= 0 ? image->objects.items[c->object].library : -1;
            table_text(t, s->name);
            table_number(t, (int64_t)(at / 4096));
            table_address(t, s->address + at);
            table_number(t, (int64_t)size);
            table_text(t, any ? "no" : "yes");
            table_text(t, library >= 0 ? image->libraries.items[library] : NULL);
        }
    }
    return mem_show(o, image, t);
}

static enum status show_addresses(const struct batch *b, const struct entry *e, struct image *image)
{
    struct table *t;
    VEC(uint64_t) list = {0};
    for (size_t i = 0; i < e->addresses.count; i++) {
        char *end;
        errno = 0;
        uint64_t v = strtoull(e->addresses.items[i], &end, 16);
        if (end == e->addresses.items[i] || *end || errno)
            return wrong(b, "findSectionByAddress", "hexadecimal addresses");
        vec_push(image->arena, &list, v);
    }
    enum status status = view_addresses(&b->options->cli->diag, image, list.items, list.count,
                                        &b->options->view, &t);
    return status ? status : mem_show(b->options, image, t);
}

static enum status show_entry(const struct batch *b, const struct entry *e, struct image *image)
{
    struct mem_options *o = b->options;
    enum status status = show_contents(b, e, image);
    if (!status && e->mapping)
        status = show_view(o, image, "libraries");
    if (!status && e->stat_size)
        status = show_view(o, image, "section-sizes");
    if (!status && e->section_info.count)
        status = show_section_info(o, image, &e->section_info);
    if (!status && e->split.count)
        status = show_pages(o, image, &e->split);
    if (!status && e->addresses.count)
        status = show_addresses(b, e, image);
    return status;
}

/* ---- the file --------------------------------------------------------------------------- */

/* A kernel stands in its build folder; without one, the folder's first image of a platform that is
 * not ignored. */
static enum status find_input(const struct batch *b, const struct entry *e, struct mem_input *out)
{
    struct cli *cli = b->options->cli;
    if (e->kernel) {
        *out = (struct mem_input){.folder = e->build_path,
                                  .path = e->build_path && e->kernel[0] != '/'
                                              ? cli_path(cli, e->build_path, e->kernel)
                                              : e->kernel};
        return STATUS_OK;
    }
    struct mem_session folder = {.options = b->options};
    enum status status = mem_add_path(&folder, e->build_path);
    for (size_t i = 0; !status && i < folder.inputs.count; i++) {
        const char *slash = strrchr(folder.inputs.items[i].path, '/');
        const char *name = slash ? slash + 1 : folder.inputs.items[i].path;
        bool skip = false;
        for (size_t k = 0; k < e->ignored.count; k++)
            skip |= strstr(name, e->ignored.items[k]) != NULL;
        if (!skip) {
            *out = folder.inputs.items[i];
            return STATUS_OK;
        }
    }
    return status ? status
                  : diag_fail(&cli->diag, STATUS_INPUT,
                              "%s: .unikernels[%zu]: no image in %s but of ignored platforms",
                              b->path, b->index, e->build_path);
}

static enum status compare_groups(struct mem_options *o, const image_list *images,
                                  const int64_t *groups)
{
    for (size_t i = 0; i < images->count; i++) {
        image_list group = {0};
        bool first = groups[i] > 0;
        for (size_t k = 0; k < images->count; k++) {
            if (groups[k] == groups[i])
                vec_push(o->cli->arena, &group, images->items[k]);
            first &= k >= i || groups[k] != groups[i];
        }
        if (!first || group.count < 2)
            continue;
        struct sharing_totals totals;
        struct table *t;
        enum status status = sharing_pages(&o->cli->diag, o->cli->arena, &group, &t, &totals);
        if (!status)
            status = mem_show(o, group.items[0], t);
        if (status)
            return status;
    }
    return STATUS_OK;
}

static enum status run_entries(struct batch *b, const json_t *list)
{
    struct mem_options *o = b->options;
    size_t count = json_array_size(list);
    int64_t *groups = arena_array(o->cli->arena, count, sizeof *groups);
    image_list images = {0};
    enum status status = STATUS_OK;
    for (b->index = 0; !status && b->index < count; b->index++) {
        struct mem_session session = {.options = o};
        struct entry e;
        struct mem_input input;
        status = read_entry(b, json_array_get(list, b->index), &e);
        if (!status)
            status = find_input(b, &e, &input);
        struct image *image = ARENA_NEW(o->cli->arena, struct image);
        if (!status)
            status = mem_open(&session, &input, image);
        if (status)
            break;
        groups[images.count] = e.group;
        vec_push(o->cli->arena, &images, image);
        status = show_entry(b, &e, image);
    }
    if (!status)
        status = compare_groups(o, &images, groups);
    vec_each (i, &images)
        image_close(*i);
    return status;
}

enum status mem_batch(struct mem_options *o, const char *path)
{
    struct batch b = {.options = o, .path = path};
    json_t *json;
    enum status status = json_read(&o->cli->diag, path, &json);
    if (status)
        return status;
    const json_t *list = json_is_array(json) ? json : json_object_get(json, "unikernels");
    if (!json_is_array(list))
        status =
            diag_fail(&o->cli->diag, STATUS_INPUT, "%s: .unikernels: an array was expected", path);
    else
        status = run_entries(&b, list);
    json_decref(json);
    return status;
}
