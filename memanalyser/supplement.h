/* SPDX-License-Identifier: BSD-3-Clause
 * The catalogue supplement: which symbols each micro-library object really defines and needs, and
 * what it measures, from compiled objects rather than from a source tree. JSON form:
 * docs/schema/supplement.json. */
#ifndef MEMANALYSER_SUPPLEMENT_H
#define MEMANALYSER_SUPPLEMENT_H

#include "common/jsonmap.h"
#include "memanalyser/elf_file.h"

#define SUPPLEMENT_SCHEMA "catalogue-supplement/1"

struct supplement_library {
    const char *name;
    strings symbols;                 /* global and weak definitions, as in a catalogue */
    strings undefined;               /* needed from others */
    int64_t text, rodata, data, bss; /* bytes of its allocated sections */
};

struct supplement {
    const char *schema;
    VEC(struct supplement_library) libraries;
};
extern const struct jm_type supplement_type;

/* Adds one object to the library of that name; supplement_finish sorts, removes duplicates, and
 * takes out of `undefined` what another object of the same library defines. */
void supplement_add(struct arena *a, struct supplement *s, const char *library,
                    const struct elf_file *elf, const elf_symbols *symbols);
void supplement_finish(struct arena *a, struct supplement *s);

#endif
