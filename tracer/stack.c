/* SPDX-License-Identifier: BSD-3-Clause
 * Call stacks at the first hit of a call: unwound by libdw from the objects' .eh_frame, named by
 * their symbols, with source lines where there is debug information. */
#include "tracer/stack.h"
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 64 };

/* One address space at a time: its modules stay known while its executable mappings do. */
struct unwinder {
    Dwfl *dwfl;
    pid_t process;
    unsigned generation;
};

struct walk {
    struct session *s;
    Dwfl *dwfl;
    struct stack *stack;
};

static char *no_debug_path = "";
/* Separate debug information by build-id, from this machine: libdw's standard look-up would load a
 * web client and ask servers. */
static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_linux_proc_find_elf,
    .find_debuginfo = dwfl_build_id_find_debuginfo,
    .debuginfo_path = &no_debug_path,
};

static void name_frame(struct walk *w, Dwarf_Addr pc)
{
    Dwfl_Module *module = dwfl_addrmodule(w->dwfl, pc);
    struct profile_step *step = vec_add(w->s->arena, &w->stack->steps);
    Dwarf_Addr bias = 0;
    GElf_Off offset = 0;
    GElf_Sym symbol;
    const char *path = NULL, *function = NULL;
    if (module) {
        const char *name = dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, &path, NULL);
        path = path ? path : name;
        dwfl_module_getelf(module, &bias);
        function = dwfl_module_addrinfo(module, pc, &offset, &symbol, NULL, NULL, NULL);
    }
    const char *slash = path ? strrchr(path, '/') : NULL;
    if (!path) { /* its address is another in every run */
        *step = (struct profile_step){.library = "[anonymous]", .function = "[made at run time]"};
        return;
    }
    step->library = arena_strdup(w->s->arena, slash ? slash + 1 : path);
    step->address = pc - bias;
    step->function = function && *function
                         ? arena_strdup(w->s->arena, function)
                         : arena_printf(w->s->arena, "fn_%llx", (unsigned long long)(pc - bias));
    Dwfl_Line *line = module ? dwfl_module_getsrc(module, pc) : NULL;
    int number = 0;
    const char *file = line ? dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL) : NULL;
    if (file)
        step->source = arena_printf(w->s->arena, "%s:%d", file, number);
}

static int frame(Dwfl_Frame *state, void *context)
{
    struct walk *w = context;
    Dwarf_Addr pc;
    bool activation = false;
    if (!dwfl_frame_pc(state, &pc, &activation))
        return DWARF_CB_ABORT;
    /* A return address may lie behind the end of a function that does not return. */
    name_frame(w, activation ? pc : pc - 1);
    return w->stack->steps.count < DEPTH ? DWARF_CB_OK : DWARF_CB_ABORT;
}

static void close_unwinder(struct unwinder *u)
{
    if (u->dwfl)
        dwfl_end(u->dwfl);
    u->dwfl = NULL;
}

static bool open_unwinder(struct unwinder *u, const struct task *task)
{
    pid_t process = task->process->id;
    unsigned generation = task->process->space->generation;
    if (u->dwfl && u->process == process && u->generation == generation)
        return true;
    /* The same program with more mapped: what is known of the rest stays. */
    bool more = u->dwfl && u->process == process && u->generation / 1000 == generation / 1000;
    u->generation = generation;
    if (more) {
        dwfl_report_begin(u->dwfl);
        if (dwfl_linux_proc_report(u->dwfl, process) == 0 &&
            dwfl_report_end(u->dwfl, NULL, NULL) == 0)
            return true;
    }
    close_unwinder(u);
    u->process = process;
    u->dwfl = dwfl_begin(&callbacks);
    if (u->dwfl && dwfl_linux_proc_report(u->dwfl, process) == 0 &&
        dwfl_report_end(u->dwfl, NULL, NULL) == 0 &&
        dwfl_linux_proc_attach(u->dwfl, process, true) == 0)
        return true;
    close_unwinder(u);
    return false;
}

struct stack *stack_take(struct session *s, const struct task *task)
{
    if (!s->unwinder)
        s->unwinder = ARENA_NEW(s->arena, struct unwinder);
    if (!open_unwinder(s->unwinder, task))
        return NULL;
    struct walk w = {s, s->unwinder->dwfl, ARENA_NEW(s->arena, struct stack)};
    dwfl_getthread_frames(w.dwfl, task->id, frame, &w);
    return w.stack->steps.count ? w.stack : NULL;
}

void stack_finish(struct session *s)
{
    if (s->unwinder)
        close_unwinder(s->unwinder);
}
