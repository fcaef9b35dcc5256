/* SPDX-License-Identifier: BSD-3-Clause
 * Private to interp*.c: abstract machine states and the work on one basic block. */
#ifndef ANALYZER_INTERP_H
#define ANALYZER_INTERP_H

#include "analyzer/engine.h"

enum { SLOT_LIMIT = 28 };

struct slot {
    int32_t offset; /* from the stack pointer at entry */
    uint32_t width;
    value v;
};

/* What the flags were last set from. */
struct flags {
    uint8_t op; /* OP_CMP: a - b; OP_TEST: a & b; OP_ADD: the result a, for equality only; 0 */
    uint8_t width;
    uint8_t reg;  /* register that holds a, or REG_NONE */
    bool on_slot; /* a is the stack slot at offset */
    int32_t slot;
    value a, b;
};

/* The low width bytes of a register are at most max. */
struct bound {
    uint8_t reg, width; /* REG_NONE: no bound */
    uint64_t max;
};

struct state {
    struct flags flags;
    struct bound bound;
    uint16_t slots;
    bool escaped; /* the address of some slot is known elsewhere */
    bool lost;    /* stack offsets are no longer comparable: slots are not followed */
    bool written; /* memory that callers may point at may have changed since entry */
    bool unsure;  /* slots were forgotten: what is not followed may have been written */
    bool deeper;  /* the stack pointer, where unknown, is still in this function's frame */
    value reg[REG_LIMIT];
    struct slot slot[SLOT_LIMIT];
};

/* A state that outlives the work on its block, without what its architecture and its slots leave
 * unused; on the heap. */
struct kept_state;

/* A block being executed. */
struct run {
    struct engine *e;
    struct context *c;
    struct object *o;
    struct state s;
    struct block *block;
    const struct ir *ir;
    bool dead; /* the last instruction does not go on */
};

struct block_state {
    struct kept_state *in; /* NULL: not reached */
    uint16_t visits;
    bool queued;
};

/* The blocks of one unit, by their numbers. */
struct unit_states {
    struct unit *unit;
    struct block_state *items;
    size_t count;
    struct kept_state *anywhere; /* with which an unknown jump went to all of them */
};

/* interp_execute.c: what an instruction does to the state, but for transfers of control. */
void interp_execute(struct run *r);

/* interp_state.c */
void state_restore(const struct engine *e, const struct kept_state *kept, struct state *s);
void state_copy(struct state *to, const struct state *from);
bool state_holds(const struct engine *e, const struct kept_state *kept, const struct state *from,
                 const struct block *b);
/* The same as dropping a kept state and keeping another. */
struct kept_state *state_replace(struct engine *e, struct kept_state *kept, const struct state *s,
                                 const struct block *b);
/* Joins from into *into, the state at the start of a block; true when that changed it. */
bool state_join(struct engine *e, struct state *into, const struct state *from,
                const struct block *b, bool widen);
/* The same for a kept one, which may move. */
bool state_join_kept(struct engine *e, struct kept_state **kept, const struct state *from,
                     const struct block *b, bool widen);
void state_entry(struct engine *e, struct state *s, const struct context *c);
void state_set(struct run *r, unsigned reg, value v);
/* What was known of the registers of a mask holds no more. */
void state_lose(struct run *r, uint32_t registers);
value state_slot(struct run *r, int64_t offset, unsigned width);
/* False when the slot is not followed: the value is elsewhere from now on. */
bool state_store(struct run *r, int64_t offset, unsigned width, value v);
/* Whether a slot holds the address of another: any, or one of those at offset. */
bool state_holds_stack(const struct run *r);
bool state_holds_address(const struct run *r, int64_t offset, unsigned width);
/* Everything that others may have written is forgotten. */
void state_forget(struct engine *e, struct context *c, uint64_t at, struct state *s);

/* interp_branch.c */
/* Condition codes (low four bits of jcc, setcc and cmovcc opcodes), the odd one negated. */
enum { CC_O = 0, CC_B = 2, CC_E = 4, CC_BE = 6, CC_S = 8, CC_P = 10, CC_L = 12, CC_LE = 14 };
enum { BRANCH_NEVER = 1, BRANCH_ALWAYS = 2, BRANCH_BOTH = 3 };
/* Whether a condition holds: a mask, BRANCH_ALWAYS for taken. */
unsigned branch_decide(const struct run *r, unsigned condition);
/* Narrows what was compared, knowing the condition's outcome; false when that cannot be. */
bool branch_refine(struct run *r, unsigned condition, bool taken);

/* interp_aarch64.c */
/* Executes what only AArch64 has. */
void execute_aarch64(struct run *r);
void write_back(struct run *r);
/* Compares a register as a branch wants it, for branch_decide() and branch_refine(). */
void compare_register(struct run *r);
/* A value is no longer followed, where it may be the first part of an address: what the function's
 * code could have completed it to is taken as reached. */
void partial_lost(struct engine *e, struct context *c, uint64_t at, value v);

/* interp.c */
void flags_clear(struct run *r);
void flags_set(struct run *r, unsigned op, value a, value b);
/* The address of code or data was formed, unless it is a label of the function itself. */
void address_formed(struct run *r, value v);
void execute_load_or_move(struct run *r);

/* interp_operand.c */
value operand_address(struct run *r);
value operand_load(struct run *r, unsigned width);
/* Into a vector register: addresses of slots are not followed there. */
void operand_load_wide(struct run *r, unsigned width);
value operand_source(struct run *r);
void operand_write(struct run *r, value v);
value operand_read_destination(struct run *r);
/* A value leaves for memory or a callee: what it points to may be reached from there. */
void operand_escape(struct run *r, value v);
/* A pointer to code is kept in memory: it may outlive the code that formed it. */
void operand_keep_code(struct run *r, value v, bool on_stack);
/* A code address leaves where it was made. */
void operand_pass_code(struct run *r, value v, enum edge_kind kind);

/* interp.c */
/* The block is executed once more later: it waits for something to be found out. */
void interp_again(struct run *r);
/* The unit of the instruction at hand; where no range tells, that of its block. */
struct unit *interp_unit(struct run *r);
/* Control goes to every block of the unit at hand; what went there before does so only once. */
void interp_flow_anywhere(struct run *r);
/* Control goes on from the instruction at hand with a state. */
void interp_flow(struct run *r, const struct state *s, uint64_t to);
/* Control comes from outside: at the start, or back from a callee. */
void interp_enter(struct engine *e, struct context *c, const struct state *s, uint64_t at);

/* interp_call.c */
void call_direct(struct run *r, uint64_t constant, uint64_t resume, enum edge_kind kind);
void call_function(struct run *r, struct function *f, uint64_t resume, enum edge_kind kind);
void call_indirect(struct run *r, uint64_t resume);
void jump_indirect(struct run *r);
void jump_direct(struct run *r, uint64_t target);
/* To a constant, in whatever object that is. */
void jump_to(struct run *r, uint64_t constant);
/* To a place that is not known, which may be a function. */
void jump_unknown(struct run *r, bool function);
void system_call(struct run *r);

/* interp_return.c */
void return_from(struct run *r);

#endif
