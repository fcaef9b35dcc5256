/* SPDX-License-Identifier: BSD-3-Clause
 * Building the link map: breadth first over DT_NEEDED, each object once, in the order the dynamic
 * linker loads and searches them. */
#include "analyzer/linkmap_private.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static size_t add_object(struct linkmap *map, struct elf_object *elf, const char *soname,
                         const char *found_by, size_t loader)
{
    struct linkmap_object *o = vec_add(map->arena, &map->objects);
    *o = (struct linkmap_object){
        .elf = elf, .soname = soname, .path = elf->path, .found_by = found_by, .loader = loader};
    elf->index = map->objects.count - 1;
    return elf->index;
}

static void add_alias(struct linkmap *map, const char *name, size_t object)
{
    vec_push(map->arena, &map->how->aliases, ((struct alias){name, object}));
}

/* An object loaded before that answers to a name: by a name it was asked for, or by DT_SONAME. */
static size_t find_loaded(const struct linkmap *map, const char *name)
{
    vec_each (alias, &map->how->aliases)
        if (!strcmp(alias->name, name))
            return alias->object;
    if (map->musl) /* musl knows no sonames, only the names searched for */
        return linkmap_musl_is_self(name) ? map->interpreter : LINKMAP_NONE;
    for (size_t i = 0; i < map->objects.count; i++) {
        const char *soname = map->objects.items[i].elf->soname;
        if (soname && !strcmp(soname, name))
            return i;
    }
    return LINKMAP_NONE;
}

static void note_missing(struct linkmap *map, const struct library_query *q)
{
    struct linkmap_missing *m = NULL;
    vec_each (known, &map->missing)
        if (!strcmp(known->soname, q->name))
            m = known;
    if (!m) {
        m = vec_add(map->arena, &map->missing);
        m->soname = q->name;
    }
    linkmap_note_searched(map, &m->needed_by, map->objects.items[q->caller].elf->name);
    vec_each (where, &q->searched)
        linkmap_note_searched(map, &m->searched, *where);
}

/* Counts an object's code against what one dlopen() may bring. */
static bool within_limit(struct linkmap *map, const struct elf_object *o)
{
    struct linkmap_search *how = map->how;
    vec_each (s, &o->segments)
        how->code_added += s->flags & PF_X ? s->filesz : 0;
    how->too_large = how->code_limit && how->code_added > how->code_limit;
    return !how->too_large;
}

/* The object a name stands for, loaded now unless it was before. LINKMAP_NONE: missing. */
static enum status need(struct diag *d, struct linkmap *map, struct library_query *q, size_t *out)
{
    *out = find_loaded(map, q->name);
    if (*out != LINKMAP_NONE)
        return STATUS_OK;
    enum status status =
        map->musl ? linkmap_search_musl(d, map, q) : linkmap_search_glibc(d, map, q);
    if (status) {
        char reason[sizeof d->message];
        memcpy(reason, d->message, sizeof reason);
        return diag_fail(d, status, "%s (needed by %s)", reason,
                         map->objects.items[q->caller].elf->name);
    }
    if (!q->found)
        return STATUS_OK;
    if (q->found->index == LINKMAP_NONE) {
        add_object(map, q->found, q->name, q->found_by, q->caller);
        if (!within_limit(map, q->found))
            return diag_fail(d, STATUS_FOUND, "%s: brings too much code", q->name);
        if (map->how->options.load && (status = elf_object_load(d, q->found)))
            return status;
    }
    *out = q->found->index;
    add_alias(map, q->name, *out);
    return STATUS_OK;
}

static bool in_list(const size_t *list, size_t count, size_t value)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == value)
            return true;
    return false;
}

