/* SPDX-License-Identifier: BSD-3-Clause
 * Expressions in unwind tables: call stubs, signal trampolines and hand-written assembly have
 * them. Format: DWARF 5, 2.5 and 7.7.1. */
#include "tracer/unwind.h"

enum {
    DEREF = 0x06,
    CONST_1U = 0x08,
    CONST_1S,
    CONST_2U,
    CONST_2S,
    CONST_4U,
    CONST_4S,
    CONST_8U,
    CONST_8S,
    CONST_U,
    CONST_S,
    DUP,
    DROP,
    OVER,
    PICK,
    SWAP,
    ROT,
    ABS = 0x19,
    AND,
    DIV,
    MINUS,
    MOD,
    MUL,
    NEG,
    NOT,
    OR,
    PLUS,
    PLUS_CONST,
    SHL,
    SHR,
    SHRA,
    XOR,
    BRA,
    EQ,
    GE,
    GT,
    LE,
    LT,
    NE,
    SKIP,
    LIT_0 = 0x30,
    REG_0 = 0x50,
    BREG_0 = 0x70,
    BREG_END = 0x90,
    BREGX = 0x92,
    DEREF_SIZE = 0x94,
    NOP = 0x96,
    STACK = 64,
    STEPS = 1000,
};

struct machine {
    struct dwarf_reader reader;
    const unsigned char *start;
    const uint64_t *registers;
    struct unwind_memory *memory;
    uint64_t stack[STACK];
    unsigned depth;
    bool bad;
};

static void push(struct machine *m, uint64_t value)
{
    if (m->depth == STACK)
        m->bad = true;
    else
        m->stack[m->depth++] = value;
}

static uint64_t pop(struct machine *m)
{
    if (m->depth)
        return m->stack[--m->depth];
    m->bad = true;
    return 0;
}

/* What lies under index others. */
static uint64_t peek(struct machine *m, uint64_t index)
{
    if (index < m->depth)
        return m->stack[m->depth - 1 - index];
    m->bad = true;
    return 0;
}

static void push_register(struct machine *m, uint64_t reg)
{
    int64_t offset = dwarf_signed(&m->reader);
    if (reg >= UNWIND_REGISTERS)
        m->bad = true;
    else
        push(m, m->registers[reg] + (uint64_t)offset);
}

static void dereference(struct machine *m, unsigned size)
{
    uint64_t word = 0;
    if (size > 8 || !unwind_word(m->memory, pop(m), &word))
        m->bad = true;
    push(m, size < 8 ? word & ((1ull << size * 8) - 1) : word);
}

static bool constant(struct machine *m, unsigned op)
{
    struct dwarf_reader *r = &m->reader;
    bool literal = op >= LIT_0 && op < REG_0, fixed = op >= CONST_1U && op <= CONST_8S;
    if (!literal && !fixed && op != CONST_U && op != CONST_S)
        return false;
    unsigned size = fixed ? 1u << (op - CONST_1U) / 2 : 8, unused = 64 - 8 * size;
    uint64_t value = literal         ? op - LIT_0
                     : op == CONST_U ? dwarf_unsigned(r)
                     : op == CONST_S ? (uint64_t)dwarf_signed(r)
                                     : dwarf_fixed(r, size);
    if (fixed && (op - CONST_1U) % 2) /* of those that follow each other every second is signed */
        value = (uint64_t)((int64_t)(value << unused) >> unused);
    push(m, value);
    return true;
}

static bool order(struct machine *m, unsigned op)
{
    switch (op) {
    case DUP:
        push(m, peek(m, 0));
        return true;
    case DROP:
        pop(m);
        return true;
    case OVER:
        push(m, peek(m, 1));
        return true;
    case PICK:
        push(m, peek(m, dwarf_fixed(&m->reader, 1)));
        return true;
    case SWAP:
    case ROT: {
        uint64_t top = pop(m), second = pop(m), third = op == ROT ? pop(m) : 0;
        push(m, top);
        if (op == ROT)
            push(m, third);
        push(m, second);
        return true;
    }
    default:
        return false;
    }
}

