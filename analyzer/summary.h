/* SPDX-License-Identifier: BSD-3-Clause
 * What interpreting the functions of libraries has found, kept from program to program: for each
 * function and set of constant inputs what it returns, calls, refers to and asks the kernel for.
 *
 * A summary depends on nothing but the code and constant data of its object, on what the relocated
 * slots it reads are bound to, and on the summaries of what it calls. It is taken in place of
 * interpreting a function only where all of that is the same: the same files in the same state,
 * each slot bound to the same place, and so for everything it calls. What the program itself takes
 * part in (a comparison function it passes, its own malloc) has no summary and is interpreted. A
 * variable that the program holds by a copy relocation counts as the library's that it was copied
 * from.
 *
 * One file per object, next to the results (cache.h): segments that are never changed once written,
 * each sealed by a sum over its contents, newer ones behind. Files are replaced as a whole, so that
 * readers and writers at the same time, or a crash, leave one that is good. */
#ifndef ANALYZER_SUMMARY_H
#define ANALYZER_SUMMARY_H

#include "analyzer/engine.h"

/* A relocated word bound by name, and what it was bound to: constants; to: 0 for nothing, 1 where
 * the symbol was weak. */
struct slot_read {
    uint64_t at, to;
};
uint64_t slot_binding(const struct engine *e, const struct linkmap_binding *b);

/* What a context has depended on or done beyond its graph node, noted for its summary. */
struct context_trace {
    VEC(struct slot_read) slots;
    VEC(uint32_t) passed;       /* numbers passed through pointers: argument << 16 | number */
    uint32_t required, numbers; /* inputs of its function that it needs, as in struct function */
    bool own;                   /* not to be kept: it hangs on what else was met in its object */
};
enum { TRACE_UNKNOWN = 0xffff /* a number that is not known */ };

struct summaries *summaries_new(struct arena *a, const char *folder);
/* Reads what is kept of objects that became known since. */
void summaries_load(struct engine *e);
/* What a function just met is known to depend on. */
void summaries_function(struct engine *e, struct function *f);
/* Takes a kept summary for what the context would find out; false: there is none that holds. */
bool summaries_replay(struct engine *e, struct context *c);
/* A context being interpreted read a slot. */
void summaries_slot(struct engine *e, struct context *c, struct slot_read slot);
/* It needs inputs of its function: see engine_require(). */
void summaries_required(struct engine *e, struct context *c, uint32_t deps, bool number);
/* What it does depends on more than itself and what it calls. */
void summaries_own(struct engine *e, struct context *c);
/* It passed a number on through a pointer. */
void summaries_passed(struct engine *e, struct context *c, unsigned argument, unsigned number);
/* Keeps what was found out anew. Failures are only told with -v. */
void summaries_write(struct engine *e);

#endif
