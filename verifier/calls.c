/* SPDX-License-Identifier: BSD-3-Clause */
#include "verifier/calls.h"
#include "common/file.h"
#include "verifier/compare.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
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

bool events_hold_trace(const console_events *events)
{
    vec_each (e, events)
        if (e->kind == CONSOLE_TRACE)
            return true;
    return false;
}

void calls_of_events(struct arena *a, const console_events *events, calls *out)
{
    /* A core that traces tells a refused call twice. */
    bool trace = events_hold_trace(events);
    vec_each (e, events) {
        if (e->kind == CONSOLE_TRACE)
            vec_push(a, out,
                     ((struct call){e->text, e->arguments, e->result, e->has_result, e->offset}));
        else if (e->kind == CONSOLE_MISSING && !trace)
            vec_push(a, out, ((struct call){e->text, "", -ENOSYS, true, e->offset}));
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

long call_descriptor(const struct call *c)
{
    const char *fd = strncmp(c->arguments, "fd:", 3) == 0 ? c->arguments + 3 : c->arguments;
    char *end;
    long number = strtol(fd, &end, 0);
    return end != fd ? number : -1;
}

/* Output to the terminal: what is printed is compared as text, and its length varies with it. */
static bool prints(const struct call *c)
{
    if (strcmp(c->name, "write") != 0 && strcmp(c->name, "writev") != 0)
        return false;
    long number = call_descriptor(c);
    return number == 1 || number == 2;
}

bool call_reads_input(const struct call *c)
{
    return (strcmp(c->name, "read") == 0 || strcmp(c->name, "readv") == 0) &&
           call_descriptor(c) == 0;
}

/* How much comes or goes at once is the terminal's affair. */
static bool converses(const struct call *c)
{
    return prints(c) || call_reads_input(c);
}

bool call_fruitless(const calls *list, size_t index)
{
    static const char *const openers[] = {"socket", "open", "openat", "openat2", "creat"};
    const struct call *opener = &list->items[index];
    bool opens = false, used = false;
    for (size_t i = 0; i < sizeof openers / sizeof openers[0]; i++)
        opens |= strcmp(opener->name, openers[i]) == 0;
    if (!opens || !opener->has_result || opener->result < 0)
        return false;
    for (size_t i = index + 1; i < list->count; i++) {
        const struct call *c = &list->items[i];
        if (call_descriptor(c) != opener->result)
            continue;
        if (strcmp(c->name, "close") == 0)
            return used;
        if (!c->has_result || c->result >= 0)
            return false;
        used = true;
    }
    return false;
}

int64_t calls_printed(const calls *list)
{
    int64_t sum = 0;
    for (size_t i = 0; i < list->count; i++)
        if (prints(&list->items[i]) && list->items[i].has_result && list->items[i].result > 0)
            sum += list->items[i].result;
    return sum;
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
    /* What never returns on Linux (exit_group) is refused. */
    if (!native->has_result && image->has_result && image->result == -ENOSYS)
        return true;
    if (!native->has_result || !image->has_result)
        return false;
    bool failed = native->result < 0 && native->result > -4096;
    bool image_failed = image->result < 0 && image->result > -4096;
    if (failed || image_failed)
        return failed != image_failed || native->result != image->result;
    return native->result != image->result && !result_varies(native->name) && !converses(native);
}

/* What a call is lined up by: its name and its outcome, so that of two writes the one with the same
 * result is taken for the same. */
static strings keys_of(struct arena *a, const calls *list)
{
    strings keys = {0};
    for (size_t i = 0; i < list->count && i < COMPARED; i++) {
        const struct call *c = &list->items[i];
        bool failed = c->has_result && c->result < 0 && c->result > -4096;
        if (c->has_result && (failed || (!result_varies(c->name) && !converses(c))))
            vec_push(a, &keys, arena_printf(a, "%s %" PRId64, c->name, c->result));
        else
            vec_push(a, &keys, c->name);
    }
    return keys;
}

struct stretch {
    size_t n_from, n_to, i_from, i_to; /* calls of either side between two that are alike */
};

struct search {
    struct arena *a;
    const calls *native, *image;
    bool (*harmless)(void *context, const char *name);
    void *context;
    partings *out;
};

/* Within a stretch where nothing is alike: calls that both make with different outcome, and calls
 * that only the image makes and that are refused. */
static void part_in(struct search *s, const struct stretch *in)
{
    size_t next = in->n_from;
    for (size_t i = in->i_from; i < in->i_to; i++) {
        const struct call *c = &s->image->items[i];
        if (s->harmless(s->context, c->name))
            continue;
        size_t n = next;
        while (n < in->n_to && strcmp(s->native->items[n].name, c->name) != 0)
            n++;
        if (n < in->n_to) {
            next = n + 1;
            if (outcomes_differ(&s->native->items[n], c))
                vec_push(s->a, s->out, ((struct parting){n, i, false}));
        } else if (c->has_result && c->result == -ENOSYS) {
            vec_push(s->a, s->out, ((struct parting){SIZE_MAX, i, false}));
        }
    }
}

/* The image fell silent before the program's last call. */
static void part_at_end(struct search *s, const edits *script)
{
    size_t after = 0, count = s->image->count;
    if (!count || s->native->count > COMPARED || count > COMPARED ||
        strncmp(s->image->items[count - 1].name, "exit", 4) == 0)
        return;
    vec_each (e, script)
        if (e->kind == EDIT_KEEP)
            after = e->expected + 1;
    if (after < s->native->count)
        vec_push(s->a, s->out, ((struct parting){after, count, true}));
}

void calls_part(struct arena *a, const calls *native, const calls *image,
                bool (*harmless)(void *context, const char *name), void *context, partings *out)
{
    struct search s = {a, native, image, harmless, context, out};
    strings x = keys_of(a, native), y = keys_of(a, image);
    edits script;
    memset(out, 0, sizeof *out);
    diff_lines(a, &x, &y, &script);
    struct stretch in = {0};
    for (size_t k = 0; k <= script.count; k++) {
        bool end = k == script.count;
        if (!end && script.items[k].kind != EDIT_KEEP)
            continue;
        in.n_to = end ? x.count : script.items[k].expected;
        in.i_to = end ? y.count : script.items[k].got;
        part_in(&s, &in);
        in.n_from = in.n_to + 1;
        in.i_from = in.i_to + 1;
    }
    part_at_end(&s, &script);
}
