/* SPDX-License-Identifier: BSD-3-Clause
 * What is planted in an address space: meeting breakpoints and lifting them. */
#include "tracer/code.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>

enum { BREAKPOINT = 0xcc, SYSCALL_BYTE = 0x0f };
enum {
    GATES = 64,         /* calls looked at for nothing until a filter is to do that */
    SETTLED = 256,      /* hits of a varying site without news until a filter may take over */
    SETTLED_SITES = 24, /* filters of that kind add up */
};

/* ---- the structure ---- */

void *code_own(size_t size)
{
    void *p = calloc(1, size);
    if (!p)
        abort(); /* as an arena would */
    return p;
}

static void *copy_of(const void *from, size_t size)
{
    return memcpy(code_own(size), from, size);
}

static struct region *region_copy(const struct region *from)
{
    struct region *r = copy_of(from, sizeof *r);
    r->sites = copy_of(from->sites, from->object->site_count + 1);
    r->functions = copy_of(from->functions, from->object->function_count + 1);
    return r;
}

struct code *code_copy(const struct code *from)
{
    if (!from)
        return NULL;
    struct code *code = copy_of(from, sizeof *code);
    struct region **region = &code->regions;
    for (const struct region *r = from->regions; r; r = r->next, region = &(*region)->next)
        *region = region_copy(r);
    struct slot **slot = &code->slots;
    for (const struct slot *i = from->slots; i; i = i->next, slot = &(*slot)->next)
        *slot = copy_of(i, sizeof *i);
    struct room **room = &code->rooms;
    for (const struct room *i = from->rooms; i; i = i->next, room = &(*room)->next)
        *room = copy_of(i, sizeof *i);
    struct unknown **unknown = &code->unknown;
    for (const struct unknown *i = from->unknown; i; i = i->next, unknown = &(*unknown)->next)
        *unknown = copy_of(i, sizeof *i);
    return code;
}

static void region_free(struct region *region)
{
    free(region->sites);
    free(region->functions);
    free(region);
}

#define FREE_LIST(type, list, release)                                                             \
    for (struct type *i = (list), *next; i; i = next) {                                            \
        next = i->next;                                                                            \
        release(i);                                                                                \
    }

void code_free(struct code *code)
{
    if (!code)
        return;
    FREE_LIST(region, code->regions, region_free)
    FREE_LIST(slot, code->slots, free)
    FREE_LIST(room, code->rooms, free)
    FREE_LIST(unknown, code->unknown, free)
    free(code);
}

struct room *code_room(struct code *code, uint64_t start, size_t size)
{
    struct room *room = code_own(sizeof *room);
    *room = (struct room){start, size, 0, code->rooms};
    code->rooms = room;
    return room;
}

struct region *region_at(const struct code *code, uint64_t address)
{
    struct region *region = code ? code->regions : NULL;
    while (region && (address < region->start || address >= region->end))
        region = region->next;
    return region;
}

void code_forget(struct code *code, uint64_t start, uint64_t end)
{
    for (struct region **at = &code->regions; *at;) {
        struct region *region = *at;
        if (region->start >= end || region->end <= start) {
            at = &region->next;
            continue;
        }
        *at = region->next;
        region_free(region);
    }
    for (struct slot **at = &code->slots; *at;) {
        struct slot *slot = *at;
        if (slot->site < start || slot->site >= end) {
            at = &slot->next;
            continue;
        }
        *at = slot->next;
        free(slot);
    }
}

/* ---- lifting and planting again ---- */

/* One byte of code: cheaper by a word than through a file. */
bool code_set_byte(struct task *task, uint64_t address, unsigned char byte)
{
    uint64_t place = address & ~7ull;
    long word = ptrace(PTRACE_PEEKTEXT, task->id, (void *)(uintptr_t)place, NULL);
    ((unsigned char *)&word)[address & 7] = byte;
    return ptrace(PTRACE_POKETEXT, task->id, (void *)(uintptr_t)place, (void *)word) == 0 ||
           memory_write(task->id, address, &byte, 1);
}

bool code_is_known(const struct tracee *process, int number, unsigned phase)
{
    const struct unit *unit = process->space->unit;
    /* The dynamic linker's own calls never wait. */
    bool quiet = phase == PHASE_LOADER && unit && !unit->program;
    return number >= 0 && unit && (unit->calls[ABI_NATIVE][number].phases & phase) &&
           !call_is_gated(process, number) && (quiet || !call_is_watched(process, number));
}

