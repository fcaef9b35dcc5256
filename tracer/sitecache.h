/* SPDX-License-Identifier: BSD-3-Clause
 * What the tracer keeps of an object between runs, so that code is decoded once. Private to
 * tracer/. */
#ifndef TRACER_SITECACHE_H
#define TRACER_SITECACHE_H

#include "analyzer/analyzer.h"
#include "tracer/code.h"

/* A function that marks a phase. */
struct phase_mark {
    uint64_t address;
    uint32_t kind, byte;
};

struct site_table {
    VEC(struct text_segment) segments;
    VEC(struct phase_mark) marks;
    slot_calls calls;
    syscall_sites sites;
    bool legacy; /* see struct object */
};

/* False: not there, or not whole. */
bool sitecache_read(const struct object_key *key, struct arena *a, struct site_table *out);
void sitecache_write(const struct object_key *key, const struct site_table *table);

#endif
