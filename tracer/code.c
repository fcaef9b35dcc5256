/* SPDX-License-Identifier: BSD-3-Clause
 * Planting, meeting and lifting breakpoints in an address space. */
#include "tracer/code.h"
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <unistd.h>

enum { BREAKPOINT = 0xcc, SYSCALL_BYTE = 0x0f, PAGE = 4096 };
enum { SITE_BARE, SITE_ARMED, SITE_LIFTED };

/* ---- the structure ---- */

static void *own(size_t size)
{
    void *p = calloc(1, size);
    if (!p)
        abort(); /* as an arena would */
    return p;
}

static void *copy_of(const void *from, size_t size)
{
    return memcpy(own(size), from, size);
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
    struct room *room = own(sizeof *room);
    *room = (struct room){start, size, 0, code->rooms};
    code->rooms = room;
    return room;
}

static struct region *region_at(const struct code *code, uint64_t address)
{
    struct region *region = code ? code->regions : NULL;
    while (region && (address < region->start || address >= region->end))
        region = region->next;
    return region;
}

/* ---- planting ---- */

/* The address in the process minus that in the file; false: the mapping shows no code of it. */
static bool bias_of(const struct object *object, const struct mapping *m, uint64_t *bias)
{
    for (size_t i = 0; i < object->segment_count; i++) {
        const struct text_segment *t = &object->segments[i];
        uint64_t first = t->offset & ~(uint64_t)(PAGE - 1);
        if (m->offset >= first && m->offset < t->offset + t->size) {
            *bias = m->start - (t->address + (m->offset - t->offset));
            return true;
        }
    }
    return false;
}

static bool plant(struct task *task, struct region *region)
{
    const struct object *object = region->object;
    int memory = object->patch_count ? memory_open(task->id) : -1;
    bool good = true;
    for (size_t i = 0; i < object->patch_count && good; i++) {
        const struct patch *patch = &object->patches[i];
        uint64_t at = patch->address + region->bias;
        if (at < region->start || at + patch->size > region->end)
            continue;
        good = (memory >= 0 &&
                pwrite(memory, patch->bytes, patch->size, (off_t)at) == (ssize_t)patch->size) ||
               memory_write(task->id, at, patch->bytes, patch->size);
    }
    if (memory >= 0)
        close(memory);
    if (!good)
        return false;
    for (size_t i = 0; i < object->site_count; i++) {
        uint64_t at = object->sites[i].address + region->bias;
        if (at >= region->start && at < region->end)
            region->sites[i] = SITE_ARMED;
    }
    return true;
}

/* Only the program's own calls are of interest; where exit handlers begin matters everywhere. */
static void plant_functions(struct task *task, struct region *region)
{
    static const unsigned char breakpoint = BREAKPOINT;
    const struct space *space = task->process->space;
    bool program = space->unit && space->unit->program;
    bool loader = region->start >= space->loader && region->start < space->loader_end;
    for (size_t i = 0; i < region->object->function_count && !loader; i++) {
        const struct function_site *f = &region->object->functions[i];
        uint64_t at = f->address + region->bias;
        if ((program || f->kind == FUNCTION_EXIT) && at >= region->start && at < region->end &&
            memory_write(task->id, at, &breakpoint, 1))
            region->functions[i] = SITE_ARMED;
    }
}

/* Bytes between the end of the code and the end of its last page are mapped, but nobody runs them.
 */
static void find_gadget(struct task *task, struct code *code, const struct region *region)
{
    static const unsigned char instruction[] = {SYSCALL_BYTE, 0x05};
    for (size_t i = 0; i < region->object->segment_count && !code->gadget; i++) {
        const struct text_segment *t = &region->object->segments[i];
        uint64_t end = t->address + t->size + region->bias;
        uint64_t page_end = (end + PAGE - 1) & ~(uint64_t)(PAGE - 1);
        if (end > region->start && page_end <= region->end && page_end - end >= 16 &&
            memory_write(task->id, page_end - 8, instruction, sizeof instruction))
            code->gadget = page_end - 8;
    }
}

/* Forgets what is known about [start, end): something else is mapped there now. */
static void forget(struct code *code, uint64_t start, uint64_t end)
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

/* Covers code that no site table describes by a filter on its addresses. */
static void cover(struct session *s, struct task *task, const struct mapping *m, uint64_t start,
                  uint64_t end)
{
    struct code *code = task->process->space->code;
    for (const struct unknown *u = code->unknown; u; u = u->next)
        if (m->start >= u->start && m->end <= u->end)
            return;
    forget(code, m->start, m->end);
    if (!inject_net(s, task, start, end)) {
        code_give_up(s, task, "code made at run time cannot be watched");
        return;
    }
    struct unknown *u = own(sizeof *u);
    *u = (struct unknown){start, end, code->unknown};
    code->unknown = u;
}

/* Whether the same was planted there before, and is still. */
static bool known_region(const struct code *code, const struct mapping *m,
                         const struct object *object, uint64_t bias)
{
    const struct region *region = region_at(code, m->start);
    return region && region->object == object && region->bias == bias && m->end <= region->end;
}

static bool cover_file(struct session *s, struct task *task, const struct mapping *m)
{
    struct code *code = task->process->space->code;
    uint64_t bias;
    struct object *object = object_for(s, task->id, m);
    if (!object || !object->usable || !bias_of(object, m, &bias))
        return false;
    if (known_region(code, m, object, bias))
        return true;
    forget(code, m->start, m->end);
    struct region *region = own(sizeof *region);
    *region = (struct region){m->start, m->end, bias, object, NULL, NULL, code->regions};
    region->sites = own(object->site_count + 1);
    region->functions = own(object->function_count + 1);
    code->regions = region;
    if (!plant(task, region))
        return false;
    plant_functions(task, region);
    find_gadget(task, code, region);
    return true;
}

