/* SPDX-License-Identifier: BSD-3-Clause
 * Refusing what is not ELF with the name of what it is (libbfd knows many formats). */
#ifndef MEMANALYSER_FORMATS_H
#define MEMANALYSER_FORMATS_H

#include "common/diag.h"
#include <stdint.h>

/* Always fails with STATUS_INPUT: "PATH: not an ELF file: ..." */
enum status format_refuse(struct diag *d, const char *path, const unsigned char *data,
                          uint64_t size);
/* Keeps libbfd from printing on its own; called once, before any other use of binutils. */
void format_quiet_binutils(void);

#endif
