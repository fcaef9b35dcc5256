/* SPDX-License-Identifier: BSD-3-Clause
 * ar archives: common (System V/GNU long names, BSD "#1/n" names, 64-bit symbol tables) and thin
 * ones, whose members are files beside the archive. Format: ar(5), binutils' "ar, thin archives".
 */
#ifndef MEMANALYSER_ARCHIVE_H
#define MEMANALYSER_ARCHIVE_H

#include "memanalyser/elf_file.h"

struct archive_member {
    const char *name;          /* for a thin archive: a path relative to the archive's folder */
    const unsigned char *data; /* NULL in a thin archive */
    uint64_t size;
    uint64_t header; /* offset of its header in the archive */
};

struct archive {
    bool thin;
    VEC(struct archive_member) members; /* without symbol and name tables */
};

bool archive_is(const unsigned char *data, uint64_t size);
/* Walks the headers of the archive at data (which must outlive *out). */
enum status archive_parse(struct diag *d, struct arena *a, const char *path,
                          const unsigned char *data, uint64_t size, struct archive *out);

#endif
