/* SPDX-License-Identifier: BSD-3-Clause */
#include "memanalyser/x86_decode.h"
#include <string.h>

const char *const mix_names[] = {"move", "arithmetic", "logic",  "compare", "stack", "call",
                                 "jump", "branch",     "return", "vector",  "float", "string",
                                 "nop",  "system",     "other",  NULL};

/* Operand layout of each opcode: n none, m ModRM, B ModRM and imm8, Z ModRM and imm16/32, i imm8,
 * z imm16/32, v imm16/32/64, w imm16, r rel8, R rel32, g a group whose reg field decides,
 * . not answered. Prefixes and escapes are handled before. */
static const char one_byte[] = "mmmmiz..mmmmiz.." /* 00 */
                               "mmmmiz..mmmmiz.." /* 10 */
                               "mmmmiz..mmmmiz.." /* 20 */
                               "mmmmiz..mmmmiz.." /* 30 */
                               "................" /* 40 */
                               "nnnnnnnnnnnnnnnn" /* 50 */
                               "...m....zZiBnnnn" /* 60 */
                               "rrrrrrrrrrrrrrrr" /* 70 */
                               "BZ.Bmmmmmmmm.g.g" /* 80 */
                               "nnnnnnnnnn..nnnn" /* 90 */
                               "....nnnniznnnnnn" /* a0 */
                               "iiiiiiiivvvvvvvv" /* b0 */
                               "ggwn..gg.nwnni.n" /* c0 */
                               "gggg....gggggggg" /* d0 */
                               "rrrriiiiRR.rnnnn" /* e0 */
                               ".n..nnggnnnnnngg" /* f0 */;

/* The 0f map: as above; letters a..h are ModRM with a set of prefixes allowed (sse_prefixes), A..H
 * the same with an imm8. */
static const char two_byte[] = "...."
                               ".n..nn.n.k.." /* 00: 05 syscall, 0b ud2, 0d prefetch */
                               "aab.ccd..."
                               "....mm"           /* 10 */
                               "........cca.aacc" /* 20 */
                               "nnnn............" /* 30 */
                               "mmmmmmmmmmmmmmmm" /* 40 */
                               ".aeeccccaaadaaaa" /* 50 */
                               "ccccccccccccffcd" /* 60 */
                               "A...cccn....gghd" /* 70 (7c 7d below) */
                               "RRRRRRRRRRRRRRRR" /* 80 */
                               "mmmmmmmmmmmmmmmm" /* 90 */
                               "nnnmBm..nn.mBm.m" /* a0 */
                               "mm.m..mmj..mllmm" /* b0 */
                               "mmA..CC.nnnnnnnn" /* c0 */
                               ".cccccf.cccccccc" /* d0 */
                               "cccccc..cccccccc" /* e0 */
                               ".cccccc.ccccccc." /* f0 */;

enum { NP = 1, P66 = 2, PF3 = 4, PF2 = 8 };

static unsigned sse_prefixes(char letter)
{
    switch (letter) {
    case 'a':
    case 'A':
        return NP | P66 | PF3 | PF2;
    case 'c':
    case 'C':
        return NP | P66;
    case 'd':
    case 'h':
    case 'l':
        return NP | P66 | PF3;
    case 'e':
        return NP | PF3;
    case 'f':
        return P66;
    case 'j':
        return PF3;
    default:
        return 0;
    }
}

struct state {
    const unsigned char *p;
    size_t size, at;
    unsigned rex;
    bool data16, repz, repnz, address32, segment;
    unsigned modrm, mod, reg, rm;
    struct decoded *out;
};

/* Bytes left from the present position. */
static bool have(const struct state *s, size_t n)
{
    return s->size - s->at >= n;
}

static int32_t signed32(const unsigned char *p)
{
    int32_t v;
    memcpy(&v, p, 4);
    return v;
}

/* ModRM, SIB and displacement; rip-relative displacements are remembered. */
static bool read_modrm(struct state *s)
{
    if (!have(s, 1))
        return false;
    s->modrm = s->p[s->at++];
    s->mod = s->modrm >> 6;
    s->reg = s->modrm >> 3 & 7;
    s->rm = s->modrm & 7;
    if (s->mod == 3)
        return true;
    size_t displacement = s->mod == 1 ? 1 : s->mod == 2 ? 4 : 0;
    if (s->rm == 4) {
        if (!have(s, 1))
            return false;
        unsigned sib = s->p[s->at++];
        if (s->mod == 0 && (sib & 7) == 5)
            displacement = 4;
    } else if (s->mod == 0 && s->rm == 5) {
        if (!have(s, 4))
            return false;
        s->out->relative = !s->address32;
        s->out->displacement = signed32(s->p + s->at);
        displacement = 4;
    }
    if (!have(s, displacement))
        return false;
    s->at += displacement;
    return true;
}

