/* SPDX-License-Identifier: BSD-3-Clause
 * Private to summary_*.c: a segment of summaries, in the file and in use. Everything is counted in
 * 32-bit words of this machine; addresses are virtual ones of their object, which stands before
 * them as an index into the segment's own table of objects. */
#ifndef ANALYZER_SUMMARY_FORMAT_H
#define ANALYZER_SUMMARY_FORMAT_H

#include "analyzer/digest.h"
#include "analyzer/summary.h"

#define SUMMARY_MAGIC 0x31534d55u

enum summary_table {
    TABLE_OBJECTS, /* struct digest: which file; [0]: the object itself */
    TABLE_VALUES,  /* where in the pool */
    TABLE_LISTS,   /* likewise */
    TABLE_STRINGS, /* likewise */
    TABLE_REFERENCES,
    TABLE_SPANS,
    TABLE_SLOTS,
    TABLE_FUNCTIONS, /* by address */
    TABLE_CONTEXTS,  /* by function */
    TABLE_POOL,      /* words */
    SUMMARY_TABLES,
};
extern const uint32_t summary_entry_words[SUMMARY_TABLES]; /* of one entry */

struct summary_head {
    uint32_t magic, words; /* of the whole segment; even */
    struct digest seal;    /* of what follows it */
    struct {
        uint32_t first, count; /* in words; in entries */
    } tables[SUMMARY_TABLES];
};

enum { SUMMARY_NONE = UINT32_MAX, EDGE_TO_SPAN = 0x100 /* the kind of an edge to a data object */ };

struct summary_reference { /* to a context */
    uint32_t object, address, key;
    uint32_t own; /* SUMMARY_NONE, or its place in this segment */
};

struct summary_span {
    uint32_t object, address;
};

struct summary_slot { /* a word and what it is bound to */
    uint32_t object, address;
    uint32_t to_object, to_address; /* SUMMARY_NONE: nothing */
    uint32_t how;                   /* SLOT_* */
};
enum { SLOT_WEAK = 1, SLOT_IFUNC = 2 };

struct summary_function {
    uint32_t address, flags /* FUNCTION_* */;
    uint32_t first, count; /* contexts */
};
enum { FUNCTION_TWICE = 1, FUNCTION_STRAYS = 2, FUNCTION_POPS = 4 };

struct summary_context {
    uint32_t key, flags /* CONTEXT_* */, result; /* value; SUMMARY_NONE: it does not return */
    uint32_t required, numbers;                  /* of the inputs of its function */
    uint32_t data;                               /* in the pool: see summary_replay.c */
};
enum { CONTEXT_LOOSE = 1, CONTEXT_FINAL = 2 };

enum { SUMMARY_SEGMENTS = 16 /* of a file; then it is made anew */ };
/* Whether the file of an object is to be made anew, of what is in use now. */
bool summary_full(const struct object *o);

/* A context of a segment. */
struct summary_place {
    struct summary *summary; /* NULL: none */
    uint32_t index;
};

/* A segment in use. */
struct summary {
    struct summary *next; /* of the same object */
    const struct summary_head *head;
    struct object **objects; /* by entry; NULL: not part of this link map */
    value *values;           /* once decoded, VALUE_NONE: cannot be here */
    uint32_t *lists;         /* once decoded, as in passed.c */
    bool *decoded;           /* by value, then by list */
    struct summary_place *references;
    bool *usable; /* references: what they name is part of this link map */
    bool *slots;  /* bound as they were */
    bool *good;   /* contexts that hold here */
    size_t good_count;
    unsigned older; /* segments of the same object */
};

struct summaries {
    const char *folder;
    size_t loaded; /* objects */
    VEC(struct digest) identities;
    VEC(struct summary *) all;
};

static inline uint32_t summary_count(const struct summary *s, enum summary_table table)
{
    return s->head->tables[table].count;
}

static inline const void *summary_entry(const struct summary *s, enum summary_table table,
                                        uint32_t index)
{
    return (const uint32_t *)s->head + s->head->tables[table].first +
           (size_t)index * summary_entry_words[table];
}

/* Words of the pool, zeros behind its end. */
struct cursor {
    const uint32_t *at, *end;
};
static inline uint32_t cursor_next(struct cursor *c)
{
    return c->at < c->end ? *c->at++ : 0;
}
static inline uint64_t cursor_next_long(struct cursor *c)
{
    uint64_t low = cursor_next(c);
    return low | (uint64_t)cursor_next(c) << 32;
}
struct cursor summary_cursor(const struct summary *s, uint32_t at);
/* The same where an entry of a table tells; empty when the table has no such entry. */
struct cursor summary_pooled(const struct summary *s, enum summary_table table, uint32_t index);

/* The object and address of a constant as segments have it; NULL: a number. */
const struct object *summary_place_of(const struct engine *e, uint64_t constant, uint64_t *address);
/* The other way round. */
uint64_t summary_constant(const struct engine *e, const struct object *o, uint64_t address);
const char *summary_file(struct engine *e, const struct object *o);
/* VALUE_NONE: what it names is not part of this link map. */
value summary_value(struct engine *e, struct summary *s, uint32_t index);
uint32_t summary_list(struct engine *e, struct summary *s, uint32_t index);
/* The items of a key; false: as with summary_value(). */
bool summary_key(struct engine *e, struct summary *s, uint32_t index, value inputs[DEP_COUNT],
                 uint32_t *known);
const char *summary_string(struct engine *e, const struct summary *s, uint32_t index);
/* The context for an address and a key that holds here. */
struct summary_place summary_find(struct engine *e, const struct object *o, uint64_t address,
                                  const value inputs[DEP_COUNT], uint32_t known);

#endif
