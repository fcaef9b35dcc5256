/* SPDX-License-Identifier: BSD-3-Clause */
#include "memanalyser/flow.h"
#include <stdlib.h>
#include <string.h>

struct step {
    uint64_t offset;
    struct decoded d;
    uint64_t target; /* address, for relative control flow inside the section: offset */
    bool inside;     /* target is an offset within the function */
};

struct flow_reader {
    struct image *image;
    struct disassembler *slow;
    VEC(struct step) steps;
    VEC(uint64_t) leaders;
    struct flow flow; /* its vectors are kept for reuse */
};

enum status flow_open(struct diag *d, struct image *image, struct flow_reader **out)
{
    struct flow_reader *r = ARENA_NEW(image->arena, struct flow_reader);
    r->image = image;
    *out = r;
    return disassembler_open(d, image, &r->slow);
}

void flow_close(struct flow_reader *r)
{
    if (r)
        disassembler_close(r->slow);
}

/* ---- decoding --------------------------------------------------------------------------- */

static int64_t sign_extend(uint32_t v, unsigned bits)
{
    uint32_t top = UINT32_C(1) << (bits - 1);
    v &= (top << 1) - 1;
    return (int64_t)(v ^ top) - (int64_t)top;
}

/* A64: the branch classes (Arm ARM, "Branches, exception generating and system instructions"). */
static struct decoded a64_decode(const unsigned char *p)
{
    uint32_t w = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    struct decoded d = {.length = 4, .mix = MIX_OTHER};
    int64_t displacement = 0;
    if ((w & 0x7c000000) == 0x14000000) {
        d.kind = w >> 31 ? FLOW_CALL : FLOW_JUMP;
        displacement = sign_extend(w, 26) * 4;
    } else if ((w & 0xff000000) == 0x54000000 || (w & 0x7e000000) == 0x34000000) {
        d.kind = FLOW_BRANCH;
        displacement = sign_extend(w >> 5, 19) * 4;
    } else if ((w & 0x7e000000) == 0x36000000) {
        d.kind = FLOW_BRANCH;
        displacement = sign_extend(w >> 5, 14) * 4;
    } else if ((w & 0xfffffc1f) == 0xd63f0000) {
        d.kind = FLOW_CALL_INDIRECT;
    } else if ((w & 0xfffffc1f) == 0xd61f0000) {
        d.kind = FLOW_JUMP_INDIRECT;
    } else if ((w & 0xfffffc1f) == 0xd65f0000) {
        d.kind = FLOW_RETURN;
    } else if ((w & 0xffe0001f) == 0xd4000001) {
        d.kind = FLOW_SYSCALL;
    } else if ((w & 0xffe0001f) == 0xd4200000 || (w & 0xffff0000) == 0) {
        d.kind = FLOW_TRAP;
    } else if ((w & 0xff8003ff) == 0xd10003ff) { /* sub sp, sp, #imm */
        d.stack = (int32_t)((w >> 10 & 0xfff) << (w >> 22 & 1 ? 12 : 0));
    }
    static const unsigned char mixes[] = {MIX_OTHER,  MIX_CALL,   MIX_CALL,   MIX_JUMP,  MIX_JUMP,
                                          MIX_BRANCH, MIX_RETURN, MIX_SYSTEM, MIX_SYSTEM};
    d.mix = mixes[d.kind];
    d.relative = d.kind == FLOW_CALL || d.kind == FLOW_JUMP || d.kind == FLOW_BRANCH;
    d.displacement = (int32_t)displacement - 4; /* from the end, as on x86 */
    if ((w & 0xffe0001f) == 0xd2800008 || (w & 0xffe0001f) == 0x52800008) { /* mov x8, #imm */
        d.sets_eax = d.eax_known = true;
        d.eax = w >> 5 & 0xffff;
    }
    return d;
}

static struct decoded decode(struct flow_reader *r, uint32_t section, uint64_t at)
{
    const struct elf_file *f = &r->image->elf;
    const struct elf_section *s = &f->sections.items[section];
    const unsigned char *p = f->data + s->offset + at;
    struct decoded d = {0};
    if (r->image->machine == EM_X86_64)
        d = x86_decode(p, s->size - at);
    else if (r->image->machine == EM_AARCH64 && s->size - at >= 4 && !f->big_endian)
        d = a64_decode(p);
    if (d.length)
        return d;
    d = (struct decoded){.mix = MIX_OTHER};
    d.length = (unsigned char)disassembler_length(r->slow, section, at);
    if (r->image->machine == EM_X86_64 && (p[0] == 0xc4 || p[0] == 0xc5 || p[0] == 0x62 ||
                                           p[0] == 0x0f || (d.length > 2 && p[1] == 0x0f)))
        d.mix = MIX_VECTOR;
    return d;
}

