/* SPDX-License-Identifier: BSD-3-Clause
 * Reader of /proc/PID/maps (proc_pid_maps(5)). */
#include "tracer/code.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { PIECE = 64 * 1024 };

static char *read_maps(struct arena *a, pid_t id)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)id);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    size_t used = 0, capacity = PIECE;
    char *text = arena_alloc(a, capacity);
    for (;;) {
        ssize_t n = read(fd, text + used, capacity - used - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        used += (size_t)n;
        if (capacity - used < PIECE / 2) {
            text = arena_grow(a, text, used, capacity * 2);
            capacity *= 2;
        }
    }
    close(fd);
    text[used] = '\0';
    return text;
}

/* "start-end rwxp offset major:minor inode   path" */
static bool parse(char *line, struct mapping *m)
{
    char *p = line;
    m->start = strtoull(p, &p, 16);
    if (*p++ != '-')
        return false;
    m->end = strtoull(p, &p, 16);
    if (strlen(p) < 6)
        return false;
    m->readable = p[1] == 'r';
    m->writable = p[2] == 'w';
    m->executable = p[3] == 'x';
    m->shared = p[4] == 's';
    m->offset = strtoull(p + 5, &p, 16);
    unsigned major_number = (unsigned)strtoul(p, &p, 16);
    unsigned minor_number = *p ? (unsigned)strtoul(p + 1, &p, 16) : 0;
    m->device = makedev(major_number, minor_number);
    m->inode = (ino_t)strtoull(p, &p, 10);
    m->path = p + strspn(p, " ");
    return m->end > m->start;
}

bool mappings_read(struct arena *a, pid_t id, mappings *out)
{
    char *text = read_maps(a, id);
    for (char *line = text, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        struct mapping m = {0};
        if (parse(line, &m))
            vec_push(a, out, m);
    }
    return out->count > 0;
}
