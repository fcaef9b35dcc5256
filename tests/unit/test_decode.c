/* SPDX-License-Identifier: BSD-3-Clause
 * The analyzer's decoder: lengths as in the manuals' opcode maps, and what it says of operands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/architecture.h"
#include "analyzer/code.h"
#include <capstone/capstone.h>
#include <elf.h>
#include <stdlib.h>

static const struct {
    const char *bytes;
    unsigned length, op;
} cases[] = {
    {"\x0f\x05", 2, OP_SYSCALL},
    {"\xcd\x80", 2, OP_INT80},
    {"\x0f\x34", 2, OP_SYSENTER},
    {"\xb8\x27\x00\x00\x00", 5, OP_MOV},
    {"\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x08", 10, OP_MOV},
    {"\x66\xb8\x01\x00", 4, OP_MOV},
    {"\x48\xa1\x01\x02\x03\x04\x05\x06\x07\x08", 10, OP_MOV},
    {"\x48\x8d\x05\x10\x00\x00\x00", 7, OP_LEA},
    {"\xff\x25\x10\x00\x00\x00", 6, OP_JMP_INDIRECT},
    {"\xf2\xff\x25\x10\x00\x00\x00", 7, OP_JMP_INDIRECT},
    {"\x3e\xff\xe0", 3, OP_JMP_INDIRECT},
    {"\x66\x48\xe8\x00\x00\x00\x00", 7, OP_CALL},
    {"\xf7\xc7\x01\x00\x00\x00", 6, OP_TEST},
    {"\xf7\xdf", 2, OP_NEG},
    {"\x66\xf7\xc7\x01\x00", 5, OP_TEST},
    {"\xc4\xe2\x71\xf7\xc2", 5, OP_CLOBBER},        /* shlx */
    {"\xc5\xf8\x77", 3, OP_NOP},                    /* vzeroupper */
    {"\xc5\xf9\x70\xc1\x4e", 5, OP_NOP},            /* vpshufd */
    {"\x62\xf1\x7c\x48\x10\x07", 6, OP_VLOAD},      /* vmovups (%rdi),%zmm0 */
    {"\x62\xf1\x7c\x48\x11\x47\x01", 7, OP_VSTORE}, /* vmovups %zmm0,64(%rdi) */
    {"\x8f\xe9\x78\x12\xc0", 5, OP_REGS},           /* XOP llwpcb */
    {"\x0f\x1f\x84\x00\x00\x00\x00\x00", 8, OP_NOP},
    {"\x66\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00", 11, OP_NOP},
    {"\xf3\x0f\x1e\xfa", 4, OP_NOP},             /* endbr64 */
    {"\xc7\xf8\x00\x00\x00\x00", 6, OP_LOOP},    /* xbegin */
    {"\x66\x0f\x3a\x16\xc0\x01", 6, OP_CLOBBER}, /* pextrd */
    {"\x0f\x0b", 2, OP_STOP},
    {"\xcc", 1, OP_BREAK},
    {"\x06", 1, OP_BAD},
};

static void lengths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[32] = {0};
        struct insn insn;
        memcpy(bytes, cases[i].bytes, cases[i].length);
        assert_int_equal(decode(bytes, sizeof bytes, 0x1000, &insn), cases[i].length);
        assert_int_equal(insn.op, cases[i].op);
        /* Cut short, it is no instruction. */
        if (cases[i].length > 1) {
            assert_int_equal(decode(bytes, cases[i].length - 1, 0x1000, &insn), 1);
            assert_int_equal(insn.op, OP_BAD);
        }
    }
}

