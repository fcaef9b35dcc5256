/* SPDX-License-Identifier: BSD-3-Clause
 * Arguments of system calls: which constants a selecting argument (common/selectors.h) can be.
 * While code is interpreted, each call keeps what it hands over (passed.c); once all is reached,
 * values are followed from the system-call instructions back through every reached caller
 * (arguments.c). */
#ifndef ANALYZER_ARGUMENTS_H
#define ANALYZER_ARGUMENTS_H

#include "analyzer/foreign.h"
#include "analyzer/graph.h"

enum {
    PASSED_ANY = 0,        /* a list that tells nothing */
    PASSED_SMALL = 64,     /* values below are listed one by one */
    PASSED_ENTRIES = 1024, /* entries of a constant table likewise */
    PASSED_POINTEE = 128,  /* added to an input: the eight bytes it points at */
    PASSED_LIST_LIMIT = 1 + 2 * 2 * DEP_COUNT,
};

struct run;

/* What the state at a call (or tail jump) hands to the callee: PASSED_ANY, or a list for
 * passed_value(). Inputs are those of values.h. */
uint32_t passed_to_function(struct run *r, bool tail);
/* The same for a system call; inputs are positions, from 0. */
uint32_t passed_to_kernel(struct run *r);
/* The list made of words: how many items, then inputs and values by turns. */
uint32_t passed_keep(struct engine *e, const uint32_t *list);
/* The list of what both may hand over. */
uint32_t passed_join(struct engine *e, uint32_t a, uint32_t b);
/* In terms of the caller's inputs; VALUE_TOP: anything. */
value passed_value(const struct engine *e, uint32_t list, unsigned input);

/* Whether all entries of a constant table can be listed. */
static inline bool passed_table(const struct value_data *d)
{
    return d->max < PASSED_ENTRIES && d->max != UINT8_MAX && d->width < 8;
}

struct argument_reader;

/* For walks over the graph as it is now; argument_reader_free() gives its memory back. */
struct argument_reader *argument_reader_new(struct engine *e);
void argument_reader_free(struct argument_reader *reader);
/* A call that a site may make whose number is not known: with any arguments. */
struct unsure_call {
    const struct context *context; /* NULL: none does */
    uint64_t at;
};
/* The selecting arguments of the calls that a walk reaches: constants, sorted, and for those that
 * are not bounded why. numbers_of tells the x86-64 numbers of a site, -1 for none; unsure has an
 * entry for each of SYSCALL_LIMIT calls. */
void arguments_read(struct argument_reader *reader, const struct walk *w,
                    size_t (*numbers_of)(void *context, struct context *c,
                                         const struct call_site *site,
                                         int64_t numbers[FOREIGN_LIMIT]),
                    void *context, const struct unsure_call *unsure, profile_selectors *selectors,
                    profile_unbounded_list *unbounded);

#endif
