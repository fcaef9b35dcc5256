/* SPDX-License-Identifier: BSD-3-Clause
 * Instruction decoders for data-flow analysis: the length of every instruction, and the meaning of
 * those that move values between general registers and memory, branch, or enter the kernel.
 * Everything else is told only by what it overwrites. x86-64: written from Intel's and AMD's
 * manuals' opcode maps; vector, x87 and system instructions are known by length and destination.
 * AArch64: written from the encoding index of Arm's architecture reference manual. */
#ifndef ANALYZER_DECODE_H
#define ANALYZER_DECODE_H

#include <stddef.h>
#include <stdint.h>

enum { /* x86-64 registers by their encoding */
       REG_AX,
       REG_CX,
       REG_DX,
       REG_BX,
       REG_SP,
       REG_BP,
       REG_SI,
       REG_DI,
       REG_R8,
       REG_R9,
       REG_R10,
       REG_R11,
       REG_R12,
       REG_R13,
       REG_R14,
       REG_R15,
       REG_COUNT,
};

enum { /* AArch64: x0 to x30 by their numbers */
       REG_X16 = 16,
       REG_X17 = 17,
       REG_X29 = 29,
       REG_X30 = 30,
       REG_XSP = 31,
};

enum { REG_LIMIT = 32, REG_ZERO = REG_LIMIT, REG_NONE }; /* of any architecture; reads as zero */

enum insn_op {
    OP_BAD,     /* not an instruction */
    OP_NOP,     /* no effect on general registers or memory that matters */
    OP_CLOBBER, /* overwrites its destination with something unknown; flags too */
    OP_REGS,    /* overwrites the registers of the mask imm; flags too */
    OP_MOV,
    OP_MOVZX, /* src_width bytes to width bytes */
    OP_MOVSX,
    OP_LEA,
    OP_ADD,
    OP_OR,
    OP_AND,
    OP_SUB,
    OP_XOR,
    OP_CMP,
    OP_SBB, /* only dst = src = the same register: 0 or -1; else OP_CLOBBER */
    OP_TEST,
    OP_SHL,
    OP_SHR,
    OP_SAR,
    OP_NEG,
    OP_NOT,
    OP_IMUL, /* dst = src * imm */
    OP_XCHG,
    OP_CMOV,
    OP_SETCC,
    OP_PUSH,
    OP_POP,
    OP_LEAVE,
    OP_STRING, /* stores through rdi; overwrites rdi, rsi and rcx */
    OP_VLOAD,  /* reads width bytes of memory into a vector register */
    OP_VSTORE, /* writes width bytes of memory from one */
    OP_CALL,   /* imm: target */
    OP_CALL_INDIRECT,
    OP_JMP, /* imm: target */
    OP_JMP_INDIRECT,
    OP_JCC,  /* imm: target, condition; a register dst compared with zero, or the flags */
    OP_LOOP, /* imm: target, condition on rcx */
    OP_RET,
    OP_SYSCALL,
    OP_INT80,
    OP_SYSENTER,
    OP_BREAK, /* int3 */
    OP_STOP,  /* never goes on: hlt, ud2, brk */
    /* AArch64 only */
    OP_PAGE,    /* dst = disp, made absolute: part of an address, an addition completes it */
    OP_MOVK,    /* the 16 bits of dst at scale become imm */
    OP_EXTRACT, /* src_width bits of first from bit scale on */
    OP_TST,     /* OP_TEST, but unsigned conditions are not those of a comparison */
    OP_CCMP, /* OP_CMP under condition, else flags become scale (negative, zero, carry, overflow) */
    OP_PAIR, /* OP_MOV or OP_MOVSX of two words in memory: first holds the second register */
    OP_THREAD, /* dst = the thread pointer */
};

/* Bits of insn.extra. Where first is a register, an operation is dst = first op src, and a
 * conditional move is dst = condition ? src : first changed as imm says (enum select). */
enum insn_extra {
    EXTRA_QUIET = 1,   /* flags stay */
    EXTRA_PRE = 2,     /* the base register becomes base + imm, */
    EXTRA_POST = 4,    /* after the access */
    EXTRA_SOURCE = 8,  /* register src: its low src_width bytes, then shifted left by scale */
    EXTRA_SIGNED = 16, /* sign-extended; pairs: each word is */
    EXTRA_INDEX = 32,  /* the index is its register's low four bytes */
    EXTRA_WIDE = 128,  /* the immediate has eight bytes, however small it is */
    EXTRA_BIT = 64,    /* OP_JCC with a register: tests bit scale, not whether it is zero */
};

#define UNKNOWN_AMOUNT INT64_MIN /* of EXTRA_POST */

enum select { SELECT_SAME, SELECT_INCREMENT, SELECT_INVERT, SELECT_NEGATE };

enum operand_kind { OPERAND_NONE, OPERAND_REG, OPERAND_MEM, OPERAND_IMM };

struct insn {
    uint8_t op;        /* enum insn_op */
    uint8_t length;    /* bytes, 1..15; OP_BAD: 1 */
    uint8_t width;     /* operand size in bytes */
    uint8_t src_width; /* OP_MOVZX, OP_MOVSX */
    uint8_t condition; /* low four bits of the opcode */
    uint8_t dst_kind, src_kind;
    uint8_t dst, src;    /* registers; at most one operand is memory */
    uint8_t base, index; /* of the memory operand; REG_NONE for none */
    uint8_t scale;       /* shift count */
    uint8_t segment;     /* 1: fs or gs relative, the address is not known */
    uint8_t high;        /* 1: an operand is ah, ch, dh or bh */
    uint8_t first;       /* left operand when not dst; REG_NONE */
    uint8_t extra;       /* enum insn_extra */
    int64_t disp;        /* of the memory operand; rip-relative ones are made absolute */
    int64_t imm;         /* immediate, sign-extended; branches: absolute target */
};

/* Decodes the x86-64 instruction at code (size bytes left, its address at address). Always fills
 * *out; returns its length, at least 1, or 0 when size is 0. */
unsigned decode(const uint8_t *code, size_t size, uint64_t address, struct insn *out);
/* The same for AArch64: 4, or OP_BAD of what is left, or 0 when size is 0. */
unsigned decode_aarch64(const uint8_t *code, size_t size, uint64_t address, struct insn *out);

#endif
