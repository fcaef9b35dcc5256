/* SPDX-License-Identifier: BSD-3-Clause
 * Checked access to an image by virtual address. */
#include "analyzer/elf_object.h"
#include <elf.h>
#include <string.h>

const struct elf_segment *elf_segment_at(const struct elf_object *o, uint64_t address)
{
    size_t low = 0, high = o->segments.count;
    while (low < high) { /* the last segment that starts at or before address */
        size_t middle = (low + high) / 2;
        if (o->segments.items[middle].vaddr <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return NULL;
    const struct elf_segment *s = &o->segments.items[low - 1];
    return address - s->vaddr < s->memsz ? s : NULL;
}

const unsigned char *elf_span(const struct elf_object *o, uint64_t address, uint64_t *available)
{
    const struct elf_segment *s = elf_segment_at(o, address);
    if (!s || address - s->vaddr >= s->filesz)
        return NULL;
    *available = s->filesz - (address - s->vaddr);
    return o->data + s->offset + (address - s->vaddr);
}

const unsigned char *elf_bytes(const struct elf_object *o, uint64_t address, uint64_t size)
{
    uint64_t available;
    const unsigned char *p = elf_span(o, address, &available);
    return p && size <= available ? p : NULL;
}

bool elf_copy(const struct elf_object *o, uint64_t address, void *to, uint64_t size)
{
    const struct elf_segment *s = elf_segment_at(o, address);
    if (!s || size > s->memsz - (address - s->vaddr))
        return false;
    uint64_t available = 0;
    const unsigned char *p = elf_span(o, address, &available);
    uint64_t part = !p ? 0 : size < available ? size : available;
    if (part)
        memcpy(to, p, part);
    memset((char *)to + part, 0, size - part);
    return true;
}

bool elf_word(const struct elf_object *o, uint64_t address, unsigned size, uint64_t *value)
{
    *value = 0; /* the host is little-endian as well: the low bytes come first */
    return elf_copy(o, address, value, size);
}

const char *elf_string(const struct elf_object *o, uint64_t address)
{
    uint64_t available;
    const unsigned char *p = elf_span(o, address, &available);
    return p && memchr(p, 0, available) ? (const char *)p : NULL;
}

bool elf_executable_at(const struct elf_object *o, uint64_t address)
{
    const struct elf_segment *s = elf_segment_at(o, address);
    return s && s->flags & PF_X;
}

bool elf_writable_at(const struct elf_object *o, uint64_t address)
{
    const struct elf_segment *s = elf_segment_at(o, address);
    return s && s->flags & PF_W;
}

const struct elf_section *elf_section_named(const struct elf_object *o, const char *name)
{
    vec_each (s, &o->sections)
        if (!strcmp(s->name, name))
            return s;
    return NULL;
}