/* Anonymous memory around a mapping: just-in-time compilers reserve it and open it piece by piece.
 */
static void widen(const mappings *maps, size_t index, uint64_t *start, uint64_t *end)
{
    size_t first = index, last = index;
    while (first > 0 && !maps->items[first - 1].inode && !*maps->items[first - 1].path &&
           maps->items[first - 1].end == maps->items[first].start)
        first--;
    while (last + 1 < maps->count && !maps->items[last + 1].inode && !*maps->items[last + 1].path &&
           maps->items[last + 1].start == maps->items[last].end)
        last++;
    *start = maps->items[first].start;
    *end = maps->items[last].end;
}

static bool is_ours(const struct code *code, const struct mapping *m)
{
    for (const struct room *room = code->rooms; room; room = room->next)
        if (room->start >= m->start && room->start < m->end)
            return room->start == m->start && m->end == room->start + room->size;
    return false;
}

static void cover_mapping(struct session *s, struct task *task, const mappings *maps, size_t index)
{
    const struct mapping *m = &maps->items[index];
    if (!m->executable || strcmp(m->path, "[vsyscall]") == 0 ||
        is_ours(task->process->space->code, m))
        return;
    bool file = m->inode || strcmp(m->path, "[vdso]") == 0;
    if (file && cover_file(s, task, m))
        return;
    uint64_t start = m->start, end = m->end;
    if (!file)
        widen(maps, index, &start, &end);
    cover(s, task, m, start, end);
}

void code_start(struct session *s, struct task *task, const mappings *maps)
{
    task->process->space->code = own(sizeof(struct code));
    for (size_t i = 0; i < maps->count; i++)
        if (maps->items[i].inode || strcmp(maps->items[i].path, "[vdso]") == 0)
            cover_mapping(s, task, maps, i);
}

void code_mapped(struct session *s, struct task *task, uint64_t start, uint64_t end)
{
    struct arena *own_arena = arena_new();
    mappings maps = {0};
    if (task->process->space->code && mappings_read(own_arena, task->id, &maps))
        for (size_t i = 0; i < maps.count && !task->lost; i++)
            if (maps.items[i].start < end && maps.items[i].end > start)
                cover_mapping(s, task, &maps, i);
    arena_free(own_arena);
}

/* ---- lifting and planting again ---- */

/* One byte of code: cheaper by a word than through a file. */
static bool set_byte(struct task *task, uint64_t address, unsigned char byte)
{
    uint64_t place = address & ~7ull;
    long word = ptrace(PTRACE_PEEKTEXT, task->id, (void *)(uintptr_t)place, NULL);
    ((unsigned char *)&word)[address & 7] = byte;
    return ptrace(PTRACE_POKETEXT, task->id, (void *)(uintptr_t)place, (void *)word) == 0 ||
           memory_write(task->id, address, &byte, 1);
}

void code_rearm(struct session *s, struct task *task)
{
    struct space *space = task->process->space;
    unsigned phase = process_phase(task->process);
    (void)s;
    for (struct region *r = space->code ? space->code->regions : NULL; r; r = r->next)
        for (size_t i = 0; i < r->object->site_count; i++) {
            int number = r->object->sites[i].number;
            if (r->sites[i] != SITE_LIFTED ||
                (number >= 0 && !call_is_watched(task->process, number) && space->unit &&
                 (space->unit->calls[ABI_NATIVE][number].phases & phase)))
                continue;
            if (set_byte(task, r->object->sites[i].address + r->bias, BREAKPOINT))
                r->sites[i] = SITE_ARMED;
        }
    for (struct slot *slot = space->code ? space->code->slots : NULL; slot; slot = slot->next)
        slot->quiet = 0;
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
    struct slot *slot = own(sizeof *slot);
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
        set_byte(task, address, site->byte);
        region->functions[index] = SITE_LIFTED;
        if (s->options->functions && (site->kind != FUNCTION_EXIT || s->options->all_functions) &&
            task->process->space->unit && task->process->space->unit->program)
            functions_record(s, site, region->object);
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

bool code_hit(struct session *s, struct task *task, struct user_regs_struct *regs)
{
    uint64_t address = regs->rip - 1;
    struct tracee *process = task->process;
    struct region *region = region_at(process->space->code, address);
    long index = region ? object_site(region->object, address - region->bias) : -1;
    const struct function_site *function =
        region && index < 0 ? function_at(region->object, address - region->bias) : NULL;
    if (function) {
        function_hit(s, task, region, function, regs);
        return true;
    }
    if (index < 0)
        return false;
    struct call call;
    call_from(regs, address, &call);
    bool news = record_call(s, task, &call);
    int number = region->object->sites[index].number;
    bool varies = number < 0 || call.abi != ABI_NATIVE || number != call.number;
    bool watched = !varies && call_is_watched(process, number);
    struct slot *slot = NULL;
    if (region->sites[index] == SITE_ARMED && (varies || watched) && !process->space->plain) {
        slot = slot_for(s, task, address);
        if (task->lost)
            return true;
        if (!slot)
            code_give_up(s, task, "no room for copies of instructions");
    }
    if (slot) {
        slot->quiet = news ? 0 : slot->quiet + 1;
        if (!varies && slot->quiet > call_patience(process, number))
            slot = NULL;
    }
    regs->rip = slot ? slot->address : address;
    if (!slot && region->sites[index] == SITE_ARMED) {
        set_byte(task, address, SYSCALL_BYTE);
        region->sites[index] = SITE_LIFTED;
    }
    ptrace(PTRACE_SETREGS, task->id, NULL, regs);
    return true;
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
