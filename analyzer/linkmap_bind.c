/* SPDX-License-Identifier: BSD-3-Clause
 * Symbol binding as the dynamic linkers do it: glibc's elf/dl-lookup.c (scopes in order, the first
 * acceptable definition wins, weak or not; versions; protected symbols; copy relocations) and
 * musl's find_sym (no versions but hidden ones). */
#include "analyzer/elf_private.h"
#include "analyzer/linkmap.h"
#include <elf.h>
#include <string.h>

static const struct elf_version *version_of(const struct elf_object *o, uint64_t n)
{
    const struct elf_versions *v = o->versions;
    unsigned index = v->versym && n < v->count ? elf_get16(v->versym + 2 * n) & 0x7fff : 0;
    return index < v->table.count && v->table.items[index].name ? &v->table.items[index] : NULL;
}

struct lookup {
    const struct linkmap *map;
    const char *name;
    uint32_t gnu, sysv;
    const struct elf_version *version; /* NULL: none asked for */
    enum linkmap_class kind;
    bool newest; /* dlsym: any default version will do */
    /* the object looked into, and what was found there */
    const struct elf_object *object;
    unsigned versioned;          /* default-version candidates seen */
    uint64_t versioned_symbol;   /* the first of them */
    const struct elf_object *in; /* the result: object and symbol */
    uint64_t symbol;
};

static bool acceptable(const struct lookup *l, const Elf64_Sym *s)
{
    static const unsigned types = 1u << STT_NOTYPE | 1u << STT_OBJECT | 1u << STT_FUNC |
                                  1u << STT_COMMON | 1u << STT_TLS | 1u << STT_GNU_IFUNC;
    unsigned type = ELF64_ST_TYPE(s->st_info);
    if (!s->st_value && s->st_shndx != SHN_ABS && type != STT_TLS)
        return false;
    if (s->st_shndx == SHN_UNDEF && (l->kind == BIND_CALL || (l->map->musl && type == STT_TLS)))
        return false;
    return types >> type & 1;
}

/* A versioned reference matches its version, or an object's unversioned or base symbol; a reference
 * without version matches the base, the second, or else the only default version. */
static bool version_matches(struct lookup *l, uint64_t n)
{
    const struct elf_versions *v = l->object->versions;
    if (!v->versym || n >= v->count)
        return true;
    uint16_t word = elf_get16(v->versym + 2 * n), index = word & 0x7fff;
    bool hidden = word & 0x8000;
    if (l->map->musl)
        return !hidden;
    if (l->version) {
        const struct elf_version *has =
            index < v->table.count && v->table.items[index].name ? &v->table.items[index] : NULL;
        if (has && has->hash == l->version->hash && !strcmp(has->name, l->version->name))
            return true;
        return !l->version->hidden && !has && !hidden;
    }
    if (index < (l->newest ? 2 : 3))
        return true;
    if (!hidden && l->versioned++ == 0)
        l->versioned_symbol = n;
    return false;
}

static bool matches(void *context, uint64_t n)
{
    struct lookup *l = context;
    const struct elf_tables *t = l->object->tables;
    if (n >= t->symbols_available)
        return false;
    Elf64_Sym s;
    memcpy(&s, t->symbols + n * sizeof s, sizeof s);
    const char *name = elf_dynamic_string(l->object, s.st_name);
    return name && !strcmp(name, l->name) && acceptable(l, &s) && version_matches(l, n);
}

static bool exported(const struct lookup *l, uint64_t n)
{
    Elf64_Sym s;
    memcpy(&s, l->object->tables->symbols + n * sizeof s, sizeof s);
    unsigned bind = ELF64_ST_BIND(s.st_info), visibility = ELF64_ST_VISIBILITY(s.st_other);
    return (bind == STB_GLOBAL || bind == STB_WEAK || bind == STB_GNU_UNIQUE) &&
           (l->map->musl || (visibility != STV_HIDDEN && visibility != STV_INTERNAL));
}

static bool look_into(struct lookup *l, size_t index)
{
    /* A copy relocation asks for the definition behind the program's own copy. */
    if (l->kind == BIND_COPY && index == 0)
        return false;
    l->object = l->map->objects.items[index].elf;
    l->versioned = 0;
    uint64_t n = elf_hash_walk(l->object, l->gnu, l->sysv, matches, l);
    if (!n && l->versioned == 1)
        n = l->versioned_symbol;
    if (!n || !exported(l, n))
        return false;
    l->in = l->object;
    l->symbol = n;
    return true;
}

static bool look_through(struct lookup *l, const size_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (look_into(l, list[i]))
            return true;
    return false;
}

/* The scopes of an object: itself when DT_SYMBOLIC, the global one, then those of its dlopen. */
static bool look_up(struct lookup *l, const struct elf_object *from)
{
    const struct linkmap *map = l->map;
    if (from->symbolic && from->index != 0 && !map->musl && from->index < map->objects.count &&
        look_into(l, from->index))
        return true;
    if (look_through(l, map->scope.items, map->scope.count))
        return true;
    if (from->index >= map->objects.count)
        return false;
    vec_each (group, &map->objects.items[from->index].scopes) {
        const struct linkmap_group *g = &map->groups.items[*group];
        if (look_through(l, g->members.items, g->members.count))
            return true;
    }
    return false;
}

static unsigned bind_of(const struct elf_object *o, uint64_t n)
{
    Elf64_Sym s;
    memcpy(&s, o->tables->symbols + n * sizeof s, sizeof s);
    return ELF64_ST_BIND(s.st_info);
}

static bool named(void *context, uint64_t n)
{
    const struct lookup *l = context;
    struct elf_symbol s;
    return elf_dynamic_symbol(l->object, n, &s) && !strcmp(s.name, l->name);
}

