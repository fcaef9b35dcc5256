/* SPDX-License-Identifier: BSD-3-Clause
 * Site tables kept between runs, in the user's cache folder. Private to tracer/. */
#ifndef TRACER_SITECACHE_H
#define TRACER_SITECACHE_H

#include "analyzer/analyzer.h"
#include "tracer/code.h"

/* false: not there, or not to be trusted. */
bool sitecache_read(const struct object_key *key, struct arena *a, syscall_sites *out);
/* Fails silently: the table is found again by decoding. */
void sitecache_write(const struct object_key *key, const syscall_sites *sites);

#endif
