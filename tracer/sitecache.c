/* SPDX-License-Identifier: BSD-3-Clause
 * One small file per object: a header that names the object and the tables' version, then the
 * segments, marks and sites. A file is written under another name and renamed, so that readers see
 * whole ones only; it is checked by a sum, and every site again against the object's bytes when it
 * is used. */
#include "tracer/sitecache.h"
#include "common/version.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COUNT_LIMIT = 1 << 20 };

struct header {
    char magic[8];
    struct object_key key;
    char version[24];
    uint64_t segments, marks, calls, sites, legacy, sum;
};

static const char magic[8] = "tcsites4";

/* FNV-1a by words: what it is taken over is made of 64-bit units. The high half is folded in, as
 * products carry upwards only. */
static uint64_t checksum(const void *data, size_t size, uint64_t sum)
{
    const unsigned char *p = data;
    uint64_t word;
    for (size_t i = 0; i + sizeof word <= size; i += sizeof word) {
        memcpy(&word, p + i, sizeof word);
        sum = (sum ^ word) * 0x100000001b3u;
        sum ^= sum >> 32;
    }
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

static void fill_header(struct header *h, const struct object_key *key, uint64_t segments,
                        uint64_t marks, uint64_t calls, uint64_t sites, uint64_t legacy)
{
    memset(h, 0, sizeof *h);
    memcpy(h->magic, magic, sizeof magic);
    h->key = *key;
    snprintf(h->version, sizeof h->version, "%s", TOOLCHAIN_VERSION);
    h->segments = segments;
    h->marks = marks;
    h->calls = calls;
    h->sites = sites;
    h->legacy = legacy;
}

static size_t body_size(const struct header *h)
{
    return h->segments * sizeof(struct text_segment) + h->marks * sizeof(struct phase_mark) +
           h->calls * sizeof(struct slot_call) + h->sites * sizeof(struct syscall_site);
}

/* Over everything before the sum, and the body. */
static uint64_t sum_of(const struct header *h, const void *body)
{
    return checksum(body, body_size(h), checksum(h, offsetof(struct header, sum), 1));
}

static unsigned char *read_body(struct arena *a, int fd, struct header *h,
                                const struct object_key *key)
{
    struct header wanted;
    if (read(fd, h, sizeof *h) != sizeof *h || h->segments > COUNT_LIMIT ||
        h->marks > COUNT_LIMIT || h->calls > COUNT_LIMIT || h->sites > COUNT_LIMIT)
        return NULL;
    fill_header(&wanted, key, h->segments, h->marks, h->calls, h->sites, h->legacy);
    wanted.sum = h->sum;
    size_t size = body_size(h);
    unsigned char *body = arena_alloc(a, size + 1);
    if (memcmp(h, &wanted, sizeof *h) != 0 || read(fd, body, size) != (ssize_t)size ||
        sum_of(h, body) != h->sum)
        return NULL;
    return body;
}

bool sitecache_read(const struct object_key *key, struct arena *a, struct site_table *out)
{
    char path[4096];
    struct header h;
    if (!key->inode || !cache_path(key, path, sizeof path))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    unsigned char *body = read_body(a, fd, &h, key);
    close(fd);
    if (!body)
        return false;
    /* All of them are made of 64-bit units. */
    out->segments.items = (struct text_segment *)(void *)body;
    out->segments.count = h.segments;
    body += h.segments * sizeof(struct text_segment);
    out->marks.items = (struct phase_mark *)(void *)body;
    out->marks.count = h.marks;
    body += h.marks * sizeof(struct phase_mark);
    out->calls.items = (struct slot_call *)(void *)body;
    out->calls.count = h.calls;
    body += h.calls * sizeof(struct slot_call);
    out->sites.items = (struct syscall_site *)(void *)body;
    out->sites.count = h.sites;
    out->legacy = h.legacy != 0;
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

void sitecache_write(const struct object_key *key, const struct site_table *table)
{
    char path[4096], temporary[4128];
    struct header h;
    if (!key->inode || !cache_path(key, path, sizeof path) || !make_folders(path))
        return;
    snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return;
    fill_header(&h, key, table->segments.count, table->marks.count, table->calls.count,
                table->sites.count, table->legacy);
    /* Padding bytes are part of the sum: they must be zero. */
    size_t size = body_size(&h);
    unsigned char *body = calloc(1, size + 1), *to = body;
    for (size_t i = 0; body && i < table->segments.count; i++, to += sizeof(struct text_segment))
        memcpy(to, &table->segments.items[i], sizeof(struct text_segment));
    for (size_t i = 0; body && i < table->marks.count; i++, to += sizeof(struct phase_mark))
        memcpy(to, &table->marks.items[i], sizeof(struct phase_mark));
    for (size_t i = 0; body && i < table->calls.count; i++, to += sizeof(struct slot_call))
        memcpy(to, &table->calls.items[i], sizeof(struct slot_call));
    for (size_t i = 0; body && i < table->sites.count; i++, to += sizeof(struct syscall_site)) {
        struct syscall_site *site = (struct syscall_site *)(void *)to;
        site->address = table->sites.items[i].address;
        site->number = table->sites.items[i].number;
        site->length = table->sites.items[i].length;
    }
    bool good = body != NULL;
    if (good)
        h.sum = sum_of(&h, body);
    good = good && write(fd, &h, sizeof h) == sizeof h && write(fd, body, size) == (ssize_t)size;
    free(body);
    if (close(fd) != 0 || !good || rename(temporary, path) != 0)
        unlink(temporary);
}
