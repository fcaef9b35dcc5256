/* SPDX-License-Identifier: BSD-3-Clause
 * Sections that no symbol and no relocation leads to are looked for by their bytes, in the parts of
 * the image nothing has claimed. Claims must be settled before. */
#include "memanalyser/place.h"
#include <stdlib.h>
#include <string.h>

/* Fewer bytes than this that must agree say nothing. */
enum { ENOUGH = 8 };
/* Comparisons tried in one image, a bound on time. */
static const size_t budget = 20 * 1000 * 1000;

static bool related(const struct elf_section *in, const struct elf_section *target)
{
    size_t length = strlen(target->name);
    if (strncmp(in->name, target->name, length) == 0 &&
        (in->name[length] == '\0' || in->name[length] == '.'))
        return true;
    return ((in->flags ^ target->flags) & (SHF_WRITE | SHF_EXECINSTR)) == 0;
}

struct search {
    struct placer *p;
    struct input_section *in;
    size_t *left;
    size_t found;     /* places, counted up to 2 */
    uint64_t address; /* of the first */
    bool first;       /* the first place will do */
};

/* Looks in the free run [start, end) of a section. */
static void search_run(struct search *s, const struct elf_section *target, uint64_t start,
                       uint64_t end)
{
    uint64_t align = s->in->section->align ? s->in->section->align : 1, size = s->in->section->size;
    uint64_t at = start;
    uint64_t misaligned = (target->address + at) % align;
    if (misaligned)
        at += align - misaligned;
    for (; at < end && size <= end - at && *s->left && s->found < (s->first ? 1 : 2); at += align) {
        uint64_t compared = 0;
        --*s->left;
        if (!placer_matches(s->in, &s->in->object->elf, s->p->image->elf.data + target->offset + at,
                            &compared) ||
            compared < ENOUGH)
            continue;
        if (!s->found++)
            s->address = target->address + at;
    }
}

/* Calls visit for every unclaimed run of the sections the input section may be in. */
static void each_free_run(struct placer *p, const struct elf_section *in,
                          void (*visit)(struct search *, const struct elf_section *, uint64_t,
                                        uint64_t),
                          struct search *s)
{
    vec_each (t, &p->loaded) {
        const struct elf_section *target = *t;
        if (target->type == SHT_NOBITS || !related(in, target))
            continue;
        const claims *list = &p->image->claims[target->index];
        uint64_t at = 0;
        for (size_t i = 0; i <= list->count; i++) {
            uint64_t end = i < list->count ? list->items[i].start : target->size;
            if (end > at)
                visit(s, target, at, end);
            at = i < list->count ? list->items[i].end : at;
        }
    }
}

/* A section of the same name as the image's, of exactly the size of one free run: nothing else can
 * be there, whatever a tool wrote into it after linking. */
static void fit_run(struct search *s, const struct elf_section *target, uint64_t start,
                    uint64_t end)
{
    if (strcmp(s->in->section->name, target->name) != 0 || end - start != s->in->section->size)
        return;
    if (!s->found++)
        s->address = target->address + start;
}

enum pass { UNIQUE, IN_ORDER, ONLY_FIT };

static bool search_one(struct placer *p, struct input_section *in, enum pass pass, size_t *left)
{
    struct search s = {.p = p, .in = in, .left = left, .first = pass == IN_ORDER};
    each_free_run(p, in->section, pass == ONLY_FIT ? fit_run : search_run, &s);
    if (s.found != 1)
        return false;
    bool placed =
        placer_try(p, in, s.address, pass == UNIQUE ? BY_CONTENT : BY_ORDER, pass == ONLY_FIT);
    if (placed && pass != UNIQUE)
        claims_settle(p->image);
    return placed;
}

static bool worth_searching(const struct placer *p, const struct input_section *in)
{
    const struct elf_section *s = in->section;
    return s && !in->placed && !placer_is_merged(s) && s->type != SHT_NOBITS &&
           s->type != SHT_NOTE && strcmp(s->name, ".eh_frame") != 0 && !(s->flags & SHF_TLS) &&
           s->size >= ENOUGH && s->size <= p->image->elf.size;
}

/* Objects in the order they were linked in, as far as the addresses of what is placed tell. */
struct linked {
    struct object *object;
    uint64_t address;
};

static int by_address(const void *x, const void *y)
{
    const struct linked *a = x, *b = y;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return (a->object > b->object) - (a->object < b->object);
}

static struct linked *link_order(struct placer *p)
{
    struct image *image = p->image;
    struct linked *order = arena_array(p->arena, image->objects.count, sizeof *order);
    vec_each (o, &image->objects) {
        struct linked *l = &order[o - image->objects.items];
        *l = (struct linked){o, UINT64_MAX};
        for (size_t i = 0; i < o->elf.sections.count; i++) {
            const struct input_section *in = &o->inputs[i];
            if (in->placed && strcmp(in->section->name, ".text") == 0)
                l->address = section_address(image, in->target, in->offset);
        }
    }
    if (image->objects.count > 1)
        qsort(order, image->objects.count, sizeof *order, by_address);
    return order;
}

bool placer_search_content(struct placer *p)
{
    size_t left = budget;
    bool any = false;
    struct linked *order = link_order(p);
    for (enum pass pass = UNIQUE; pass <= ONLY_FIT; pass++) {
        for (size_t k = 0; k < p->image->objects.count; k++) {
            struct object *o = order[k].object;
            for (size_t i = 0; i < o->elf.sections.count; i++)
                if (worth_searching(p, &o->inputs[i]))
                    any |= search_one(p, &o->inputs[i], pass, &left);
        }
        claims_settle(p->image);
    }
    return any;
}
