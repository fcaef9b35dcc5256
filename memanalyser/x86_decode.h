/* SPDX-License-Identifier: BSD-3-Clause
 * Lengths and control flow of x86-64 instructions, from opcode tables (Intel SDM volume 2, appendix
 * A; AMD64 volume 3, appendix A). Only encodings that are certainly valid and whose length is
 * certain are answered; for everything else the caller asks libopcodes. So it agrees with objdump
 * by construction, and is about forty times as fast. */
#ifndef MEMANALYSER_X86_DECODE_H
#define MEMANALYSER_X86_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum flow_kind {
    FLOW_NONE,
    FLOW_CALL,
    FLOW_CALL_INDIRECT,
    FLOW_JUMP,
    FLOW_JUMP_INDIRECT,
    FLOW_BRANCH, /* conditional */
    FLOW_RETURN,
    FLOW_SYSCALL,
    FLOW_TRAP, /* ud2, hlt: does not go on */
};

/* The instruction mix's classes. */
enum mix_class {
    MIX_MOVE,
    MIX_ARITHMETIC,
    MIX_LOGIC,
    MIX_COMPARE,
    MIX_STACK,
    MIX_CALL,
    MIX_JUMP,
    MIX_BRANCH,
    MIX_RETURN,
    MIX_VECTOR,
    MIX_FLOAT,
    MIX_STRING,
    MIX_NOP,
    MIX_SYSTEM,
    MIX_OTHER,
    MIX_CLASSES,
};
extern const char *const mix_names[];

struct decoded {
    unsigned char length; /* 0: not answered */
    unsigned char kind;   /* enum flow_kind */
    unsigned char mix;    /* enum mix_class */
    bool relative; /* displacement counts from the instruction's end: a jump's or call's target,
                      or (kinds NONE and *_INDIRECT) memory it refers to */
    int32_t displacement;
    int32_t stack;   /* bytes the stack grows by; negative: shrinks */
    bool stack_sets; /* the stack pointer becomes something else (leave, mov to rsp, and rsp) */
    bool sets_eax;   /* writes eax: with a constant where eax_known */
    bool eax_known;
    uint32_t eax;
};

struct decoded x86_decode(const unsigned char *p, size_t size);

#endif
