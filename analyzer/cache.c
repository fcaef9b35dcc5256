/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/cache.h"
#include "analyzer/digest.h"
#include "common/file.h"
#include "common/version.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define CACHE_FORMAT "code-analysis/2 " TOOLCHAIN_VERSION

const char *cache_folder(struct arena *a)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (base && base[0] == '/')
        return arena_printf(a, "%s/toolchain", base);
    return home && home[0] == '/' ? arena_printf(a, "%s/.cache/toolchain", home) : NULL;
}

const char *cache_file(struct arena *a, const struct linkmap *map,
                       const struct analyzer_options *options)
{
    const char *folder = cache_folder(a);
    if (!folder)
        return NULL;
    struct digest h = {3, 5};
    digest_text(&h, CACHE_FORMAT);
    struct digest self = digest_file("/proc/self/exe"); /* another build may analyse otherwise */
    digest_word(&h, self.low);
    for (size_t i = 0; i < map->initial; i++) {
        digest_text(&h, map->objects.items[i].soname);
        struct digest file = digest_file(map->objects.items[i].elf->path);
        digest_text(&h, map->objects.items[i].elf->path);
        digest_text(&h, map->objects.items[i].elf->build_id);
        digest_word(&h, file.low);
        digest_word(&h, file.high);
    }
    vec_each (scope, &map->scope)
        digest_word(&h, *scope);
    vec_each (missing, &map->missing)
        digest_text(&h, missing->soname);
    vec_each (plugin, &options->plugins)
        digest_text(&h, *plugin);
    digest_text(&h, options->root);
    digest_word(&h, options->bound);
    digest_text(&h, options->library_path);
    struct digest names = digest_file("/etc/nsswitch.conf");
    digest_word(&h, names.low);
    return arena_printf(a, "%s/%016llx%016llx.static", folder, (unsigned long long)h.low,
                        (unsigned long long)h.high);
}

static json_t *plugin_digests(struct arena *a, const struct linkmap *map)
{
    json_t *all = json_object();
    for (size_t i = map->initial; i < map->objects.count; i++) {
        const char *path = map->objects.items[i].elf->path;
        struct digest h = digest_file(path);
        json_object_set_new(all, path,
                            json_string(arena_printf(a, "%016llx%016llx", (unsigned long long)h.low,
                                                     (unsigned long long)h.high)));
    }
    return all;
}

static bool plugins_same(struct arena *a, const json_t *digests)
{
    const char *path;
    json_t *value;
    if (!json_is_object(digests))
        return false;
    json_object_foreach ((json_t *)digests, path, value) {
        struct digest h = digest_file(path);
        const char *now = arena_printf(a, "%016llx%016llx", (unsigned long long)h.low,
                                       (unsigned long long)h.high);
        if (!json_is_string(value) || strcmp(json_string_value(value), now) != 0)
            return false;
    }
    return true;
}

/* The first line of an entry: what its remainder sums up to. */
static const char *seal(struct arena *a, const char *body, size_t size)
{
    struct digest h = {7, 11};
    digest_bytes(&h, body, size);
    return arena_printf(a, "%s %016llx%016llx\n", CACHE_FORMAT, (unsigned long long)h.low,
                        (unsigned long long)h.high);
}

/* The document of an entry that is whole; NULL: there is none. */
static json_t *open_entry(struct arena *a, const char *file)
{
    struct diag quiet;
    char *text = NULL;
    size_t size = 0;
    diag_init(&quiet, -1);
    if (!file_exists(file) || file_read(&quiet, a, file, 0, &text, &size))
        return NULL;
    const char *line = memchr(text, '\n', size);
    if (!line)
        return NULL;
    size_t head = (size_t)(line + 1 - text);
    const char *expected = seal(a, text + head, size - head);
    if (strlen(expected) != head || memcmp(text, expected, head) != 0)
        return NULL;
    return json_loadb(text + head, size - head, JSON_REJECT_DUPLICATES, NULL);
}

bool cache_read(struct arena *a, const char *file, struct profile_static *out)
{
    struct diag quiet;
    struct profile stored = {0};
    json_t *json = file ? open_entry(a, file) : NULL;
    diag_init(&quiet, -1);
    if (!json)
        return false;
    bool good =
        plugins_same(a, json_object_get(json, "plugins")) &&
        !jm_decode(&profile_type, json_object_get(json, "profile"), &stored, a, &quiet, file);
    json_decref(json);
    if (!good)
        return false;
    utimensat(AT_FDCWD, file, NULL, 0); /* those used last stay longest */
    out->syscalls = stored.static_part.syscalls;
    out->selectors = stored.static_part.selectors;
    out->unbounded = stored.static_part.unbounded;
    memcpy(&out->plugins, &stored.static_part.plugins, sizeof out->plugins);
    memcpy(&out->execs, &stored.static_part.execs, sizeof out->execs);
    memcpy(&out->unresolved, &stored.static_part.unresolved, sizeof out->unresolved);
    vec_each (s, &out->syscalls)
        s->class_ = -1;
    return true;
}

void cache_write(struct diag *d, struct arena *a, const char *file, const struct linkmap *map,
                 const struct profile_static *out)
{
    struct diag quiet;
    diag_init(&quiet, -1);
    struct profile stored = {.schema = PROFILE_SCHEMA,
                             .program = {.path = "", .arch = "", .type = ""}};
    stored.static_part.syscalls = out->syscalls;
    stored.static_part.selectors = out->selectors;
    stored.static_part.unbounded = out->unbounded;
    memcpy(&stored.static_part.plugins, &out->plugins, sizeof out->plugins);
    memcpy(&stored.static_part.execs, &out->execs, sizeof out->execs);
    memcpy(&stored.static_part.unresolved, &out->unresolved, sizeof out->unresolved);
    json_t *json = json_object();
    json_object_set_new(json, "plugins", plugin_digests(a, map));
    json_object_set_new(json, "profile", jm_encode(&profile_type, &stored));
    char *body = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(json);
    if (!body)
        return;
    const char *folder = arena_strndup(a, file, (size_t)(strrchr(file, '/') - file));
    const char *whole = arena_printf(a, "%s%s", seal(a, body, strlen(body)), body);
    free(body);
    if (dir_make(&quiet, folder) || file_write(&quiet, file, whole, strlen(whole), 0600))
        diag_debug(d, 1, "the analysis is not kept: %s", quiet.message);
    else
        cache_trim(folder);
}
