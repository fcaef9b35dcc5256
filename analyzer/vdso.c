/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/vdso.h"
#include <elf.h>
#include <string.h>

static const char *const calls[] = {"clock_gettime", "gettimeofday", "clock_getres", "getrandom",
                                    NULL};

const char *vdso_call(unsigned i)
{
    return i < sizeof calls / sizeof *calls ? calls[i] : NULL;
}

static const struct node *span_around(const struct walk *w, const struct object *o, uint64_t at)
{
    vec_each (node, &w->order) {
        const struct span *s = (const struct span *)*node;
        if (s->node.kind == NODE_SPAN && s->object == o && at >= s->start && at < s->end)
            return &s->node;
    }
    return NULL;
}

const struct node *vdso_user(const struct walk *w, const char *call, const bool *inside)
{
    /* x86-64 and AArch64 name them differently. */
    static const char *const prefixes[] = {"__vdso_", "__kernel_"};
    const struct engine *e = w->engine;
    for (size_t i = 0; i < e->objects.count * 2; i++) {
        const struct object *o = e->objects.items[i / 2];
        const char *name = arena_printf(e->arena, "%s%s", prefixes[i % 2], call);
        vec_each (segment, &o->elf->segments) {
            bool skip = (inside && inside[o->elf->index]) || segment->flags & PF_W;
            const char *bytes =
                skip ? NULL : (const char *)elf_bytes(o->elf, segment->vaddr, segment->filesz);
            const char *hit = bytes ? memmem(bytes, segment->filesz, name, strlen(name) + 1) : NULL;
            const struct node *n =
                hit ? span_around(w, o, segment->vaddr + (uint64_t)(hit - bytes)) : NULL;
            if (n)
                return n;
        }
    }
    return NULL;
}
