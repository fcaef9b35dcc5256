/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef ELFLOADER_LOAD_H
#define ELFLOADER_LOAD_H

#include <stddef.h>
#include <stdint.h>

struct loaded {
    uint64_t base, entry, headers;
    uint16_t header_count, header_size;
    const char *interpreter; /* NULL: none */
};

/* Copies a position-independent ELF program into memory of its own. Returns NULL, or what is
 * wrong with it. */
const char *elf_load(const unsigned char *file, size_t size, struct loaded *out);

#endif
