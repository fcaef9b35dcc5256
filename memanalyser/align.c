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
    uint64_t size[SIZE_CLASSES]; /* largest over the images */
    uint64_t address[SIZE_CLASSES];
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

static int by_use(const void *x, const void *y)
{
    const struct slot *a = x, *b = y;
    if (a->images != b->images)
        return a->images > b->images ? -1 : 1;
    return strcmp(a->library, b->library);
}

/* Sizes with generous room for alignment between input sections: what the linker will need is at
 * most this. */
static void measure(struct arena *a, struct image *image, slots *list)
{
    for (size_t library = 0; library < image->libraries.count; library++) {
        uint64_t size[SIZE_CLASSES] = {0}, any = 0;
        vec_each (o, &image->objects) {
            if (o->library != (int)library)
                continue;
            vec_each (s, &o->elf.sections) {
                for (int k = 0; k < SIZE_CLASSES; k++)
                    if ((s->flags & SHF_ALLOC) && !(s->flags & SHF_TLS) && belongs(s->name, k))
                        size[k] += s->size + (s->size ? (s->align ? s->align : 1) - 1 : 0),
                            any += s->size;
            }
            vec_each (s, &o->symbols)
                if (s->section == ELF_COMMON)
                    size[SIZE_BSS] += s->size + s->value;
        }
        if (!any)
            continue;
        struct slot *slot = NULL;
        vec_each (l, list)
            if (strcmp(l->library, image->libraries.items[library]) == 0)
                slot = l;
        if (!slot) {
            slot = vec_add(a, list);
            slot->library = image->libraries.items[library];
        }
        slot->images++;
        for (int k = 0; k < SIZE_CLASSES; k++)
            slot->size[k] = size[k] > slot->size[k] ? size[k] : slot->size[k];
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

static void say_class(struct text *t, const slots *list, enum size_class class)
{
    bool any = false;
    vec_each (s, list)
        any |= s->size[class] > 0;
    if (!any)
        return;
    text_add(t, "SECTIONS\n{\n");
    vec_each (s, list) {
        if (s->size[class])
            text_addf(t, "  %s.%s 0x%" PRIx64 " : { */%s.o(%s) %s.o(%s) */%s.a:(%s) }\n",
                      classes[class].after, s->library, s->address[class], s->library,
                      classes[class].inputs, s->library, classes[class].inputs, s->library,
                      classes[class].inputs);
    }
    text_addf(t, "}\nINSERT AFTER %s;\n", classes[class].after);
}

enum status align_script(struct diag *d, struct arena *a, const image_list *images, uint64_t base,
                         char **out)
{
    slots all = {0}, list = {0};
    vec_each (i, images)
        measure(a, *i, &all);
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
    for (int k = 0; k < SIZE_CLASSES; k++) {
        vec_each (s, &list) {
            s->address[k] = at;
            at += page_up(s->size[k]);
        }
        at += room;
    }
    struct text t = {.arena = a};
    text_add(&t, "/* Libraries at common, page-aligned addresses. Link every image with\n"
                 "   -Wl,-T,THIS-FILE in addition to its own linker script. */\n");
    for (int k = 0; k < SIZE_CLASSES; k++)
        say_class(&t, &list, k);
    *out = t.bytes;
    return STATUS_OK;
}