/* What a direct call or jump goes to. */
static void resolve(struct flow_reader *r, const struct function *f, struct step *s)
{
    struct image *image = r->image;
    const struct elf_section *section = &image->elf.sections.items[f->section];
    uint64_t end = s->offset + s->d.length;
    uint64_t offset = end + (uint64_t)(int64_t)s->d.displacement;
    s->target = section->address + offset;
    s->inside = offset >= f->start && offset < f->end &&
                !(image->elf.relocatable && image_reloc_in(image, f->section, s->offset, end));
    if (s->inside)
        s->target = offset;
}

static bool is_flow(const struct step *s)
{
    return s->d.kind == FLOW_CALL || s->d.kind == FLOW_JUMP || s->d.kind == FLOW_BRANCH;
}

static void decode_all(struct flow_reader *r, const struct function *f, struct flow *out)
{
    r->steps.count = 0;
    for (uint64_t at = f->start; at < f->end;) {
        struct step s = {.offset = at, .d = decode(r, f->section, at)};
        if (!s.d.length)
            break;
        if (is_flow(&s))
            resolve(r, f, &s);
        vec_push(r->image->arena, &r->steps, s);
        out->mix[s.d.mix]++;
        at += s.d.length;
    }
    out->instructions = r->steps.count;
}

/* ---- blocks ----------------------------------------------------------------------------- */

static int by_value(const void *x, const void *y)
{
    uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return (a > b) - (a < b);
}

static bool ends_block(unsigned kind)
{
    return kind == FLOW_JUMP || kind == FLOW_JUMP_INDIRECT || kind == FLOW_BRANCH ||
           kind == FLOW_RETURN || kind == FLOW_TRAP;
}

static void find_leaders(struct flow_reader *r, const struct function *f)
{
    struct arena *a = r->image->arena;
    r->leaders.count = 0;
    vec_push(a, &r->leaders, f->start);
    vec_each (s, &r->steps) {
        if (is_flow(s) && s->d.kind != FLOW_CALL && s->inside)
            vec_push(a, &r->leaders, s->target);
        if (ends_block(s->d.kind))
            vec_push(a, &r->leaders, s->offset + s->d.length);
    }
    vec_sort(&r->leaders, by_value);
}

