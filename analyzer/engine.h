/* SPDX-License-Identifier: BSD-3-Clause
 * Private to the analyzer: the reachability engine. Functions are interpreted over the abstract
 * values of values.h, each at least once with unknown inputs, and once more per set of constant
 * inputs for functions that need them to know a system-call number or a branch. A call is taken to
 * return only once its callee is known to (an optimistic fixed point), so code behind calls that
 * never return stays unreached. A function whose address is formed by reached code, or stands in a
 * data object whose address is formed, is reached. What reaches what is kept as a graph of nodes,
 * from which phases, circumstances and evidence are read afterwards. */
#ifndef ANALYZER_ENGINE_H
#define ANALYZER_ENGINE_H

#include "analyzer/architecture.h"
#include "analyzer/code.h"
#include "analyzer/functions.h"
#include "analyzer/linkmap.h"
#include "analyzer/pool.h"
#include "analyzer/values.h"

/* ---- the graph ---- */

enum node_kind { NODE_CONTEXT, NODE_SPAN, NODE_ROOT };

enum edge_kind {
    EDGE_CALL,    /* direct call or tail jump */
    EDGE_SLOT,    /* through a relocated slot (PLT, GOT) */
    EDGE_VALUE,   /* indirect, through a value known to be constant */
    EDGE_ADDRESS, /* its address was formed there */
    EDGE_STORED,  /* its address was formed there and stored in memory */
    EDGE_DATA,    /* a data object was reached, or points there */
    EDGE_SYMBOL,  /* looked up by name */
    EDGE_ROOT,    /* entered from outside */
};

struct node;
struct edge {
    uint64_t at : 56; /* virtual address of the instruction or word */
    uint64_t kind : 8;
    uint32_t to;     /* id of a node */
    uint32_t passed; /* what it hands over (arguments.h) */
};

struct node {
    uint8_t kind; /* enum node_kind */
    uint32_t id;
    VEC(struct edge) edges;
};

struct call_site { /* a system call made by a context */
    uint64_t at;
    int64_t number; /* -1: not known */
    uint8_t op;     /* OP_SYSCALL, OP_INT80, OP_SYSENTER */
    uint32_t passed;
};

struct state;
struct kept_state;
struct context;
struct context_trace;
struct summary;
struct summaries;

struct object;
struct guard_facts;
/* Public functions whose meaning matters: their arguments name more code, or when it runs. */
enum hook {
    HOOK_NONE,
    HOOK_DLOPEN,
    HOOK_DLSYM,
    HOOK_EXEC,   /* its first argument is a program to execute */
    HOOK_SPAWN,  /* its second argument is */
    HOOK_START,  /* its first argument is main() */
    HOOK_ATEXIT, /* its first argument runs at exit */
    HOOK_EXIT,   /* ends the process in order */
};

/* A reached call of one of them. */
struct hook_fact {
    struct context *caller;
    uint64_t at;
    enum hook hook;
    const char *name;         /* NULL: not known */
    struct context *argument; /* HOOK_START and later: what runs then */
};

struct function {
    struct object *object;
    uint64_t address;               /* virtual */
    uint32_t relevant;              /* inputs whose constants matter (bits of deps) */
    struct unit *unit;              /* its code, once interpreted */
    struct function *forward;       /* a call stub: what it jumps to */
    bool examined;                  /* stub is valid */
    uint32_t numbers;               /* those among them that a system-call number or a name needs */
    bool stub;                      /* forward (or nothing, when unresolved) instead of a body */
    bool resolver;                  /* an IFUNC resolver stands in for its results */
    bool data;                      /* no code after all */
    bool called;                    /* not only taken the address of */
    bool whole;                     /* its values are not followed */
    bool twice;                     /* reads its return address: may return twice, like setjmp */
    bool strays;                    /* may return elsewhere than to its caller */
    bool pops;                      /* takes arguments off the stack as it returns */
    uint64_t slot, slot_bound;      /* of a stub, as constants: see struct slot_read */
    VEC(struct context *) contexts; /* [0]: unknown inputs */
    VEC(struct context *) callers;
    uint8_t hook; /* enum hook */
};

struct waiter {
    struct context *caller;
    uint32_t generation;
    uint64_t resume; /* virtual address in the caller; 0: a tail call */
    struct kept_state *state;
};

struct key_item {
    uint8_t input;
    value v;
};

/* A block to be executed, and when. */
struct work_item {
    uint64_t at; /* the lowest first */
    struct block *block;
};

struct context {
    struct node node;
    struct function *function;
    VEC(struct key_item) key;
    VEC(struct call_site) sites;
    uint32_t generation;
    bool queued, running, restart, finished, final;
    bool loose;     /* makes a system call, or passes a number on, that is not known here */
    bool dropped;   /* its states are gone: it starts again when a callee has news */
    bool replayed;  /* from a kept summary */
    bool returns;   /* a return was reached */
    bool published; /* and callers know */
    value result, published_result;
    VEC(struct waiter) waiters;
    VEC(struct context *) waits; /* callees whose return it needs */
    struct unit_states *states;  /* one for each unit that control went through */
    size_t unit_count, recent;   /* recent: asked for last */
    struct work_item *work;      /* a heap */
    size_t work_count, work_room;
    VEC(uint64_t) completed; /* see partial_lost(): constants and unit starts by turns */
    VEC(uint64_t) indirect;  /* addresses of indirect calls that could not be bound */
    struct context_trace *trace;
};

