/* SPDX-License-Identifier: BSD-3-Clause
 * Arguments that select what a multiplexed system call does: which they are, and what their values
 * are called. Used for what code can pass and for what runs passed, so that both compare. */
#ifndef COMMON_SELECTORS_H
#define COMMON_SELECTORS_H

#include "common/profile.h"

struct value_name {
    int64_t value;
    const char *name;
};

struct selector {
    int number; /* x86-64 */
    unsigned char argument;
    const char *name;
    uint32_t mask;  /* of the bits that select */
    bool bits;      /* each bit has a name of its own; 0 is worth naming too */
    bool in_memory; /* the argument points at it (clone3) */
    bool traced;    /* recorded in runs as well */
    bool x86;       /* other processors give these bits other meanings */
    const struct value_name *names;
};

/* The first selector of a call, or the next one; NULL: none. */
const struct selector *selector_of(int64_t number, const struct selector *after);
/* "AF_INET", "PROT_READ|PROT_EXEC"; NULL where a value or a bit has no name. In the arena. */
const char *selector_value_name(struct arena *a, const struct selector *selector, int64_t value);
struct profile_selector selector_entry(struct arena *a, const struct selector *selector,
                                       int64_t value);
/* Compares struct profile_selector: by call, argument, value. */
int selector_order(const void *x, const void *y);

#endif
