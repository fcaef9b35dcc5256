/* SPDX-License-Identifier: BSD-3-Clause
 * Private to placing input sections: place.c (symbols), place_relocs.c, place_content.c. */
#ifndef MEMANALYSER_PLACE_H
#define MEMANALYSER_PLACE_H

#include "memanalyser/image.h"

struct vote {
    uint64_t address; /* of the section's first byte */
    unsigned weight;
    enum evidence evidence;
};

struct input_section {
    const struct elf_section *section; /* NULL: takes no memory */
    struct object *object;
    int object_index;
    elf_relocs relocs; /* sorted by offset */
    VEC(struct vote) votes;
    bool placed;
    uint32_t target; /* image section */
    uint64_t offset; /* in it */
};

struct placer {
    struct image *image;
    struct arena *arena;
    struct diag *diag;
    VEC(const struct elf_symbol *) by_name;
    VEC(const struct elf_section *) loaded; /* by address */
    VEC(struct input_section *) fresh;      /* placed, relocations not yet followed */
};

/* Mergeable sections are taken apart by the linker: entry by entry, equal ones once. */
static inline bool placer_is_merged(const struct elf_section *s)
{
    return (s->flags & SHF_MERGE) && s->entry_size > 0;
}

const struct elf_section *placer_section_at(const struct placer *p, uint64_t address);
void placer_vote(struct placer *p, struct input_section *in, uint64_t address, unsigned weight,
                 enum evidence evidence);
/* Places in at address unless it does not fit there or its bytes differ (trusted: may differ). */
bool placer_try(struct placer *p, struct input_section *in, uint64_t address,
                enum evidence evidence, bool trusted);
/* Whether the section's bytes, relocated fields masked, are at image_bytes; how many counted. */
bool placer_matches(const struct input_section *in, const struct elf_file *elf,
                    const unsigned char *image_bytes, uint64_t *compared);
/* Lets the relocations of freshly placed sections vote, and claims merged entries they name. */
void placer_follow_relocs(struct placer *p);
/* Places by content what is still missing; true when anything was. */
bool placer_search_content(struct placer *p);

#endif
