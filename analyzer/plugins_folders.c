/* SPDX-License-Identifier: BSD-3-Clause
 * Module folders: an object that loads names it computes usually has the folder's name in its data
 * ("/usr/lib/lighttpd", "/usr/lib/lua/5.4/?.so", a configure-time prefix). Folders so named that
 * hold shared objects are taken as the places it loads from. */
#include "analyzer/plugins_private.h"
#include <dirent.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_LIMIT = 5, ENTRY_LIMIT = 8192, MODULE_LIMIT = 1024 };

/* Folders that name no program's modules, or too much: by any component at the top, or the last. */
static const char *const foreign_tops[] = {"dev", "proc", "sys", "tmp", "run",   "home",  "root",
                                           "etc", "boot", "mnt", "srv", "media", "debug", NULL};
static const char *const general_names[] = {
    "lib", "lib32",   "lib64",  "bin", "sbin", "share", "local", "usr",      "libexec", "opt",
    "src", "include", "locale", "doc", "man",  "icons", "fonts", "zoneinfo", "debug",   NULL};

static bool in(const char *const *list, const char *name, size_t length)
{
    for (; *list; list++)
        if (strlen(*list) == length && !strncmp(*list, name, length))
            return true;
    return false;
}

struct walk {
    const struct linkmap *map;
    strings *out;
    unsigned entries;
};

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static bool names_module(const char *name)
{
    size_t length = strlen(name);
    return length > 3 && !strcmp(name + length - 3, ".so");
}

static void list(struct walk *w, const char *folder, int depth)
{
    int fd = linkmap_open_file(w->map, folder);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    strings below = {0};
    for (struct dirent *e; (e = readdir(dir)) && w->entries++ < ENTRY_LIMIT;) {
        if (e->d_name[0] == '.')
            continue;
        struct stat st = {.st_mode = DTTOIF(e->d_type)};
        if ((e->d_type == DT_LNK || e->d_type == DT_UNKNOWN) && fstatat(fd, e->d_name, &st, 0))
            continue;
        if (S_ISDIR(st.st_mode) && depth < DEPTH_LIMIT &&
            !in(general_names, e->d_name, strlen(e->d_name)))
            vec_push(w->map->arena, &below,
                     arena_printf(w->map->arena, "%s/%s", folder, e->d_name));
        else if (S_ISREG(st.st_mode) && names_module(e->d_name) && w->out->count < MODULE_LIMIT)
            vec_push(w->map->arena, w->out,
                     arena_printf(w->map->arena, "%s/%s", folder, e->d_name));
    }
    closedir(dir);
    vec_sort(&below, by_text); /* the limits must cut the same way every time */
    vec_each (sub, &below)
        list(w, *sub, depth + 1);
}

void plugins_list_folder(const struct linkmap *map, const char *folder, strings *out)
{
    struct walk w = {map, out, 0};
    list(&w, folder, 0);
    vec_sort(out, by_text);
}

static bool printable(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] >= 0x7f)
            return false;
    return true;
}

/* Calls use(context, text) for every string of read-only data that begins with this text. */
static void each_string(const struct elf_object *o, const char *beginning,
                        void (*use)(void *context, const char *text), void *context)
{
    size_t size = strlen(beginning);
    vec_each (s, &o->segments) {
        if (s->flags & PF_W)
            continue;
        const char *p = (const char *)o->data + s->offset, *end = p + s->filesz;
        while (p < end && ++p < end && (p = memchr(p, beginning[0], (size_t)(end - p)))) {
            if (p[-1] || (size_t)(end - p) < size || memcmp(p, beginning, size) != 0)
                continue;
            size_t length = strnlen(p, (size_t)(end - p));
            if (length >= 4 && length < 4096 && p + length < end && printable(p, length))
                use(context, p);
            p += length - 1;
        }
    }
}

void plugins_each_path(const struct elf_object *o, void (*use)(void *context, const char *text),
                       void *context)
{
    each_string(o, "/", use, context);
}

