/* SPDX-License-Identifier: BSD-3-Clause
 * Calling conventions: System V ABI, AMD64 supplement. System-call conventions: syscall(2). */
#include "analyzer/architecture.h"
#include "analyzer/values.h"
#include <elf.h>

#define BIT(register) (1u << (register))

static const struct architecture x86_64 = {
    .machine = EM_X86_64,
    .decode = decode,
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

static const struct architecture *const known[] = {&x86_64};

const struct architecture *architecture_of(unsigned machine)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i]->machine == machine)
            return known[i];
    return NULL;
}
