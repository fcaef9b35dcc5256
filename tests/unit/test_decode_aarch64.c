/* SPDX-License-Identifier: BSD-3-Clause
 * The AArch64 decoder: words whose meaning is written down here, then random words and the files
 * named in the environment variable FILES against capstone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/architecture.h"
#include "analyzer/elf_object.h"
#include "common/syscalls.h"
#include <capstone/capstone.h>
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { AT = 0x400000 };

static struct insn decode_word(uint32_t word, uint64_t address)
{
    uint8_t bytes[4] = {(uint8_t)word, (uint8_t)(word >> 8), (uint8_t)(word >> 16),
                        (uint8_t)(word >> 24)};
    struct insn i;
    assert_int_equal(decode_aarch64(bytes, 4, address, &i), 4);
    return i;
}

/* Expected fields; -1: not looked at. */
struct known {
    uint32_t word;
    const char *text;
    int op, width, dst, src, first, base;
    int64_t imm, disp;
};

enum { ANY = -1, Z = REG_ZERO, SP = REG_XSP, NO = REG_NONE };

static const struct known known[] = {
    {0xd2800ba8, "mov x8, #93", OP_MOV, 8, 8, ANY, ANY, ANY, 93, ANY},
    {0x52800ba8, "mov w8, #93", OP_MOV, 4, 8, ANY, ANY, ANY, 93, ANY},
    {0x92800000, "mov x0, #-1", OP_MOV, 8, 0, ANY, ANY, ANY, -1, ANY},
    {0xf2a00020, "movk x0, #1, lsl #16", OP_MOVK, 8, 0, ANY, ANY, ANY, 1, ANY},
    {0xd4000001, "svc #0", OP_SYSCALL, ANY, ANY, ANY, ANY, ANY, ANY, ANY},
    {0x94000001, "bl +4", OP_CALL, ANY, ANY, ANY, ANY, ANY, AT + 4, ANY},
    {0x17ffffff, "b -4", OP_JMP, ANY, ANY, ANY, ANY, ANY, AT - 4, ANY},
    {0x54000040, "b.eq +8", OP_JCC, ANY, ANY, ANY, ANY, ANY, AT + 8, ANY},
    {0xb4000041, "cbz x1, +8", OP_JCC, 8, 1, ANY, ANY, ANY, AT + 8, ANY},
    {0x37080041, "tbnz w1, #1, +8", OP_JCC, ANY, 1, ANY, ANY, ANY, AT + 8, ANY},
    {0xd65f03c0, "ret", OP_RET, ANY, ANY, 30, ANY, ANY, ANY, ANY},
    {0xd65f0bff, "retaa", OP_RET, ANY, ANY, 30, ANY, ANY, ANY, ANY},
    {0xd61f0220, "br x17", OP_JMP_INDIRECT, ANY, ANY, 17, ANY, ANY, ANY, ANY},
    {0xd63f0040, "blr x2", OP_CALL_INDIRECT, ANY, ANY, 2, ANY, ANY, ANY, ANY},
    {0xd4200020, "brk #1", OP_STOP, ANY, ANY, ANY, ANY, ANY, ANY, ANY},
    {0xd503245f, "bti c", OP_NOP, ANY, ANY, ANY, ANY, ANY, ANY, ANY},
    {0xd503233f, "paciasp", OP_NOP, ANY, ANY, ANY, ANY, ANY, ANY, ANY},
    {0x90000010, "adrp x16, 0", OP_PAGE, 8, 16, ANY, ANY, ANY, ANY, AT & ~0xfff},
    {0x10000040, "adr x0, +8", OP_LEA, 8, 0, ANY, ANY, ANY, ANY, AT + 8},
    {0x91004021, "add x1, x1, #16", OP_ADD, 8, 1, ANY, 1, ANY, 16, ANY},
    {0x910003fd, "mov x29, sp", OP_ADD, 8, 29, ANY, SP, ANY, 0, ANY},
    {0xd10083ff, "sub sp, sp, #32", OP_SUB, 8, SP, ANY, SP, ANY, 32, ANY},
    {0xaa0103e0, "mov x0, x1", OP_MOV, 8, 0, 1, ANY, ANY, ANY, ANY},
    {0x2a1f03e0, "mov w0, wzr", OP_MOV, 4, 0, Z, ANY, ANY, ANY, ANY},
    {0x320003e0, "mov w0, #1", OP_MOV, 4, 0, ANY, ANY, ANY, 1, ANY},
    {0x92401c00, "and x0, x0, #0xff", OP_AND, 8, 0, ANY, 0, ANY, 0xff, ANY},
    {0x7100041f, "cmp w0, #1", OP_CMP, 4, 0, ANY, ANY, ANY, 1, ANY},
    {0xb13ffc1f, "cmn x0, #4095", OP_CMP, 8, 0, ANY, ANY, ANY, -4095, ANY},
    {0xeb01001f, "cmp x0, x1", OP_CMP, 8, 0, 1, ANY, ANY, ANY, ANY},
    {0x7200001f, "tst w0, #1", OP_TST, 4, 0, ANY, ANY, ANY, 1, ANY},
    {0x1a9f17e0, "cset w0, eq", OP_CMOV, 4, 0, Z, Z, ANY, SELECT_INCREMENT, ANY},
    {0x9a810000, "csel x0, x0, x1, eq", OP_CMOV, 8, 0, 0, 1, ANY, SELECT_SAME, ANY},
    {0x53017c00, "lsr w0, w0, #1", OP_SHR, 4, 0, ANY, 0, ANY, 1, ANY},
    {0xd37ef400, "lsl x0, x0, #2", OP_SHL, 8, 0, ANY, 0, ANY, 2, ANY},
    {0x93407c00, "sxtw x0, w0", OP_MOVSX, 8, 0, 0, ANY, ANY, ANY, ANY},
    {0x53001c00, "uxtb w0, w0", OP_MOVZX, 4, 0, 0, ANY, ANY, ANY, ANY},
    {0x8b20c820, "add x0, x1, w0, sxtw #2", OP_ADD, 8, 0, 0, 1, ANY, ANY, ANY},
    {0xf9400411, "ldr x17, [x0, #8]", OP_MOV, 8, 17, ANY, ANY, 0, ANY, 8},
    {0x39400400, "ldrb w0, [x0, #1]", OP_MOVZX, 4, 0, ANY, ANY, 0, ANY, 1},
    {0xb9800400, "ldrsw x0, [x0, #4]", OP_MOVSX, 8, 0, ANY, ANY, 0, ANY, 4},
    {0x58000040, "ldr x0, +8", OP_MOV, 8, 0, ANY, ANY, NO, ANY, AT + 8},
    {0xf81f0ffe, "str x30, [sp, #-16]!", OP_MOV, 8, NO, 30, ANY, SP, -16, -16},
    {0xf84107fe, "ldr x30, [sp], #16", OP_MOV, 8, 30, ANY, ANY, SP, 16, 0},
    {0xa9bf7bfd, "stp x29, x30, [sp, #-16]!", OP_PAIR, 8, NO, 29, 30, SP, -16, -16},
    {0xa8c17bfd, "ldp x29, x30, [sp], #16", OP_PAIR, 8, 29, ANY, 30, SP, 16, 0},
    {0xb8206820, "str w0, [x1, x0]", OP_MOV, 4, NO, 0, ANY, 1, ANY, ANY},
    {0xd53bd040, "mrs x0, tpidr_el0", OP_THREAD, 8, 0, ANY, ANY, ANY, ANY, ANY},
    {0xc85ffc20, "ldaxr x0, [x1]", OP_MOV, 8, 0, ANY, ANY, 1, ANY, ANY},
    {0x00000000, "udf #0", OP_BAD, ANY, ANY, ANY, ANY, ANY, ANY, ANY},
};

