/* SPDX-License-Identifier: BSD-3-Clause
 * Planting breakpoints in what a process maps executable. A program that lives for milliseconds
 * makes fewer calls than its code has pages with system-call instructions: its functions are
 * planted as files are mapped, its system calls only once it has made some (see TRIAL). */
#include "tracer/code.h"
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <unistd.h>

enum { BREAKPOINT = 0xcc, SYSCALL_BYTE = 0x0f, PAGE = 4096 };

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

/* ---- functions ---- */

/* Only the program's own calls are of interest; where exit handlers begin matters everywhere. A
 * debug register tells it of a static program, which may look at its own text, and with other
 * engines, which leave all code as it is: an emulator that maps it would run the breakpoint. */
static bool wants_function(const struct session *s, const struct tracee *process,
                           const struct region *region, const struct function_site *f)
{
    const struct space *space = process->space;
    if (region->start >= space->loader && region->start < space->loader_end)
        return false;
    if (f->kind == FUNCTION_START)
        return process->mode == MODE_BREAKPOINT && !process->entered;
    if (f->kind == FUNCTION_EXIT)
        return !region->own && process->mode == MODE_BREAKPOINT;
    return process->mode == MODE_BREAKPOINT && space->unit && space->unit->program &&
           s->options->functions;
}

static bool write_bytes(struct task *task, int memory, uint64_t at, const void *bytes, size_t size)
{
    return (memory >= 0 && pwrite(memory, bytes, size, (off_t)at) == (ssize_t)size) ||
           memory_write(task->id, at, bytes, size);
}

static bool within(const struct region *region, const struct patch *patch)
{
    uint64_t at = patch->address + region->bias;
    return at >= region->start && at + patch->size <= region->end;
}

/* Before its sites: the bytes between are the file's. */
static void plant_functions(struct session *s, struct task *task, struct region *region)
{
    struct object *object = region->object;
    unsigned char bytes[PAGE];
    int memory = -1;
    for (size_t k = 0; k < object->function_count && !object->function_patches; k++) {
        uint64_t at = object->functions[k].address + region->bias;
        if (at >= region->start && at < region->end &&
            wants_function(s, task->process, region, &object->functions[k]) &&
            code_set_byte(task, at, BREAKPOINT))
            region->functions[k] = SITE_ARMED;
    }
    for (size_t i = 0; object->function_patches && i < object->function_patch_count; i++) {
        const struct patch *patch = &object->function_patches[i];
        bool any = false;
        memcpy(bytes, patch->bytes, patch->size);
        for (size_t k = patch->first; k <= patch->last && within(region, patch); k++) {
            const struct function_site *f = &object->functions[k];
            if (!wants_function(s, task->process, region, f))
                continue;
            bytes[f->address - patch->address] = BREAKPOINT;
            region->functions[k] = SITE_ARMED;
            any = true;
        }
        if (!any)
            continue;
        if (patch->size == 1) {
            code_set_byte(task, patch->address + region->bias, BREAKPOINT);
            continue;
        }
        memory = memory < 0 ? memory_open(task->id) : memory;
        write_bytes(task, memory, patch->address + region->bias, bytes, patch->size);
    }
    if (memory >= 0)
        close(memory);
}

/* Armed functions among the bytes of a patch stay so. */
static void overlay_functions(const struct region *region, const struct patch *patch,
                              unsigned char *bytes)
{
    const struct object *object = region->object;
    for (size_t i = function_from(object, patch->address); i < object->function_count; i++) {
        uint64_t offset = object->functions[i].address - patch->address;
        if (offset >= patch->size)
            return;
        if (region->functions[i] == SITE_ARMED)
            bytes[offset] = BREAKPOINT;
    }
}

/* ---- sites ---- */

