/* SPDX-License-Identifier: BSD-3-Clause
 * Sections that no symbol and no relocation leads to are looked for by their bytes, in the parts of
 * the image nothing has claimed. Claims must be settled before. */
#include "memanalyser/place.h"
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
    size_t found;
    uint64_t address;
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
    for (; at < end && size <= end - at && *s->left && s->found < 2; at += align) {
        uint64_t compared = 0;
        --*s->left;
        if (!placer_matches(s->in, &s->in->object->elf, s->p->image->elf.data + target->offset + at,
                            &compared) ||
            compared < ENOUGH)
            continue;
        s->found++;
        s->address = target->address + at;
    }
}

static bool search_one(struct placer *p, struct input_section *in, size_t *left)
{
    struct search s = {.p = p, .in = in, .left = left};
    vec_each (t, &p->loaded) {
        const struct elf_section *target = *t;
        if (target->type == SHT_NOBITS || !related(in->section, target))
            continue;
        const claims *list = &p->image->claims[target->index];
        uint64_t at = 0;
        for (size_t i = 0; i <= list->count; i++) {
            uint64_t end = i < list->count ? list->items[i].start : target->size;
            if (end > at)
                search_run(&s, target, at, end);
            at = i < list->count ? list->items[i].end : at;
        }
    }
    return s.found == 1 && placer_try(p, in, s.address, BY_CONTENT, false);
}

bool placer_search_content(struct placer *p)
{
    size_t left = budget;
    bool any = false;
    vec_each (o, &p->image->objects) {
        for (size_t i = 0; i < o->elf.sections.count; i++) {
            struct input_section *in = &o->inputs[i];
            const struct elf_section *s = in->section;
            if (!s || in->placed || placer_is_merged(s) || s->type == SHT_NOBITS ||
                s->type == SHT_NOTE || strcmp(s->name, ".eh_frame") == 0 || (s->flags & SHF_TLS) ||
                s->size < ENOUGH || s->size > p->image->elf.size)
                continue;
            any |= search_one(p, in, &left);
        }
    }
    return any;
}
