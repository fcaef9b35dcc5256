/* SPDX-License-Identifier: BSD-3-Clause
 * Runs the program of a frame description up to an address: where the caller's registers are found
 * there. Format: DWARF 5, 6.4.2; LSB Core for the GNU additions. */
#include "tracer/unwind.h"

enum {
    ADVANCE = 0x40, /* the high two bits; the rest is an operand */
    OFFSET = 0x80,
    RESTORE = 0xc0,
    SET_LOC = 0x01,
    ADVANCE_1,
    ADVANCE_2,
    ADVANCE_4,
    OFFSET_EXTENDED,
    RESTORE_EXTENDED,
    UNDEFINED,
    SAME_VALUE,
    REGISTER,
    REMEMBER,
    RECALL,
    DEF_CFA,
    DEF_CFA_REGISTER,
    DEF_CFA_OFFSET,
    DEF_CFA_EXPRESSION,
    EXPRESSION,
    OFFSET_EXTENDED_SF,
    DEF_CFA_SF,
    DEF_CFA_OFFSET_SF,
    VAL_OFFSET,
    VAL_OFFSET_SF,
    VAL_EXPRESSION,
    GNU_ARGS_SIZE = 0x2e,
    GNU_NEGATIVE_OFFSET = 0x2f,
    REMEMBERED = 16,
};

struct run {
    const struct cie *cie;
    struct dwarf_reader reader;
    uint64_t location, until;
    struct unwind_rules now, initial, kept[REMEMBERED];
    unsigned depth;
};

static void set(struct run *run, uint64_t reg, struct rule rule)
{
    if (reg < UNWIND_REGISTERS) /* others hold nothing that leads to a caller */
        run->now.registers[reg] = rule;
}

static struct rule offset_rule(const struct run *run, int kind, int64_t factored)
{
    return (struct rule){.kind = kind, .offset = factored * run->cie->data_step};
}

static void restore(struct run *run, uint64_t reg)
{
    if (reg < UNWIND_REGISTERS)
        run->now.registers[reg] = run->initial.registers[reg];
}

static void advance(struct run *run, uint64_t steps)
{
    run->location += steps * run->cie->code_step;
}

static struct piece block(struct dwarf_reader *r)
{
    return reader_piece(r, dwarf_unsigned(r));
}

/* What changes how the frame's own address is found; false: it is none of these. */
static bool run_cfa(struct run *run, unsigned op)
{
    struct dwarf_reader *r = &run->reader;
    struct rule *cfa = &run->now.cfa;
    switch (op) {
    case DEF_CFA:
    case DEF_CFA_SF:
        *cfa = (struct rule){.kind = RULE_REGISTER, .reg = (unsigned)dwarf_unsigned(r)};
        cfa->offset =
            op == DEF_CFA ? (int64_t)dwarf_unsigned(r) : dwarf_signed(r) * run->cie->data_step;
        return true;
    case DEF_CFA_REGISTER:
        cfa->kind = RULE_REGISTER;
        cfa->reg = (unsigned)dwarf_unsigned(r);
        return true;
    case DEF_CFA_OFFSET:
        cfa->offset = (int64_t)dwarf_unsigned(r);
        return true;
    case DEF_CFA_OFFSET_SF:
        cfa->offset = dwarf_signed(r) * run->cie->data_step;
        return true;
    case DEF_CFA_EXPRESSION:
        *cfa = (struct rule){.kind = RULE_IS_RESULT, .expression = block(r)};
        return true;
    default:
        return false;
    }
}

static bool run_state(struct run *run, unsigned op)
{
    switch (op) {
    case 0:
        return true;
    case SET_LOC:
        run->location = dwarf_pointer(&run->reader, run->cie->encoding, 0);
        return true;
    case ADVANCE_1:
        advance(run, dwarf_fixed(&run->reader, 1));
        return true;
    case ADVANCE_2:
        advance(run, dwarf_fixed(&run->reader, 2));
        return true;
    case ADVANCE_4:
        advance(run, dwarf_fixed(&run->reader, 4));
        return true;
    case REMEMBER:
        run->reader.bad |= run->depth == REMEMBERED;
        if (!run->reader.bad)
            run->kept[run->depth++] = run->now;
        return true;
    case RECALL:
        run->reader.bad |= !run->depth;
        if (!run->reader.bad)
            run->now = run->kept[--run->depth];
        return true;
    case GNU_ARGS_SIZE:
        dwarf_unsigned(&run->reader);
        return true;
    default:
        return false;
    }
}

