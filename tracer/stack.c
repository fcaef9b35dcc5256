/* SPDX-License-Identifier: BSD-3-Clause
 * Call stacks at the first hit of a call: unwound by the objects' unwind tables, by frame pointers
 * where there are none. This is done some twenty times even in a program that lives for a
 * millisecond, so that what was found out about a place of a file is kept. */
#include "tracer/stack.h"
#include "tracer/code.h"
#include "tracer/unwind.h"
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH = 64, PAGE = 4096, WINDOW = 2 * PAGE };

/* Code mapped in the address space that is looked at. */
struct module {
    uint64_t start, end, offset;
    struct mapping mapping; /* its path lives as long as the modules do */
    struct binary *binary;  /* NULL: not opened yet, or no code that we can read */
    bool opened;
};

/* What is known about a place of a file: how its caller is found, what it is called. */
struct place {
    struct place_key {
        const struct binary *binary;
        uint64_t address;
    } key;
    bool told; /* the tables say how */
    struct unwind_rules rules;
    struct profile_step step;
    UT_hash_handle hh;
};

struct unwinder {
    pid_t process;
    unsigned generation;
    struct arena *arena; /* of the modules */
    VEC(struct module) modules;
    struct place *places;
};

/* The part of the process's memory that was read last. */
struct unwind_memory {
    pid_t id;
    uint64_t start;
    size_t size;
    unsigned char bytes[WINDOW];
};

bool unwind_word(struct unwind_memory *memory, uint64_t address, uint64_t *out)
{
    uint64_t offset = address - memory->start;
    if (offset > memory->size || memory->size - offset < sizeof *out) {
        memory->start = address;
        memory->size = memory_read(memory->id, address, memory->bytes, WINDOW);
        if (memory->size < sizeof *out)
            return false;
        offset = 0;
    }
    memcpy(out, memory->bytes + offset, sizeof *out);
    return true;
}

/* ---- files ---- */

static bool load_vdso(struct session *s, pid_t id, const struct mapping *m, struct binary *binary)
{
    size_t size = m->end - m->start;
    unsigned char *image = arena_alloc(s->arena, size);
    binary->data = image;
    binary->size = memory_read(id, m->start, image, size);
    return binary->size == size;
}

static bool load_file(pid_t id, const struct mapping *m, struct binary *binary)
{
    struct stat st;
    int fd = mapping_open(id, m, &st);
    bool good = fd >= 0 && binary_map(binary, fd, (uint64_t)st.st_size);
    if (fd >= 0)
        close(fd);
    return good;
}

static struct binary *binary_for(struct session *s, pid_t id, const struct mapping *m)
{
    for (struct binary *b = s->binaries; b; b = b->next)
        if (b->device == m->device && b->inode == m->inode && strcmp(b->path, m->path) == 0)
            return b->segments.count ? b : NULL;
    struct binary *b = ARENA_NEW(s->arena, struct binary);
    *b = (struct binary){.device = m->device,
                         .inode = m->inode,
                         .path = arena_strdup(s->arena, m->path),
                         .next = s->binaries};
    s->binaries = b;
    bool loaded = m->inode ? load_file(id, m, b) : load_vdso(s, id, m, b);
    return loaded && binary_open(s->arena, b) && b->segments.count ? b : NULL;
}

