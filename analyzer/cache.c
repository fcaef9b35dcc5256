/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/cache.h"
#include "common/file.h"
#include "common/version.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CACHE_FORMAT "code-analysis/2 " TOOLCHAIN_VERSION

/* 64 bits of content twice over, with different multipliers: no defence against an adversary who
 * can write the cache folder, which nothing here could be, but against chance. */
struct digest {
    uint64_t low, high;
};

static void digest_word(struct digest *h, uint64_t word)
{
    h->low = (h->low ^ word) * 0x9e3779b97f4a7c15u;
    h->low ^= h->low >> 32;
    h->high = (h->high + word) * 0xc2b2ae3d27d4eb4fu;
    h->high ^= h->high >> 29;
}

static void digest_bytes(struct digest *h, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    digest_word(h, size);
    for (; size >= 8; size -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        digest_word(h, word);
    }
    uint64_t last = 0;
    if (size)
        memcpy(&last, bytes, size);
    digest_word(h, last);
}

static void digest_text(struct digest *h, const char *text)
{
    digest_bytes(h, text ? text : "", text ? strlen(text) : 0);
}

static struct digest digest_file(struct arena *a, const char *path)
{
    struct digest h = {1, 2};
    struct diag quiet;
    char *data = NULL;
    size_t size = 0;
    diag_init(&quiet, -1);
    if (path && file_exists(path) && !file_read(&quiet, a, path, 0, &data, &size))
        digest_bytes(&h, data, size);
    return h;
}

const char *cache_file(struct arena *a, const struct linkmap *map,
                       const struct analyzer_options *options)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (!base || base[0] != '/')
        base = home && home[0] == '/' ? arena_printf(a, "%s/.cache", home) : NULL;
    if (!base)
        return NULL;
    struct digest h = {3, 5};
    struct stat self;
    digest_text(&h, CACHE_FORMAT);
    if (stat("/proc/self/exe", &self) == 0) { /* another build may analyse otherwise */
        digest_word(&h, (uint64_t)self.st_size);
        digest_word(&h, (uint64_t)self.st_mtim.tv_sec);
        digest_word(&h, (uint64_t)self.st_mtim.tv_nsec);
    }
    for (size_t i = 0; i < map->initial; i++) {
        digest_text(&h, map->objects.items[i].soname);
        digest_bytes(&h, map->objects.items[i].elf->data, map->objects.items[i].elf->size);
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
    struct digest names = digest_file(a, "/etc/nsswitch.conf");
    digest_word(&h, names.low);
    return arena_printf(a, "%s/toolchain/%016llx%016llx.json", base, (unsigned long long)h.low,
                        (unsigned long long)h.high);
}

static json_t *plugin_digests(struct arena *a, const struct linkmap *map)
{
    json_t *all = json_object();
    for (size_t i = map->initial; i < map->objects.count; i++) {
        const char *path = map->objects.items[i].elf->path;
        struct digest h = digest_file(a, path);
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
        struct digest h = digest_file(a, path);
        const char *now = arena_printf(a, "%016llx%016llx", (unsigned long long)h.low,
                                       (unsigned long long)h.high);
        if (!json_is_string(value) || strcmp(json_string_value(value), now) != 0)
            return false;
    }
    return true;
}

bool cache_read(struct arena *a, const char *file, struct profile_static *out)
{
    struct diag quiet;
    struct profile stored = {0};
    json_t *json = NULL;
    diag_init(&quiet, -1);
    if (!file || !file_exists(file) || json_read(&quiet, file, &json))
        return false;
    const char *format = json_string_value(json_object_get(json, "format"));
    bool good =
        format && strcmp(format, CACHE_FORMAT) == 0 &&
        plugins_same(a, json_object_get(json, "plugins")) &&
        !jm_decode(&profile_type, json_object_get(json, "profile"), &stored, a, &quiet, file);
    json_decref(json);
    if (!good)
        return false;
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
    json_object_set_new(json, "format", json_string(CACHE_FORMAT));
    json_object_set_new(json, "plugins", plugin_digests(a, map));
    json_object_set_new(json, "profile", jm_encode(&profile_type, &stored));
    const char *slash = strrchr(file, '/');
    if (dir_make(&quiet, arena_strndup(a, file, (size_t)(slash - file))) ||
        json_write(&quiet, file, json))
        diag_debug(d, 1, "the analysis is not kept: %s", quiet.message);
    json_decref(json);
}
