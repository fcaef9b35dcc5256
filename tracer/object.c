/* SPDX-License-Identifier: BSD-3-Clause
 * The system-call instructions of a file's code, found once per file. */
#include "analyzer/analyzer.h"
#include "common/file.h"
#include "tracer/code.h"
#include "tracer/sitecache.h"
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, LARGEST = 1 << 30 };

static int by_address(const void *x, const void *y)
{
    const struct site *a = x, *b = y;
    return a->address < b->address ? -1 : a->address > b->address;
}

long object_site(const struct object *object, uint64_t address)
{
    struct site key = {address, 0};
    const struct site *hit = object->site_count ? bsearch(&key, object->sites, object->site_count,
                                                          sizeof key, by_address)
                                                : NULL;
    return hit ? hit - object->sites : -1;
}

/* Executable segments, from the program headers; everything is checked against the image's size. */
static bool find_segments(struct arena *a, struct site_table *table, const unsigned char *image,
                          size_t size)
{
    Elf64_Ehdr header;
    if (size < sizeof header)
        return false;
    memcpy(&header, image, sizeof header);
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_machine != EM_X86_64 || header.e_phentsize != sizeof(Elf64_Phdr))
        return false;
    for (size_t i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr p;
        uint64_t at = header.e_phoff + i * sizeof p;
        if (header.e_phoff > size || at + sizeof p > size)
            return false;
        memcpy(&p, image + at, sizeof p);
        if (p.p_type != PT_LOAD || !(p.p_flags & PF_X) || p.p_offset > size ||
            p.p_filesz > size - p.p_offset)
            continue;
        struct text_segment *segment = vec_add(a, &table->segments);
        *segment = (struct text_segment){p.p_offset, p.p_vaddr, p.p_filesz};
    }
    return true;
}

const unsigned char *object_bytes(const struct object *object, const unsigned char *image,
                                  uint64_t address, size_t size)
{
    for (size_t i = 0; i < object->segment_count; i++) {
        const struct text_segment *t = &object->segments[i];
        if (t->offset <= object->key.size && t->size <= object->key.size - t->offset &&
            address >= t->address && address - t->address <= t->size &&
            size <= t->size - (address - t->address))
            return image + t->offset + (address - t->address);
    }
    return NULL;
}

/* The vsyscall page, as an address that instructions hold: static programs of long ago call there.
 */
static bool names_vsyscall(const unsigned char *image, size_t size)
{
    const unsigned char *end = image + size;
    for (const unsigned char *p = image; (p = memmem(p, (size_t)(end - p), "\x60\xff\xff", 3)); p++)
        if (p - image >= 2 && p[-2] == 0 && (p[-1] & ~0x0c) == 0)
            return true;
    return false;
}

/* Keeps the sites that are `syscall` instructions in the file; int 0x80 and sysenter need a filter.
 */
static void keep_sites(struct arena *a, const struct object *object, const unsigned char *image,
                       const syscall_sites *found, struct site_table *table)
{
    vec_each (site, found) {
        const unsigned char *bytes = object_bytes(object, image, site->address, 2);
        if (bytes && bytes[0] == 0x0f && bytes[1] == 0x05)
            vec_push(a, &table->sites, *site);
        else
            table->legacy = true;
    }
}

static void use_table(struct arena *a, struct object *object, const struct site_table *table)
{
    object->legacy = table->legacy;
    object->segments = table->segments.items;
    object->segment_count = table->segments.count;
    object->sites = arena_array(a, table->sites.count + 1, sizeof *object->sites);
    vec_each (from, &table->sites) {
        struct site *to = &object->sites[object->site_count++];
        to->address = from->address;
        to->number = from->number >= 0 && from->number < SYSCALL_LIMIT ? (int16_t)from->number : -1;
    }
    object->functions = arena_array(a, table->marks.count + 1, sizeof *object->functions);
    vec_each (mark, &table->marks)
        object->functions[object->function_count++] = (struct function_site){
            .address = mark->address,
            .byte = (unsigned char)mark->byte,
            .kind = mark->kind == FUNCTION_START ? FUNCTION_START : FUNCTION_EXIT,
            .name = mark->kind == FUNCTION_START ? "__libc_early_init" : "exit"};
}

/* The address of one of a sorted list of places for breakpoints. */
typedef uint64_t (*place_address)(const struct object *object, size_t index);

static uint64_t site_address(const struct object *object, size_t index)
{
    return object->sites[index].address;
}

static uint64_t function_address(const struct object *object, size_t index)
{
    return object->functions[index].address;
}

/* One patch per page that holds places: from the first to the last of them. */
static struct patch *make_patches(struct arena *a, const struct object *object,
                                  const unsigned char *image, place_address at, size_t count,
                                  size_t *patch_count)
{
    VEC(struct patch) patches = {0};
    for (size_t i = 0; i < count;) {
        uint64_t from = at(object, i), page = from / PAGE;
        size_t last = i;
        while (last + 1 < count && at(object, last + 1) / PAGE == page)
            last++;
        size_t size = at(object, last) - from + 1;
        const unsigned char *bytes = object_bytes(object, image, from, size);
        if (bytes) {
            struct patch *patch = vec_add(a, &patches);
            *patch = (struct patch){from, size, arena_alloc(a, size), i, last};
            memcpy(patch->bytes, bytes, size);
        }
        i = last + 1;
    }
    *patch_count = patches.count;
    return patches.items;
}