static void expect(const char *text, const char *what, int64_t expected, int64_t found)
{
    if (expected != ANY && expected != found)
        fail_msg("%s: %s is %" PRId64 ", not %" PRId64, text, what, found, expected);
}

static void known_words(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof known / sizeof *known; n++) {
        const struct known *k = &known[n];
        struct insn i = decode_word(k->word, AT);
        expect(k->text, "operation", k->op, i.op);
        expect(k->text, "width", k->width, i.width);
        expect(k->text, "destination", k->dst, i.dst);
        expect(k->text, "source", k->src, i.src);
        expect(k->text, "left operand", k->first, i.first);
        expect(k->text, "base", k->base, i.base);
        if (k->imm != ANY || k->op == OP_MOV)
            expect(k->text, "immediate", k->imm, i.imm);
        expect(k->text, "displacement", k->disp, i.disp);
    }
}

static void short_words(void **state)
{
    (void)state;
    uint8_t bytes[3] = {0xc0, 0x03, 0x5f};
    struct insn i;
    assert_int_equal(decode_aarch64(bytes, 0, AT, &i), 0);
    assert_int_equal(decode_aarch64(bytes, 3, AT, &i), 3);
    assert_int_equal(i.op, OP_BAD);
}

/* ---- against capstone ---- */