struct naming {
    struct plugin_search *search;
    size_t object;    /* who dlopens */
    const char *name; /* whose string it is */
};

static bool eligible(const struct linkmap *map, const char *folder, size_t length)
{
    const char *slash = memrchr(folder, '/', length);
    const char *first_end = memchr(folder + 1, '/', length - 1);
    if (!first_end || !slash || in(foreign_tops, folder + 1, (size_t)(first_end - folder - 1)) ||
        in(general_names, slash + 1, (size_t)(folder + length - slash - 1)))
        return false;
    vec_each (known, &map->how->defaults)
        if (strlen(*known) == length && !strncmp(*known, folder, length))
            return false;
    return true;
}

static void add_folder(struct naming *n, const char *folder)
{
    struct plugin_search *s = n->search;
    vec_each (known, &s->map->how->plugins_seen)
        if (!strcmp(*known, folder))
            return;
    vec_push(s->map->arena, &s->map->how->plugins_seen, folder);
    strings files = {0};
    plugins_list_folder(s->map, folder, &files);
    vec_each (file, &files)
        plugins_add(
            s, n->object, *file,
            arena_printf(s->map->arena, "module in %s, a folder named in %s", folder, n->name));
}

/* A string may be a list ("a:b", "a;b") and hold templates ("DIR/?.so", "DIR/%s.so"). */
static void consider(void *context, const char *text)
{
    struct naming *n = context;
    struct linkmap *map = n->search->map;
    while (*text) {
        size_t length = strcspn(text, ":;"), whole = length;
        size_t fixed = strcspn(text, "?%*$");
        if (fixed < length) {
            const char *slash = memrchr(text, '/', fixed);
            length = slash ? (size_t)(slash - text) : 0;
        }
        while (length > 1 && text[length - 1] == '/')
            length--;
        if (length > 4 && *text == '/' && eligible(map, text, length))
            add_folder(n, arena_strndup(map->arena, text, length));
        text += whole;
        text += *text != 0;
    }
}

static bool names_library(const char *text, size_t length)
{
    const char *end = memmem(text, length, ".so", 3);
    if (!end)
        return false;
    end += 3;
    size_t rest = length - (size_t)(end - text);
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-_.") >=
               length &&
           (!rest || *end == '.') && strspn(end, ".0123456789") >= rest;
}

/* A list of library names, of which the program tries one after the other ("libreadline.so.8:
 * libedit.so.2"). Needed libraries are named in data too, but those are in the link map. */
static void consider_library(void *context, const char *text)
{
    struct naming *n = context;
    struct plugin_search *s = n->search;
    for (const char *p = text; *p; p += strcspn(p, ":,; "), p += *p != 0)
        if (!names_library(p, strcspn(p, ":,; ")))
            return;
    for (const char *p = text; *p; p += strcspn(p, ":,; "), p += *p != 0)
        plugins_add(s, n->object, arena_strndup(s->map->arena, p, strcspn(p, ":,; ")),
                    arena_printf(s->map->arena, "library named in the data of %s", n->name));
}

/* Interpreters that compute their folder from where they are: known by what they export. */
static const struct {
    const char *exported, *stem, *pattern;
} computed[] = {
    {"Py_BytesMain", "python", "lib/%s/lib-dynload"},
};

/* "python3.11" from "/usr/bin/python3.11" or "libpython3.11.so.1.0". */
static const char *versioned_name(struct arena *a, const char *name, const char *stem)
{
    const char *p = strstr(name, stem);
    if (!p)
        return NULL;
    size_t length = strlen(stem);
    length += strspn(p + length, "0123456789.");
    while (p[length - 1] == '.')
        length--;
    return arena_strndup(a, p, length);
}

/* The folder above the one an object is in: "/usr" for "/usr/bin/python3.11". */
static const char *above(const struct linkmap *map, size_t object)
{
    const char *path = map->objects.items[object].path;
    const char *last = strrchr(path, '/');
    const char *slash = last ? memrchr(path, '/', (size_t)(last - path)) : NULL;
    return slash ? arena_strndup(map->arena, path, (size_t)(slash - path)) : "..";
}