static enum status need_all(struct diag *d, struct linkmap *map, struct linkmap_group *group,
                            size_t object)
{
    const struct elf_object *elf = map->objects.items[object].elf;
    vec_each (name, &elf->needed) {
        size_t found;
        struct library_query q = {.name = linkmap_expand(map, object, *name), .caller = object};
        enum status status = need(d, map, &q, &found);
        if (status)
            return status;
        if (found == LINKMAP_NONE) {
            note_missing(map, &q);
            continue;
        }
        struct linkmap_object *self = &map->objects.items[object];
        if (!in_list(self->needed.items, self->needed.count, found))
            vec_push(map->arena, &self->needed, found);
        linkmap_note_searched(map, &map->objects.items[found].needed_by, elf->name);
        if (!in_list(group->members.items, group->members.count, found))
            vec_push(map->arena, &group->members, found);
    }
    return STATUS_OK;
}

static void insert(struct linkmap *map, struct linkmap_group *group, size_t place, size_t object)
{
    vec_push(map->arena, &group->members, object);
    size_t *list = group->members.items;
    memmove(list + place + 1, list + place, (group->members.count - 1 - place) * sizeof *list);
    list[place] = object;
}

/* Puts the libraries that an object filters for right before it in the search order. Those that are
 * there already, before or after, stay where they are. *place moves with the object. */
static enum status add_filtees(struct diag *d, struct linkmap *map, struct linkmap_group *group,
                               size_t *place)
{
    size_t object = group->members.items[*place];
    const struct elf_object *elf = map->objects.items[object].elf;
    vec_each (filter, &elf->filters) {
        size_t found;
        struct library_query q = {.name = linkmap_expand(map, object, filter->name),
                                  .caller = object};
        enum status status = need(d, map, &q, &found);
        if (status)
            return status;
        if (found == LINKMAP_NONE) {
            if (!filter->optional)
                note_missing(map, &q);
            continue;
        }
        linkmap_note_searched(map, &map->objects.items[found].needed_by, elf->name);
        if (!in_list(group->members.items, group->members.count, found))
            insert(map, group, (*place)++, found);
    }
    return STATUS_OK;
}

/* The root and its dependencies, breadth first: load order and search order are the same. */
static enum status close_group(struct diag *d, struct linkmap *map, struct linkmap_group *group)
{
    vec_push(map->arena, &group->members, group->root);
    for (size_t i = 0; i < group->members.count; i++) {
        size_t first = i;
        enum status status = map->musl ? STATUS_OK : add_filtees(d, map, group, &i);
        for (; !status && first <= i; first++)
            status = need_all(d, map, group, group->members.items[first]);
        if (status)
            return status;
    }
    return STATUS_OK;
}

/* The dynamic linker a program names; for a library that needs others, the one of the C library it
 * was built for, as ldd(1) does. NULL: it runs without. */
static const char *interpreter_of(const struct elf_object *o)
{
    if (o->interpreter || o->kind != ELF_SHARED || !o->needed.count)
        return o->interpreter;
    bool arm = o->machine == EM_AARCH64, musl = false;
    vec_each (name, &o->needed)
        musl |= !strcmp(*name, "libc.so") || !strncmp(*name, "libc.musl-", 10);
    if (musl)
        return arm ? "/lib/ld-musl-aarch64.so.1" : "/lib/ld-musl-x86_64.so.1";
    return arm ? "/lib/ld-linux-aarch64.so.1" : "/lib64/ld-linux-x86-64.so.2";
}

static enum status open_interpreter(struct diag *d, struct linkmap *map, const char *path)
{
    const struct elf_object *program = map->objects.items[0].elf;
    int fd = linkmap_open_file(map, path);
    if (fd < 0)
        return diag_fail(d, STATUS_INPUT,
                         "%s: its dynamic linker %s cannot be read: %s (install the C library it "
                         "was built for, or name the folder that stands for / with --root)",
                         program->path, path, strerror(errno));
    struct elf_object *ldso;
    enum status status = elf_object_open_fd(d, map->arena, fd, path, &ldso);
    close(fd);
    if (status)
        return status;
    if (ldso->machine != program->machine)
        return diag_fail(d, STATUS_INPUT, "%s: its dynamic linker %s is for another architecture",
                         program->path, path);
    /* musl's loader is its C library; glibc's leaves starting main to libc.so. */
    map->musl = elf_defines(ldso, "__libc_start_main");
    map->interpreter = add_object(map, ldso, ldso->soname ? ldso->soname : base_name(path),
                                  "program interpreter", 0);
    add_alias(map, path, map->interpreter);
    add_alias(map, base_name(path), map->interpreter);
    return map->how->options.load ? elf_object_load(d, ldso) : STATUS_OK;
}

