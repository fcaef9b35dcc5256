/* SPDX-License-Identifier: BSD-3-Clause
 * Names for places in a file's code: by its own symbols and, where there is debug information, by
 * that (libdw, which is loaded only then). */
#include "tracer/binary.h"
#include <elfutils/libdwfl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Looking through all symbols costs less than sorting them, until it has been done this often. */
enum { SORT_AFTER = 16 };

static bool read_symbol(const struct binary *binary, size_t index, Elf64_Sym *symbol)
{
    memcpy(symbol, binary->symbols.data + index * sizeof *symbol, sizeof *symbol);
    unsigned type = ELF64_ST_TYPE(symbol->st_info);
    return symbol->st_name && symbol->st_shndx != SHN_UNDEF && symbol->st_shndx != SHN_ABS &&
           symbol->st_value &&
           (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE || type == STT_OBJECT);
}

static const char *symbol_name(const struct binary *binary, const Elf64_Sym *symbol)
{
    if (symbol->st_name >= binary->strings.size)
        return NULL;
    const char *name = (const char *)binary->strings.data + symbol->st_name;
    size_t room = binary->strings.size - symbol->st_name;
    return *name && strnlen(name, room) < room ? name : NULL;
}

static int rank(const Elf64_Sym *symbol)
{
    unsigned bind = ELF64_ST_BIND(symbol->st_info);
    return bind == STB_GLOBAL ? 3 : bind == STB_WEAK ? 2 : 1;
}

/* Both cover the place: the one that begins later, then the one that is seen further. */
static bool is_better(const Elf64_Sym *symbol, const Elf64_Sym *best)
{
    if (!best->st_name || symbol->st_value != best->st_value)
        return !best->st_name || symbol->st_value > best->st_value;
    return rank(symbol) > rank(best);
}

/* The place as any symbol that has a size covers it: what most places need, in one quick pass. */
static void find_covering(const struct binary *binary, uint64_t address, Elf64_Sym *best)
{
    Elf64_Sym symbol;
    for (size_t at = 0; at + sizeof symbol <= binary->symbols.size; at += sizeof symbol) {
        const unsigned char *p = binary->symbols.data + at;
        uint64_t start, size;
        memcpy(&start, p + offsetof(Elf64_Sym, st_value), sizeof start);
        memcpy(&size, p + offsetof(Elf64_Sym, st_size), sizeof size);
        if (address - start < size && read_symbol(binary, at / sizeof symbol, &symbol) &&
            is_better(&symbol, best))
            *best = symbol;
    }
}

/* A symbol without a size names what follows it, up to the next that has one. */
static void find_unsized(const struct binary *binary, uint64_t address, Elf64_Sym *best)
{
    Elf64_Sym symbol;
    uint64_t taken = 0; /* up to here by symbols with sizes */
    for (size_t i = 0; i < binary->symbols.size / sizeof symbol; i++) {
        if (!read_symbol(binary, i, &symbol) || symbol.st_value > address)
            continue;
        if (!symbol.st_size && is_better(&symbol, best))
            *best = symbol;
        if (symbol.st_value + symbol.st_size > taken)
            taken = symbol.st_value + symbol.st_size;
    }
    if (best->st_value < taken)
        *best = (Elf64_Sym){0};
}

static const char *look_through(const struct binary *binary, uint64_t address)
{
    Elf64_Sym best = {0};
    find_covering(binary, address, &best);
    if (!best.st_name)
        find_unsized(binary, address, &best);
    return best.st_name ? symbol_name(binary, &best) : NULL;
}

static int by_start(const void *x, const void *y)
{
    const struct named_range *a = x, *b = y;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return a->symbol < b->symbol ? -1 : a->symbol > b->symbol;
}

static void sort_symbols(struct arena *a, struct binary *binary)
{
    VEC(struct named_range) ranges = {0};
    Elf64_Sym symbol;
    for (size_t i = 0; i < binary->symbols.size / sizeof symbol; i++)
        if (read_symbol(binary, i, &symbol))
            vec_push(a, &ranges,
                     ((struct named_range){symbol.st_value, symbol.st_value + symbol.st_size, 0,
                                           (uint32_t)i}));
    vec_sort(&ranges, by_start);
    for (size_t i = 0; i < ranges.count; i++) {
        struct named_range *r = &ranges.items[i];
        r->reach = i && r[-1].reach > r->end ? r[-1].reach : r->end;
    }
    binary->ranges = ranges.items;
    binary->range_count = ranges.count;
}