/* Everything that decoding the file tells, to be kept. */
static bool decode_file(struct session *s, struct object *object, const unsigned char *image,
                        size_t size, struct site_table *table)
{
    struct diag quiet = {.verbosity = -1};
    syscall_sites sites = {0};
    if (!find_segments(s->arena, table, image, size))
        return false;
    object->segments = table->segments.items;
    object->segment_count = table->segments.count;
    if (analyzer_sites(&quiet, s->arena, image, size, object->path, &sites, &table->calls)) {
        diag_debug(s->diag, 1, "%s", quiet.message);
        return false;
    }
    table->legacy = object->key.inode && names_vsyscall(image, size);
    keep_sites(s->arena, object, image, &sites, table);
    functions_marks(s, object, image, size, table);
    return true;
}

static void make_function_patches(struct session *s, struct object *object,
                                  const unsigned char *image)
{
    object->function_patches = make_patches(s->arena, object, image, function_address,
                                            object->function_count, &object->function_patch_count);
}

static void make_site_patches(struct session *s, struct object *object, const unsigned char *image)
{
    object->patches = make_patches(s->arena, object, image, site_address, object->site_count,
                                   &object->patch_count);
    object->patched = true;
}

/* What a file holds that is not kept: the calls of functions that are asked for in this run. */
static bool wants_functions(const struct session *s, const struct object *object)
{
    bool program = object->key.device == s->device && object->key.inode == s->inode;
    return s->options->functions && (program || s->options->all_functions);
}

static void load_file(struct session *s, struct object *object, int fd, size_t size)
{
    struct site_table table = {0};
    if (size < sizeof(Elf64_Ehdr) || size > LARGEST)
        return;
    bool known = sitecache_read(&object->key, s->arena, &table);
    if (known && !wants_functions(s, object)) {
        use_table(s->arena, object, &table);
        object->usable = true;
        return;
    }
    void *image = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (image == MAP_FAILED)
        return;
    if (!known && decode_file(s, object, image, size, &table)) {
        sitecache_write(&object->key, &table);
        known = true;
    }
    if (known) {
        use_table(s->arena, object, &table);
        if (wants_functions(s, object))
            functions_learn(s, object, image, size, &table.calls);
        make_function_patches(s, object, image);
        object->usable = true;
    }
    munmap(image, size);
}

int mapping_open(pid_t id, const struct mapping *m, struct stat *st)
{
    char path[96];
    int fd = open(m->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && fstat(fd, st) == 0 && st->st_ino == m->inode && S_ISREG(st->st_mode))
        return fd;
    if (fd >= 0)
        close(fd);
    snprintf(path, sizeof path, "/proc/%d/map_files/%llx-%llx", (int)id,
             (unsigned long long)m->start, (unsigned long long)m->end);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && fstat(fd, st) == 0 && S_ISREG(st->st_mode))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static struct object_key key_of(const struct stat *st)
{
    return (struct object_key){st->st_dev, st->st_ino, (uint64_t)st->st_size,
                               (uint64_t)st->st_mtim.tv_sec * 1000000000u +
                                   (uint64_t)st->st_mtim.tv_nsec};
}

bool object_patches(struct session *s, pid_t id, const struct mapping *m, struct object *object)
{
    struct stat st;
    if (object->patched)
        return true;
    int fd = mapping_open(id, m, &st);
    size_t size = object->key.size;
    struct object_key key = fd >= 0 ? key_of(&st) : (struct object_key){0};
    void *image = fd < 0 || memcmp(&key, &object->key, sizeof key) != 0
                      ? MAP_FAILED
                      : mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (fd >= 0)
        close(fd);
    if (image == MAP_FAILED)
        return false;
    make_site_patches(s, object, image);
    munmap(image, size);
    return object->patched;
}

/* The vDSO is no file: its image is read from the process. */
static void load_vdso(struct session *s, struct object *object, pid_t id, const struct mapping *m)
{
    size_t size = m->end - m->start;
    unsigned char *image = arena_alloc(s->arena, size);
    struct site_table table = {0};
    if (memory_read(id, m->start, image, size) != size ||
        !decode_file(s, object, image, size, &table))
        return;
    use_table(s->arena, object, &table);
    make_site_patches(s, object, image);
    object->usable = true;
}

static struct object *object_find(struct session *s, const struct object_key *key)
{
    struct object *object;
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): all bytes are set */
    HASH_FIND(hh, s->objects, key, sizeof *key, object);
    return object;
}

static struct object *object_add(struct session *s, const struct object_key *key, const char *path)
{
    struct object *object = ARENA_NEW(s->arena, struct object);
    object->key = *key;
    object->path = arena_strdup(s->arena, path);
    HASH_ADD(hh, s->objects, key, sizeof *key, object);
    return object;
}

struct object *object_for(struct session *s, pid_t id, const struct mapping *m)
{
    struct object_key key = {0};
    struct stat st = {0};
    struct object *object = NULL;
    if (strcmp(m->path, "[vdso]") == 0) {
        key.size = m->end - m->start;
        object = object_find(s, &key);
        if (!object) {
            object = object_add(s, &key, m->path);
            load_vdso(s, object, id, m);
        }
        return object;
    }
    if (!m->inode)
        return NULL;
    /* Without opening it: many processes map the same files. */
    bool told = m->status || (stat(m->path, &st) == 0 && st.st_ino == m->inode);
    if (told) {
        key = key_of(m->status ? m->status : &st);
        object = object_find(s, &key);
    }
    int fd = object ? -1 : mapping_open(id, m, &st);
    if (fd < 0)
        return object;
    key = key_of(&st);
    object = object_find(s, &key);
    if (!object) {
        object = object_add(s, &key, m->path);
        load_file(s, object, fd, (size_t)st.st_size);
    }
    close(fd);
    return object;
}