static size_t block_at(const struct flow *flow, uint64_t offset)
{
    size_t low = 0, high = flow->blocks.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (flow->blocks.items[middle].start < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < flow->blocks.count && flow->blocks.items[low].start == offset ? low : SIZE_MAX;
}

/* A leader in the middle of an instruction (overlapping code, data) begins no block. */
static void cut_blocks(struct flow_reader *r, struct flow *out)
{
    size_t leader = 0;
    vec_each (s, &r->steps) {
        while (leader < r->leaders.count && r->leaders.items[leader] < s->offset)
            leader++;
        if (!out->blocks.count ||
            (leader < r->leaders.count && r->leaders.items[leader] == s->offset))
            vec_push(r->image->arena, &out->blocks,
                     ((struct flow_block){
                         .start = s->offset, .next = {SIZE_MAX, SIZE_MAX}, .stack = -1}));
        struct flow_block *b = &out->blocks.items[out->blocks.count - 1];
        b->end = s->offset + s->d.length;
        b->ends_with = ends_block(s->d.kind) ? s->d.kind : FLOW_NONE;
        if (is_flow(s) && s->d.kind != FLOW_CALL && s->inside)
            b->next[1] = s->target; /* an offset until all blocks are known */
    }
    for (size_t i = 0; i < out->blocks.count; i++) {
        struct flow_block *b = &out->blocks.items[i];
        if (b->next[1] != SIZE_MAX)
            b->next[1] = block_at(out, b->next[1]);
        bool goes_on = b->ends_with == FLOW_NONE || b->ends_with == FLOW_BRANCH;
        if (goes_on && i + 1 < out->blocks.count)
            b->next[0] = i + 1;
    }
}

/* ---- stack ------------------------------------------------------------------------------ */

static void walk_stack(struct flow_reader *r, struct flow *out, size_t block, size_t first)
{
    struct flow_block *b = &out->blocks.items[block];
    int64_t depth = b->stack;
    for (size_t i = first; i < r->steps.count && r->steps.items[i].offset < b->end; i++) {
        const struct decoded *d = &r->steps.items[i].d;
        out->stack_varies |= d->stack_sets && d->kind == FLOW_NONE && d->mix != MIX_STACK;
        depth += d->stack;
        if (d->stack_sets && d->mix == MIX_STACK)
            depth = 0; /* leave */
        if (depth < 0)
            depth = 0;
        out->stack = depth > out->stack ? depth : out->stack;
    }
    for (int k = 0; k < 2; k++)
        if (b->next[k] != SIZE_MAX && out->blocks.items[b->next[k]].stack < 0)
            out->blocks.items[b->next[k]].stack = depth;
}

/* Depths flow along edges, each block once; compilers keep them equal on all paths. Blocks reached
 * only through jump tables or landing pads start from the deepest prologue seen. */
static void follow_stack(struct flow_reader *r, struct flow *out)
{
    if (!out->blocks.count)
        return;
    out->blocks.items[0].stack = 0;
    for (int round = 0; round < 2; round++) {
        size_t step = 0;
        for (size_t i = 0; i < out->blocks.count; i++) {
            struct flow_block *b = &out->blocks.items[i];
            while (step < r->steps.count && r->steps.items[step].offset < b->start)
                step++;
            if (b->stack < 0 && round == 1)
                b->stack = 0;
            if (b->stack >= 0)
                walk_stack(r, out, i, step);
        }
    }
}

/* ---- calls and system calls ------------------------------------------------------------- */

static const char *name_of_address(const struct image *image, uint64_t address)
{
    const struct elf_section *s = elf_section_at(&image->elf, address);
    const struct named_range *n = s ? name_at(image, s->index, address - s->address) : NULL;
    return n && n->symbol->value == address ? n->symbol->name : NULL;
}

static void note_call(struct flow_reader *r, const struct function *f, const struct step *s,
                      struct flow *out)
{
    struct image *image = r->image;
    unsigned kind = s->d.kind;
    struct flow_call c = {.from = s->offset,
                          .tail = kind != FLOW_CALL && kind != FLOW_CALL_INDIRECT};
    uint64_t end = s->offset + s->d.length;
    if (kind == FLOW_CALL || kind == FLOW_JUMP || kind == FLOW_BRANCH) {
        if (s->inside && kind != FLOW_CALL)
            return;
        c.target = s->inside ? section_address(image, f->section, s->target) : s->target;
    }
    const struct elf_reloc *reloc =
        image->elf.relocatable ? image_reloc_in(image, f->section, s->offset, end) : NULL;
    if (reloc) {
        c.name = image_reloc_target(image, reloc, end, NULL);
        c.target = 0;
    } else if (c.target) {
        c.name = name_of_address(image, c.target);
    } else if (s->d.relative) { /* through a slot: call *slot(%rip) */
        c.name = NULL;
    }
    c.indirect = kind == FLOW_CALL_INDIRECT || kind == FLOW_JUMP_INDIRECT;
    if (c.indirect && !c.name) {
        if (kind == FLOW_JUMP_INDIRECT)
            return; /* a jump table, most often */
        out->indirect_calls++;
    }
    vec_push(image->arena, &out->calls, c);
}

static void find_calls(struct flow_reader *r, const struct function *f, struct flow *out)
{
    int64_t eax = -1;
    size_t block = 0;
    vec_each (s, &r->steps) {
        if (block < out->blocks.count && out->blocks.items[block].start == s->offset) {
            eax = -1;
            block++;
        }
        if (s->d.kind == FLOW_SYSCALL) {
            vec_push(r->image->arena, &out->syscalls, ((struct flow_syscall){s->offset, eax}));
            eax = -1;
        } else if (s->d.kind != FLOW_NONE && s->d.kind != FLOW_RETURN && s->d.kind != FLOW_TRAP) {
            note_call(r, f, s, out);
            eax = s->d.kind == FLOW_BRANCH ? eax : -1;
        } else if (s->d.sets_eax) {
            eax = s->d.eax_known ? (int64_t)s->d.eax : -1;
        }
    }
}

void flow_read(struct flow_reader *r, const struct function *f, struct flow *out)
{
    struct flow *kept = &r->flow;
    const struct elf_section *s = &r->image->elf.sections.items[f->section];
    struct flow fresh = {.blocks = {kept->blocks.items, 0, kept->blocks.capacity},
                         .calls = {kept->calls.items, 0, kept->calls.capacity},
                         .syscalls = {kept->syscalls.items, 0, kept->syscalls.capacity}};
    *kept = fresh;
    if (elf_contents(&r->image->elf, s) && f->end <= s->size) {
        decode_all(r, f, kept);
        find_leaders(r, f);
        cut_blocks(r, kept);
        follow_stack(r, kept);
        find_calls(r, f, kept);
    }
    *out = *kept;
}
