/* SPDX-License-Identifier: BSD-3-Clause
 * Transfers between functions, jump tables, and entries into the kernel. */
#include "analyzer/arguments.h"
#include "analyzer/interp.h"
#include <elf.h>
#include <stdlib.h>

enum { ALL_INPUTS = (1 << DEP_COUNT) - 1 };
enum { TABLE_LIMIT = 4096, TABLE_RECENT = 32, NUMBERS_LIMIT = 512, GO_OUTGOING = 7 * 8 };

static bool at_entry_depth(const struct run *r)
{
    const struct value_data *d = value_get(&r->e->values, r->s.reg[r->e->arch->sp]);
    return d->kind != VK_STACK || d->first == 0;
}

/* The value a callee finds in an input, or anything. */
static value input_value(struct run *r, unsigned input, bool tail)
{
    if (input < DEP_STACK)
        return r->s.reg[input];
    const struct value_data *d = value_get(&r->e->values, r->s.reg[r->e->arch->sp]);
    if (d->kind != VK_STACK)
        return VALUE_TOP;
    /* A return address is still to be pushed, or stands there already. */
    int64_t pushed = r->e->arch->link == REG_NONE ? 8 : 0;
    int64_t offset =
        d->first + r->o->stack_arguments - (tail ? 0 : pushed) + 8 * (int64_t)(input - DEP_STACK);
    return state_slot(r, offset, 8);
}

/* The constants among the inputs a function cares about. Inputs made from this function's own make
 * those matter too, which more may be then when it calls itself. */
static void gather_inputs(struct run *r, const struct function *f, bool tail,
                          value inputs[DEP_COUNT])
{
    uint32_t wanted = 0;
    for (unsigned i = 0; i < DEP_COUNT; i++)
        inputs[i] = VALUE_TOP;
    for (uint32_t relevant = f->relevant; relevant; relevant &= relevant - 1) {
        unsigned i = (unsigned)__builtin_ctz(relevant);
        value v = input_value(r, i, tail);
        const struct value_data *d = value_get(&r->e->values, v);
        if (d->kind == VK_CONST)
            inputs[i] = v;
        if (f->numbers >> i & 1) {
            wanted |= d->deps;
            r->c->loose = r->c->loose || (d->kind != VK_CONST && !(d->deps & ALL_INPUTS));
        }
    }
    if (wanted)
        engine_require(r->e, r->c, wanted, true);
}

/* Go's callees write results and spilled arguments into the lowest words of their caller's frame.
 */
static void forget_outgoing(struct run *r)
{
    struct state *s = &r->s;
    const struct value_data *d = value_get(&r->e->values, s->reg[r->e->arch->sp]);
    unsigned kept = 0;
    for (unsigned i = 0; i < s->slots; i++)
        if (d->kind == VK_STACK &&
            (s->slot[i].offset < d->first || s->slot[i].offset >= d->first + GO_OUTGOING))
            s->slot[kept++] = s->slot[i];
    s->slots = (uint16_t)kept;
}

static void clobber_for_call(struct run *r)
{
    const struct architecture *arch = r->e->arch;
    uint32_t lost = r->o->go ? ~(1u << arch->sp) : arch->lost_over_calls;
    state_lose(r, lost);
    if (r->o->go)
        forget_outgoing(r);
    r->s.flags.op = 0;
    r->s.flags.reg = REG_NONE;
    r->s.flags.on_slot = false;
    r->s.written = true;
    if (r->s.escaped)
        state_forget(r->e, r->c, r->ir->at, &r->s);
}

static void escape_arguments(struct run *r)
{
    const struct architecture *arch = r->e->arch;
    uint32_t passed = arch->passed;
    if (r->o->go)
        passed |= arch->lost_over_calls | (arch->machine == EM_X86_64 ? 1u << REG_BX : 0);
    passed &= architecture_registers(arch);
    for (; passed; passed &= passed - 1) {
        value v = r->s.reg[__builtin_ctz(passed)];
        operand_escape(r, v);
        operand_pass_code(r, v, EDGE_ADDRESS);
    }
    /* Arguments on the stack hand over what they point at as well. */
    r->s.escaped = r->s.escaped || state_holds_stack(r);
}