/* A data object, or what lies between two places known to start one. */
struct span {
    struct node node;
    struct object *object;
    uint64_t start, end;
};

struct root {
    struct node node;
    const char *name;
};

/* ---- objects ---- */

/* Arguments of functions that are followed through pointers, and the numbers they may be. */
enum { PASSED_ARGUMENTS = 3, PASSED_NUMBERS = 512 };

/* Code of no known extent in which a jump may lead anywhere, and who follows it. */
struct anchor {
    const struct unit *unit;
    struct context *context;
};

/* What a copy relocation of the program filled: a variable of a library that lives there instead.
 */
struct copied {
    uint64_t address, size;
    const struct object *from;
    uint64_t source; /* in from */
};

struct object {
    VEC(struct anchor) anchors;
    VEC(struct copied) copies;
    struct elf_object *elf;
    uint64_t base; /* added to virtual addresses to make constants */
    struct functions functions;
    struct address_map blocks, units, functions_by_address;
    struct unit *last_unit; /* asked for last */
    VEC(uint64_t) bounds;   /* starts of data objects */
    struct address_map spans;
    struct elf_range got;    /* .got: written by relocation only */
    uint64_t origin;         /* what the large code model measures distances from; 0: unknown */
    uint8_t step;            /* instructions start at multiples of it */
    uint8_t stack_arguments; /* where they begin, from the stack pointer at entry */
    bool prepared, bounded;
    bool go;                  /* all registers are lost over calls */
    bool absolute;            /* addresses are constants in code and data, not all relocated */
    bool self_relocating;     /* the dynamic linker, or a static program */
    bool mixed;               /* read-only data lies among code, as AArch64 linkers leave it */
    bool names_vdso;          /* see vdso.h */
    bool plugin;              /* not part of the initial link map */
    const uint8_t *arguments; /* registers of the first arguments */
    /* Small constants its indirect calls pass, by argument. */
    bool passed[PASSED_ARGUMENTS][PASSED_NUMBERS];
    bool passed_unknown[PASSED_ARGUMENTS]; /* or something not known */
    struct stretch *stretch; /* its code without ranges, where taken as one function */
    unsigned jumps;          /* unknown ones in code without ranges */
    bool beyond;             /* some of its functions are taken whole */
    bool judged;             /* taken is known */
    struct context *taken;   /* it is taken whole: see whole_object.h */
    struct summary *summaries;
};

/* Something that could not be decided, and where. */
struct note {
    struct object *object;
    uint64_t address;
    const char *reason;
    struct context *context;
};

struct limits {
    size_t instructions;    /* decoded, in all: behind that, functions are taken whole */
    size_t work;            /* the same for those executed */
    size_t states;          /* bytes, of contexts that wait for news of their callees */
    size_t contexts;        /* per function that passes on a system-call number */
    size_t branch_contexts; /* per other function */
};

/* Lists of what calls hand over, each kept once (passed.c). */
struct passed_lists {
    VEC(uint32_t) words;
    struct passed_slot {
        uint32_t hash, list;
    } * slots; /* open addressing */
    size_t count, slot_count;
};

struct engine {
    const struct architecture *arch;
    struct diag *diag;
    struct arena *arena;
    const struct linkmap *map;
    struct values values;
    struct shapes shapes;
    struct decoding decoding;
    struct pool pool, edges;      /* of states; of what nodes reach */
    VEC(struct object *) objects; /* as in the map */
    VEC(struct node *) nodes;
    VEC(struct context *) stack, queue;
    size_t queue_head;
    VEC(struct span *) span_work;
    struct limits limits;
    struct passed_lists passed;
    VEC(struct note *) notes;
    struct address_map noted;
    VEC(struct hook_fact) hooks;
    struct guard_facts *guards;    /* guards.c */
    struct summaries *summaries;   /* NULL: none are kept */
    struct context *current;       /* being interpreted, where summaries are kept */
    struct context *main_entry;    /* main(), when found */
    VEC(struct context *) at_exit; /* handlers and exit() itself */
    struct context *rtld_exit; /* what the dynamic linker passes to the program to run at exit */
    size_t decoded, executed;  /* instructions, for -v */
    size_t replayed;           /* contexts */
};

static inline struct node *edge_to(const struct engine *e, const struct edge *edge)
{
    return e->nodes.items[edge->to];
}

/* engine.c */
/* folder: where summaries of functions are kept; NULL: nowhere. */
void engine_init(struct engine *e, struct diag *d, struct arena *a, const struct linkmap *map,
                 const char *folder);