/* The interpreter was opened first; its place is where the first need of it put it in the scope, or
 * last, outside the scope, when nothing needs it. */
static void place_interpreter(struct linkmap *map)
{
    size_t count = map->objects.count, place = 1;
    size_t *where = arena_array(map->arena, count, sizeof *where); /* old index -> new */
    struct linkmap_object *sorted = arena_array(map->arena, count, sizeof *sorted);
    where[0] = 0;
    vec_each (member, &map->scope)
        if (*member)
            where[*member] = place++;
    if (map->interpreter != LINKMAP_NONE &&
        !in_list(map->scope.items, map->scope.count, map->interpreter))
        where[map->interpreter] = place++;
    for (size_t i = 0; i < count; i++) {
        struct linkmap_object *o = &sorted[where[i]];
        *o = map->objects.items[i];
        o->elf->index = where[i];
        o->loader = o->loader == LINKMAP_NONE ? LINKMAP_NONE : where[o->loader];
        vec_each (n, &o->needed)
            *n = where[*n];
    }
    vec_each (alias, &map->how->aliases)
        alias->object = where[alias->object];
    vec_each (member, &map->scope)
        *member = where[*member];
    if (map->interpreter != LINKMAP_NONE)
        map->interpreter = where[map->interpreter];
    map->objects.items = sorted;
    map->objects.capacity = count;
}

/* Depth first, an object after what it needs: ld.so's order of relocating and initialising (the
 * depth-first sort of glibc 2.35 and later), which starts from the last object of the scope. */
static void visit(struct linkmap *map, bool *visited, size_t object)
{
    if (visited[object])
        return;
    visited[object] = true;
    vec_each (n, &map->objects.items[object].needed)
        if (*n)
            visit(map, visited, *n);
    vec_push(map->arena, &map->relocation_order, object);
}

static void order_relocation(struct linkmap *map)
{
    bool *visited = arena_array(map->arena, map->objects.count, sizeof *visited);
    for (size_t i = map->scope.count; i-- > 0;)
        visit(map, visited, map->scope.items[i]);
}

/* The vDSO of this machine's kernel, which maps one into every process of its own architecture. */
static struct elf_object *own_vdso(struct diag *d, struct arena *a, unsigned machine)
{
    const unsigned char *image;
    unsigned long address = getauxval(AT_SYSINFO_EHDR);
    memcpy(&image, &address, sizeof image);
    if (!image)
        return NULL;
    Elf64_Ehdr header;
    memcpy(&header, image, sizeof header);
    if (header.e_machine != machine)
        return NULL;
    size_t size = header.e_shoff + (size_t)header.e_shnum * header.e_shentsize;
    void *copy = arena_alloc(a, size);
    memcpy(copy, image, size);
    struct elf_object *vdso = NULL;
    if (elf_object_from_memory(d, a, copy, size, "linux-vdso.so.1", &vdso) ||
        elf_object_load(d, vdso))
        return NULL;
    return vdso;
}

static enum status prepare(struct diag *d, struct linkmap *map, const char *path)
{
    struct elf_object *program;
    enum status status = elf_object_open(d, map->arena, path, &program);
    if (status)
        return status;
    program->name = base_name(program->path); /* documents call a program by its file name */
    if (map->how->options.load && (status = elf_object_load(d, program)))
        return status;
    add_object(map, program, program->name, "program", LINKMAP_NONE);
    const char *root = map->how->options.root;
    if (root && strcmp(root, "/") != 0) {
        map->how->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (map->how->root_fd < 0)
            return diag_fail(d, STATUS_INPUT, "%s: cannot be the root folder: %s", root,
                             strerror(errno));
    }
    return STATUS_OK;
}