static void operands(void **state)
{
    (void)state;
    struct insn i;
    decode((const uint8_t *)"\x48\x8d\x05\x10\x00\x00\x00", 7, 0x1000, &i);
    assert_int_equal(i.disp, 0x1017); /* rip-relative made absolute */
    assert_int_equal(i.base, REG_NONE);
    decode((const uint8_t *)"\x4b\x8b\x54\xe3\x08", 5, 0, &i); /* mov 8(%r11,%r12,8),%rdx */
    assert_int_equal(i.base, REG_R11);
    assert_int_equal(i.index, REG_R12);
    assert_int_equal(i.scale, 3);
    assert_int_equal(i.disp, 8);
    assert_int_equal(i.dst, REG_DX);
    decode((const uint8_t *)"\xb4\x01", 2, 0, &i); /* mov $1,%ah */
    assert_int_equal(i.dst, REG_AX);
    assert_int_equal(i.high, 1);
    decode((const uint8_t *)"\x40\xb4\x01", 3, 0, &i); /* mov $1,%spl */
    assert_int_equal(i.dst, REG_SP);
    decode((const uint8_t *)"\x64\x48\x8b\x04\x25\x28\x00\x00\x00", 9, 0, &i);
    assert_int_equal(i.segment, 1);
    decode((const uint8_t *)"\xeb\xfe", 2, 0x500, &i);
    assert_int_equal(i.imm, 0x500);
    /* What only overwrites its destination: the immediate names no registers. */
    decode((const uint8_t *)"\x48\xc1\xc0\x11", 4, 0, &i); /* rol $17,%rax */
    assert_int_equal(i.op, OP_CLOBBER);
    assert_int_equal(i.imm, 0);
    decode((const uint8_t *)"\x83\xd8\xff", 3, 0, &i); /* sbb $-1,%eax */
    assert_int_equal(i.op, OP_CLOBBER);
    assert_int_equal(i.imm, 0);
    assert_int_equal(i.dst, REG_AX);
}

static void any_bytes(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252u;
    uint8_t bytes[16];
    for (unsigned n = 0; n < 300000; n++) {
        for (size_t k = 0; k < sizeof bytes; k++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            bytes[k] = (uint8_t)random;
        }
        struct insn i;
        unsigned length = decode(bytes, n % 16 + 1, n, &i);
        assert_in_range(length, 1, n % 16 + 1 < 15 ? n % 16 + 1 : 15);
        assert_true(i.dst <= REG_NONE && i.src <= REG_NONE && i.base <= REG_NONE &&
                    i.index <= REG_NONE);
    }
}

/* ---- what instructions write, against capstone ---- */

static const struct {
    unsigned first, number;
} families[] = {
    {X86_REG_RAX, REG_AX}, {X86_REG_EAX, REG_AX}, {X86_REG_AX, REG_AX},  {X86_REG_AL, REG_AX},
    {X86_REG_AH, REG_AX},  {X86_REG_RCX, REG_CX}, {X86_REG_ECX, REG_CX}, {X86_REG_CX, REG_CX},
    {X86_REG_CL, REG_CX},  {X86_REG_CH, REG_CX},  {X86_REG_RDX, REG_DX}, {X86_REG_EDX, REG_DX},
    {X86_REG_DX, REG_DX},  {X86_REG_DL, REG_DX},  {X86_REG_DH, REG_DX},  {X86_REG_RBX, REG_BX},
    {X86_REG_EBX, REG_BX}, {X86_REG_BX, REG_BX},  {X86_REG_BL, REG_BX},  {X86_REG_BH, REG_BX},
    {X86_REG_RSP, REG_SP}, {X86_REG_ESP, REG_SP}, {X86_REG_SP, REG_SP},  {X86_REG_SPL, REG_SP},
    {X86_REG_RBP, REG_BP}, {X86_REG_EBP, REG_BP}, {X86_REG_BP, REG_BP},  {X86_REG_BPL, REG_BP},
    {X86_REG_RSI, REG_SI}, {X86_REG_ESI, REG_SI}, {X86_REG_SI, REG_SI},  {X86_REG_SIL, REG_SI},
    {X86_REG_RDI, REG_DI}, {X86_REG_EDI, REG_DI}, {X86_REG_DI, REG_DI},  {X86_REG_DIL, REG_DI},
};

/* -1: no general register. */
static int number_of(unsigned reg)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (families[i].first == reg)
            return (int)families[i].number;
    const unsigned eight[] = {X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B};
    for (size_t i = 0; i < 4; i++)
        if (reg >= eight[i] && reg < eight[i] + 8)
            return (int)(8 + reg - eight[i]);
    return -1;
}