void code_rearm(struct session *s, struct task *task)
{
    struct space *space = task->process->space;
    unsigned phase = process_phase(task->process);
    (void)s;
    if (space->trial || space->plain) /* every call stops */
        return;
    for (struct region *r = space->code ? space->code->regions : NULL; r; r = r->next)
        for (size_t i = 0; i < r->object->site_count; i++) {
            if (r->sites[i] != SITE_LIFTED ||
                code_is_known(task->process, r->object->sites[i].number, phase))
                continue;
            if (code_set_byte(task, r->object->sites[i].address + r->bias, BREAKPOINT))
                r->sites[i] = SITE_ARMED;
        }
    for (struct slot *slot = space->code ? space->code->slots : NULL; slot; slot = slot->next)
        slot->quiet = 0;
}

void code_lift(struct task *task)
{
    struct code *code = task->process->space->code;
    for (struct region *r = code ? code->regions : NULL; r; r = r->next)
        for (size_t i = 0; i < r->object->site_count; i++)
            if (r->sites[i] == SITE_ARMED &&
                code_set_byte(task, r->object->sites[i].address + r->bias, SYSCALL_BYTE))
                r->sites[i] = SITE_LIFTED;
}

/* ---- hits ---- */

static struct slot *slot_for(struct session *s, struct task *task, uint64_t site)
{
    /* syscall; jmp *0(%rip) to the instruction behind the site */
    unsigned char copy[16] = {SYSCALL_BYTE, 0x05, 0xff, 0x25, 0, 0, 0, 0};
    struct code *code = task->process->space->code;
    for (struct slot *slot = code->slots; slot; slot = slot->next)
        if (slot->site == site)
            return slot;
    uint64_t place = inject_room(s, task, site, sizeof copy), back = site + 2;
    memcpy(copy + 8, &back, sizeof back);
    if (!place || !memory_write(task->id, place, copy, sizeof copy))
        return NULL;
    struct slot *slot = code_own(sizeof *slot);
    *slot = (struct slot){site, place, 0, code->slots};
    code->slots = slot;
    return slot;
}

static void call_from(const struct user_regs_struct *regs, uint64_t site, struct call *call)
{
    *call = (struct call){.abi = ABI_NATIVE,
                          .number = (int64_t)regs->rax,
                          .args = {regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9},
                          .ip = site,
                          .sp = regs->rsp};
    call->number = (int32_t)call->number; /* the kernel looks at 32 bits */
    if (call->number & X32_BIT) {
        call->abi = ABI_X32;
        call->number &= ~X32_BIT;
    }
}

/* A function of interest is being called for the first time. */
static void function_hit(struct session *s, struct task *task, struct region *region,
                         const struct function_site *site, struct user_regs_struct *regs)
{
    size_t index = (size_t)(site - region->object->functions);
    uint64_t address = regs->rip - 1;
    if (region->functions[index] == SITE_ARMED) {
        code_set_byte(task, address, site->byte);
        region->functions[index] = SITE_LIFTED;
        bool wanted = site->kind > FUNCTION_EXIT || s->options->all_functions;
        if (s->options->functions && wanted && task->process->space->unit &&
            task->process->space->unit->program)
            functions_record(s, site, region->object);
    }
    struct space *space = task->process->space;
    if (site->kind == FUNCTION_START && !task->process->entered && space->unit) {
        space->unit->starts = true;
        space->quiet = false;
    }
    if (site->kind == FUNCTION_EXIT && !task->process->leaving) {
        task->process->leaving = true;
        code_rearm(s, task);
    }
    regs->rip = address;
    ptrace(PTRACE_SETREGS, task->id, NULL, regs);
}

bool code_knows(const struct code *code, uint64_t address)
{
    const struct region *region = region_at(code, address);
    return region && (object_site(region->object, address - region->bias) >= 0 ||
                      function_at(region->object, address - region->bias));
}

/* Looking at each of many calls costs more than a filter that does. */
static void lift_gates(struct session *s, struct task *task)
{
    if (++task->process->space->code->gates % GATES == 0)
        code_filter(s, task, false);
}

/* A site whose number varies has brought nothing new for long: from here on a filter stops it at
 * numbers that have not been seen. */
static bool settle(struct session *s, struct task *task, uint64_t site)
{
    const struct tracee *process = task->process;
    unsigned phase = process_phase(process);
    bool known[SYSCALL_LIMIT];
    if (process->space->users > 1 || process->space->code->nets >= SETTLED_SITES)
        return false;
    for (int i = 0; i < SYSCALL_LIMIT; i++)
        known[i] = (process->space->unit->calls[ABI_NATIVE][i].phases & phase) &&
                   !call_is_gated(process, i) && !call_may_wait(process, i) &&
                   i != SYS_io_uring_enter;
    return inject_known(s, task, known, site);
}

