/* SPDX-License-Identifier: BSD-3-Clause
 * Where glibc's dynamic linker looks for a library. ld.so(8), and elf/dl-load.c for the details:
 * RPATH of the needing object and of those that loaded it (unless it has a RUNPATH), then
 * LD_LIBRARY_PATH, RUNPATH, the cache, the default folders; in each folder first the subfolders for
 * better processors. A library for another machine is passed over, a broken file ends the search.
 */
#include "analyzer/linkmap_private.h"
#include <elf.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool folder_exists(struct linkmap *map, const char *path)
{
    struct linkmap_search *how = map->how;
    vec_each (f, &how->folders)
        if (!strcmp(f->path, path))
            return f->exists;
    struct stat st;
    int fd = linkmap_open_file(map, path);
    bool exists = fd >= 0 && !fstat(fd, &st) && S_ISDIR(st.st_mode);
    if (fd >= 0)
        close(fd);
    vec_push(map->arena, &how->folders, ((struct known_folder){path, exists}));
    return exists;
}

const char *linkmap_platform(const struct linkmap *map)
{
    struct linkmap_search *how = map->how;
    if (!how->platform)
        linkmap_processor(map->arena, map->objects.items[0].elf->machine, &how->hwcaps,
                          &how->platform, &how->legacy);
    return how->platform;
}

/* Until glibc 2.36, also every subset of the capability names in descending order, joined. */
static void legacy_subfolders(struct linkmap *map)
{
    struct linkmap_search *how = map->how;
    strings names = {0};
    vec_push(map->arena, &names, "tls");
    vec_push(map->arena, &names, how->platform);
    vec_each (name, &how->legacy)
        vec_push(map->arena, &names, *name);
    for (unsigned set = (1u << names.count) - 1; set; set--) {
        const char *sub = "";
        for (size_t i = 0; i < names.count; i++)
            if (set >> (names.count - 1 - i) & 1)
                sub = arena_printf(map->arena, "%s%s/", sub, names.items[i]);
        vec_push(map->arena, &how->subfolders, sub);
    }
}

static bool holds_string(const struct elf_object *o, const char *text, size_t size)
{
    vec_each (s, &o->segments)
        if (memmem(o->data + s->offset, s->filesz, text, size))
            return true;
    return false;
}

static void prepare_subfolders(struct linkmap *map)
{
    struct linkmap_search *how = map->how;
    if (how->subfolders.count)
        return;
    linkmap_platform(map);
    vec_each (name, &how->hwcaps)
        vec_push(map->arena, &how->subfolders, arena_printf(map->arena, "glibc-hwcaps/%s/", *name));
    if (holds_string(how->ldso, "avx512_1", sizeof "avx512_1"))
        legacy_subfolders(map);
    vec_push(map->arena, &how->subfolders, "");
}

static enum status try_folders(struct diag *d, struct linkmap *map, struct library_query *q,
                               const strings *folders, const char *found_by)
{
    if (folders->count) /* asks the processor what it is, which takes long under a hypervisor */
        prepare_subfolders(map);
    vec_each (folder, folders) {
        linkmap_note_searched(map, &q->searched, *folder);
        if (!folder_exists(map, *folder))
            continue;
        vec_each (sub, &map->how->subfolders) {
            const char *separator = !strcmp(*folder, "/") ? "" : "/";
            const char *file =
                arena_printf(map->arena, "%s%s%s%s", *folder, separator, *sub, q->name);
            if (**sub && !folder_exists(map, arena_strndup(map->arena, file,
                                                           strlen(file) - strlen(q->name) - 1)))
                continue;
            enum status status = linkmap_try_file(d, map, file, &q->found);
            q->found_by = found_by;
            if (status || q->found)
                return status;
        }
    }
    return STATUS_OK;
}

static enum status try_rpath(struct diag *d, struct linkmap *map, struct library_query *q)
{
    const struct linkmap_object *objects = map->objects.items;
    if (objects[q->caller].elf->runpath)
        return STATUS_OK;
    bool program_done = false;
    for (size_t i = q->caller; !program_done; i = objects[i].loader) {
        program_done = i == 0;
        if (i == LINKMAP_NONE) /* the program's own RPATH always counts, as the last */
            i = 0, program_done = true;
        const char *rpath = objects[i].elf->rpath;
        if (!rpath)
            continue;
        strings folders = {0};
        linkmap_split(map, i, rpath, ":", &folders);
        enum status status = try_folders(
            d, map, q, &folders, arena_printf(map->arena, "RPATH of %s", objects[i].elf->name));
        if (status || q->found)
            return status;
    }
    return STATUS_OK;
}

static enum status try_runpath(struct diag *d, struct linkmap *map, struct library_query *q)
{
    const struct elf_object *caller = map->objects.items[q->caller].elf;
    if (!caller->runpath)
        return STATUS_OK;
    strings folders = {0};
    linkmap_split(map, q->caller, caller->runpath, ":", &folders);
    return try_folders(d, map, q, &folders,
                       arena_printf(map->arena, "RUNPATH of %s", caller->name));
}

static bool in_default_folder(const struct linkmap_search *how, const char *path)
{
    vec_each (folder, &how->defaults) {
        size_t length = strlen(*folder);
        if (!strncmp(path, *folder, length) && path[length] == '/')
            return true;
    }
    return false;
}

