/* SPDX-License-Identifier: BSD-3-Clause
 * /etc/ld.so.cache: library name -> file, as ldconfig left it. */
#ifndef ANALYZER_LDSO_CACHE_H
#define ANALYZER_LDSO_CACHE_H

#include "common/arena.h"
#include "common/vec.h"
#include <stdbool.h>
#include <stdint.h>

struct ldso_cache;

/* Takes the bytes of a cache file (which must live as long as the result). NULL when they are not
 * a cache this program knows: the dynamic linker then goes without, too. */
struct ldso_cache *ldso_cache_parse(struct arena *a, const void *data, size_t size);
/* Whether any entry may depend on the processor. */
bool ldso_cache_has_hwcaps(const struct ldso_cache *cache);
/* The path for a library name, or NULL. hwcaps: the glibc-hwcaps subfolder names this machine
 * supports, best first ("x86-64-v3"). machine: EM_*. */
const char *ldso_cache_find(const struct ldso_cache *cache, const char *name, const strings *hwcaps,
                            unsigned machine);

#endif
