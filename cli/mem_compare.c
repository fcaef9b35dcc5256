/* SPDX-License-Identifier: BSD-3-Clause
 * --memanalyser over several images: differences, page sharing, alignment, symbols of libraries. */
#include "cli/memanalyser.h"
#include "common/file.h"
#include "memanalyser/diff.h"
#include "memanalyser/sharing.h"
#include "memanalyser/supplement.h"
#include <inttypes.h>
#include <string.h>

static enum status open_all(struct mem_session *s, image_list *out)
{
    struct arena *a = s->options->cli->arena;
    vec_each (input, &s->inputs) {
        struct image *image = ARENA_NEW(a, struct image);
        enum status status = mem_open(s, input, image);
        if (status)
            return status;
        vec_push(a, out, image);
    }
    return STATUS_OK;
}

static void close_all(image_list *images)
{
    vec_each (i, images)
        image_close(*i);
}

/* The one image that a path stands for. */
static enum status open_one(struct mem_options *o, struct mem_session *s, const char *path,
                            struct image **out)
{
    enum status status = mem_add_path(s, path);
    if (!status && s->inputs.count != 1)
        status = diag_fail(&o->cli->diag, STATUS_INPUT,
                           "%s: %zu images in it, one was expected: name the file", path,
                           s->inputs.count);
    if (status)
        return status;
    *out = ARENA_NEW(o->cli->arena, struct image);
    return mem_open(s, s->inputs.items, *out);
}

static enum status budget_check(struct mem_options *o, const struct diff_totals *t,
                                const char *path)
{
    int64_t grown = t->new_memory - t->old_memory;
    if (o->budget < 0 || grown <= o->budget)
        return STATUS_OK;
    return diag_fail(&o->cli->diag, STATUS_FOUND,
                     "%s: takes %" PRId64 " bytes more memory, the budget is %" PRId64, path, grown,
                     o->budget);
}

enum status mem_diff(struct mem_options *o, struct mem_session *s)
{
    struct mem_session older = {.options = o};
    struct image *old_image = NULL, *new_image = NULL;
    struct diff_totals totals;
    struct table *t;
    if (s->inputs.count != 1)
        return diag_fail(&o->cli->diag, STATUS_INPUT,
                         "--diff OLD compares with one image, %zu were given", s->inputs.count);
    enum status status = open_one(o, &older, o->diff, &old_image);
    if (status)
        return status;
    new_image = ARENA_NEW(o->cli->arena, struct image);
    status = mem_open(s, s->inputs.items, new_image);
    if (!status) {
        status = images_diff(&o->cli->diag, old_image, new_image, (enum diff_level)o->diff_level,
                             o->view.demangle, &t, &totals);
        if (!status)
            status = mem_show(o, new_image, t);
        if (!status)
            status = budget_check(o, &totals, new_image->path);
        image_close(new_image);
    }
    image_close(old_image);
    mem_inputs_close(&older);
    return status;
}

static enum status at_least_two(struct mem_options *o, const struct mem_session *s,
                                const char *option)
{
    for (size_t i = 0; i < s->inputs.count; i++)
        if (s->inputs.items[i].bytes)
            return diag_fail(&o->cli->diag, STATUS_INPUT,
                             "%s: an archive's member has no pages; give linked images",
                             s->inputs.items[i].path);
    return s->inputs.count > 1 ? STATUS_OK
                               : diag_fail(&o->cli->diag, STATUS_INPUT,
                                           "--%s compares at least two images", option);
}

enum status mem_sharing(struct mem_options *o, struct mem_session *s)
{
    struct diag *d = &o->cli->diag;
    image_list images = {0};
    struct sharing_totals totals;
    struct table *t;
    enum status status = at_least_two(o, s, "sharing");
    if (!status)
        status = open_all(s, &images);
    if (!status)
        status = sharing_pages(d, o->cli->arena, &images, &t, &totals);
    if (!status)
        status = mem_show(o, images.items[0], t);
    bool libraries = false;
    vec_each (i, &images)
        libraries |= (*i)->libraries.count > 0;
    if (!status && libraries)
        status = sharing_libraries(d, o->cli->arena, &images, &t);
    if (!status && libraries)
        status = mem_show(o, images.items[0], t);
    close_all(&images);
    return status;
}

enum status mem_align(struct mem_options *o, struct mem_session *s)
{
    struct diag *d = &o->cli->diag;
    image_list images = {0};
    char *script;
    const char *dir;
    enum status status = at_least_two(o, s, "align");
    if (!status)
        status = open_all(s, &images);
    if (!status)
        status = align_script(d, o->cli->arena, &images, o->align_base, &script);
    if (!status) {
        o->cli->program = "align";
        status = cli_output_dir(o->cli, &dir);
    }
    if (!status) {
        const char *path = cli_path(o->cli, dir, "align.lds");
        status = file_write(d, path, script, strlen(script), 0);
        if (!status)
            diag_note(d, "wrote %s: link every image with -Wl,-T,%s too, then run --sharing again",
                      path, path);
    }
    close_all(&images);
    return status;
}

static void add_image(struct mem_options *o, struct supplement *s, struct image *image)
{
    struct arena *a = o->cli->arena;
    if (image->elf.relocatable) {
        /* "libx.a(y.o)" belongs to libx */
        const char *paren = strchr(image->path, '(');
        const char *path =
            paren ? arena_strndup(a, image->path, (size_t)(paren - image->path)) : image->path;
        supplement_add(a, s, library_name_of(a, path), &image->elf, &image->symbols);
        return;
    }
    vec_each (object, &image->objects)
        if (object->elf.data && object->library >= 0)
            supplement_add(a, s, image->libraries.items[object->library], &object->elf,
                           &object->symbols);
}

enum status mem_supplement(struct mem_options *o, struct mem_session *s)
{
    struct cli *cli = o->cli;
    struct supplement supplement = {.schema = SUPPLEMENT_SCHEMA};
    vec_each (input, &s->inputs) {
        struct image *image = ARENA_NEW(cli->arena, struct image);
        enum status status = mem_open(s, input, image);
        if (status)
            return status;
        add_image(o, &supplement, image);
        image_close(image);
    }
    if (!supplement.libraries.count)
        return diag_fail(&cli->diag, STATUS_INPUT,
                         "--supplement: no micro-library objects given (a build folder, lib*.o)");
    supplement_finish(cli->arena, &supplement);
    json_t *json = jm_encode(&supplement_type, &supplement);
    enum status status;
    if (o->form == FORM_JSON) {
        status = json_print(&cli->diag, json);
    } else {
        const char *dir;
        cli->program = "supplement";
        status = cli_output_dir(cli, &dir);
        const char *path = status ? "" : cli_path(cli, dir, "supplement.json");
        if (!status)
            status = json_write(&cli->diag, path, json);
        if (!status)
            diag_note(&cli->diag, "wrote %s: %zu libraries", path, supplement.libraries.count);
    }
    json_decref(json);
    return status;
}
