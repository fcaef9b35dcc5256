/* SPDX-License-Identifier: BSD-3-Clause
 * Plug-ins that the system's configuration chooses: name service switch, PAM, character sets. */
#include "analyzer/plugins_private.h"
#include <dirent.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool once(struct plugin_search *s, const char *key)
{
    vec_each (k, &s->map->how->plugins_seen)
        if (!strcmp(*k, key))
            return false;
    vec_push(s->map->arena, &s->map->how->plugins_seen, key);
    return true;
}

/* ---- name service switch: nsswitch.conf(5) ---- */

/* What the C library does for a database that the file does not mention. */
static const struct {
    const char *database, *services;
} nss_defaults[] = {
    {"hosts", "dns files"}, {"networks", "dns files"}, {"publickey", "nis nisplus"},
    {"initgroups", NULL}, /* falls back to group */
    {NULL, "files"},
};

/* The words after "database:" in a file's text, comments and [actions] removed; NULL: no line. */
static char *configured_services(struct arena *a, const char *text, const char *database)
{
    size_t length = strlen(database);
    while (text && *text) {
        const char *p = text + strspn(text, " \t");
        const char *end = strchrnul(text, '\n');
        text = *end ? end + 1 : end;
        if (strncmp(p, database, length) != 0)
            continue;
        p += length;
        p += strspn(p, " \t");
        if (*p++ != ':')
            continue;
        char *words = arena_strndup(a, p, (size_t)(end - p));
        words[strcspn(words, "#")] = 0;
        for (char *open; (open = strchr(words, '['));) {
            size_t skipped = strcspn(open, "]");
            memset(open, ' ', skipped + (open[skipped] == ']'));
        }
        return words;
    }
    return NULL;
}

static char *services_of(struct arena *a, const char *text, const char *database)
{
    char *words = configured_services(a, text, database);
    for (size_t i = 0; !words; i++) {
        if (nss_defaults[i].database && strcmp(nss_defaults[i].database, database) != 0)
            continue;
        if (!nss_defaults[i].services)
            return services_of(a, text, "group");
        words = arena_strdup(a, nss_defaults[i].services);
    }
    return words;
}

/* Newer C libraries have some services inside: they define _nss_SERVICE_ functions. */
static bool built_in(const struct elf_object *libc, const char *service)
{
    size_t length = strlen(service);
    vec_each (s, &libc->symbols)
        if (s->section != SHN_UNDEF && !strncmp(s->name, "_nss_", 5) &&
            !strncmp(s->name + 5, service, length) && s->name[5 + length] == '_')
            return true;
    return false;
}

void plugins_add_nss(struct plugin_search *s, size_t libc, const char *database)
{
    struct arena *a = s->map->arena;
    if (s->map->musl || !once(s, arena_printf(a, "nss %zu %s", libc, database)))
        return;
    size_t size = 0;
    const char *file = linkmap_map_file(s->map, "/etc/nsswitch.conf", &size);
    char *words = services_of(a, file ? arena_strndup(a, file, size) : NULL, database);
    for (char *save = NULL, *w = strtok_r(words, " \t\r", &save); w;
         w = strtok_r(NULL, " \t\r", &save)) {
        if (strchr(w, '/') || built_in(s->map->objects.items[libc].elf, w))
            continue;
        plugins_add(s, libc, arena_printf(a, "libnss_%s.so.2", w),
                    arena_printf(a, "NSS service \"%s\" of database \"%s\"", w, database));
    }
}

/* ---- folders named inside a library ---- */

struct ending {
    const char *suffix;
    const struct linkmap *map;
    const char *folder;
};

static void keep_folder(void *context, const char *text)
{
    struct ending *e = context;
    size_t length = strlen(text), suffix = strlen(e->suffix);
    while (length > 1 && text[length - 1] == '/')
        length--;
    if (e->folder || length < suffix || strncmp(text + length - suffix, e->suffix, suffix) != 0)
        return;
    const char *folder = arena_strndup(e->map->arena, text, length);
    strings files = {0};
    plugins_list_folder(e->map, folder, &files);
    if (files.count)
        e->folder = folder;
}

static const char *folder_ending_in(const struct linkmap *map, size_t object, const char *suffix)
{
    struct ending e = {suffix, map, NULL};
    plugins_each_path(map->objects.items[object].elf, keep_folder, &e);
    return e.folder;
}

/* ---- character sets: iconv(1), gconv modules ---- */

void plugins_add_gconv(struct plugin_search *s, size_t libc)
{
    if (!once(s, "gconv"))
        return;
    const char *folder = folder_ending_in(s->map, libc, "/gconv");
    if (!folder)
        return;
    vec_each (known, s->out)
        if (!strcmp(known->path, folder))
            return;
    strings files = {0};
    plugins_list_folder(s->map, folder, &files);
    struct plugin_candidate entry = {
        folder, "character set converters for iconv_open()", NULL, {0}};
    vec_each (file, &files)
        plugins_add_to(s, &entry, libc, *file);
    if (entry.groups.count)
        vec_push(s->map->arena, s->out, entry);
}

/* ---- PAM: pam.d(5) ---- */

static void add_modules_of(struct plugin_search *s, size_t libpam, const char *security,
                           const char *file)
{
    struct arena *a = s->map->arena;
    size_t size;
    const char *bytes = linkmap_map_file(s->map, file, &size);
    char *text = bytes ? arena_strndup(a, bytes, size) : NULL;
    for (char *save = NULL, *line = text ? strtok_r(text, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save)) {
        line[strcspn(line, "#")] = 0;
        for (char *next = NULL, *w = strtok_r(line, " \t", &next); w;
             w = strtok_r(NULL, " \t", &next)) {
            size_t length = strlen(w);
            if (length < 4 || strcmp(w + length - 3, ".so") != 0)
                continue;
            const char *path = *w == '/' ? w : arena_printf(a, "%s/%s", security, w);
            if (once(s, path))
                plugins_add(s, libpam, path, arena_printf(a, "PAM module named in %s", file));
        }
    }
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

void plugins_add_pam(struct plugin_search *s, size_t libpam)
{
    static const char *const folders[] = {"/etc/pam.d", "/usr/lib/pam.d", NULL};
    struct arena *a = s->map->arena;
    if (!once(s, "pam"))
        return;
    const char *security = folder_ending_in(s->map, libpam, "/security");
    if (!security)
        security = linkmap_expand(s->map, libpam, "$ORIGIN/security");
    strings files = {0};
    vec_push(a, &files, "/etc/pam.conf");
    for (const char *const *folder = folders; *folder; folder++) {
        int fd = linkmap_open_file(s->map, *folder);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        if (!dir && fd >= 0)
            close(fd);
        for (struct dirent *e; dir && (e = readdir(dir));)
            if (e->d_name[0] != '.')
                vec_push(a, &files, arena_printf(a, "%s/%s", *folder, e->d_name));
        if (dir)
            closedir(dir);
    }
    vec_sort(&files, by_text);
    vec_each (file, &files)
        add_modules_of(s, libpam, security, *file);
}
