/* SPDX-License-Identifier: BSD-3-Clause
 * The "new ASCII" cpio format (newc), as cpio(5) and the Linux kernel's initramfs description give
 * it: per entry a header of 110 characters (magic and 13 fields of 8 hexadecimal digits), the name
 * with its NUL, the data, both padded to 4 bytes; at the end the entry TRAILER!!!. Owners are 0,
 * and times unless they are given, so that equal files give equal archives. */
#include "builder/private.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { HEADER = 110 };

struct cpio {
    struct arena *arena;
    char *data;
    size_t used, room;
    unsigned number, time;
};

struct cpio *cpio_new(struct arena *a)
{
    struct cpio *c = ARENA_NEW(a, struct cpio);
    c->arena = a;
    return c;
}

static void append(struct cpio *c, const void *data, size_t size)
{
    if (size > c->room - c->used) {
        size_t room = c->room ? c->room : 1 << 16;
        while (room - c->used < size)
            room *= 2;
        c->data = arena_grow(c->arena, c->data, c->used, room);
        c->room = room;
    }
    if (size)
        memcpy(c->data + c->used, data, size);
    c->used += size;
}

static void pad(struct cpio *c)
{
    append(c, "\0\0\0", (size_t)-c->used & 3);
}

static void entry(struct cpio *c, const char *path, unsigned number, unsigned mode, unsigned links,
                  const void *data, size_t size)
{
    char header[HEADER + 1];
    snprintf(header, sizeof header, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
             number, mode, 0, 0, links, c->time, (unsigned)size, 0, 0, 0, 0,
             (unsigned)strlen(path) + 1, 0);
    append(c, header, HEADER);
    append(c, path, strlen(path) + 1);
    pad(c);
    append(c, data, size);
    pad(c);
}

void cpio_time(struct cpio *c, int64_t mtime)
{
    c->time = mtime > 0 && mtime <= UINT32_MAX ? (unsigned)mtime : 0;
}

void cpio_add(struct cpio *c, const char *path, unsigned mode, const void *data, size_t size)
{
    entry(c, path, ++c->number, mode, S_ISDIR(mode) ? 2 : 1, data, size);
}

const char *cpio_finish(struct cpio *c, size_t *size)
{
    cpio_time(c, 0);
    entry(c, "TRAILER!!!", 0, 0, 1, NULL, 0);
    *size = c->used;
    return c->data;
}
