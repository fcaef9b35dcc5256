/* SPDX-License-Identifier: BSD-3-Clause */
#include "verifier/calls.h"
#include "common/file.h"
#include "verifier/compare.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { COMPARED = 1500 }; /* calls of either side that are lined up; more adds nothing readable */

enum status calls_read(struct diag *d, struct arena *a, struct console *c, const char *path,
                       calls *out)
{
    char *text;
    size_t size, own;
    enum status status = file_read(d, a, path, 0, &text, &size);
    if (status)
        return status;
    console_events events = {0};
    console_split(c, text, size, &own, &events);
    calls_of_events(a, &events, out);
    return STATUS_OK;
}

void calls_of_events(struct arena *a, const console_events *events, calls *out)
{
    vec_each (e, events) {
        if (e->kind == CONSOLE_TRACE)
            vec_push(a, out, ((struct call){e->text, e->arguments, e->result, e->has_result}));
        else if (e->kind == CONSOLE_MISSING)
            vec_push(a, out, ((struct call){e->text, "", -ENOSYS, true}));
    }
}

const char *call_result_text(struct arena *a, const struct call *call)
{
    if (!call->has_result)
        return "no result";
    const char *name =
        call->result < 0 && call->result > -4096 ? strerrorname_np((int)-call->result) : NULL;
    return name ? arena_printf(a, "%" PRId64 " (%s)", call->result, name)
                : arena_printf(a, "%" PRId64, call->result);
}

/* Calls whose successful results are addresses, ids, times or counts that differ by right. */
static bool result_varies(const char *name)
{
    static const char *const varying[] = {
        "mmap",    "brk",       "mremap",     "getpid",     "gettid",      "getppid",
        "getuid",  "geteuid",   "getgid",     "getegid",    "getpgrp",     "getpgid",
        "getsid",  "setsid",    "clone",      "clone3",     "fork",        "vfork",
        "time",    "times",     "futex",      "epoll_wait", "epoll_pwait", "poll",
        "ppoll",   "select",    "pselect6",   "shmat",      "umask",       "sched_getaffinity",
        "sysinfo", "getcwd",    "readlink",   "readlinkat", "getdents64",  "set_tid_address",
        "ioctl",   "prlimit64", "arch_prctl", "wait4",      "waitid",      "rt_sigtimedwait"};
    for (size_t i = 0; i < sizeof varying / sizeof varying[0]; i++)
        if (strcmp(varying[i], name) == 0)
            return true;
    return false;
}

static bool outcomes_differ(const struct call *native, const struct call *image)
{
    if (!native->has_result || !image->has_result)
        return false;
    bool failed = native->result < 0 && native->result > -4096;
    bool image_failed = image->result < 0 && image->result > -4096;
    if (failed || image_failed)
        return failed != image_failed || native->result != image->result;
    return native->result != image->result && !result_varies(native->name);
}

static strings names_of(struct arena *a, const calls *list)
{
    strings names = {0};
    for (size_t i = 0; i < list->count && i < COMPARED; i++)
        vec_push(a, &names, list->items[i].name);
    return names;
}

struct parting calls_part(struct arena *a, const calls *native, const calls *image,
                          bool (*harmless)(void *context, const char *name), void *context)
{
    struct parting none = {SIZE_MAX, SIZE_MAX, false};
    strings x = names_of(a, native), y = names_of(a, image);
    edits script;
    diff_lines(a, &x, &y, &script);
    vec_each (e, &script) {
        if (e->kind != EDIT_KEEP)
            continue;
        const struct call *n = &native->items[e->expected], *i = &image->items[e->got];
        if (outcomes_differ(n, i) && !harmless(context, n->name))
            return (struct parting){e->expected, e->got, false};
    }
    /* What only the image did and failed at counts too: it took another way before. */
    vec_each (e, &script) {
        if (e->kind != EDIT_EXTRA)
            continue;
        const struct call *i = &image->items[e->got];
        if (i->has_result && i->result == -ENOSYS && !harmless(context, i->name))
            return (struct parting){SIZE_MAX, e->got, false};
    }
    if (!image->count || native->count > COMPARED || image->count > COMPARED)
        return none;
    /* The image fell silent before the program's last call. */
    const char *last = image->items[image->count - 1].name;
    if (strncmp(last, "exit", 4) == 0)
        return none;
    size_t after = 0;
    vec_each (e, &script)
        if (e->kind == EDIT_KEEP)
            after = e->expected + 1;
    return after < native->count ? (struct parting){after, image->count, true} : none;
}