/* Registers that the interpreter sets or loses. */
static uint32_t written(const struct insn *i)
{
    uint32_t mask = i->dst_kind == OPERAND_REG && i->dst < 16 ? UINT32_C(1) << i->dst : 0;
    switch (i->op) {
    case OP_CMP:
    case OP_TEST:
        return 0;
    case OP_CALL:
    case OP_CALL_INDIRECT:
    case OP_SYSCALL:
    case OP_INT80:
    case OP_SYSENTER:
    case OP_RET:
    case OP_BREAK:
    case OP_STOP:
        return UINT32_MAX;
    case OP_XCHG:
        return i->src < 16 ? mask | UINT32_C(1) << i->src : mask;
    case OP_LOOP:
        return 1u << REG_CX | 1u << REG_AX;
    case OP_PUSH:
        return 1u << REG_SP;
    case OP_POP:
        return mask | 1u << REG_SP;
    case OP_LEAVE:
        return 1u << REG_SP | 1u << REG_BP;
    case OP_STRING:
        return 1u << REG_DI | 1u << REG_SI | 1u << REG_CX;
    case OP_REGS:
        return (uint32_t)i->imm;
    case OP_CLOBBER:
        return mask | (uint32_t)i->imm;
    default:
        return mask;
    }
}

static bool changes_flags(const struct insn *i)
{
    return effect_of(architecture_of(EM_X86_64), i).sets_flags || i->op == OP_SBB ||
           (i->op == OP_POP && i->dst_kind == OPERAND_NONE) || written(i) == UINT32_MAX;
}

/* What it says is not so, what no condition depends on, and what no program may execute. */
static bool is_excepted(const char *mnemonic)
{
    static const char *const excepted[] = {"cwd",  "cdq",    "cqo",  "test",   "cld",
                                           "std",  "clac",   "stac", "vmread", "vmwrite",
                                           "int1", "getsec", NULL};
    for (size_t i = 0; excepted[i]; i++)
        if (strcmp(excepted[i], mnemonic) == 0)
            return true;
    return false;
}

static void compare_writes(csh handle, cs_insn *theirs, const uint8_t *bytes)
{
    const uint8_t *at = bytes;
    size_t left = 15;
    uint64_t address = 0x1000;
    struct insn own;
    unsigned length = decode(bytes, 15, 0x1000, &own);
    cs_regs reads, writes;
    uint8_t read_count = 0, write_count = 0;
    if (!cs_disasm_iter(handle, &at, &left, &address, theirs) || own.op == OP_BAD ||
        theirs->size != length || is_excepted(theirs->mnemonic) ||
        cs_regs_access(handle, theirs, reads, &read_count, writes, &write_count))
        return;
    for (unsigned i = 0; i < write_count; i++) {
        int number = number_of(writes[i]);
        if (number >= 0 && !(written(&own) >> number & 1))
            fail_msg("%s %s: register %d", theirs->mnemonic, theirs->op_str, number);
        if (writes[i] == X86_REG_EFLAGS && !changes_flags(&own))
            fail_msg("%s %s: flags", theirs->mnemonic, theirs->op_str);
    }
}

/* Random bytes behind what leads to each map of opcodes. */
static void writes_what_capstone_says(void **state)
{
    static const struct {
        const char *bytes;
        unsigned count;
    } starts[] = {{"", 0},         {"\x0f", 1},         {"\x0f\x38", 2},     {"\x0f\x3a", 2},
                  {"\x66\x0f", 2}, {"\x66\x0f\x38", 3}, {"\x66\x0f\x3a", 3}, {"\xf2\x0f", 2},
                  {"\xf3\x0f", 2}, {"\x48\x0f", 2},     {"\xdb", 1},         {"\xdf", 1},
                  {"\xc5", 1},     {"\xc4\xe1", 2},     {"\xc4\xe2", 2},     {"\xc4\xe3", 2},
                  {"\x62", 1}};
    csh handle;
    (void)state;
    assert_int_equal(cs_open(CS_ARCH_X86, CS_MODE_64, &handle), CS_ERR_OK);
    cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
    cs_insn *theirs = cs_malloc(handle);
    srand(11);
    for (unsigned n = 0; n < 1200000; n++) {
        uint8_t bytes[16];
        unsigned k = n % (sizeof starts / sizeof *starts);
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)(rand() >> 7);
        memcpy(bytes, starts[k].bytes, starts[k].count);
        compare_writes(handle, theirs, bytes);
    }
    cs_free(theirs, 1);
    cs_close(&handle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths),
        cmocka_unit_test(operands),
        cmocka_unit_test(any_bytes),
        cmocka_unit_test(writes_what_capstone_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
