/* SPDX-License-Identifier: BSD-3-Clause
 * Where the unwind table (.eh_frame) lies when no section header says so. Format: LSB Core,
 * "Exception Frames". */
#include "analyzer/elf_private.h"
#include <elf.h>
#include <string.h>

/* Through the search header: version 1, then the encoding of a pointer to .eh_frame. */
static bool through_header(struct elf_object *o)
{
    const unsigned char *p = elf_bytes(o, o->eh_frame_hdr.address, 8);
    if (!p || p[0] != 1)
        return false;
    uint64_t header = o->eh_frame_hdr.address, target;
    uint64_t distance = (uint64_t)(int64_t)(int32_t)elf_get32(p + 4);
    switch (p[1]) {
    case 0x1b: /* relative to the pointer itself: what every linker writes */
        target = header + 4 + distance;
        break;
    case 0x3b: /* relative to the header */
        target = header + distance;
        break;
    case 0x03: /* absolute */
        target = elf_get32(p + 4);
        break;
    default:
        return false;
    }
    uint64_t available;
    if (!elf_span(o, target, &available))
        return false;
    o->eh_frame = (struct elf_range){target, available};
    return true;
}

/* Length of the table at p if entries follow each other up to a terminator, each a CIE or an FDE
 * that points back to one inside the table; 0: it is none. */
static uint64_t table_length(const unsigned char *p, uint64_t available)
{
    uint64_t at = 0;
    unsigned descriptions = 0;
    while (available - at >= 4) {
        uint64_t length = elf_get32(p + at);
        if (!length)
            return descriptions ? at + 4 : 0;
        if (length < 12 || length > available - at - 4)
            return 0;
        uint32_t back = elf_get32(p + at + 4);
        if (back && (back > at + 4 || elf_get32(p + at + 4 - back + 4) != 0))
            return 0;
        descriptions += back != 0;
        at += 4 + length;
    }
    return 0;
}

/* Static programs have no search header: look for the first CIE by its shape (identifier 0, version
 * 1, an augmentation string that begins with z) from which a whole table follows. */
static void by_shape(struct elf_object *o)
{
    static const char shape[] = "\0\0\0\0\1z";
    unsigned tries = 0;
    vec_each (s, &o->segments) {
        const unsigned char *start = o->data + s->offset, *end = start + s->filesz, *hit = start;
        while (tries++ < 256 && (hit = memmem(hit, (size_t)(end - hit), shape, sizeof shape - 1))) {
            const unsigned char *entry = hit++ - 4;
            uint64_t length = entry >= start ? table_length(entry, (uint64_t)(end - entry)) : 0;
            if (!length)
                continue;
            o->eh_frame = (struct elf_range){s->vaddr + (uint64_t)(entry - start), length};
            return;
        }
    }
}

void elf_locate_eh_frame(struct elf_object *o)
{
    if (!o->eh_frame.size && !through_header(o) && !o->sections.count)
        by_shape(o);
}
