/* SPDX-License-Identifier: BSD-3-Clause
 * Sums by which cached results are found and checked. */
#ifndef ANALYZER_DIGEST_H
#define ANALYZER_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/* 64 bits of content twice over, with different multipliers: no defence against an adversary who
 * can write the cache folder, which nothing here could be, but against chance. */
struct digest {
    uint64_t low, high;
};

void digest_word(struct digest *h, uint64_t word);
void digest_bytes(struct digest *h, const void *data, size_t size);
/* NULL counts as empty. */
void digest_text(struct digest *h, const char *text);
/* Which file, in which state: what changes it sets its times. Only where that was so lately that
 * another change could have left the same times are its contents read. */
struct digest digest_file(const char *path);

#endif
