/* SPDX-License-Identifier: BSD-3-Clause
 * A relocated field of a placed section holds, in the image, the address the linker gave to what it
 * refers to: S + A for absolute fields, S + A - P for relative ones. */
#include "memanalyser/place.h"
#include <string.h>

struct field {
    unsigned width;
    bool relative;
    bool sign;
};

static bool field_of(uint16_t machine, uint32_t type, struct field *out)
{
    static const struct {
        uint16_t machine;
        uint32_t type;
        struct field field;
    } fields[] = {
        {EM_X86_64, R_X86_64_64, {8, false, false}},
        {EM_X86_64, R_X86_64_32, {4, false, false}},
        {EM_X86_64, R_X86_64_32S, {4, false, true}},
        {EM_X86_64, R_X86_64_PC32, {4, true, true}},
        {EM_X86_64, R_X86_64_PLT32, {4, true, true}},
        {EM_X86_64, R_X86_64_PC64, {8, true, true}},
        {EM_AARCH64, R_AARCH64_ABS64, {8, false, false}},
        {EM_AARCH64, R_AARCH64_ABS32, {4, false, false}},
        {EM_AARCH64, R_AARCH64_PREL32, {4, true, true}},
        {EM_AARCH64, R_AARCH64_PREL64, {8, true, true}},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (fields[i].machine == machine && fields[i].type == type) {
            *out = fields[i].field;
            return true;
        }
    }
    return false;
}

/* Bytes of the entry of a merge section that starts at offset. */
static uint64_t entry_size(const struct elf_file *elf, const struct elf_section *s, uint64_t offset)
{
    if (!(s->flags & SHF_STRINGS))
        return s->entry_size < s->size - offset ? s->entry_size : s->size - offset;
    const unsigned char *bytes = elf->data + s->offset;
    for (uint64_t at = offset; at + s->entry_size <= s->size; at += s->entry_size) {
        bool zero = true;
        for (uint64_t k = 0; k < s->entry_size; k++)
            zero &= bytes[at + k] == 0;
        if (zero)
            return at + s->entry_size - offset;
    }
    return s->size - offset;
}

static void claim_entry(struct placer *p, const struct input_section *in, uint64_t offset,
                        uint64_t address)
{
    const struct elf_section *target = placer_section_at(p, address);
    if (!target || target->type == SHT_NOBITS || offset >= in->section->size)
        return;
    uint64_t size = entry_size(&in->object->elf, in->section, offset);
    uint64_t at = address - target->address;
    if (size > target->size - at || memcmp(in->object->elf.data + in->section->offset + offset,
                                           p->image->elf.data + target->offset + at, size) != 0)
        return;
    claim_add(p->image, target->index,
              (struct claim){at, at + size, in->object_index, in->section->name, BY_RELOC});
}

static void follow(struct placer *p, const struct input_section *from, const struct elf_reloc *r)
{
    struct object *o = from->object;
    struct field field;
    if (r->symbol >= o->symbols.count || !field_of(o->elf.machine, r->type, &field) ||
        r->offset > from->section->size || field.width > from->section->size - r->offset)
        return;
    const struct elf_symbol *s = &o->symbols.items[r->symbol];
    if (!s->section || s->section >= o->elf.sections.count || s->type == STT_TLS)
        return;
    struct input_section *to = &o->inputs[s->section];
    if (!to->section || to->placed || to->section->flags & SHF_TLS)
        return;
    const struct elf_section *target = &p->image->elf.sections.items[from->target];
    uint64_t place = target->address + from->offset + r->offset;
    uint64_t value =
        elf_get(&p->image->elf, p->image->elf.data + target->offset + from->offset + r->offset,
                field.width);
    if (field.sign && field.width == 4)
        value = (uint64_t)(int64_t)(int32_t)(uint32_t)value;
    /* S + A */
    uint64_t sum = field.relative ? value + place : value;
    uint64_t symbol_address = sum - (uint64_t)r->addend;
    if (!placer_is_merged(to->section)) {
        placer_vote(p, to, symbol_address - s->value, 4, BY_RELOC);
    } else if (s->type != STT_SECTION) {
        claim_entry(p, to, s->value, symbol_address);
    } else if (!field.relative) {
        claim_entry(p, to, s->value + (uint64_t)r->addend, sum);
    }
}

void placer_follow_relocs(struct placer *p)
{
    for (size_t i = 0; i < p->fresh.count; i++) {
        const struct input_section *from = p->fresh.items[i];
        if (from->section->type == SHT_NOBITS)
            continue;
        vec_each (r, &from->relocs)
            follow(p, from, r);
    }
    p->fresh.count = 0;
}
