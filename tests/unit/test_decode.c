/* SPDX-License-Identifier: BSD-3-Clause
 * The analyzer's decoder: lengths as in the manuals' opcode maps, and what it says of operands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/decode.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths),
        cmocka_unit_test(operands),
        cmocka_unit_test(any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