static bool skip(struct state *s, size_t n)
{
    if (!have(s, n))
        return false;
    s->at += n;
    return true;
}

static size_t immediate_size(const struct state *s)
{
    return s->data16 && !(s->rex & 8) ? 2 : 4;
}

/* ---- groups whose reg field decides ----------------------------------------------------- */

static bool group(struct state *s, unsigned opcode)
{
    if (!read_modrm(s))
        return false;
    bool memory = s->mod != 3;
    switch (opcode) {
    case 0x8d:
        return memory;
    case 0x8f:
        return s->reg == 0 && memory;
    case 0xc0:
    case 0xc1:
        return s->reg != 6 && skip(s, 1);
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return s->reg != 6;
    case 0xc6:
        return s->reg == 0 && skip(s, 1);
    case 0xc7:
        return s->reg == 0 && skip(s, immediate_size(s));
    case 0xf6:
        return s->reg != 1 && (s->reg != 0 || skip(s, 1));
    case 0xf7:
        return s->reg != 1 && (s->reg != 0 || skip(s, immediate_size(s)));
    case 0xfe:
        return s->reg < 2;
    case 0xff:
        if (s->reg == 2 || s->reg == 4)
            return !s->data16;
        return s->reg < 2 || s->reg == 6;
    default: /* x87: memory forms of the common ones */
        return memory && !(opcode == 0xd9 && s->reg == 1) &&
               !(opcode == 0xdb && (s->reg == 4 || s->reg == 6)) &&
               !(opcode == 0xdd && s->reg == 5);
    }
}

/* ---- operands --------------------------------------------------------------------------- */

static bool relative_target(struct state *s, size_t width)
{
    if (s->data16 || !have(s, width))
        return false;
    s->out->relative = true;
    s->out->displacement = width == 1 ? (int8_t)s->p[s->at] : signed32(s->p + s->at);
    s->at += width;
    return true;
}

static bool operands(struct state *s, char layout, unsigned opcode)
{
    switch (layout) {
    case 'n':
        return true;
    case 'm':
        return read_modrm(s);
    case 'B':
        return read_modrm(s) && skip(s, 1);
    case 'Z':
        return read_modrm(s) && skip(s, immediate_size(s));
    case 'i':
        return skip(s, 1);
    case 'z':
        return skip(s, immediate_size(s));
    case 'v':
        return skip(s, s->rex & 8 ? 8 : immediate_size(s));
    case 'w':
        return !s->data16 && skip(s, 2);
    case 'r':
        return relative_target(s, 1);
    case 'R':
        return relative_target(s, 4);
    case 'g':
        return group(s, opcode);
    default:
        return false;
    }
}

/* ---- 0f map ----------------------------------------------------------------------------- */

static bool two_byte_operands(struct state *s, unsigned opcode)
{
    char layout = two_byte[opcode];
    unsigned allowed = sse_prefixes(layout);
    if (layout == 'k')
        return read_modrm(s) && s->mod != 3 && s->reg < 2;
    if (layout == 'n')
        return !s->data16 && !s->repz && !s->repnz;
    if (!allowed)
        return operands(s, layout, opcode);
    unsigned count = (unsigned)s->data16 + s->repz + s->repnz;
    unsigned present = s->data16 ? P66 : s->repz ? PF3 : s->repnz ? PF2 : NP;
    if (count > 1 || !(present & allowed) || !read_modrm(s))
        return false;
    return layout < 'a' ? skip(s, 1) : true;
}

