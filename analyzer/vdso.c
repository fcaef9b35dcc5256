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

/* x86-64 and AArch64 name its functions differently. */
static const char *const prefixes[] = {"__vdso_", "__kernel_"};

/* Where a name, with its end or only its beginning, stands in what is never written. */
static const char *find_name(const struct elf_object *elf, const struct elf_segment *segment,
                             const char *name, size_t size)
{
    const char *bytes = segment->flags & PF_W
                            ? NULL
                            : (const char *)elf_bytes(elf, segment->vaddr, segment->filesz);
    return bytes ? memmem(bytes, segment->filesz, name, size) : NULL;
}

bool vdso_names(const struct object *o)
{
    vec_each (segment, &o->elf->segments)
        for (size_t i = 0; i < 2; i++)
            if (find_name(o->elf, segment, prefixes[i], strlen(prefixes[i])))
                return true;
    return false;
}

void vdso_look(struct engine *e)
{
    vec_each (object, &e->objects)
        (*object)->names_vdso = !(*object)->taken && vdso_names(*object);
}

const struct node *vdso_user(const struct walk *w, const char *call, const bool *inside)
{
    const struct engine *e = w->engine;
    for (size_t i = 0; i < e->objects.count * 2; i++) {
        const struct object *o = e->objects.items[i / 2];
        if (!o->names_vdso || (inside && inside[o->elf->index]))
            continue;
        const char *name = arena_printf(e->arena, "%s%s", prefixes[i % 2], call);
        vec_each (segment, &o->elf->segments) {
            const char *hit = find_name(o->elf, segment, name, strlen(name) + 1);
            const struct node *n =
                hit ? span_around(w, o,
                                  segment->vaddr + (uint64_t)(hit - (const char *)elf_bytes(
                                                                        o->elf, segment->vaddr,
                                                                        segment->filesz)))
                    : NULL;
            if (n)
                return n;
        }
    }
    return NULL;
}