/* STB_GNU_UNIQUE: one definition per name in the whole process, versions or not: the one that the
 * object relocated first came upon. */
static void unify(struct lookup *l)
{
    const struct linkmap *map = l->map;
    if (map->musl || bind_of(l->in, l->symbol) != STB_GNU_UNIQUE)
        return;
    vec_each (index, &map->relocation_order) {
        struct lookup first = *l;
        first.object = map->objects.items[*index].elf;
        uint64_t n = elf_hash_walk(first.object, l->gnu, l->sysv, named, &first);
        if (!n || bind_of(first.object, n) != STB_GNU_UNIQUE)
            continue;
        first.version = version_of(first.object, n);
        if (look_up(&first, first.object)) {
            l->in = first.in;
            l->symbol = first.symbol;
        }
        return;
    }
}

static struct linkmap_binding result(const struct elf_object *object, uint64_t n)
{
    Elf64_Sym s;
    memcpy(&s, object->tables->symbols + n * sizeof s, sizeof s);
    return (struct linkmap_binding){.object = object,
                                    .symbol = n,
                                    .address = s.st_value,
                                    .ifunc = ELF64_ST_TYPE(s.st_info) == STT_GNU_IFUNC &&
                                             s.st_shndx != SHN_UNDEF};
}

/* A protected symbol is its own object's, unless nobody but that object would be found anyway. */
static bool binds_here(const struct elf_symbol *s)
{
    return s->bind == STB_LOCAL || s->visibility == STV_HIDDEN || s->visibility == STV_INTERNAL;
}

struct linkmap_binding linkmap_bind(const struct linkmap *map, const struct elf_object *from,
                                    uint64_t n, enum linkmap_class kind)
{
    struct linkmap_binding none = {0};
    struct elf_symbol s;
    if (!elf_dynamic_symbol(from, n, &s))
        return none;
    if (map->musl ? s.bind == STB_LOCAL : binds_here(&s))
        return n ? result(from, n) : none;
    struct lookup l = {.map = map,
                       .name = s.name,
                       .gnu = elf_hash_gnu(s.name),
                       .sysv = elf_hash_sysv(s.name),
                       .version = version_of(from, n),
                       .kind = kind};
    if (!look_up(&l, from)) {
        none.weak = s.bind == STB_WEAK;
        return none;
    }
    unify(&l);
    /* A protected definition binds to itself once anybody defines it. */
    if (s.visibility == STV_PROTECTED && !map->musl)
        return result(from, n);
    return result(l.in, l.symbol);
}

struct linkmap_binding linkmap_find(const struct linkmap *map, size_t group, const char *name,
                                    const char *version)
{
    struct elf_version wanted = {.name = version, .hash = version ? elf_hash_sysv(version) : 0};
    struct lookup l = {.map = map,
                       .name = name,
                       .gnu = elf_hash_gnu(name),
                       .sysv = elf_hash_sysv(name),
                       .version = version ? &wanted : NULL,
                       .kind = BIND_DATA,
                       .newest = true};
    bool found;
    if (group < map->groups.count)
        found = look_through(&l, map->groups.items[group].members.items,
                             map->groups.items[group].members.count);
    else
        found = look_through(&l, map->scope.items, map->scope.count);
    return found ? result(l.in, l.symbol) : (struct linkmap_binding){0};
}

static uint64_t copied_size(const struct elf_object *o, const struct elf_relocation *r)
{
    struct elf_symbol s;
    return r->symbol && elf_dynamic_symbol(o, r->symbol, &s) ? s.size : 0;
}

static struct linkmap_binding self(const struct elf_object *o, uint64_t address, bool ifunc)
{
    return (struct linkmap_binding){.object = o, .address = address, .ifunc = ifunc};
}

static struct linkmap_binding unrelocated(const struct elf_object *o, uint64_t address)
{
    uint64_t value;
    if (o->type == ET_EXEC && elf_word(o, address, 8, &value) && elf_segment_at(o, value))
        return self(o, value, false);
    return (struct linkmap_binding){0};
}

/* The word inside an object that a copy relocation filled, in the object it was copied from. */
static struct linkmap_binding copied(const struct linkmap *map, const struct elf_object *o,
                                     const struct elf_relocation *r, uint64_t address)
{
    struct linkmap_binding source = linkmap_bind(map, o, r->symbol, BIND_COPY);
    if (!source.object || source.object == o)
        return (struct linkmap_binding){0};
    return linkmap_pointer(map, source.object, source.address + (address - r->address));
}

struct linkmap_binding linkmap_pointer(const struct linkmap *map, const struct elf_object *o,
                                       uint64_t address)
{
    size_t i = elf_relocation_from(o, address + 1);
    const struct elf_relocation *r = i ? &o->relocations.items[i - 1] : NULL;
    /* Only the program has copies: a library saying so gets no say in where the walk ends. */
    if (r && o->index == 0 && r->kind == RELOC_COPY && address - r->address < copied_size(o, r))
        return copied(map, o, r, address);
    if (!r || r->address != address)
        return unrelocated(o, address);
    if (r->kind == RELOC_RELATIVE)
        return self(o, (uint64_t)r->addend, false);
    if (r->kind == RELOC_IRELATIVE)
        return self(o, (uint64_t)r->addend, true);
    if (r->kind != RELOC_SYMBOLIC)
        return (struct linkmap_binding){0};
    struct linkmap_binding b = linkmap_bind(map, o, r->symbol, r->plt ? BIND_CALL : BIND_DATA);
    b.address += b.object ? (uint64_t)r->addend : 0;
    b.bound = true;
    return b;
}