/* Where the call of a site that stays armed is made; NULL: the site need not stay so. */
static struct slot *elsewhere(struct session *s, struct task *task, int number,
                              const struct call *call, bool news)
{
    struct tracee *process = task->process;
    bool varies = number != call->number || call->abi != ABI_NATIVE;
    bool gated = !varies && call_is_gated(process, number);
    if (!varies && !gated && !call_is_watched(process, number))
        return NULL;
    struct slot *slot = slot_for(s, task, call->ip);
    if (!slot && !task->lost)
        code_give_up(s, task, "no room for copies of instructions");
    if (!slot)
        return NULL;
    slot->quiet = news ? 0 : slot->quiet + 1;
    if (varies)
        return slot->quiet % SETTLED == SETTLED - 1 && settle(s, task, call->ip) ? NULL : slot;
    if (gated) {
        lift_gates(s, task);
        return slot;
    }
    return slot->quiet > call_patience(process, number) ? NULL : slot;
}

static void site_hit(struct session *s, struct task *task, struct region *region, size_t index,
                     struct user_regs_struct *regs)
{
    uint64_t address = regs->rip - 1;
    struct tracee *process = task->process;
    struct call call;
    call_from(regs, address, &call);
    bool news = record_call(s, task, &call);
    int number = region->object->sites[index].number;
    bool armed = region->sites[index] == SITE_ARMED;
    struct slot *slot = NULL;
    if (process->space->trial) /* every call stops from here on: the byte can go */
        process->space->quiet &= number == call.number;
    else if (armed && !process->space->plain)
        slot = elsewhere(s, task, number, &call, news);
    if (task->lost)
        return;
    regs->rip = slot ? slot->address : address;
    if (!slot && armed) {
        code_set_byte(task, address, SYSCALL_BYTE);
        region->sites[index] = SITE_LIFTED;
    }
    ptrace(PTRACE_SETREGS, task->id, NULL, regs);
    /* The rest is done where the call begins: it stops there. */
    task->wants_end |= !process->filtered && call_is_delicate(&call);
    task->call = call;
}

bool code_hit(struct session *s, struct task *task, struct user_regs_struct *regs)
{
    uint64_t address = regs->rip - 1;
    struct region *region = region_at(task->process->space->code, address);
    long index = region ? object_site(region->object, address - region->bias) : -1;
    const struct function_site *function =
        region && index < 0 ? function_at(region->object, address - region->bias) : NULL;
    if (function)
        function_hit(s, task, region, function, regs);
    else if (index >= 0)
        site_hit(s, task, region, (size_t)index, regs);
    return function || index >= 0;
}

void code_leave_slot(const struct task *task)
{
    const struct code *code = task->process->space->code;
    struct user_regs_struct regs;
    if (!code || !code->slots || ptrace(PTRACE_GETREGS, task->id, NULL, &regs) != 0)
        return;
    for (const struct slot *slot = code->slots; slot; slot = slot->next) {
        if (regs.rip != slot->address && regs.rip != slot->address + 2)
            continue;
        regs.rip = slot->site + (regs.rip - slot->address);
        ptrace(PTRACE_SETREGS, task->id, NULL, &regs);
        return;
    }
}

void code_watch_exit(struct task *task)
{
    enum { ENABLE = 1, REGISTER = offsetof(struct user, u_debugreg) };
    const struct tracee *process = task->process;
    uint64_t address = process->leaving ? 0 : process->space->exit_watch;
    uint64_t control = address ? ENABLE : 0;
    /* Where the machine has no debug registers the exit phase does not show, nothing more. */
    if (ptrace(PTRACE_POKEUSER, task->id, (void *)(uintptr_t)REGISTER, (void *)(uintptr_t)address))
        return;
    ptrace(PTRACE_POKEUSER, task->id,
           (void *)(uintptr_t)(REGISTER + 7 * sizeof process->space->exit_watch),
           (void *)(uintptr_t)control);
}

void code_give_up(struct session *s, struct task *task, const char *why)
{
    struct space *space = task->process->space;
    struct task *other = NULL, *next = NULL;
    if (space->plain)
        return;
    space->plain = true;
    s->withdrawn++;
    diag_debug(s->diag, 1, "process %d: every call stops from here on: %s", (int)task->id, why);
    HASH_ITER (hh, s->tasks, other, next) {
        if (other->process && other->process->space == space && other != task)
            ptrace(PTRACE_INTERRUPT, other->id, NULL, NULL);
    }
}