/* Where a call may throw, control may also reach its landing pad, with the frame intact. */
static void flow_landing_pads(struct run *r)
{
    struct unit *u = interp_unit(r);
    vec_each (pad, &u->pads) {
        if (r->ir->at < pad->start || r->ir->at >= pad->end)
            continue;
        struct state kept;
        state_copy(&kept, &r->s);
        state_lose(r, 1u << r->e->arch->pad_registers[0] | 1u << r->e->arch->pad_registers[1]);
        interp_flow(r, &r->s, pad->pad);
        state_copy(&r->s, &kept);
    }
}

/* Whether a call is the last instruction of its function, with the frame still there: compilers
 * put only calls there that do not return. */
static bool ends_function(const struct run *r, uint64_t resume)
{
    const struct value_data *sp = value_get(&r->e->values, r->s.reg[r->e->arch->sp]);
    if (!resume || !r->o->functions.unwind || sp->kind != VK_STACK || sp->first >= 0)
        return false;
    if (r->block->last_call == LAST_UNKNOWN) {
        const struct function_range *range = functions_at(&r->o->functions, r->ir->at);
        r->block->last_call = range && range->end == resume ? LAST_YES : LAST_NO;
    }
    return r->block->last_call == LAST_YES;
}

static void tail_return(struct run *r)
{
    r->c->returns = true;
    r->c->result = VALUE_TOP;
}

/* Numbers that a call through a pointer passes. */
static void note_passed(struct run *r)
{
    for (unsigned k = 0; k < PASSED_ARGUMENTS; k++) {
        const struct value_data *d = value_get(&r->e->values, r->s.reg[r->e->arch->arguments[k]]);
        if (d->kind != VK_CONST)
            engine_passed(r->e, r->c, k, PASSED_NUMBERS);
        for (unsigned i = 0; d->kind == VK_CONST && i < d->count; i++)
            if (d->all[i] >= 0 && d->all[i] < PASSED_NUMBERS)
                engine_passed(r->e, r->c, k, (uint64_t)d->all[i]);
    }
}

/* Goes on behind a call of something unknown. */
static void call_unknown(struct run *r, uint64_t resume)
{
    vec_push(r->e->arena, &r->c->indirect, r->ir->at);
    if (!resume) {
        tail_return(r);
        return;
    }
    escape_arguments(r);
    clobber_for_call(r);
    flow_landing_pads(r);
    if (!ends_function(r, resume))
        interp_flow(r, &r->s, resume);
}

/* The code whose address is the first argument. */
static struct context *code_argument(struct run *r)
{
    int64_t constant = 0;
    if (!value_single(&r->e->values, r->s.reg[r->e->arch->arguments[0]], &constant))
        return NULL;
    struct object *o = engine_object_at(r->e, (uint64_t)constant);
    if (!o || !memory_is_code(o, (uint64_t)constant - o->base))
        return NULL;
    return engine_generic(r->e, engine_function(r->e, o, (uint64_t)constant - o->base));
}

static void note_lifetime(struct run *r, const struct function *f, struct context *callee)
{
    struct context *argument = f->hook == HOOK_EXIT ? callee : code_argument(r);
    if (argument)
        engine_hook(r->e, &(struct hook_fact){r->c, r->ir->at, (enum hook)f->hook, NULL, argument});
}

