/* SPDX-License-Identifier: BSD-3-Clause
 * Where musl's dynamic linker looks for a library (its ldso/dynlink.c): LD_LIBRARY_PATH, then the
 * RPATH or RUNPATH of the needing object and of each that needed it, then the system folders. The
 * first file there is taken, whatever it holds. */
#include "analyzer/linkmap_private.h"
#include <string.h>

bool linkmap_musl_is_self(const char *name)
{
    static const char *const own[] = {"c.", "pthread.", "rt.", "m.", "dl.", "util.", "xnet.", NULL};
    if (strncmp(name, "lib", 3) != 0)
        return false;
    for (const char *const *o = own; *o; o++)
        if (!strncmp(name + 3, *o, strlen(*o)))
            return true;
    return false;
}

static enum status try_folders(struct diag *d, struct linkmap *map, struct library_query *q,
                               const strings *folders, const char *found_by)
{
    vec_each (folder, folders) {
        linkmap_note_searched(map, &q->searched, *folder);
        enum status status = linkmap_try_file(
            d, map, arena_printf(map->arena, "%s/%s", *folder, q->name), &q->found);
        q->found_by = found_by;
        if (status || q->found)
            return status;
    }
    return STATUS_OK;
}

enum status linkmap_search_musl(struct diag *d, struct linkmap *map, struct library_query *q)
{
    if (strchr(q->name, '/')) {
        linkmap_note_searched(map, &q->searched, q->name);
        q->found_by = "path";
        return linkmap_try_file(d, map, q->name, &q->found);
    }
    enum status status = try_folders(d, map, q, &map->how->environment, "LD_LIBRARY_PATH");
    const struct linkmap_object *objects = map->objects.items;
    for (size_t i = q->caller; !status && !q->found && i != LINKMAP_NONE; i = objects[i].loader) {
        const struct elf_object *o = objects[i].elf;
        const char *path = o->runpath ? o->runpath : o->rpath;
        if (!path)
            continue;
        strings folders = {0};
        linkmap_split(map, i, path, ":\n", &folders);
        status = try_folders(d, map, q, &folders, arena_printf(map->arena, "RPATH of %s", o->name));
    }
    if (!status && !q->found)
        status = try_folders(d, map, q, &map->how->defaults, "system folders");
    return status;
}