static uint64_t bit_of(unsigned reg)
{
    return reg < REG_LIMIT ? UINT64_C(1) << reg : 0;
}

/* The general registers that an instruction may change. */
static uint64_t written(const struct insn *i)
{
    uint64_t mask = 0;
    bool reads = i->op == OP_CMP || i->op == OP_TST || i->op == OP_CCMP || i->op == OP_JCC;
    if (i->dst_kind == OPERAND_REG && !reads)
        mask |= bit_of(i->dst);
    if (i->op == OP_PAIR && i->src_kind == OPERAND_MEM)
        mask |= bit_of(i->first);
    if (i->extra & (EXTRA_PRE | EXTRA_POST))
        mask |= bit_of(i->base);
    if (i->op == OP_CLOBBER || i->op == OP_REGS)
        mask |= (uint64_t)i->imm;
    if (i->op == OP_CALL || i->op == OP_CALL_INDIRECT)
        mask |= bit_of(REG_X30);
    return mask;
}

static unsigned capstone_register(unsigned reg)
{
    if (reg >= ARM64_REG_X0 && reg <= ARM64_REG_X28)
        return reg - ARM64_REG_X0;
    if (reg >= ARM64_REG_W0 && reg <= ARM64_REG_W30)
        return reg - ARM64_REG_W0;
    return reg == ARM64_REG_X29                          ? REG_X29
           : reg == ARM64_REG_X30                        ? REG_X30
           : reg == ARM64_REG_SP || reg == ARM64_REG_WSP ? REG_XSP
                                                         : REG_NONE;
}

static bool in_group(const cs_insn *c, uint8_t group)
{
    for (unsigned k = 0; k < c->detail->groups_count; k++)
        if (c->detail->groups[k] == group)
            return true;
    return false;
}

/* Where capstone says a direct branch goes. */
static bool direct_target(const cs_insn *c, uint64_t *target)
{
    const cs_arm64 *a = &c->detail->arm64;
    const cs_arm64_op *last = a->op_count ? &a->operands[a->op_count - 1] : NULL;
    bool branch = c->id == ARM64_INS_B || c->id == ARM64_INS_BL || c->id == ARM64_INS_CBZ ||
                  c->id == ARM64_INS_CBNZ || c->id == ARM64_INS_TBZ || c->id == ARM64_INS_TBNZ;
    if (!branch || !last || last->type != ARM64_OP_IMM)
        return false;
    *target = (uint64_t)last->imm;
    return true;
}

/* Of these capstone 4 counts operands that are only read as written. */
static bool told_wrongly(const cs_insn *c)
{
    static const char *const names[] = {"cmp", "cmn", "tst", "msr", "sys",
                                        "svc", "st1", "st2", "st3", "st4"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (strcmp(c->mnemonic, names[k]) == 0)
            return true;
    return false;
}

static void compare_effects(csh handle, const cs_insn *c, const struct insn *i, uint32_t word)
{
    cs_regs reads, writes;
    uint8_t read_count = 0, write_count = 0;
    if (cs_regs_access(handle, c, reads, &read_count, writes, &write_count))
        return;
    for (unsigned k = 0; k < write_count && !told_wrongly(c); k++) {
        unsigned reg = capstone_register(writes[k]);
        /* Signing or checking a pointer leaves it what it is. */
        bool hint = (word & 0xfffff01f) == 0xd503201f || (word & 0x7fff0000) == 0x5ac10000;
        if (reg != REG_NONE && !hint && !(written(i) >> reg & 1))
            fail_msg("%08x %s %s: writes x%u, not told", word, c->mnemonic, c->op_str, reg);
    }
    bool keeps = i->extra & EXTRA_QUIET || i->op == OP_NOP || i->op == OP_JCC || i->op == OP_MOV;
    if (c->detail->arm64.update_flags && keeps)
        fail_msg("%08x %s %s: sets flags, not told", word, c->mnemonic, c->op_str);
}

static void compare(csh handle, cs_insn *c, uint32_t word, uint64_t address)
{
    uint8_t bytes[4] = {(uint8_t)word, (uint8_t)(word >> 8), (uint8_t)(word >> 16),
                        (uint8_t)(word >> 24)};
    const uint8_t *at = bytes;
    size_t size = 4;
    uint64_t place = address, target = 0;
    struct insn i = decode_word(word, address);
    if (!cs_disasm_iter(handle, &at, &size, &place, c))
        return;
    if (i.op == OP_BAD)
        fail_msg("%08x %s %s: taken as no instruction", word, c->mnemonic, c->op_str);
    if (direct_target(c, &target) && (uint64_t)i.imm != target)
        fail_msg("%08x %s %s: goes to %" PRIx64, word, c->mnemonic, c->op_str, (uint64_t)i.imm);
    bool svc = c->id == ARM64_INS_SVC;
    if (svc != (i.op == OP_SYSCALL))
        fail_msg("%08x %s %s: system call or not", word, c->mnemonic, c->op_str);
    if ((c->id == ARM64_INS_ADR || c->id == ARM64_INS_ADRP) && i.op != OP_NOP &&
        i.disp != c->detail->arm64.operands[1].imm)
        fail_msg("%08x %s %s: makes %" PRIx64, word, c->mnemonic, c->op_str, (uint64_t)i.disp);
    bool ends = c->id == ARM64_INS_RET || c->id == ARM64_INS_BR;
    if (ends != (i.op == OP_RET || i.op == OP_JMP_INDIRECT) && !in_group(c, ARM64_GRP_JUMP))
        fail_msg("%08x %s %s: ends a block or not", word, c->mnemonic, c->op_str);
    compare_effects(handle, c, &i, word);
}

static void open_capstone(csh *handle, cs_insn **c)
{
    assert_int_equal(cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, handle), CS_ERR_OK);
    cs_option(*handle, CS_OPT_DETAIL, CS_OPT_ON);
    *c = cs_malloc(*handle);
}

