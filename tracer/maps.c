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

enum { ROOM = 16 * 1024 };

/* Reads until the buffer is full or the file's end; false: it is full. */
static bool fill(int fd, char *buffer, size_t capacity, size_t *used)
{
    while (*used < capacity) {
        ssize_t n = read(fd, buffer + *used, capacity - *used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return true;
        *used += (size_t)n;
    }
    return false;
}

/* Most fit in a small buffer, which costs less than memory that has not been used before. */
static char *read_maps(struct arena *a, pid_t id)
{
    char path[64], small[ROOM];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)id);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    size_t used = 0, capacity = ROOM;
    bool whole = fill(fd, small, capacity, &used);
    char *text = arena_grow(a, small, used, used + 1);
    while (!whole) {
        text = arena_grow(a, text, used, capacity * 2 + 1);
        capacity *= 2;
        whole = fill(fd, text, capacity, &used);
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
