/* SPDX-License-Identifier: BSD-3-Clause
 * Library functions that the program calls: one-shot breakpoints on the call stubs of its imports
 * and, where asked for, on the functions that its libraries export. */
#include "analyzer/analyzer.h"
#include "tracer/binary.h"
#include "tracer/code.h"
#include "tracer/sets.h"
#include "tracer/sitecache.h"
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BREAKPOINT = 0xcc };
typedef VEC(struct function_site) function_sites;

static const unsigned char landing[] = {0xf3, 0x0f, 0x1e, 0xfa}; /* endbr64 stays in its place */

static void add(struct arena *a, const struct object *object, const unsigned char *image,
                function_sites *sites, struct function_site site)
{
    const unsigned char *bytes = object_bytes(object, image, site.address, sizeof landing + 1);
    if (!bytes)
        return;
    if (memcmp(bytes, landing, sizeof landing) == 0) {
        site.address += sizeof landing;
        bytes += sizeof landing;
    }
    site.byte = *bytes;
    if (site.byte != BREAKPOINT && object_site(object, site.address) < 0)
        vec_push(a, sites, site);
}

/* Walks the functions that a file defines, by its dynamic symbols, or by all where it has none. */
struct walk {
    struct session *s;
    const struct object *object;
    const unsigned char *image;
    function_sites *sites;
    bool marks; /* those that mark a phase; else the others, where they are dynamic */
};

static void walk_symbol(struct walk *w, const char *name, uint64_t address, bool dynamic)
{
    bool starts = strcmp(name, "__libc_early_init") == 0, leaves = strcmp(name, "exit") == 0;
    if (w->marks ? starts || leaves : dynamic && !starts && !leaves)
        add(w->s->arena, w->object, w->image, w->sites,
            (struct function_site){.address = address,
                                   .name = arena_strdup(w->s->arena, name),
                                   .kind = starts   ? FUNCTION_START
                                           : leaves ? FUNCTION_EXIT
                                                    : FUNCTION_EXPORT});
}

static void walk_defined(struct walk *w, size_t size)
{
    Elf *elf = elf_version(EV_CURRENT) == EV_NONE ? NULL : elf_memory((char *)w->image, size);
    bool dynamic = false;
    for (int pass = 0; elf && pass < 2 && !dynamic; pass++)
        for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
            GElf_Shdr header;
            GElf_Sym symbol;
            Elf_Data *data;
            if (!gelf_getshdr(scn, &header) || header.sh_type != (pass ? SHT_SYMTAB : SHT_DYNSYM) ||
                !(data = elf_getdata(scn, NULL)))
                continue;
            dynamic |= !pass;
            for (int i = 0; gelf_getsym(data, i, &symbol); i++) {
                const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);
                if (name && *name && symbol.st_shndx != SHN_UNDEF && symbol.st_value &&
                    GELF_ST_TYPE(symbol.st_info) == STT_FUNC)
                    walk_symbol(w, name, symbol.st_value, !pass);
            }
        }
    elf_end(elf);
}

static int by_address(const void *x, const void *y)
{
    const struct function_site *a = x, *b = y;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return (int)a->kind - (int)b->kind;
}

void functions_marks(struct session *s, const struct object *object, const unsigned char *image,
                     size_t size, struct site_table *table)
{
    function_sites sites = {0};
    struct walk w = {s, object, image, &sites, true};
    walk_defined(&w, size);
    vec_sort(&sites, by_address);
    vec_each (site, &sites)
        if (!table->marks.count ||
            table->marks.items[table->marks.count - 1].address != site->address)
            vec_push(s->arena, &table->marks,
                     ((struct phase_mark){site->address, site->kind, site->byte}));
}

static struct function_site import_site(const struct import_slot *import, uint64_t address)
{
    return (struct function_site){.address = address,
                                  .name = import->name,
                                  .version = import->version,
                                  .kind = FUNCTION_IMPORT};
}

static int slot_order(const void *x, const void *y)
{
    const struct import_slot *a = x, *b = y;
    return a->slot < b->slot ? -1 : a->slot > b->slot;
}