static void random_words(void **state)
{
    (void)state;
    csh handle;
    cs_insn *c;
    uint64_t seed = 0x9e3779b97f4a7c15u;
    open_capstone(&handle, &c);
    for (unsigned n = 0; n < 1000000; n++) {
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        compare(handle, c, (uint32_t)(seed >> 16), AT);
    }
    cs_free(c, 1);
    cs_close(&handle);
}

static void compare_file(csh handle, cs_insn *c, const char *path)
{
    struct arena *a = arena_new();
    struct diag d;
    struct elf_object *o = NULL;
    uint64_t words = 0;
    diag_init(&d, -1);
    if (elf_object_open(&d, a, path, &o) || elf_object_load(&d, o))
        fail_msg("%s", d.message);
    vec_each (s, &o->sections) {
        const unsigned char *bytes =
            s->flags & SHF_EXECINSTR ? elf_bytes(o, s->address, s->size) : NULL;
        for (uint64_t at = 0; bytes && at + 4 <= s->size; at += 4, words++) {
            uint32_t word;
            memcpy(&word, bytes + at, 4);
            compare(handle, c, word, s->address + at);
        }
    }
    print_message("# %s: %" PRIu64 " words\n", path, words);
    arena_free(a);
}

static void files(void **state)
{
    (void)state;
    csh handle;
    cs_insn *c;
    const char *library = "/usr/aarch64-linux-gnu/lib/libc.so.6";
    const char *wanted = getenv("FILES") ? getenv("FILES") : access(library, R_OK) ? "" : library;
    char *list = strdup(wanted), *rest = list;
    open_capstone(&handle, &c);
    if (!*list)
        print_message("# no %s to compare over\n", library);
    for (char *path; list && (path = strsep(&rest, " \n"));)
        if (*path)
            compare_file(handle, c, path);
    free(list);
    cs_free(c, 1);
    cs_close(&handle);
}

/* The numbers that libseccomp does not know yet, and names in both tables. */
static void call_numbers(void **state)
{
    (void)state;
    assert_int_equal(syscall_number_in(SYSCALLS_AARCH64, "openat"), 56);
    assert_int_equal(syscall_number_in(SYSCALLS_AARCH64, "exit_group"), 94);
    assert_int_equal(syscall_number_in(SYSCALLS_AARCH64, "open"), -1);
    assert_int_equal(syscall_number_in(SYSCALLS_AARCH64, "mseal"), 462);
    assert_int_equal(syscall_number_in(SYSCALLS_X86_64, "open"), 2);
    assert_string_equal(syscall_name_in(syscall_table_of("aarch64"), 139), "rt_sigreturn");
    assert_int_equal(syscall_table_of(NULL), SYSCALLS_X86_64);
    const struct architecture *arm = architecture_of(EM_AARCH64);
    static const char *const ending[] = {"rt_sigreturn", "exit", "exit_group"};
    for (unsigned k = 0; k < 3; k++)
        assert_int_equal(arm->ending[k], syscall_number_in(SYSCALLS_AARCH64, ending[k]));
    assert_null(architecture_of(EM_386));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_words),  cmocka_unit_test(short_words),
        cmocka_unit_test(random_words), cmocka_unit_test(files),
        cmocka_unit_test(call_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
