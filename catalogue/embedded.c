/* SPDX-License-Identifier: BSD-3-Clause */
#include "catalogue/embedded.h"
#include <stddef.h>

/* The assembler takes the file in whole; the Makefile has the dependency. */
#define EMBED(symbol, file)                                                                        \
    __asm__(".pushsection .rodata\n"                                                               \
            ".global " #symbol "_start, " #symbol "_end\n" #symbol "_start:\n"                     \
            ".incbin \"catalogue/" file "\"\n" #symbol "_end:\n"                                   \
            ".byte 0\n"                                                                            \
            ".popsection\n");                                                                      \
    extern const char symbol##_start[], symbol##_end[];

EMBED(unikraft_0_17_0, "unikraft-0.17.0.json")
EMBED(unikraft_0_16_2, "unikraft-0.16.2.json")

const struct embedded_catalogue embedded_catalogues[] = {
    {unikraft_0_17_0_start, unikraft_0_17_0_end},
    {unikraft_0_16_2_start, unikraft_0_16_2_end},
};

const char *const embedded_catalogue_names[] = {"unikraft-0.17.0", "unikraft-0.16.2", NULL};
