/* SPDX-License-Identifier: BSD-3-Clause
 * What the static set of system calls is worth: a superset of what can happen, under which
 * assumptions, or what stands in the way. */
#include "analyzer/statement.h"
#include <string.h>

static const char *const assumptions[] = {
    "no code is modified or made at run time",
    "no code is executed from outside the link map and the listed plug-ins (no LD_PRELOAD, no "
    "other dlopen)",
    "the libraries are those found now, under .static.libraries",
    "functions keep the calling convention, and none writes over its caller's frame through a "
    "pointer it was not given",
    "data that is read-only once relocated stays as relocation left it",
    "programs it executes are no part of it (.static.execs)",
};

/* Beginnings of reasons: places that are told, but were met by taking all that is possible there.
 */
static const char *const harmless[] = {
    "indirect jump: all of the function is taken as reached",
    "more code without ranges than can be followed",
    "no system call has this number",
    "the system-call number is not known: every call is listed as unknown",
    ("the system-call number is not known: the C library repeats in other threads what set*id() "
     "functions call"),
};

static bool is_harmless(const char *reason)
{
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (strncmp(harmless[i], reason, strlen(harmless[i])) == 0)
            return true;
    /* 32-bit and x32 calls that have a counterpart. */
    return strstr(reason, ", listed as ") != NULL;
}

struct kind { /* of what was not decided */
    const char *reason, *first;
    size_t count;
};

static void add_unresolved(struct arena *a, const struct profile_static *s, strings *out)
{
    VEC(struct kind) kinds = {0};
    vec_each (u, &s->unresolved) {
        struct kind *known = NULL;
        vec_each (k, &kinds)
            if (strcmp(k->reason, u->reason) == 0)
                known = k;
        if (is_harmless(u->reason))
            continue;
        if (!known) {
            known = vec_add(a, &kinds);
            *known = (struct kind){u->reason,
                                   u->address ? arena_printf(a, "%s, at 0x%llx", u->library,
                                                             (unsigned long long)u->address)
                                              : u->library,
                                   0};
        }
        known->count++;
    }
    vec_each (k, &kinds)
        vec_push(a, out,
                 k->count == 1 ? arena_printf(a, "%s: %s", k->reason, k->first)
                               : arena_printf(a, "%s: %zu places, the first in %s", k->reason,
                                              k->count, k->first));
}

void statement_fill(struct arena *a, bool analysed, struct profile *profile)
{
    const struct profile_static *s = &profile->static_part;
    struct profile_statement *out = &profile->statement;
    *out = (struct profile_statement){0};
    if (!analysed) {
        vec_push(a, &out->reservations, "the code was not analysed");
        return;
    }
    for (size_t i = 0; i < sizeof assumptions / sizeof *assumptions; i++)
        vec_push(a, &out->assumptions, assumptions[i]);
    if (s->plugins.count)
        vec_push(a, &out->assumptions,
                 "configuration and folders that name plug-ins are as they are now");
    vec_each (l, &s->libraries)
        if (!l->path)
            vec_push(a, &out->reservations, arena_printf(a, "a library is missing: %s", l->soname));
    add_unresolved(a, s, &out->reservations);
    out->superset = !out->reservations.count;
}