static void consider_computed(struct naming *n, size_t object)
{
    struct linkmap *map = n->search->map;
    const struct elf_object *o = map->objects.items[object].elf;
    const char *prefixes[] = {above(map, 0), above(map, object), "/usr", "/usr/local"};
    for (size_t i = 0; i < sizeof computed / sizeof computed[0]; i++) {
        if (!elf_defines(o, computed[i].exported))
            continue;
        const char *name = versioned_name(map->arena, o->name, computed[i].stem);
        for (size_t k = 0; name && k < sizeof prefixes / sizeof prefixes[0]; k++) {
            const char *tail = strchr(computed[i].pattern, '%');
            const char *folder = arena_printf(map->arena, "%s/%.*s%s%s", prefixes[k],
                                              (int)(tail - computed[i].pattern),
                                              computed[i].pattern, name, tail + 2);
            size_t before = n->search->out->count;
            add_folder(n, folder);
            if (n->search->out->count > before)
                break;
        }
    }
}

/* A program that reads from its configuration where its modules are: by custom in the folder of its
 * own name among the libraries. */
static void consider_own_name(struct naming *n)
{
    struct linkmap *map = n->search->map;
    const char *path = map->objects.items[0].path, *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *usual = arena_printf(map->arena, "%s/lib/%s", above(map, 0), name);
    n->name = "the libraries under the program's name";
    if (eligible(map, usual, strlen(usual)))
        add_folder(n, usual);
    vec_each (folder, &map->how->defaults) {
        const char *own = arena_printf(map->arena, "%s/%s", *folder, name);
        if (eligible(map, own, strlen(own)))
            add_folder(n, own);
    }
}

static bool needs(const struct linkmap_object *o, size_t object)
{
    vec_each (n, &o->needed)
        if (*n == object)
            return true;
    return false;
}

void plugins_add_named_folders(struct plugin_search *s, size_t object)
{
    struct linkmap *map = s->map;
    const struct elf_object *o = map->objects.items[object].elf;
    /* The C library's own unknown names are name services and converters: other rules. */
    const char *key = arena_printf(map->arena, "folders %zu %zu", object, map->objects.count);
    vec_each (known, &s->map->how->plugins_seen)
        if (!strcmp(*known, key))
            return;
    vec_push(map->arena, &map->how->plugins_seen, key);
    if (elf_defines(o, "__libc_start_main") || object == map->interpreter)
        return;
    /* The folder may be named by whom the name comes from: the program, or a library that uses this
     * one to load. */
    size_t before = s->out->count;
    for (size_t i = 0; i < map->objects.count; i++) {
        if (i != object && i != 0 && !needs(&map->objects.items[i], object))
            continue;
        struct naming n = {s, object, map->objects.items[i].elf->name};
        plugins_each_path(map->objects.items[i].elf, consider, &n);
        consider_computed(&n, i);
    }
    struct naming own = {s, object, o->name};
    if (s->out->count == before)
        consider_own_name(&own);
    own.name = o->name;
    each_string(o, "lib", consider_library, &own);
}

/* Libraries that a C library loads by a name in its own data, once a function wants them. */
static void add_libraries_called(struct plugin_search *s, size_t libc, const char *beginning)
{
    const struct elf_object *o = s->map->objects.items[libc].elf;
    struct naming own = {s, libc, o->name};
    const char *key = arena_printf(s->map->arena, "%s of %zu", beginning, libc);
    vec_each (known, &s->map->how->plugins_seen)
        if (!strcmp(*known, key))
            return;
    vec_push(s->map->arena, &s->map->how->plugins_seen, key);
    if (elf_defines(o, "__libc_start_main"))
        each_string(o, beginning, consider_library, &own);
}

void plugins_add_names(struct plugin_search *s, size_t libc)
{
    add_libraries_called(s, libc, "libidn");
}

void plugins_add_unwinder(struct plugin_search *s, size_t libc)
{
    add_libraries_called(s, libc, "libgcc");
}