/* The better of two that begin at the same place, the earlier of the table where they are equal:
 * they are met from the end. */
static void take(const struct binary *binary, const struct named_range *r, Elf64_Sym *best)
{
    Elf64_Sym symbol;
    read_symbol(binary, r->symbol, &symbol);
    if (!best->st_name || rank(&symbol) >= rank(best))
        *best = symbol;
}

static const char *look_up(const struct binary *binary, uint64_t address)
{
    const struct named_range *ranges = binary->ranges;
    Elf64_Sym best = {0};
    size_t low = 0, high = binary->range_count;
    while (low < high) { /* the first that starts behind address */
        size_t middle = low + (high - low) / 2;
        if (ranges[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; i-- > 0 && ranges[i].reach > address;) {
        if (best.st_name && ranges[i].start != best.st_value)
            break;
        if (address < ranges[i].end)
            take(binary, &ranges[i], &best);
    }
    bool free = low && ranges[low - 1].reach == ranges[low - 1].start;
    for (size_t i = low; free && !best.st_name && i-- > 0;)
        if (ranges[i].start == ranges[low - 1].start)
            take(binary, &ranges[i], &best);
        else
            break;
    return best.st_name ? symbol_name(binary, &best) : NULL;
}

const char *binary_function(struct arena *a, struct binary *binary, uint64_t address)
{
    if (!binary->symbols.size)
        return NULL;
    if (!binary->ranges && ++binary->lookups > SORT_AFTER)
        sort_symbols(a, binary);
    return binary->ranges ? look_up(binary, address) : look_through(binary, address);
}

/* ---- debug information ---- */

struct debug_lines {
    Dwfl *dwfl;
    Dwfl_Module *module; /* NULL: it cannot be read */
    Dwarf_Addr bias;
};

static char *debug_folders = "/usr/lib/debug";
/* Separate debug information by build-id, from this machine: libdw's standard look-up would load a
 * web client and ask servers. */
static const Dwfl_Callbacks callbacks = {
    .section_address = dwfl_offline_section_address,
    .find_debuginfo = dwfl_build_id_find_debuginfo,
    .debuginfo_path = &debug_folders,
};

static struct debug_lines *open_debug(struct arena *a, struct binary *binary)
{
    struct debug_lines *d = ARENA_NEW(a, struct debug_lines);
    binary->debug = d;
    d->dwfl = dwfl_begin(&callbacks);
    if (!d->dwfl)
        return d;
    dwfl_report_begin(d->dwfl);
    d->module = dwfl_report_offline(d->dwfl, binary->path, binary->path, -1);
    if (dwfl_report_end(d->dwfl, NULL, NULL) != 0 ||
        (d->module && !dwfl_module_getelf(d->module, &d->bias)))
        d->module = NULL;
    return d;
}

void binary_source(struct arena *a, struct binary *binary, uint64_t address, const char **function,
                   const char **source)
{
    struct debug_lines *d = binary->debug ? binary->debug : open_debug(a, binary);
    GElf_Off offset = 0;
    GElf_Sym symbol;
    *function = *source = NULL;
    if (!d->module)
        return;
    Dwarf_Addr place = address + d->bias;
    const char *name = dwfl_module_addrinfo(d->module, place, &offset, &symbol, NULL, NULL, NULL);
    if (name && *name)
        *function = name;
    Dwfl_Line *line = dwfl_module_getsrc(d->module, place);
    int number = 0;
    const char *file = line ? dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL) : NULL;
    if (file)
        *source = arena_printf(a, "%s:%d", file, number);
}

void binary_close_debug(struct binary *binary)
{
    if (binary->debug && binary->debug->dwfl)
        dwfl_end(binary->debug->dwfl);
    binary->debug = NULL;
}