static bool unary(struct machine *m, unsigned op)
{
    switch (op) {
    case ABS: {
        uint64_t value = pop(m);
        push(m, (int64_t)value < 0 ? 0 - value : value);
        return true;
    }
    case NEG:
        push(m, 0 - pop(m));
        return true;
    case NOT:
        push(m, ~pop(m));
        return true;
    case PLUS_CONST:
        push(m, pop(m) + dwarf_unsigned(&m->reader));
        return true;
    case DEREF:
        dereference(m, 8);
        return true;
    case DEREF_SIZE:
        dereference(m, (unsigned)dwarf_fixed(&m->reader, 1));
        return true;
    default:
        return op == NOP;
    }
}

static uint64_t shifted(unsigned op, uint64_t value, uint64_t by)
{
    if (op == SHRA)
        return (uint64_t)((int64_t)value >> (by > 63 ? 63 : by));
    if (by > 63)
        return 0;
    return op == SHL ? value << by : value >> by;
}

static bool compared(unsigned op, int64_t a, int64_t b)
{
    switch (op) {
    case EQ:
        return a == b;
    case GE:
        return a >= b;
    case GT:
        return a > b;
    case LE:
        return a <= b;
    case LT:
        return a < b;
    default:
        return a != b;
    }
}

static bool two_operands(struct machine *m, unsigned op)
{
    bool compares = op >= EQ && op <= NE;
    if (!compares && (op < AND || op > XOR || op == NEG || op == NOT || op == PLUS_CONST))
        return false;
    uint64_t b = pop(m), a = pop(m);
    m->bad |= (op == DIV || op == MOD) && !b;
    if (m->bad)
        return true;
    switch (op) {
    case AND:
        push(m, a & b);
        break;
    case OR:
        push(m, a | b);
        break;
    case XOR:
        push(m, a ^ b);
        break;
    case PLUS:
        push(m, a + b);
        break;
    case MINUS:
        push(m, a - b);
        break;
    case MUL:
        push(m, a * b);
        break;
    case DIV: /* the smallest by -1 has no quotient */
        push(m, b == ~0ull ? 0 - a : (uint64_t)((int64_t)a / (int64_t)b));
        break;
    case MOD:
        push(m, a % b);
        break;
    default:
        push(m, compares ? compared(op, (int64_t)a, (int64_t)b) : shifted(op, a, b));
        break;
    }
    return true;
}

static bool jump(struct machine *m, unsigned op)
{
    if (op != BRA && op != SKIP)
        return false;
    int16_t distance = (int16_t)dwarf_fixed(&m->reader, 2);
    if (op == BRA && !pop(m))
        return true;
    struct dwarf_reader *r = &m->reader;
    if (distance < m->start - r->at || distance > r->end - r->at)
        m->bad = true;
    else
        r->at += distance;
    return true;
}

bool unwind_evaluate(struct piece expression, const uint64_t *registers, uint64_t first,
                     struct unwind_memory *memory, uint64_t *out)
{
    struct machine m = {.reader = reader_of(expression, 0),
                        .start = expression.data,
                        .registers = registers,
                        .memory = memory};
    push(&m, first);
    for (unsigned steps = 0; m.reader.at < m.reader.end && !m.bad && !m.reader.bad; steps++) {
        unsigned op = (unsigned)dwarf_fixed(&m.reader, 1);
        if (op >= BREG_0 && op < BREG_END)
            push_register(&m, op - BREG_0);
        else if (op == BREGX)
            push_register(&m, dwarf_unsigned(&m.reader));
        else if (steps == STEPS || !(constant(&m, op) || order(&m, op) || unary(&m, op) ||
                                     two_operands(&m, op) || jump(&m, op)))
            return false;
    }
    *out = pop(&m);
    return !m.bad && !m.reader.bad;
}