/* A call of dlopen(), dlsym(), execve() and their kin: the name, where it is a constant. */
static void note_hook(struct run *r, const struct function *f, struct context *callee)
{
    struct engine *e = r->e;
    if (f->hook >= HOOK_START) {
        note_lifetime(r, f, callee);
        return;
    }
    bool executes = f->hook == HOOK_EXEC || f->hook == HOOK_SPAWN;
    bool second = f->hook == HOOK_DLSYM || f->hook == HOOK_SPAWN;
    const struct value_data *d = value_get(&e->values, r->s.reg[e->arch->arguments[second]]);
    unsigned count = d->kind == VK_CONST ? d->count : 1;
    if (d->kind != VK_CONST && executes)
        return;
    if (d->kind != VK_CONST && d->deps)
        engine_require(e, r->c, d->deps, true);
    for (unsigned i = 0; i < count; i++) {
        const char *name = NULL;
        if (d->kind == VK_CONST) {
            struct object *o = engine_object_at(e, (uint64_t)d->all[i]);
            name = o ? elf_string(o->elf, (uint64_t)d->all[i] - o->base) : NULL;
            if (!d->all[i] && f->hook == HOOK_DLOPEN)
                continue; /* the program itself */
        }
        engine_hook(e, &(struct hook_fact){r->c, r->ir->at, (enum hook)f->hook, name, NULL});
    }
}

void call_function(struct run *r, struct function *f, uint64_t resume, enum edge_kind kind)
{
    struct engine *e = r->e;
    f = engine_call_target(e, f, &kind);
    if (!f || f->resolver) {
        if (f)
            engine_edge(e, &r->c->node, r->ir->at, &engine_generic(e, f)->node, kind);
        call_unknown(r, resume);
        return;
    }
    if (engine_try(e, f)) {
        interp_again(r);
        return;
    }
    value inputs[DEP_COUNT];
    uint32_t passed = passed_to_function(r, resume == 0);
    escape_arguments(r);
    gather_inputs(r, f, resume == 0, inputs);
    struct context *callee = engine_context(e, f, inputs);
    engine_call_edge(e, &r->c->node, r->ir->at, &callee->node, kind, passed);
    engine_caller(e, f, r->c);
    if (!r->e->main_entry && r->o == r->e->objects.items[0] &&
        r->c->function->address == r->o->elf->entry)
        r->e->main_entry = code_argument(r);
    if (f->hook)
        note_hook(r, f, callee);
    bool last = ends_function(r, resume);
    clobber_for_call(r);
    if (resume)
        flow_landing_pads(r);
    if (last && !callee->generation)
        engine_queue(e, callee);
    if (!last)
        engine_wait(e, callee, r->c, resume, &r->s);
}

/* What a call leaves its callee to return to. */
static void keep_counter(struct run *r, int64_t constant)
{
    const struct architecture *arch = r->e->arch;
    struct values *v = &r->e->values;
    if (arch->link != REG_NONE) {
        state_set(r, arch->link, value_const(v, constant));
        return;
    }
    state_set(r, arch->sp, value_binary(v, OP_SUB, r->s.reg[arch->sp], value_const(v, 8), 8));
    const struct value_data *sp = value_get(v, r->s.reg[arch->sp]);
    if (sp->kind == VK_STACK)
        state_store(r, sp->first, 8, value_const(v, constant));
}

/* A label of the same function that uses its return address otherwise than to return to it goes on
 * knowing what the call has pushed. */
static void call_label(struct run *r, const struct function *f, uint64_t resume)
{
    const struct unit *u = interp_unit(r);
    if (f->object != r->o || f->address <= u->start || f->address >= u->end)
        return;
    struct state kept;
    state_copy(&kept, &r->s);
    keep_counter(r, (int64_t)(r->o->base + resume));
    interp_flow(r, &r->s, f->address);
    state_copy(&r->s, &kept);
}

void call_direct(struct run *r, uint64_t constant, uint64_t resume, enum edge_kind kind)
{
    struct object *o = engine_object_at(r->e, constant);
    struct function *f = o && elf_executable_at(o->elf, constant - o->base)
                             ? engine_function(r->e, o, constant - o->base)
                             : NULL;
    /* `call` of the next instruction reads the program counter. */
    if (f && resume && constant == r->o->base + resume) {
        keep_counter(r, (int64_t)constant);
        interp_flow(r, &r->s, resume);
        return;
    }
    if (f && resume && f->strays)
        call_label(r, f, resume);
    if (f)
        call_function(r, f, resume, kind);
    else
        call_unknown(r, resume);
}

