/* SPDX-License-Identifier: BSD-3-Clause
 * One small file per object: a header that names the object and the tables' version, then the
 * sites. A file is written under another name and renamed, so that readers see whole ones only; it
 * is checked by a sum, and every site again against the object's bytes when it is used. */
#include "tracer/sitecache.h"
#include "common/version.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SITE_LIMIT = 1 << 20 };

struct header {
    char magic[8];
    struct object_key key;
    char version[24];
    uint64_t count, sum;
};

static const char magic[8] = "tcsites1";

static uint64_t checksum(const void *data, size_t size, uint64_t sum)
{
    const unsigned char *p = data; /* FNV-1a */
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ p[i]) * 0x100000001b3u;
    return sum;
}

static bool cache_path(const struct object_key *key, char *out, size_t size)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n = cache && *cache == '/' ? snprintf(out, size, "%s", cache)
            : home && *home == '/' ? snprintf(out, size, "%s/.cache", home)
                                   : (int)size;
    uint64_t name = checksum(key, sizeof *key, 0xcbf29ce484222325u);
    if (n < 0 || (size_t)n >= size)
        return false;
    size_t used = (size_t)n;
    n = snprintf(out + used, size - used, "/toolchain/sites/%016llx", (unsigned long long)name);
    return n > 0 && (size_t)n < size - used;
}

static void fill_header(struct header *h, const struct object_key *key,
                        const struct syscall_site *sites, size_t count)
{
    memset(h, 0, sizeof *h);
    memcpy(h->magic, magic, sizeof magic);
    h->key = *key;
    snprintf(h->version, sizeof h->version, "%s", TOOLCHAIN_VERSION);
    h->count = count;
    h->sum = checksum(sites, count * sizeof *sites, checksum(key, sizeof *key, 1));
}

bool sitecache_read(const struct object_key *key, struct arena *a, syscall_sites *out)
{
    char path[4096];
    struct header h, wanted;
    if (!key->inode || !cache_path(key, path, sizeof path))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    bool good = read(fd, &h, sizeof h) == sizeof h && h.count <= SITE_LIMIT;
    size_t size = good ? h.count * sizeof(struct syscall_site) : 0;
    struct syscall_site *sites = good ? arena_alloc(a, size + 1) : NULL;
    good = good && read(fd, sites, size) == (ssize_t)size;
    close(fd);
    if (!good)
        return false;
    fill_header(&wanted, key, sites, h.count);
    if (memcmp(&h, &wanted, sizeof h) != 0)
        return false;
    out->items = sites;
    out->count = out->capacity = h.count;
    return true;
}

static bool make_folders(char *path)
{
    for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = '\0';
        bool good = mkdir(path, 0700) == 0 || errno == EEXIST;
        *p = '/';
        if (!good)
            return false;
    }
    return true;
}

void sitecache_write(const struct object_key *key, const syscall_sites *sites)
{
    char path[4096], temporary[4128];
    struct header h;
    if (!key->inode || !cache_path(key, path, sizeof path) || !make_folders(path))
        return;
    snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return;
    /* Padding bytes are part of the sum: they must be zero. */
    size_t size = sites->count * sizeof *sites->items;
    struct syscall_site *clean = calloc(sites->count + 1, sizeof *clean);
    for (size_t i = 0; clean && i < sites->count; i++) {
        clean[i].address = sites->items[i].address;
        clean[i].number = sites->items[i].number;
        clean[i].length = sites->items[i].length;
    }
    bool good = clean != NULL;
    if (good)
        fill_header(&h, key, clean, sites->count);
    good = good && write(fd, &h, sizeof h) == sizeof h && write(fd, clean, size) == (ssize_t)size;
    free(clean);
    if (close(fd) != 0 || !good || rename(temporary, path) != 0)
        unlink(temporary);
}
