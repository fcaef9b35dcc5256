/* SPDX-License-Identifier: BSD-3-Clause
 * What the user gave --memanalyser, as a list of images. */
#include "cli/memanalyser.h"
#include "common/file.h"
#include "memanalyser/archive.h"
#include "memanalyser/formats.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool ends_with(const char *s, const char *end)
{
    size_t ls = strlen(s), le = strlen(end);
    return ls >= le && strcmp(s + ls - le, end) == 0;
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* Whether the file is a linked ELF image (ET_EXEC or ET_DYN). */
static bool is_image(struct mem_session *s, const char *path)
{
    struct diag quiet = s->options->cli->diag;
    struct mapped file;
    struct elf_file elf;
    struct arena *a = arena_new();
    bool linked = mapped_open(&quiet, path, &file) == STATUS_OK;
    if (linked) {
        linked = elf_is(file.data, file.size) &&
                 elf_parse(&quiet, a, path, file.data, file.size, &elf) == STATUS_OK &&
                 (elf.type == ET_EXEC || elf.type == ET_DYN);
        mapped_close(&file);
    }
    arena_free(a);
    return linked;
}

/* The images of a build folder: linked ELF files, a .dbg one only where it stands alone. */
static enum status add_folder(struct mem_session *s, const char *path)
{
    struct cli *cli = s->options->cli;
    DIR *dir = opendir(path);
    if (!dir)
        return diag_fail(&cli->diag, STATUS_INPUT, "%s: cannot open: %s", path, strerror(errno));
    strings names = {0};
    for (struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.')
            vec_push(cli->arena, &names, cli_path(cli, path, e->d_name));
    closedir(dir);
    vec_sort(&names, by_text);
    size_t before = s->inputs.count;
    bool objects = false;
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.items[i];
        struct stat st;
        objects |= ends_with(name, ".o");
        if (ends_with(name, ".o") || stat(name, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        if (ends_with(name, ".dbg") &&
            file_exists(arena_strndup(cli->arena, name, strlen(name) - 4)))
            continue;
        if (is_image(s, name))
            vec_push(cli->arena, &s->inputs, ((struct mem_input){.path = name, .folder = path}));
    }
    if (s->inputs.count > before)
        return STATUS_OK;
    if (!objects)
        return diag_fail(&cli->diag, STATUS_INPUT,
                         "%s: no image and no micro-library objects (lib*.o) in this folder", path);
    for (size_t i = 0; i < names.count; i++)
        if (ends_with(names.items[i], ".o") && !ends_with(names.items[i], ".ld.o"))
            vec_push(cli->arena, &s->inputs, ((struct mem_input){.path = names.items[i]}));
    return STATUS_OK;
}

static enum status add_archive(struct mem_session *s, const char *path, const struct mapped *file)
{
    struct cli *cli = s->options->cli;
    struct archive archive;
    enum status status =
        archive_parse(&cli->diag, cli->arena, path, file->data, file->size, &archive);
    if (status)
        return status;
    const char *slash = strrchr(path, '/');
    vec_each (m, &archive.members) {
        struct mem_input input = {.path = arena_printf(cli->arena, "%s(%s)", path, m->name),
                                  .bytes = m->data,
                                  .size = m->size};
        if (archive.thin)
            input =
                (struct mem_input){.path = m->name[0] == '/' || !slash
                                               ? m->name
                                               : arena_printf(cli->arena, "%.*s/%s",
                                                              (int)(slash - path), path, m->name)};
        vec_push(cli->arena, &s->inputs, input);
    }
    if (!archive.members.count)
        return diag_fail(&cli->diag, STATUS_INPUT, "%s: an archive without members", path);
    return STATUS_OK;
}

enum status mem_add_path(struct mem_session *s, const char *path)
{
    struct cli *cli = s->options->cli;
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return add_folder(s, path);
    struct mapped file;
    enum status status = mapped_open(&cli->diag, path, &file);
    if (status)
        return status;
    if (archive_is(file.data, file.size)) {
        vec_push(cli->arena, &s->mappings, file);
        return add_archive(s, path, &file);
    }
    mapped_close(&file);
    vec_push(cli->arena, &s->inputs, ((struct mem_input){.path = path}));
    return STATUS_OK;
}

enum status mem_inputs(struct mem_session *s)
{
    for (size_t i = 0; i < s->options->inputs.count; i++) {
        enum status status = mem_add_path(s, s->options->inputs.items[i]);
        if (status)
            return status;
    }
    return STATUS_OK;
}

void mem_inputs_close(struct mem_session *s)
{
    vec_each (m, &s->mappings)
        mapped_close(m);
}

/* Attribution from the best source at hand to the weakest. */
static enum status attribute(struct mem_session *s, const struct mem_input *input,
                             struct image *image)
{
    struct mem_options *o = s->options;
    struct diag *d = &o->cli->diag;
    enum status status = STATUS_OK;
    if (image->elf.relocatable) {
        status = image_claim_itself(image);
        return status ? status : image_cut(d, image);
    }
    if (o->link_map)
        status = image_read_link_map(d, image, o->link_map);
    if (!status && input->folder && !o->objects.count)
        status = image_add_objects(d, image, input->folder);
    for (size_t i = 0; !status && i < o->objects.count; i++)
        status = image_add_objects(d, image, o->objects.items[i]);
    if (!status)
        status = image_place(d, image);
    if (!status && !o->link_map && !image->objects.count)
        status = image_claim_units(d, image);
    if (!status)
        status = image_claim_unwind(d, image);
    return status ? status : image_cut(d, image);
}

enum status mem_open(struct mem_session *s, const struct mem_input *input, struct image *image)
{
    struct cli *cli = s->options->cli;
    const char *twin = s->options->twin ? s->options->twin : input->twin;
    enum status status = input->bytes
                             ? image_open_bytes(&cli->diag, cli->arena, input->path, input->bytes,
                                                input->size, image)
                             : image_open(&cli->diag, cli->arena, input->path, twin, image);
    if (status)
        return status;
    image_name_plt(&cli->diag, image);
    status = attribute(s, input, image);
    if (status)
        image_close(image);
    return status;
}