/* The pointer in the memory operand of an indirect call or jump, when it is a fixed slot. */
static bool slot_target(struct run *r, struct function **f, value *v)
{
    *f = NULL;
    *v = VALUE_TOP;
    if (r->ir->i.src_kind != OPERAND_MEM) {
        *v = operand_source(r);
        return false;
    }
    int64_t constant = 0;
    value address = operand_address(r);
    if (!value_single(&r->e->values, address, &constant)) {
        *v = operand_load(r, 8);
        return false;
    }
    struct object *o = engine_object_at(r->e, (uint64_t)constant);
    if (!o)
        return false;
    uint64_t place = (uint64_t)constant - o->base, pointer = 0;
    const struct elf_relocation *reloc = elf_relocation_at(o->elf, place);
    bool fixed =
        memory_constant(o, place) || (reloc && (reloc->plt || reloc->type == r->e->arch->glob_dat));
    if (fixed && memory_pointer(r->e, o, place, f, &pointer))
        return *f != NULL;
    *v = operand_load(r, 8);
    return false;
}

/* Entry i of a jump table, as a constant; false past its end. */
static bool table_entry(struct run *r, const struct value_data *d, int64_t start, uint64_t i,
                        uint64_t *target)
{
    struct object *o = engine_object_at(r->e, (uint64_t)start);
    uint64_t place = (uint64_t)start + i * d->width, raw = 0;
    if (!o || !elf_segment_at(o->elf, place - o->base))
        return false;
    if (d->width == 8) {
        struct function *f = NULL;
        return memory_pointer(r->e, o, place - o->base, &f, target) && !d->base;
    }
    if (!elf_word(o->elf, place - o->base, d->width, &raw))
        return false;
    unsigned shift = 64 - 8 * d->width;
    if (d->sign & 1)
        raw = (uint64_t)((int64_t)(raw << shift) >> shift);
    *target = (raw << d->sign / 2) + (uint64_t)d->base;
    return true;
}

/* Functions in a table of distances from one place. */
static void touch_targets(struct run *r, const struct value_data *d)
{
    bool bounded = d->max < TABLE_LIMIT;
    for (unsigned k = 0; k < d->count; k++)
        for (uint64_t i = 0; i < TABLE_LIMIT && (!bounded || i <= d->max); i++) {
            uint64_t target = 0;
            struct object *o = NULL;
            if (table_entry(r, d, d->all[k], i, &target))
                o = engine_object_at(r->e, target);
            if (!o || !memory_is_code(o, target - o->base))
                break;
            memory_touch(r->e, &r->c->node, r->ir->at, target, EDGE_ADDRESS);
        }
}

void call_indirect(struct run *r, uint64_t resume)
{
    struct function *f = NULL;
    value v = VALUE_TOP;
    if (slot_target(r, &f, &v)) {
        call_function(r, f, resume, EDGE_SLOT);
        return;
    }
    const struct value_data *d = value_get(&r->e->values, v);
    if (d->kind == VK_TARGETS)
        touch_targets(r, d);
    if (d->kind != VK_CONST) {
        note_passed(r);
        call_unknown(r, resume);
        return;
    }
    struct state before = r->s;
    for (unsigned i = 0; i < d->count; i++) {
        r->s = before;
        if (d->all[i]) /* a weak symbol nothing defines is not called */
            call_direct(r, (uint64_t)d->all[i], resume, EDGE_VALUE);
    }
}

/* Whether a jump goes to a call stub that would be taken for code of its own: AArch64's read their
 * slot as other code reads an address, and unwind tables leave them out. */
static bool jumps_to_stub(struct run *r, uint64_t target)
{
    enum edge_kind kind = EDGE_CALL;
    if (!r->e->arch->partial || !elf_executable_at(r->o->elf, target))
        return false;
    struct function *f = engine_function(r->e, r->o, target);
    engine_call_target(r->e, f, &kind);
    return f->stub;
}