static bool run_register(struct run *run, unsigned op)
{
    struct dwarf_reader *r = &run->reader;
    uint64_t reg = dwarf_unsigned(r);
    switch (op) {
    case OFFSET_EXTENDED:
        set(run, reg, offset_rule(run, RULE_AT, (int64_t)dwarf_unsigned(r)));
        return true;
    case OFFSET_EXTENDED_SF:
        set(run, reg, offset_rule(run, RULE_AT, dwarf_signed(r)));
        return true;
    case GNU_NEGATIVE_OFFSET:
        set(run, reg, offset_rule(run, RULE_AT, -(int64_t)dwarf_unsigned(r)));
        return true;
    case VAL_OFFSET:
        set(run, reg, offset_rule(run, RULE_IS, (int64_t)dwarf_unsigned(r)));
        return true;
    case VAL_OFFSET_SF:
        set(run, reg, offset_rule(run, RULE_IS, dwarf_signed(r)));
        return true;
    case RESTORE_EXTENDED:
        restore(run, reg);
        return true;
    case UNDEFINED:
        set(run, reg, (struct rule){.kind = RULE_UNDEFINED});
        return true;
    case SAME_VALUE:
        set(run, reg, (struct rule){.kind = RULE_SAME});
        return true;
    case REGISTER:
        set(run, reg, (struct rule){.kind = RULE_REGISTER, .reg = (unsigned)dwarf_unsigned(r)});
        return true;
    case EXPRESSION:
        set(run, reg, (struct rule){.kind = RULE_AT_RESULT, .expression = block(r)});
        return true;
    case VAL_EXPRESSION:
        set(run, reg, (struct rule){.kind = RULE_IS_RESULT, .expression = block(r)});
        return true;
    default:
        return false;
    }
}

/* Runs until the address is passed; false: something is not understood. */
static bool run_program(struct run *run, struct piece program)
{
    run->reader = reader_of(program, 0);
    struct dwarf_reader *r = &run->reader;
    while (r->at < r->end && !r->bad) {
        unsigned op = (unsigned)dwarf_fixed(r, 1), low = op & 0x3f;
        switch (op & 0xc0) {
        case ADVANCE:
            advance(run, low);
            break;
        case OFFSET:
            set(run, low, offset_rule(run, RULE_AT, (int64_t)dwarf_unsigned(r)));
            break;
        case RESTORE:
            restore(run, low);
            break;
        default:
            if (!run_state(run, op) && !run_cfa(run, op) && !run_register(run, op))
                return false;
            break;
        }
        if (run->location > run->until)
            break;
    }
    return !r->bad;
}

bool unwind_rules_at(struct arena *a, struct binary *binary, uint64_t address,
                     struct unwind_rules *out)
{
    struct fde fde;
    if (!unwind_find(a, binary, address, &fde))
        return false;
    struct run run; /* not all of it is used, and it is large */
    run.cie = &fde.cie;
    run.location = run.depth = 0;
    run.until = address;
    run.now = run.initial = (struct unwind_rules){.cfa = {.kind = RULE_UNDEFINED}};
    run.now.registers[DWARF_RSP] = (struct rule){.kind = RULE_IS};
    run.now.registers[DWARF_RIP] = (struct rule){.kind = RULE_UNDEFINED};
    if (!run_program(&run, fde.cie.program))
        return false;
    run.initial = run.now;
    run.location = fde.start;
    if (!run_program(&run, fde.program))
        return false;
    *out = run.now;
    out->signal = fde.cie.signal;
    return true;
}
