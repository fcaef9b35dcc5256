/* SPDX-License-Identifier: BSD-3-Clause
 * The objects an image was linked from: single files, archives, build folders. */
#include "memanalyser/archive.h"
#include "memanalyser/image.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool ends_with(const char *s, const char *end)
{
    size_t ls = strlen(s), le = strlen(end);
    return ls >= le && strcmp(s + ls - le, end) == 0;
}

const char *library_name_of(struct arena *a, const char *path)
{
    const char *base = base_name(path), *dot = strrchr(base, '.');
    bool known = dot && dot != base && (strcmp(dot, ".o") == 0 || strcmp(dot, ".a") == 0);
    return known ? arena_strndup(a, base, (size_t)(dot - base)) : arena_strdup(a, base);
}

static enum status add_bytes(struct diag *d, struct image *image, const char *path, int library,
                             const unsigned char *data, uint64_t size)
{
    struct object object = {.path = path, .library = library};
    enum status status = elf_parse(d, image->arena, path, data, size, &object.elf);
    if (status)
        return status;
    if (!object.elf.relocatable)
        return diag_fail(d, STATUS_INPUT, "%s: not a relocatable object, so no part of an image",
                         path);
    status = elf_symbols_read(d, image->arena, &object.elf, false, &object.symbols);
    if (!status)
        vec_push(image->arena, &image->objects, object);
    return status;
}

static enum status add_thin_member(struct diag *d, struct image *image, const char *archive,
                                   const struct archive_member *m, int library)
{
    const char *slash = strrchr(archive, '/');
    const char *path =
        m->name[0] == '/' || !slash
            ? m->name
            : arena_printf(image->arena, "%.*s/%s", (int)(slash - archive), archive, m->name);
    struct mapped file;
    enum status status = mapped_open(d, path, &file);
    if (status)
        return status;
    vec_push(image->arena, &image->mappings, file);
    return elf_is(file.data, file.size) ? add_bytes(d, image, arena_strdup(image->arena, path),
                                                    library, file.data, file.size)
                                        : STATUS_OK;
}

static enum status add_archive(struct diag *d, struct image *image, const char *path,
                               const struct mapped *file)
{
    struct archive archive;
    enum status status = archive_parse(d, image->arena, path, file->data, file->size, &archive);
    int library = image_library(image, library_name_of(image->arena, path));
    for (size_t i = 0; !status && i < archive.members.count; i++) {
        const struct archive_member *m = &archive.members.items[i];
        if (archive.thin)
            status = add_thin_member(d, image, path, m, library);
        else if (elf_is(m->data, m->size))
            status = add_bytes(d, image, arena_printf(image->arena, "%s(%s)", path, m->name),
                               library, m->data, m->size);
    }
    return status;
}

static enum status add_file(struct diag *d, struct image *image, const char *path)
{
    struct mapped file;
    enum status status = mapped_open(d, path, &file);
    if (status)
        return status;
    vec_push(image->arena, &image->mappings, file);
    if (archive_is(file.data, file.size))
        return add_archive(d, image, path, &file);
    int library = image_library(image, library_name_of(image->arena, path));
    return add_bytes(d, image, arena_strdup(image->arena, path), library, file.data, file.size);
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* O/LIB.o is the micro-library; O/LIB.ld.o the same before its exports were cut. */
static enum status add_folder(struct diag *d, struct image *image, const char *path)
{
    DIR *dir = opendir(path);
    if (!dir)
        return diag_fail(d, STATUS_INPUT, "%s: cannot open: %s", path, strerror(errno));
    strings names = {0};
    for (struct dirent *e; (e = readdir(dir));)
        if ((ends_with(e->d_name, ".o") && !ends_with(e->d_name, ".ld.o")) ||
            ends_with(e->d_name, ".a"))
            vec_push(image->arena, &names, arena_printf(image->arena, "%s/%s", path, e->d_name));
    closedir(dir);
    vec_sort(&names, by_text);
    if (!names.count)
        return diag_fail(d, STATUS_INPUT, "%s: no object files (*.o) of micro-libraries in it",
                         path);
    for (size_t i = 0; i < names.count; i++) {
        enum status status = add_file(d, image, names.items[i]);
        if (status)
            return status;
    }
    return STATUS_OK;
}

enum status image_add_objects(struct diag *d, struct image *image, const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return add_folder(d, image, path);
    return add_file(d, image, path);
}