static void classify_two_byte(struct state *s, unsigned opcode)
{
    struct decoded *d = s->out;
    d->mix = MIX_VECTOR;
    if (opcode == 0x05) {
        d->kind = FLOW_SYSCALL;
        d->mix = MIX_SYSTEM;
    } else if (opcode == 0x0b) {
        d->kind = FLOW_TRAP;
        d->mix = MIX_SYSTEM;
    } else if ((opcode & 0xf0) == 0x80) {
        d->kind = FLOW_BRANCH;
        d->mix = MIX_BRANCH;
    } else if (opcode == 0x1e || opcode == 0x1f) {
        d->mix = MIX_NOP;
    } else if ((opcode & 0xf0) == 0x40 || (opcode & 0xf6) == 0xb6 || (opcode & 0xf8) == 0xc8) {
        d->mix = MIX_MOVE;
    } else if ((opcode & 0xf0) == 0x90) {
        d->mix = MIX_COMPARE;
    } else if (opcode < 0x10 || (opcode & 0xf0) == 0x30 || opcode == 0xa2) {
        d->mix = MIX_SYSTEM;
    } else if ((opcode & 0xf0) == 0xa0 || (opcode & 0xf0) == 0xb0 || opcode == 0xc0 ||
               opcode == 0xc1) {
        d->mix = opcode == 0xa0 || opcode == 0xa1 || opcode == 0xa8 || opcode == 0xa9
                     ? MIX_STACK
                     : MIX_ARITHMETIC;
    }
}

/* ---- one-byte map ----------------------------------------------------------------------- */

static const struct {
    unsigned char first, last, mix;
} one_byte_mix[] = {
    {0x08, 0x0d, MIX_LOGIC},      {0x20, 0x25, MIX_LOGIC},      {0x30, 0x35, MIX_LOGIC},
    {0x38, 0x3d, MIX_COMPARE},    {0x00, 0x3d, MIX_ARITHMETIC}, {0x50, 0x5f, MIX_STACK},
    {0x68, 0x68, MIX_STACK},      {0x6a, 0x6a, MIX_STACK},      {0x69, 0x6b, MIX_ARITHMETIC},
    {0x63, 0x63, MIX_MOVE},       {0x6c, 0x6f, MIX_SYSTEM},     {0x70, 0x7f, MIX_BRANCH},
    {0x80, 0x83, MIX_ARITHMETIC}, {0x84, 0x85, MIX_COMPARE},    {0x86, 0x8d, MIX_MOVE},
    {0x8f, 0x8f, MIX_STACK},      {0x90, 0x90, MIX_NOP},        {0x91, 0x97, MIX_MOVE},
    {0x98, 0x99, MIX_ARITHMETIC}, {0x9c, 0x9d, MIX_STACK},      {0xa4, 0xa7, MIX_STRING},
    {0xa8, 0xa9, MIX_COMPARE},    {0xaa, 0xaf, MIX_STRING},     {0xb0, 0xbf, MIX_MOVE},
    {0xc0, 0xc1, MIX_LOGIC},      {0xc2, 0xc3, MIX_RETURN},     {0xc6, 0xc7, MIX_MOVE},
    {0xc9, 0xc9, MIX_STACK},      {0xca, 0xcb, MIX_RETURN},     {0xcc, 0xcf, MIX_SYSTEM},
    {0xd0, 0xd3, MIX_LOGIC},      {0xd8, 0xdf, MIX_FLOAT},      {0xe0, 0xe3, MIX_BRANCH},
    {0xe4, 0xe7, MIX_SYSTEM},     {0xe8, 0xe8, MIX_CALL},       {0xe9, 0xeb, MIX_JUMP},
    {0xec, 0xf4, MIX_SYSTEM},     {0xf6, 0xf7, MIX_ARITHMETIC}, {0xfe, 0xff, MIX_ARITHMETIC},
};

static unsigned mix_of(unsigned opcode)
{
    for (size_t i = 0; i < sizeof one_byte_mix / sizeof *one_byte_mix; i++)
        if (opcode >= one_byte_mix[i].first && opcode <= one_byte_mix[i].last)
            return one_byte_mix[i].mix;
    return MIX_OTHER;
}

static void classify_flow(struct state *s, unsigned opcode)
{
    struct decoded *d = s->out;
    if (opcode == 0xe8)
        d->kind = FLOW_CALL;
    else if (opcode == 0xe9 || opcode == 0xeb)
        d->kind = FLOW_JUMP;
    else if ((opcode & 0xf0) == 0x70 || (opcode & 0xfc) == 0xe0)
        d->kind = FLOW_BRANCH;
    else if (opcode == 0xc2 || opcode == 0xc3 || opcode == 0xca || opcode == 0xcb || opcode == 0xcf)
        d->kind = FLOW_RETURN;
    else if (opcode == 0xf4)
        d->kind = FLOW_TRAP;
    else if (opcode == 0xcd && s->p[s->at - 1] == 0x80)
        d->kind = FLOW_SYSCALL;
    else if (opcode == 0xff && s->reg == 2)
        d->kind = FLOW_CALL_INDIRECT, d->mix = MIX_CALL;
    else if (opcode == 0xff && s->reg == 4)
        d->kind = FLOW_JUMP_INDIRECT, d->mix = MIX_JUMP;
    else if (opcode == 0xff && s->reg == 6)
        d->mix = MIX_STACK;
}