void jump_direct(struct run *r, uint64_t target)
{
    const struct unit *u = r->c->function->unit;
    if (target >= u->start && target < u->end) {
        interp_flow(r, &r->s, target);
        return;
    }
    const struct function_range *range = functions_at(&r->o->functions, target);
    if (at_entry_depth(r) && ((range && range->start == target) || jumps_to_stub(r, target)))
        call_direct(r, r->o->base + target, 0, EDGE_CALL);
    else
        interp_flow(r, &r->s, target);
}

/* The targets of a table, each once or a few times; how many. */
static size_t table_targets(struct run *r, const struct value_data *d, int64_t start,
                            uint64_t targets[TABLE_LIMIT])
{
    struct unit *u = interp_unit(r);
    /* The range of a narrow index is no bound of the table. */
    bool bounded = d->max < TABLE_LIMIT && d->max != UINT8_MAX;
    uint64_t recent[TABLE_RECENT] = {0};
    size_t count = 0;
    for (uint64_t i = 0; i < TABLE_LIMIT && (!bounded || i <= d->max); i++) {
        uint64_t target = 0;
        if (!table_entry(r, d, start, i, &target))
            break;
        target -= r->o->base;
        uint64_t *same = &recent[target % TABLE_RECENT];
        if (*same == target)
            continue; /* most entries of many tables are that of the default case */
        bool inside =
            target >= u->start && target < u->end && object_is_boundary(r->e, r->o, u, target);
        if (!inside && (!bounded || !elf_executable_at(r->o->elf, target))) {
            if (!bounded)
                break;
            continue;
        }
        *same = target;
        targets[count++] = target;
    }
    return count;
}

static bool one_jump_table(struct run *r, const struct value_data *d, int64_t start)
{
    uint64_t targets[TABLE_LIMIT];
    size_t count = table_targets(r, d, start, targets);
    object_blocks(r->e, r->o, interp_unit(r), targets, count, r->block);
    for (size_t i = 0; i < count; i++)
        interp_flow(r, &r->s, targets[i]);
    return count > 0;
}

static bool jump_table(struct run *r, const struct value_data *d)
{
    bool any = false;
    for (unsigned i = 0; i < d->count; i++)
        any = one_jump_table(r, d, d->all[i]) || any;
    return any;
}

/* A jump inside the function to a place that could not be found out: everything in it may run. */
static void jump_anywhere(struct run *r)
{
    engine_note(r->e, r->c, r->ir->at, "indirect jump: all of the function is taken as reached");
    for (unsigned reg = 0; reg < r->e->arch->registers; reg++)
        if (reg != r->e->arch->sp)
            partial_lost(r->e, r->c, r->ir->at, r->s.reg[reg]);
    state_lose(r, ~(1u << r->e->arch->sp));
    r->s.escaped = true;
    state_forget(r->e, r->c, r->ir->at, &r->s);
    r->s.flags.op = 0;
    r->s.flags.reg = REG_NONE;
    interp_flow_anywhere(r);
}

/* The dynamic linker enters the program with what to run at exit in a register (System V ABI). */
static void note_exit_handler(struct run *r)
{
    int64_t constant = 0;
    if (r->e->map->interpreter >= r->e->objects.count ||
        r->o != r->e->objects.items[r->e->map->interpreter] ||
        r->c->function->address != r->o->elf->entry ||
        !value_single(&r->e->values, r->s.reg[r->e->arch->exit_handler], &constant))
        return;
    struct object *o = engine_object_at(r->e, (uint64_t)constant);
    if (o && memory_is_code(o, (uint64_t)constant - o->base))
        r->e->rtld_exit =
            engine_generic(r->e, engine_function(r->e, o, (uint64_t)constant - o->base));
}

