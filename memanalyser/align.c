/* SPDX-License-Identifier: BSD-3-Clause
 * The linker script that gives libraries common addresses. The idea (libraries of all images first,
 * then those of some, the largest instance deciding the room) is that of "Want More Unikernels?
 * Inflate Them!" (SoCC 2022). */
#include "memanalyser/sharing.h"
#include "memanalyser/text.h"
#include "memanalyser/views.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096 };

struct slot {
    const char *library;
    size_t images;
    uint64_t who;                /* hash of the set of images that have it */
    uint64_t size[SIZE_CLASSES]; /* largest over the images */
    uint64_t align[SIZE_CLASSES];
    uint64_t content[SIZE_CLASSES]; /* hash of the first image's bytes */
    bool differs[SIZE_CLASSES];     /* another image has other bytes */
    uint64_t address[SIZE_CLASSES];
    bool special[SIZE_CLASSES];  /* has sections that must stay where the build puts them */
    strings names[SIZE_CLASSES]; /* its ordinary sections */
};
typedef VEC(struct slot) slots;

/* The output section each class follows, and the input sections that belong to it. */
static const struct {
    const char *after, *inputs;
} classes[SIZE_CLASSES] = {
    [SIZE_TEXT] = {".text", ".text .text.*"},
    [SIZE_RODATA] = {".rodata", ".rodata .rodata.*"},
    [SIZE_DATA] = {".data", ".data .data.*"},
    [SIZE_BSS] = {".bss", ".bss .bss.* COMMON"},
};

static bool belongs(const char *input, enum size_class class)
{
    static const char *const prefixes[] = {".text", ".rodata", ".data", ".bss"};
    size_t n = strlen(prefixes[class]);
    if (class == SIZE_BSS && strcmp(input, "COMMON") == 0)
        return true;
    return strncmp(input, prefixes[class], n) == 0 && (!input[n] || input[n] == '.');
}

/* Whether a compiler made the section: ".text", ".text.hot", ".rodata.str1.1", or ".text.NAME" that
 * begins with the symbol NAME. Others (boot code, tables) have places of their own in the build's
 * linker script. */
static bool ordinary(const struct object *o, const struct elf_section *s, enum size_class class)
{
    static const char *const kinds[] = {"hot", "unlikely", "startup", "exit", "cold",
                                        "str", "cst",      "rel",     "ro",   "local"};
    const char *rest = strchr(s->name + 1, '.');
    if (!rest || (class == SIZE_BSS && strcmp(s->name, "COMMON") == 0))
        return true;
    rest++;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(rest, kinds[i], strlen(kinds[i])) == 0)
            return true;
    if (strstr(rest, ".str") || strstr(rest, ".cst"))
        return true;
    vec_each (symbol, &o->symbols)
        if (symbol->section == s->index && strcmp(symbol->name, rest) == 0)
            return true;
    return false;
}

static void add_name(struct arena *a, strings *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return;
    vec_push(a, names, name);
}

/* Those of most images first; those of the same images together; then by name. */
static int by_use(const void *x, const void *y)
{
    const struct slot *a = x, *b = y;
    if (a->images != b->images)
        return a->images > b->images ? -1 : 1;
    if (a->who != b->who)
        return a->who < b->who ? -1 : 1;
    return strcmp(a->library, b->library);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0xff51afd7ed558ccd);
    return hash ^ hash >> 32;
}

static uint64_t hash_section(uint64_t hash, const struct elf_file *f, const struct elf_section *s)
{
    const unsigned char *p = elf_contents(f, s);
    for (uint64_t i = 0; p && i < s->size; i++)
        hash = mix(hash, p[i]);
    return mix(hash, s->size);
}

/* What one image's objects of a library need. Room for alignment between input sections is counted
 * generously: the linker needs at most this. */
static void measure_library(struct arena *a, const struct image *image, int library, struct slot *m)
{
    vec_each (o, &image->objects) {
        if (o->library != library)
            continue;
        vec_each (s, &o->elf.sections) {
            for (int k = 0; k < SIZE_CLASSES; k++) {
                if (!(s->flags & SHF_ALLOC) || (s->flags & SHF_TLS) || !s->size ||
                    !belongs(s->name, k))
                    continue;
                if (!ordinary(o, s, k)) {
                    m->special[k] = true;
                    continue;
                }
                add_name(a, &m->names[k], s->name);
                uint64_t align = s->align ? s->align : 1;
                m->size[k] += s->size + align - 1;
                m->align[k] = align > m->align[k] ? align : m->align[k];
                m->content[k] = hash_section(m->content[k], &o->elf, s);
            }
        }
        vec_each (s, &o->symbols)
            if (s->section == ELF_COMMON)
                m->size[SIZE_BSS] += s->size + (s->value < PAGE ? s->value : PAGE);
    }
}