static const strings *supported(void *context)
{
    const struct linkmap *map = context;
    linkmap_platform(map);
    return &map->how->hwcaps;
}

static enum status try_cache(struct diag *d, struct linkmap *map, struct library_query *q)
{
    struct linkmap_search *how = map->how;
    const struct elf_object *program = map->objects.items[0].elf;
    if (!how->cache)
        return STATUS_OK;
    linkmap_note_searched(map, &q->searched, "/etc/ld.so.cache");
    const char *path = ldso_cache_find(how->cache, q->name, supported, map, program->machine);
    bool no_default = map->objects.items[q->caller].elf->flags_1 & DF_1_NODEFLIB;
    if (!path || (no_default && in_default_folder(how, path)))
        return STATUS_OK;
    q->found_by = "ld.so.cache";
    return linkmap_try_file(d, map, path, &q->found);
}

enum status linkmap_search_glibc(struct diag *d, struct linkmap *map, struct library_query *q)
{
    if (strchr(q->name, '/')) {
        linkmap_note_searched(map, &q->searched, q->name);
        q->found_by = "path";
        return linkmap_try_file(d, map, q->name, &q->found);
    }
    enum status status = try_rpath(d, map, q);
    if (!status && !q->found)
        status = try_folders(d, map, q, &map->how->environment, "LD_LIBRARY_PATH");
    if (!status && !q->found)
        status = try_runpath(d, map, q);
    if (!status && !q->found)
        status = try_cache(d, map, q);
    bool no_default = map->objects.items[q->caller].elf->flags_1 & DF_1_NODEFLIB;
    if (!status && !q->found && !no_default)
        status = try_folders(d, map, q, &map->how->defaults, "default folders");
    return status;
}

/* The linker's default folders are a run of strings in its own image ("/lib/x86_64-linux-gnu/",
 * "/usr/lib/x86_64-linux-gnu/", "/lib/", "/usr/lib/": the distribution's choice at build time). */
static void default_folders(struct linkmap *map, const struct elf_object *ldso, strings *out)
{
    static const char anchor[] = "\0/usr/lib";
    vec_each (s, &ldso->segments) {
        const char *start = (const char *)ldso->data + s->offset, *end = start + s->filesz;
        const char *hit = start;
        while (!out->count && (hit = memmem(hit, (size_t)(end - hit), anchor, sizeof anchor - 1))) {
            const char *p = hit++;
            /* Back over the strings before, as long as they look like folders. */
            while (p > start + 1 && p[-1] == '/') {
                const char *q = p - 1;
                while (q > start && q[-1])
                    q--;
                if (*q != '/' || q == start)
                    break;
                p = q - 1;
            }
            for (p++; p < end && *p == '/'; p += strlen(p) + 1) {
                size_t length = strnlen(p, (size_t)(end - p));
                if (p + length == end || length < 2 || p[length - 1] != '/')
                    break;
                vec_push(map->arena, out, arena_strndup(map->arena, p, length - 1));
            }
        }
    }
    if (!out->count) {
        vec_push(map->arena, out, "/lib64");
        vec_push(map->arena, out, "/usr/lib64");
    }
}

static void prepare_glibc(struct linkmap *map, const struct elf_object *ldso)
{
    struct linkmap_search *how = map->how;
    how->ldso = ldso;
    default_folders(map, ldso, &how->defaults);
    how->lib = how->defaults.items[0] + 1;
    size_t size;
    const void *cache = linkmap_map_file(map, "/etc/ld.so.cache", &size);
    how->cache = cache ? ldso_cache_parse(map->arena, cache, size) : NULL;
}

/* musl: /etc/ld-musl-ARCH.path beside the loader's own prefix, else three fixed folders. */
static void prepare_musl(struct linkmap *map)
{
    struct linkmap_search *how = map->how;
    const char *self = map->objects.items[map->interpreter].path;
    const char *arch = map->objects.items[0].elf->machine == EM_AARCH64 ? "aarch64" : "x86_64";
    const char *last = strrchr(self, '/');
    const char *prefix = last ? memrchr(self, '/', (size_t)(last - self)) : NULL;
    const char *file = arena_printf(map->arena, "%.*s/etc/ld-musl-%s.path",
                                    prefix ? (int)(prefix - self) : 0, self, arch);
    size_t size;
    const char *text = linkmap_map_file(map, file, &size);
    how->lib = "lib";
    how->platform = arch;
    linkmap_split(map, 0,
                  text ? arena_strndup(map->arena, text, size) : "/lib:/usr/local/lib:/usr/lib",
                  ":\n", &how->defaults);
}

void linkmap_search_prepare(struct linkmap *map)
{
    struct linkmap_search *how = map->how;
    how->prepared = true;
    if (map->musl)
        prepare_musl(map);
    else
        prepare_glibc(
            map, map->objects.items[map->interpreter == LINKMAP_NONE ? 0 : map->interpreter].elf);
    if (how->options.library_path && *how->options.library_path)
        linkmap_split(map, 0, how->options.library_path, map->musl ? ":\n" : ":;",
                      &how->environment);
}