static bool plant_sites(struct session *s, struct task *task, struct region *region,
                        const struct mapping *m)
{
    const struct object *object = region->object;
    if (!object_patches(s, task->id, m, region->object))
        return false;
    const struct space *space = task->process->space;
    bool loader = region->start >= space->loader && region->start < space->loader_end;
    unsigned phase =
        loader && !task->process->entered ? PHASE_LOADER : process_phase(task->process);
    unsigned char bytes[PAGE];
    int memory = object->patch_count ? memory_open(task->id) : -1;
    bool good = true;
    for (size_t i = 0; i < object->patch_count && good; i++) {
        const struct patch *patch = &object->patches[i];
        bool any = false;
        if (!within(region, patch))
            continue;
        memcpy(bytes, patch->bytes, patch->size);
        for (size_t k = patch->first; k <= patch->last; k++) {
            bool known = code_is_known(task->process, object->sites[k].number, phase);
            unsigned char *byte = &bytes[object->sites[k].address - patch->address];
            if (*byte != SYSCALL_BYTE)
                continue;
            region->sites[k] = known ? SITE_LIFTED : SITE_ARMED;
            any |= !known;
            if (!known)
                *byte = BREAKPOINT;
        }
        overlay_functions(region, patch, bytes);
        good = !any || write_bytes(task, memory, patch->address + region->bias, bytes, patch->size);
    }
    if (memory >= 0)
        close(memory);
    region->planted = true;
    return good;
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

/* ---- mappings ---- */

/* Covers code that no site table describes by a filter on its addresses. */
static void cover(struct session *s, struct task *task, const struct mapping *m, uint64_t start,
                  uint64_t end)
{
    struct code *code = task->process->space->code;
    for (const struct unknown *u = code->unknown; u; u = u->next)
        if (m->start >= u->start && m->end <= u->end)
            return;
    code_forget(code, m->start, m->end);
    if (!inject_net(s, task, start, end)) {
        code_give_up(s, task, "code made at run time cannot be watched");
        return;
    }
    struct unknown *u = code_own(sizeof *u);
    *u = (struct unknown){start, end, code->unknown};
    code->unknown = u;
}

static bool is_own(const struct session *s, const struct unit *unit, const struct object *object)
{
    if (unit->program)
        return object->key.device == s->device && object->key.inode == s->inode;
    return strcmp(object->path, unit->path) == 0;
}

/* The region of a mapped file, made with its functions planted where it was not known before; NULL:
 * no code that we can read. */
static struct region *region_for(struct session *s, struct task *task, const struct mapping *m)
{
    struct code *code = task->process->space->code;
    uint64_t bias;
    struct object *object = object_for(s, task->id, m);
    if (!object || !object->usable || !bias_of(object, m, &bias))
        return NULL;
    struct region *region = region_at(code, m->start);
    if (region && region->object == object && region->bias == bias && m->end <= region->end)
        return region;
    code_forget(code, m->start, m->end);
    region = code_own(sizeof *region);
    *region = (struct region){.start = m->start,
                              .end = m->end,
                              .bias = bias,
                              .object = object,
                              .own = is_own(s, task->process->space->unit, object),
                              .next = code->regions};
    region->sites = code_own(object->site_count + 1);
    region->functions = code_own(object->function_count + 1);
    code->regions = region;
    task->process->space->legacy |=
        object->legacy && task->process->mode == MODE_BREAKPOINT && !task->process->filtered;
    plant_functions(s, task, region);
    return region;
}

static bool cover_file(struct session *s, struct task *task, const struct mapping *m)
{
    struct region *region = region_for(s, task, m);
    if (!region)
        return false;
    if (region->planted)
        return true;
    if (!plant_sites(s, task, region, m))
        return false;
    find_gadget(task, task->process->space->code, region);
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

static bool is_vdso(const struct mapping *m)
{
    return strcmp(m->path, "[vdso]") == 0;
}

static void cover_mapping(struct session *s, struct task *task, const mappings *maps, size_t index)
{
    const struct mapping *m = &maps->items[index];
    if (!m->executable || strcmp(m->path, "[vsyscall]") == 0 ||
        is_ours(task->process->space->code, m))
        return;
    bool file = m->inode || is_vdso(m);
    if (file && cover_file(s, task, m))
        return;
    uint64_t start = m->start, end = m->end;
    if (!file)
        widen(maps, index, &start, &end);
    cover(s, task, m, start, end);
}

/* ---- the interface ---- */

/* Where exit handlers begin, without a change to the text. */
static void watch_exit(struct task *task, struct region *region)
{
    struct space *space = task->process->space;
    for (size_t i = 0; i < region->object->function_count; i++) {
        const struct function_site *f = &region->object->functions[i];
        if (f->kind == FUNCTION_EXIT)
            space->exit_watch = f->address + region->bias;
    }
    code_watch_exit(task);
}

/* A program that has been executed before repeats what its dynamic linker did then: only calls that
 * it did not make are planted, until code of libraries begins to run. */
void code_start(struct session *s, struct task *task, const mappings *maps)
{
    struct space *space = task->process->space;
    space->code = code_own(sizeof(struct code));
    space->trial = task->process->mode == MODE_BREAKPOINT ? TRIAL : 0;
    bool quiet =
        space->trial && space->entry.address && space->unit->starts && task->process->filtered;
    vec_each (m, maps) {
        bool loader = m->start >= space->loader && m->start < space->loader_end;
        if (!m->executable || !m->inode || (loader && !quiet))
            continue;
        struct region *region = region_for(s, task, m);
        if (loader)
            space->quiet = region && plant_sites(s, task, region, m);
        if (region && !space->loader)
            watch_exit(task, region);
    }
}

void code_file_mapped(struct session *s, struct task *task, const struct mapping *m)
{
    struct space *space = task->process->space;
    struct region *region = space->code ? region_for(s, task, m) : NULL;
    if (region && task->process->mode != MODE_BREAKPOINT && !space->exit_watch)
        watch_exit(task, region);
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

bool code_filter(struct session *s, struct task *task, bool bound)
{
    struct tracee *process = task->process;
    struct code *code = process->space->code;
    struct arena *own_arena = arena_new();
    for (const struct region *r = code->regions; r && !code->gadget; r = r->next)
        find_gadget(task, code, r);
    /* It covers all who live in the memory, or none. */
    if (!process->filtered && code->gadget && process->space->users == 1)
        process->filtered = inject_filter(s, task, code->gadget,
                                          filter_for(own_arena, ENGINE_BREAKPOINT, NULL), bound);
    arena_free(own_arena);
    return process->filtered;
}

void code_plant(struct session *s, struct task *task)
{
    struct space *space = task->process->space;
    struct arena *own_arena = arena_new();
    mappings maps = {0};
    space->trial = 0;
    mappings_read(own_arena, task->id, &maps);
    /* Files first: a filter for the rest is installed by a call made from one of them. */
    for (int files = 1; files >= 0; files--)
        for (size_t i = 0; i < maps.count && !task->lost; i++) {
            const struct mapping *m = &maps.items[i];
            if ((m->inode || is_vdso(m)) == (files != 0))
                cover_mapping(s, task, &maps, i);
        }
    arena_free(own_arena);
    code_rearm(s, task);
}
