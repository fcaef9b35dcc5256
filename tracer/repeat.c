/* SPDX-License-Identifier: BSD-3-Clause
 * Several runs of everything: their union, and which calls only some of them made. Each run learns
 * from nothing, as what is known already is not looked for again. */
#include "tracer/session.h"
#include <string.h>

static struct unit *unit_in(struct session *s, struct unit **list, const struct unit *like)
{
    struct unit **at = list;
    for (; *at; at = &(*at)->next)
        if ((*at)->program == like->program && strcmp((*at)->path, like->path) == 0)
            return *at;
    *at = ARENA_NEW(s->arena, struct unit);
    (*at)->path = like->path;
    (*at)->program = like->program;
    return *at;
}

static void fact_add(struct fact *to, const struct fact *from)
{
    to->phases |= from->phases;
    to->count += from->count;
    to->runs += from->phases != 0;
    if (!to->first)
        to->first = from->first;
}

void repeat_run_over(struct session *s, struct unit **all)
{
    for (const struct unit *unit = s->units; unit; unit = unit->next) {
        struct unit *to = unit_in(s, all, unit);
        for (int abi = 0; abi < ABI_COUNT; abi++)
            for (int i = 0; i < SYSCALL_LIMIT; i++)
                fact_add(&to->calls[abi][i], &unit->calls[abi][i]);
    }
    s->units = NULL;
    unit_for(s, s->path, true);
}