static void close_root(void *resource)
{
    int *fd = resource;
    if (*fd >= 0)
        close(*fd);
}

enum status linkmap_build(struct diag *d, struct arena *a, const char *path,
                          const struct linkmap_options *options, struct linkmap **out)
{
    struct linkmap *map = ARENA_NEW(a, struct linkmap);
    map->arena = a;
    map->interpreter = LINKMAP_NONE;
    map->how = ARENA_NEW(a, struct linkmap_search);
    map->how->options = *options;
    map->how->root_fd = -1;
    arena_defer(a, close_root, &map->how->root_fd);
    *out = map;
    enum status status = prepare(d, map, path);
    if (status)
        return status;
    const struct elf_object *program = map->objects.items[0].elf;
    struct linkmap_group group = {0};
    const char *interpreter = interpreter_of(program);
    if (interpreter) {
        if ((status = open_interpreter(d, map, interpreter)))
            return status;
        linkmap_search_prepare(map);
        if ((status = close_group(d, map, &group)))
            return status;
    } else {
        vec_push(a, &group.members, 0);
    }
    map->scope.items = group.members.items;
    map->scope.count = group.members.count;
    map->scope.capacity = group.members.capacity;
    place_interpreter(map);
    order_relocation(map);
    map->initial = map->objects.count;
    if (options->load)
        map->vdso = own_vdso(d, a, program->machine);
    return STATUS_OK;
}

/* Forgets what an unsuccessful dlopen() left behind. */
static void undo(struct linkmap *map, size_t objects, size_t missing)
{
    for (size_t i = objects; i < map->objects.count; i++)
        map->objects.items[i].elf->index = LINKMAP_NONE;
    map->objects.count = objects;
    map->missing.count = missing;
    size_t kept = 0;
    vec_each (alias, &map->how->aliases)
        if (alias->object < objects)
            map->how->aliases.items[kept++] = *alias;
    map->how->aliases.count = kept;
}

static enum status open_group(struct diag *d, struct linkmap *map, size_t caller, const char *name,
                              struct linkmap_group *group)
{
    size_t missing = map->missing.count;
    struct library_query q = {.name = linkmap_expand(map, caller, name), .caller = caller};
    enum status status = need(d, map, &q, &group->root);
    if (status)
        return status;
    if (group->root == LINKMAP_NONE)
        return diag_fail(d, STATUS_FOUND, "%s: not found (dlopen by %s)", name,
                         map->objects.items[caller].elf->name);
    if ((status = close_group(d, map, group)))
        return status;
    if (map->missing.count > missing)
        return diag_fail(d, STATUS_FOUND, "%s: needs %s, which was not found", name,
                         map->missing.items[missing].soname);
    return STATUS_OK;
}

enum status linkmap_dlopen(struct diag *d, struct linkmap *map, size_t caller, const char *name,
                           size_t *group)
{
    if (map->interpreter == LINKMAP_NONE && !map->how->prepared)
        linkmap_search_prepare(map); /* a static program looks where its C library would */
    size_t objects = map->objects.count, missing = map->missing.count;
    map->how->code_added = 0;
    map->how->too_large = false;
    struct linkmap_group fresh = {0};
    enum status status = open_group(d, map, caller, name, &fresh);
    if (status) {
        undo(map, objects, missing);
        return status;
    }
    for (*group = 0; *group < map->groups.count; ++*group)
        if (map->groups.items[*group].root == fresh.root)
            return STATUS_OK;
    vec_push(map->arena, &map->groups, fresh);
    vec_each (member, &fresh.members)
        vec_push(map->arena, &map->objects.items[*member].scopes, *group);
    return STATUS_OK;
}