/* Call stubs, and calls that use none. */
static void add_imports(struct session *s, const struct object *object, const unsigned char *image,
                        const import_slots *imports, const slot_calls *calls, function_sites *sites)
{
    vec_each (import, imports)
        if (import->stub)
            add(s->arena, object, image, sites, import_site(import, import->stub));
    vec_each (call, calls) {
        struct import_slot key = {.slot = call->slot};
        const struct import_slot *import =
            imports->count ? bsearch(&key, imports->items, imports->count, sizeof key, slot_order)
                           : NULL;
        if (import && !import->stub)
            add(s->arena, object, image, sites, import_site(import, call->address));
    }
}

void functions_learn(struct session *s, struct object *object, const unsigned char *image,
                     size_t size, const slot_calls *calls)
{
    struct diag quiet = {.verbosity = -1};
    function_sites sites = {0};
    import_slots imports = {0};
    bool program = object->key.device == s->device && object->key.inode == s->inode;
    for (size_t i = 0; i < object->function_count; i++)
        vec_push(s->arena, &sites, object->functions[i]);
    if (program &&
        analyzer_imports(&quiet, s->arena, image, size, object->path, &imports) == STATUS_OK)
        add_imports(s, object, image, &imports, calls, &sites);
    struct walk w = {s, object, image, &sites, false};
    if (!program && s->options->all_functions)
        walk_defined(&w, size);
    vec_sort(&sites, by_address);
    size_t kept = 0; /* aliases: one of them, marks before others */
    for (size_t i = 0; i < sites.count; i++)
        if (!kept || sites.items[kept - 1].address != sites.items[i].address)
            sites.items[kept++] = sites.items[i];
    object->functions = sites.items;
    object->function_count = kept;
}

size_t function_from(const struct object *object, uint64_t address)
{
    size_t low = 0, high = object->function_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (object->functions[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct function_site *function_at(const struct object *object, uint64_t address)
{
    size_t low = function_from(object, address);
    return low < object->function_count && object->functions[low].address == address
               ? &object->functions[low]
               : NULL;
}

void functions_record(struct session *s, const struct function_site *site,
                      const struct object *object)
{
    struct symbol_seen *seen;
    HASH_FIND_STR(s->sets->symbols, site->name, seen);
    if (seen)
        return;
    seen = ARENA_NEW(s->arena, struct symbol_seen);
    seen->name = site->name;
    seen->version = site->version;
    seen->path = site->kind == FUNCTION_IMPORT ? NULL : object->path;
    HASH_ADD_KEYPTR(hh, s->sets->symbols, seen->name, strlen(seen->name), seen);
}

/* Finds out which of the functions called a library defines. */
static void find_providers(struct session *s, const struct profile_library *library)
{
    struct binary *binary = binary_named(s->arena, &s->binaries, library->path);
    struct symbol_seen *seen = NULL, *next = NULL;
    HASH_ITER (hh, s->sets->symbols, seen, next) {
        bool possible = seen->path ? strcmp(seen->path, library->path) == 0 : !seen->library;
        if (binary && possible && binary_defines(binary, seen->name))
            seen->library = library->soname;
    }
}

static int by_name(const void *x, const void *y)
{
    const struct profile_symbol *a = x, *b = y;
    return strcmp(a->name, b->name);
}

void functions_finish(struct session *s, struct arena *a, struct profile_dynamic *out)
{
    struct symbol_seen *seen = NULL, *next = NULL;
    if (s->sets->symbols)
        vec_each (library, &out->libraries)
            find_providers(s, library);
    HASH_ITER (hh, s->sets->symbols, seen, next) {
        struct profile_symbol *symbol = vec_add(a, &out->symbols);
        symbol->name = arena_strdup(a, seen->name);
        symbol->version = seen->version ? arena_strdup(a, seen->version) : NULL;
        symbol->library = seen->library;
        HASH_DEL(s->sets->symbols, seen);
    }
    vec_sort(&out->symbols, by_name);
}