/* What it does to the stack pointer. */
static void classify_stack(struct state *s, unsigned opcode)
{
    struct decoded *d = s->out;
    bool rsp = s->mod == 3 && s->rm == 4 && !(s->rex & 1);
    if ((opcode & 0xf8) == 0x50 || opcode == 0x68 || opcode == 0x6a || opcode == 0x9c ||
        (opcode == 0xff && s->reg == 6))
        d->stack = 8;
    else if ((opcode & 0xf8) == 0x58 || opcode == 0x8f || opcode == 0x9d)
        d->stack = -8;
    else if (opcode == 0xc9)
        d->stack_sets = true;
    else if ((opcode == 0x81 || opcode == 0x83) && rsp) {
        int32_t v = opcode == 0x83 ? (int8_t)s->p[s->at - 1] : signed32(s->p + s->at - 4);
        if (s->reg == 5)
            d->stack = v;
        else if (s->reg == 0)
            d->stack = v == INT32_MIN ? 0 : -v;
        else if (s->reg == 4)
            d->stack_sets = true;
    } else if ((opcode == 0x29 || opcode == 0x89) && rsp) {
        d->stack_sets = true;
    }
}

static void classify_eax(struct state *s, unsigned opcode)
{
    struct decoded *d = s->out;
    bool wide_rm = s->rex & 1;
    if (opcode == 0xb8 && !wide_rm) {
        d->sets_eax = true;
        d->eax_known = !s->data16;
        if (s->at >= 4 && d->eax_known)
            memcpy(&d->eax, s->p + s->at - (s->rex & 8 ? 8 : 4), 4);
    } else if (opcode == 0xc7 && s->mod == 3 && s->rm == 0 && !wide_rm) {
        d->sets_eax = true;
        d->eax_known = !s->data16;
        if (d->eax_known)
            memcpy(&d->eax, s->p + s->at - 4, 4);
    } else if ((opcode == 0x31 || opcode == 0x33) && s->modrm == 0xc0 && !(s->rex & 5)) {
        d->sets_eax = d->eax_known = true;
        d->eax = 0;
    } else if (((opcode == 0x8b || opcode == 0x8d || opcode == 0x03 || opcode == 0x63) &&
                s->reg == 0 && !(s->rex & 4)) ||
               ((opcode == 0x89 || opcode == 0x01 || opcode == 0x83 || opcode == 0x81) &&
                s->mod == 3 && s->rm == 0 && !wide_rm) ||
               (opcode == 0x58 && !wide_rm)) {
        d->sets_eax = true;
    }
}

/* ---- prefixes --------------------------------------------------------------------------- */

static bool prefix(struct state *s, unsigned byte)
{
    switch (byte) {
    case 0x66:
        return s->data16 = true;
    case 0x67:
        return s->address32 = true;
    case 0xf2:
        return s->repnz = true;
    case 0xf3:
        return s->repz = true;
    case 0xf0:
        return true;
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65:
        return s->segment = true;
    default:
        return false;
    }
}

struct decoded x86_decode(const unsigned char *p, size_t size)
{
    struct decoded d = {0};
    struct state s = {.p = p, .size = size > 15 ? 15 : size, .out = &d};
    while (s.at < s.size && prefix(&s, p[s.at]))
        s.at++;
    if (have(&s, 1) && (p[s.at] & 0xf0) == 0x40)
        s.rex = p[s.at++];
    if (!have(&s, 1))
        return (struct decoded){0};
    unsigned opcode = p[s.at++];
    bool known;
    if (opcode == 0x0f) {
        if (!have(&s, 1))
            return (struct decoded){0};
        opcode = p[s.at++];
        known = two_byte_operands(&s, opcode);
        if (known)
            classify_two_byte(&s, opcode);
    } else {
        known = operands(&s, one_byte[opcode], opcode);
        if (known) {
            d.mix = (unsigned char)mix_of(opcode);
            if ((opcode == 0x80 || opcode == 0x81 || opcode == 0x83) && s.reg == 7)
                d.mix = MIX_COMPARE;
            classify_flow(&s, opcode);
            classify_stack(&s, opcode);
            classify_eax(&s, opcode);
        }
    }
    if (!known)
        return (struct decoded){0};
    d.length = (unsigned char)s.at;
    return d;
}