/* Objects added to the map since (plug-ins) become known. */
void engine_add_objects(struct engine *e);
struct object *engine_object_at(const struct engine *e, uint64_t constant);
struct function *engine_function(struct engine *e, struct object *o, uint64_t address);
/* The context with unknown inputs, queued to be run. */
struct context *engine_generic(struct engine *e, struct function *f);
/* Runs a function with unknown inputs first, so that it is known which of them matter; false: it
 * ran, or is running. */
bool engine_try(struct engine *e, struct function *f);
/* A new one that is not run: what it does is added by who asks. */
struct context *engine_finished(struct engine *e, struct function *f);
/* For what a caller passes in the inputs that matter. */
struct context *engine_context(struct engine *e, struct function *f, const value inputs[DEP_COUNT]);
void engine_edge(struct engine *e, struct node *from, uint64_t at, struct node *to,
                 enum edge_kind kind);
/* The same for a call, with what it hands over. */
void engine_call_edge(struct engine *e, struct node *from, uint64_t at, struct node *to,
                      enum edge_kind kind, uint32_t passed);
/* What a call of f goes to, through call stubs; NULL: a slot bound to nothing. */
struct function *engine_call_target(struct engine *e, struct function *f, enum edge_kind *kind);
void engine_caller(struct engine *e, struct function *f, struct context *caller);
struct root *engine_root(struct engine *e, const char *name);
void engine_queue(struct engine *e, struct context *c);
/* Inputs of a context's function matter, for a number or a name (then those of its callers that
 * they are made from matter as well) or for a branch: its callers are run again. */
void engine_require(struct engine *e, struct context *c, uint32_t deps, bool number);
/* A function may return elsewhere than to its caller: its callers are run again. */
void engine_stray(struct engine *e, struct function *f);
void engine_note(struct engine *e, struct context *c, uint64_t at, const char *reason);
void engine_hook(struct engine *e, const struct hook_fact *fact);
/* A number handed to a function through a pointer; PASSED_NUMBERS and more: not known. */
void engine_passed(struct engine *e, struct context *c, unsigned argument, uint64_t number);
/* Runs everything queued to the fixed point. */
void engine_run(struct engine *e);
void engine_wait(struct engine *e, struct context *callee, struct context *caller, uint64_t resume,
                 const struct state *s);

/* memory.c */
/* Code or data at a constant address was formed at `at` of node from. */
void memory_touch(struct engine *e, struct node *from, uint64_t at, uint64_t constant,
                  enum edge_kind kind);
/* The same for the data object around an address. */
void memory_touch_span(struct engine *e, struct node *from, uint64_t at, struct object *o,
                       uint64_t address);
/* Whether no data object begins inside. */
bool memory_in_one_piece(struct engine *e, struct object *o, uint64_t address, uint64_t size);
/* Value of a load of width bytes at a constant address; what it may point to is touched. */
value memory_load(struct engine *e, struct node *from, uint64_t at, uint64_t constant,
                  unsigned width);
/* The pointer in a relocated word. */
bool memory_pointer(struct engine *e, struct object *o, uint64_t address, struct function **target,
                    uint64_t *constant);
/* An immediate of eight bytes that four would hold is, where code was compiled for the large model,
 * the distance of something from the global offset table. */
void memory_touch_distance(struct engine *e, struct node *from, uint64_t at, struct object *o,
                           const struct insn *i);
/* The copied variable around an address; NULL: none. */
const struct copied *memory_copied(const struct object *o, uint64_t address);
/* Finds the copies, once all objects that they may come from are known. */
void memory_find_copies(struct engine *e, struct object *o);
bool memory_is_code(struct object *o, uint64_t address);
bool memory_constant(const struct object *o, uint64_t address);
void memory_run(struct engine *e);

/* whole.c */
/* Whether the code met so far is beyond the bound. */
bool whole_wanted(const struct engine *e);
/* Takes a function whole; false: its values have to be followed. */
bool whole_take(struct engine *e, struct context *c);

/* stretch.c; x86-64 only: addresses in two parts are found by following values only */
/* Notes one more unknown jump; whether there are too many in code without an unwind table. */
bool stretch_wanted(const struct engine *e, struct object *o, uint64_t at);
/* From now on code of an object that no range covers is one function, known by an address. */
void stretch_begin(struct engine *e, struct object *o, uint64_t address);
/* Whether an address is in code that is taken as one function. */
bool stretch_covers(const struct object *o, uint64_t address);
/* Control goes there, or its address was formed: all code from there on is reached. */
void stretch_enter(struct engine *e, struct node *from, uint64_t at, struct object *o,
                   uint64_t address, enum edge_kind kind);
/* Whether a context stands for such code. */
bool stretch_is(const struct context *c);

/* interp.c */
void interp_start(struct engine *e, struct context *c);
/* Executes one block of a context's work list. */
void interp_step(struct engine *e, struct context *c);
/* Control comes back from a callee to a caller with a value. */
void interp_resume(struct engine *e, const struct context *callee, struct waiter *w, value result);
void interp_release(struct engine *e, struct context *c);
void interp_drop(struct engine *e, struct kept_state *kept);
/* At the start of a block what is dead there is left out; NULL: nothing. */
struct kept_state *interp_keep(struct engine *e, const struct state *s, const struct block *b);

#endif
