/* SPDX-License-Identifier: BSD-3-Clause
 * Files, folders and path lists, as both dynamic linkers' searches need them. */
#include "analyzer/linkmap_private.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int linkmap_open_file(const struct linkmap *map, const char *path)
{
    int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    if (map->how->root_fd < 0)
        return open(path, flags);
    /* Absolute symbolic links inside the root stay inside it. */
    struct open_how how = {.flags = (uint64_t)flags, .resolve = RESOLVE_IN_ROOT};
    return (int)syscall(SYS_openat2, map->how->root_fd, path, &how, sizeof how);
}

enum status linkmap_try_file(struct diag *d, struct linkmap *map, const char *path,
                             struct elf_object **out)
{
    *out = NULL;
    int fd = linkmap_open_file(map, path);
    if (fd < 0)
        return STATUS_OK;
    struct stat st;
    enum status status = STATUS_OK;
    bool file = !fstat(fd, &st) && !S_ISDIR(st.st_mode);
    vec_each (o, &map->objects) /* the same file under another name is the same object */
        if (file && o->elf->inode == st.st_ino && o->elf->device == st.st_dev)
            *out = o->elf;
    if (file && !*out)
        status = elf_object_open_library(d, map->arena, fd, path,
                                         map->objects.items[0].elf->machine, out);
    close(fd);
    return status;
}

struct mapping {
    void *address;
    size_t size;
};

static void unmap(void *resource)
{
    struct mapping *m = resource;
    munmap(m->address, m->size);
}

const void *linkmap_map_file(const struct linkmap *map, const char *path, size_t *size)
{
    int fd = linkmap_open_file(map, path);
    struct stat st;
    if (fd < 0)
        return NULL;
    void *address = MAP_FAILED;
    if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0)
        address = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (address == MAP_FAILED)
        return NULL;
    struct mapping *m = ARENA_NEW(map->arena, struct mapping);
    *m = (struct mapping){address, (size_t)st.st_size};
    arena_defer(map->arena, unmap, m);
    *size = m->size;
    return address;
}

/* Length of a token after '$' ("ORIGIN", "{ORIGIN}"), 0 when it is not this one: the dynamic linker
 * takes the bare form only where no identifier character follows. */
static size_t token(const char *text, const char *name)
{
    size_t brace = *text == '{', length = strlen(name);
    if (strncmp(text + brace, name, length) != 0)
        return 0;
    unsigned char next = (unsigned char)text[brace + length];
    if (brace)
        return next == '}' ? length + 2 : 0;
    bool identifier =
        next == '_' || (next >= '0' && next <= '9') || ((next | 32) >= 'a' && (next | 32) <= 'z');
    return identifier ? 0 : length;
}

static const char *origin(const struct linkmap *map, size_t object)
{
    const char *path = map->objects.items[object].path;
    /* The program's own is where /proc/self/exe points, links followed; a library's is not. */
    char *real = object == 0 ? realpath(path, NULL) : NULL;
    if (real)
        path = arena_strdup(map->arena, real);
    free(real);
    const char *slash = strrchr(path, '/');
    if (!slash)
        return ".";
    return slash == path ? "/" : arena_strndup(map->arena, path, (size_t)(slash - path));
}

const char *linkmap_expand(const struct linkmap *map, size_t object, const char *text)
{
    if (!strchr(text, '$'))
        return text;
    const char *result = "";
    while (*text) {
        size_t plain = strcspn(text, "$"), length = 0;
        const char *value = "";
        if (text[plain]) {
            const char *after = text + plain + 1;
            if ((length = token(after, "ORIGIN")))
                value = origin(map, object);
            else if ((length = token(after, "PLATFORM")))
                value = linkmap_platform(map);
            else if ((length = token(after, "LIB")))
                value = map->how->lib;
            else
                value = "$";
            length++;
        }
        result = arena_printf(map->arena, "%s%.*s%s", result, (int)plain, text, value);
        text += plain + length;
    }
    return result;
}

void linkmap_split(struct linkmap *map, size_t object, const char *list, const char *separators,
                   strings *out)
{
    for (const char *p = list;; p++) {
        size_t length = strcspn(p, separators);
        const char *dir = arena_strndup(map->arena, p, length);
        dir = linkmap_expand(map, object, dir);
        size_t kept = strlen(dir);
        while (kept > 1 && dir[kept - 1] == '/')
            kept--;
        linkmap_note_searched(map, out, kept ? arena_strndup(map->arena, dir, kept) : ".");
        p += length;
        if (!*p)
            return;
    }
}

void linkmap_note_searched(struct linkmap *map, strings *list, const char *where)
{
    vec_each (known, list)
        if (!strcmp(*known, where))
            return;
    vec_push(map->arena, list, where);
}