void jump_to(struct run *r, uint64_t constant)
{
    struct object *o = engine_object_at(r->e, constant);
    if (o == r->o)
        jump_direct(r, constant - o->base);
    else if (o)
        call_direct(r, constant, 0, EDGE_VALUE);
}

void jump_unknown(struct run *r, bool function)
{
    const struct value_data *sp = value_get(&r->e->values, r->s.reg[r->e->arch->sp]);
    if (sp->kind != VK_STACK && !r->s.deeper)
        return; /* the stack was switched: longjmp and its like, or the program's start */
    /* With the frame gone, it can only be a call in the end. */
    note_passed(r);
    if (sp->kind == VK_STACK && sp->first > 0)
        engine_stray(r->e, r->c->function);
    if (sp->kind == VK_STACK && sp->first >= 0 && function)
        call_unknown(r, 0);
    else
        jump_anywhere(r);
}

void jump_indirect(struct run *r)
{
    struct function *f = NULL;
    value v = VALUE_TOP;
    if (slot_target(r, &f, &v)) {
        call_function(r, f, 0, EDGE_SLOT);
        return;
    }
    const struct value_data *d = value_get(&r->e->values, v);
    if (d->kind == VK_CONST) {
        struct state before = r->s;
        for (unsigned i = 0; i < d->count; i++) {
            r->s = before;
            jump_to(r, (uint64_t)d->all[i]);
        }
        return;
    }
    if ((d->kind == VK_TARGETS || (d->kind == VK_TABLE && d->width == 8)) && jump_table(r, d))
        return;
    note_exit_handler(r);
    jump_unknown(r, d->kind != VK_TARGETS);
}

static void add_site(struct run *r, int64_t number)
{
    uint32_t passed = passed_to_kernel(r);
    vec_each (s, &r->c->sites)
        if (s->at == r->ir->at && s->number == number) {
            s->passed = passed_join(r->e, s->passed, passed);
            return;
        }
    struct call_site *s = vec_add(r->e->arena, &r->c->sites);
    *s = (struct call_site){r->ir->at, number, r->ir->i.op, passed};
}

static bool table_numbers(struct run *r, const struct value_data *d)
{
    if (d->kind != VK_TABLE || d->count != 1 || d->max >= NUMBERS_LIMIT)
        return false;
    for (uint64_t i = 0; i <= d->max; i++) {
        struct object *o = engine_object_at(r->e, (uint64_t)d->first);
        uint64_t number = 0;
        if (!o || !elf_word(o->elf, (uint64_t)d->first - o->base + i * d->width, d->width, &number))
            return false;
        add_site(r, (int64_t)(uint32_t)number);
    }
    return true;
}

/* Calls that do not come back. */
static bool ends_here(const struct architecture *arch, int64_t number)
{
    for (size_t i = 0; i < sizeof arch->ending / sizeof *arch->ending; i++)
        if (arch->ending[i] == number)
            return true;
    return false;
}

void system_call(struct run *r)
{
    const struct value_data *d = value_get(&r->e->values, r->s.reg[r->e->arch->number]);
    bool native = r->ir->i.op == OP_SYSCALL, ends = native && d->kind == VK_CONST;
    if (d->kind == VK_CONST) {
        for (unsigned i = 0; i < d->count; i++) {
            int64_t number = (int64_t)(uint32_t)d->all[i];
            add_site(r, number);
            ends = ends && ends_here(r->e->arch, number);
        }
    } else if (!table_numbers(r, d)) {
        add_site(r, -1);
        r->c->loose = r->c->loose || !(d->deps & ALL_INPUTS);
        if (d->deps)
            engine_require(r->e, r->c, d->deps, true);
    }
    if (ends) {
        r->dead = true;
        return;
    }
    escape_arguments(r);
    r->s.written = true;
    if (r->s.escaped)
        state_forget(r->e, r->c, r->ir->at, &r->s);
    uint32_t lost = r->e->arch->lost_in_kernel | (native ? 0 : 1u << REG_DX);
    state_lose(r, lost);
}
