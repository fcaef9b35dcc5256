/* SPDX-License-Identifier: BSD-3-Clause
 * /etc/ld.so.cache: library name -> file, as ldconfig left it. */
#ifndef ANALYZER_LDSO_CACHE_H
#define ANALYZER_LDSO_CACHE_H

#include "common/arena.h"
#include "common/vec.h"
#include <stdint.h>

struct ldso_cache;

/* Takes the bytes of a cache file (which must live as long as the result). NULL when they are not
 * a cache this program knows: the dynamic linker then goes without, too. */
struct ldso_cache *ldso_cache_parse(struct arena *a, const void *data, size_t size);
/* The names of glibc-hwcaps subfolders this machine supports, best first ("x86-64-v3"); called only
 * when an entry asks, as asking the processor takes time. */
typedef const strings *ldso_hwcaps(void *context);

/* The path for a library name, or NULL. machine: EM_*. */
const char *ldso_cache_find(const struct ldso_cache *cache, const char *name, ldso_hwcaps *hwcaps,
                            void *context, unsigned machine);

#endif