/* The module that holds an address; NULL: nothing executable is there. */
static struct module *module_at(struct session *s, pid_t id, uint64_t address)
{
    struct unwinder *u = s->unwinder;
    size_t low = 0, high = u->modules.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (u->modules.items[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    struct module *m = low < u->modules.count ? &u->modules.items[low] : NULL;
    if (!m || address < m->start)
        return NULL;
    bool file = m->mapping.inode || strcmp(m->mapping.path, "[vdso]") == 0;
    if (!m->opened && file)
        m->binary = binary_for(s, id, &m->mapping);
    m->opened = true;
    return m;
}

static bool open_unwinder(struct unwinder *u, const struct task *task)
{
    pid_t process = task->process->id;
    unsigned generation = task->process->space->generation;
    if (u->arena && u->process == process && u->generation == generation)
        return true;
    mappings maps = {0};
    arena_free(u->arena);
    u->arena = arena_new();
    u->process = process;
    u->generation = generation;
    u->modules.items = NULL;
    u->modules.count = u->modules.capacity = 0;
    mappings_read(u->arena, process, &maps);
    vec_each (m, &maps)
        if (m->executable)
            vec_push(u->arena, &u->modules,
                     ((struct module){m->start, m->end, m->offset, *m, NULL, false}));
    return u->modules.count > 0;
}

/* ---- frames ---- */

static void name_place(struct session *s, struct binary *binary, struct place *place)
{
    struct profile_step *step = &place->step;
    const char *slash = strrchr(binary->path, '/'), *function = NULL;
    uint64_t address = place->key.address;
    if (binary->lines)
        binary_source(s->arena, binary, address, &function, &step->source);
    if (!function)
        function = binary_function(s->arena, binary, address);
    step->library = slash ? slash + 1 : binary->path;
    step->address = address;
    step->function = function ? arena_strdup(s->arena, function)
                              : arena_printf(s->arena, "fn_%llx", (unsigned long long)address);
}

static struct place *place_at(struct session *s, struct binary *binary, uint64_t address)
{
    struct place_key key = {binary, address};
    struct place *place;
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): all bytes are set */
    HASH_FIND(hh, s->unwinder->places, &key, sizeof key, place);
    if (place)
        return place;
    place = ARENA_NEW(s->arena, struct place);
    place->key = key;
    place->told = unwind_rules_at(s->arena, binary, address, &place->rules);
    name_place(s, binary, place);
    HASH_ADD(hh, s->unwinder->places, key, sizeof place->key, place);
    return place;
}

/* The value of a register in the caller; false: it is not to be had. */
static bool apply(const struct rule *rule, const uint64_t *registers, unsigned reg, uint64_t cfa,
                  struct unwind_memory *memory, uint64_t *out)
{
    switch (rule->kind) {
    case RULE_SAME:
        *out = registers[reg];
        return true;
    case RULE_AT:
        return unwind_word(memory, cfa + (uint64_t)rule->offset, out);
    case RULE_IS:
        *out = cfa + (uint64_t)rule->offset;
        return true;
    case RULE_REGISTER:
        if (rule->reg >= UNWIND_REGISTERS)
            return false;
        *out = registers[rule->reg] + (uint64_t)rule->offset;
        return true;
    case RULE_AT_RESULT:
        return unwind_evaluate(rule->expression, registers, cfa, memory, out) &&
               unwind_word(memory, *out, out);
    case RULE_IS_RESULT:
        return unwind_evaluate(rule->expression, registers, cfa, memory, out);
    case RULE_UNDEFINED:
        break;
    }
    return false;
}

/* To the caller, as the tables say. */
static bool step_out(const struct unwind_rules *rules, uint64_t *registers,
                     struct unwind_memory *memory)
{
    uint64_t cfa, caller[UNWIND_REGISTERS] = {0};
    if (!apply(&rules->cfa, registers, 0, 0, memory, &cfa))
        return false;
    for (unsigned i = 0; i < UNWIND_REGISTERS; i++) {
        const struct rule *rule = &rules->registers[i];
        if (rule->kind != RULE_UNDEFINED && !apply(rule, registers, i, cfa, memory, &caller[i]))
            return false;
    }
    bool on =
        rules->registers[DWARF_RIP].kind != RULE_UNDEFINED && caller[DWARF_RIP] != 0 &&
        (caller[DWARF_RIP] != registers[DWARF_RIP] || caller[DWARF_RSP] != registers[DWARF_RSP]);
    memcpy(registers, caller, sizeof caller);
    return on;
}

/* To the caller, where code keeps frame pointers: that of just-in-time compilers, of Go. */
static bool step_by_pointer(struct session *s, uint64_t *registers, struct unwind_memory *memory)
{
    uint64_t frame = registers[DWARF_RBP], former, back;
    if (!frame || frame % 8 || frame < registers[DWARF_RSP] ||
        !unwind_word(memory, frame, &former) || !unwind_word(memory, frame + 8, &back) ||
        !module_at(s, memory->id, back - 1))
        return false;
    registers[DWARF_RSP] = frame + 16;
    registers[DWARF_RBP] = former;
    registers[DWARF_RIP] = back;
    return true;
}

/* One frame: notes it and goes to its caller. exact: the address is that of an instruction, not
 * behind a call (which may be behind the end of a function that does not return). */
static bool walk(struct session *s, struct stack *stack, uint64_t *registers, bool *exact,
                 struct unwind_memory *memory)
{
    uint64_t pc = registers[DWARF_RIP] - !*exact, address;
    const struct module *module = module_at(s, memory->id, pc);
    struct binary *binary = module ? module->binary : NULL;
    if (!module)
        return false;
    *exact = false;
    if (!binary || !binary_address(binary, pc - module->start + module->offset, &address)) {
        struct profile_step *step = vec_add(s->arena, &stack->steps);
        /* its address is another in every run */
        *step = (struct profile_step){.library = "[anonymous]", .function = "[made at run time]"};
        return step_by_pointer(s, registers, memory);
    }
    const struct place *place = place_at(s, binary, address);
    if (pc != registers[DWARF_RIP] &&
        place->rules.signal) /* nobody called: the kernel sent it here */
        place = place_at(s, binary, address + 1);
    vec_push(s->arena, &stack->steps, place->step);
    if (!place->told)
        return step_by_pointer(s, registers, memory);
    *exact = place->rules.signal;
    return step_out(&place->rules, registers, memory);
}

/* A copy of an instruction stands for its site. */
static uint64_t program_counter(const struct task *task, uint64_t ip)
{
    const struct code *code = task->process->space->code;
    for (const struct slot *slot = code ? code->slots : NULL; slot; slot = slot->next)
        if (ip == slot->address)
            return slot->site;
    return ip;
}

struct stack *stack_take(struct session *s, const struct task *task, const struct call *call)
{
    struct user_regs_struct regs;
    if (!s->unwinder)
        s->unwinder = ARENA_NEW(s->arena, struct unwinder);
    if (ptrace(PTRACE_GETREGS, task->id, NULL, &regs) != 0 || !open_unwinder(s->unwinder, task))
        return NULL;
    uint64_t registers[UNWIND_REGISTERS] = {
        regs.rax, regs.rdx, regs.rcx, regs.rbx, regs.rsi, regs.rdi, regs.rbp, regs.rsp,
        regs.r8,  regs.r9,  regs.r10, regs.r11, regs.r12, regs.r13, regs.r14, regs.r15};
    registers[DWARF_RIP] = program_counter(task, call->ip);
    struct unwind_memory memory; /* its bytes are not set before they are read */
    memory.id = task->id;
    memory.start = 0;
    memory.size = 0;
    struct stack *stack = ARENA_NEW(s->arena, struct stack);
    bool exact = true;
    while (stack->steps.count < DEPTH && walk(s, stack, registers, &exact, &memory))
        continue;
    return stack->steps.count ? stack : NULL;
}

void stack_finish(struct session *s)
{
    if (!s->unwinder)
        return;
    HASH_CLEAR(hh, s->unwinder->places);
    arena_free(s->unwinder->arena);
}