static void measure(struct arena *a, const struct image *image, size_t index, slots *list)
{
    for (size_t library = 0; library < image->libraries.count; library++) {
        struct slot m = {.library = image->libraries.items[library]};
        measure_library(a, image, (int)library, &m);
        if (!(m.size[SIZE_TEXT] | m.size[SIZE_RODATA] | m.size[SIZE_DATA] | m.size[SIZE_BSS]))
            continue;
        struct slot *slot = NULL;
        vec_each (l, list)
            if (strcmp(l->library, m.library) == 0)
                slot = l;
        if (!slot) {
            vec_push(a, list, m);
            slot = &list->items[list->count - 1];
        }
        slot->images++;
        slot->who = mix(slot->who, index + 1);
        for (int k = 0; k < SIZE_CLASSES; k++) {
            slot->size[k] = m.size[k] > slot->size[k] ? m.size[k] : slot->size[k];
            slot->align[k] = m.align[k] > slot->align[k] ? m.align[k] : slot->align[k];
            slot->differs[k] |= m.content[k] != slot->content[k];
            slot->special[k] |= m.special[k];
            for (size_t i = 0; i < m.names[k].count; i++)
                add_name(a, &slot->names[k], m.names[k].items[i]);
        }
    }
}

static uint64_t page_up(uint64_t v)
{
    return (v + PAGE - 1) / PAGE * PAGE;
}

/* Room for what stays in the build's own output sections: no more than the largest image. */
static uint64_t largest_image(const image_list *images, uint64_t *end)
{
    uint64_t most = 0;
    *end = 0;
    vec_each (i, images) {
        uint64_t memory = image_memory_size(*i);
        most = memory > most ? memory : most;
        vec_each (g, &(*i)->elf.segments) {
            if (g->type == PT_LOAD && g->address + g->memory_size > *end)
                *end = g->address + g->memory_size;
        }
    }
    return page_up(most);
}

/* The first letter in brackets makes a pattern of the name: ld would load a plain one as an input.
 */
static void say_slot(struct text *t, const struct slot *s, enum size_class class)
{
    const char *inputs = classes[class].inputs;
    for (size_t i = 0; s->special[class] && i < s->names[class].count; i++)
        inputs = arena_printf(t->arena, "%s%s%s", i ? inputs : "", i ? " " : "",
                              s->names[class].items[i]);
    text_addf(t, "  %s.%s 0x%" PRIx64 " : { */%s.o(%s) [%c]%s.o(%s) */%s.a:(%s) }\n",
              classes[class].after, s->library, s->address[class], s->library, inputs,
              s->library[0], s->library + 1, inputs, s->library, inputs);
}

static void say_class(struct text *t, const slots *list, enum size_class class)
{
    bool any = false;
    vec_each (s, list)
        any |= s->size[class] > 0;
    if (!any)
        return;
    text_add(t, "SECTIONS\n{\n");
    for (int differs = 0; differs < 2; differs++) /* the order of their addresses */
        vec_each (s, list)
            if (s->size[class] && s->differs[class] == (differs == 1))
                say_slot(t, s, class);
    text_addf(t, "}\nINSERT AFTER %s;\n", classes[class].after);
}

/* Libraries that the same images have, with the same bytes, are packed: their pages are equal
 * together. Those whose bytes differ between images follow on pages of their own; they still get
 * common addresses, so that calls to them look the same everywhere. Returns the end. */
static uint64_t give_addresses(slots *list, enum size_class class, uint64_t at)
{
    for (int differs = 0; differs < 2; differs++) {
        uint64_t who = 0;
        vec_each (s, list) {
            if (s->differs[class] != (differs == 1) || !s->size[class])
                continue;
            uint64_t align = s->align[class] > 16 ? s->align[class] : 16;
            if (s->who != who)
                at = page_up(at);
            who = s->who;
            at = (at + align - 1) / align * align;
            s->address[class] = at;
            at += s->size[class];
        }
        at = page_up(at);
    }
    return at;
}

enum status align_script(struct diag *d, struct arena *a, const image_list *images, uint64_t base,
                         char **out)
{
    slots all = {0}, list = {0};
    for (size_t i = 0; i < images->count; i++)
        measure(a, images->items[i], i, &all);
    vec_sort(&all, by_use);
    vec_each (s, &all)
        if (s->images > 1)
            vec_push(a, &list, *s);
    if (!list.count)
        return diag_fail(d, STATUS_INPUT,
                         "no library is in more than one of the images: nothing to "
                         "align (are their build folders given?)");
    uint64_t end, room = largest_image(images, &end);
    uint64_t at = base ? page_up(base) : page_up(end);
    for (int k = 0; k < SIZE_CLASSES; k++)
        at = page_up(give_addresses(&list, k, at)) + room;
    struct text t = {.arena = a};
    text_add(&t, "/* Libraries at common, page-aligned addresses. Link every image with\n"
                 "   -Wl,-T,THIS-FILE in addition to its own linker script. */\n");
    for (int k = 0; k < SIZE_CLASSES; k++)
        say_class(&t, &list, k);
    *out = t.bytes;
    return STATUS_OK;
}
