/* SPDX-License-Identifier: BSD-3-Clause
 * Calling conventions: System V ABI, AMD64 supplement; Procedure Call Standard for the Arm 64-bit
 * architecture. System-call conventions: syscall(2). */
#include "analyzer/architecture.h"
#include "analyzer/values.h"
#include "common/syscalls.h"
#include <elf.h>

#define BIT(register) (1u << (register))

static const struct architecture x86_64 = {
    .machine = EM_X86_64,
    .calls = SYSCALLS_X86_64,
    .decode = decode,
    .step = 1,
    .registers = REG_COUNT,
    .sp = REG_SP,
    .link = REG_NONE,
    .result = REG_AX,
    .number = REG_AX,
    .exit_handler = REG_DX,
    .pad_registers = {REG_AX, REG_DX},
    .arguments = {REG_DI, REG_SI, REG_DX, REG_CX, REG_R8, REG_R9},
    .kernel_arguments = {REG_DI, REG_SI, REG_DX, REG_R10, REG_R8, REG_R9},
    .inputs = ((1u << DEP_COUNT) - 1) & ~BIT(REG_SP),
    .lost_over_calls = BIT(REG_AX) | BIT(REG_CX) | BIT(REG_DX) | BIT(REG_SI) | BIT(REG_DI) |
                       BIT(REG_R8) | BIT(REG_R9) | BIT(REG_R10) | BIT(REG_R11),
    .passed = BIT(REG_CX) | BIT(REG_DX) | BIT(REG_SI) | BIT(REG_DI) | BIT(REG_R8) | BIT(REG_R9) |
              BIT(REG_R10) | BIT(REG_R11),
    .lost_in_kernel = BIT(REG_AX) | BIT(REG_CX) | BIT(REG_R11),
    .glob_dat = R_X86_64_GLOB_DAT,
    .ending = {15 /* rt_sigreturn */, 60 /* exit */, 231 /* exit_group */},
};

/* x0 to x7 are arguments, x8 the place of a large result, x9 to x17 scratch, x18 the platform's,
 * x19 to x29 preserved; a callee may also find a pointer in x8 to x17 by private agreement. */
static const struct architecture aarch64 = {
    .machine = EM_AARCH64,
    .calls = SYSCALLS_AARCH64,
    .decode = decode_aarch64,
    .step = 4,
    .registers = 32,
    .partial = true,
    .vdso_returns = true,
    .sp = REG_XSP,
    .link = REG_X30,
    .result = 0,
    .number = 8,
    .exit_handler = 0,
    .pad_registers = {0, 1},
    .arguments = {0, 1, 2, 3, 4, 5},
    .kernel_arguments = {0, 1, 2, 3, 4, 5},
    .inputs = (1u << DEP_COUNT) - 1,
    .lost_over_calls = 0x7ffff | BIT(REG_X30),
    .passed = 0x3ffff,
    .lost_in_kernel = BIT(0),
    .glob_dat = R_AARCH64_GLOB_DAT,
    .ending = {139 /* rt_sigreturn */, 93 /* exit */, 94 /* exit_group */},
};

static const struct architecture *const known[] = {&x86_64, &aarch64};

const struct architecture *architecture_of(unsigned machine)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i]->machine == machine)
            return known[i];
    return NULL;
}
