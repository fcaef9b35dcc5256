/* SPDX-License-Identifier: BSD-3-Clause
 * Plug-ins taken whole. An object that cannot enter the kernel itself, and that is bound to nothing
 * but variables and functions which the link map reaches with any inputs, adds nothing but to reach
 * them, whatever its code does. Hundreds of character set converters are such. */
#include "analyzer/whole_object.h"
#include "analyzer/plugins.h"
#include "analyzer/vdso.h"
#include <elf.h>

/* syscall, sysenter or int 0x80, wherever one could begin. */
static bool holds_entry(const unsigned char *bytes, uint64_t size)
{
    for (uint64_t i = 0; i + 1 < size; i++) {
        unsigned char next = bytes[i + 1];
        if (bytes[i] == 0x0f ? next == 0x05 || next == 0x34 : bytes[i] == 0xcd && next == 0x80)
            return true;
    }
    return false;
}

static bool may_enter_kernel(const struct object *o)
{
    vec_each (s, &o->elf->segments) {
        const unsigned char *bytes =
            s->flags & PF_X ? elf_bytes(o->elf, s->vaddr, s->filesz) : NULL;
        if ((s->flags & PF_X) && (!bytes || (s->flags & PF_W)))
            return true;
        if (bytes && holds_entry(bytes, s->filesz))
            return true;
    }
    return false;
}

static bool defines_what_is_asked_about(const struct object *o)
{
    for (size_t i = 1; i < o->elf->symbols.count; i++) {
        const struct elf_symbol *s = &o->elf->symbols.items[i];
        if (s->section != SHN_UNDEF && plugins_ask_about(s->name))
            return true;
    }
    return false;
}

/* A function that the link map reaches with unknown inputs. */
static bool is_known(const struct walk *w, struct object *o, uint64_t address)
{
    const struct function *f = address_map_get(&o->functions_by_address, address);
    const struct context *c = f && f->contexts.count ? f->contexts.items[0] : NULL;
    return c && c->node.id < w->nodes && w->reached[c->node.id] && !f->hook && !f->numbers &&
           !f->data;
}

static bool word_is_harmless(struct engine *e, const struct walk *w, struct object *o,
                             const struct elf_relocation *r)
{
    if (r->kind == RELOC_RELATIVE)
        return true;
    if (r->kind != RELOC_SYMBOLIC)
        return false;
    struct linkmap_binding b = linkmap_pointer(e->map, o->elf, r->address);
    if (!b.object || b.object == o->elf)
        return true;
    struct object *to = e->objects.items[b.object->index];
    if (to->plugin)
        return whole_object(e, w, to) != NULL;
    return b.ifunc || memory_is_code(to, b.address) ? is_known(w, to, b.address) : true;
}

static bool is_harmless(struct engine *e, const struct walk *w, struct object *o)
{
    if (!o->plugin || o->absolute || o->go || e->arch->partial || o->elf->machine != EM_X86_64 ||
        defines_what_is_asked_about(o))
        return false;
    vec_each (r, &o->elf->relocations)
        if (!word_is_harmless(e, w, o, r))
            return false;
    return !may_enter_kernel(o) && !vdso_names(o);
}

static uint64_t first_code(const struct object *o)
{
    vec_each (s, &o->elf->segments)
        if (s->flags & PF_X)
            return s->vaddr;
    return 0;
}

/* All that its words are bound to is reached from one context that stands for its code. */
static struct context *take(struct engine *e, struct object *o)
{
    struct function *f = engine_function(e, o, first_code(o));
    struct context *c = engine_finished(e, f);
    f->whole = f->called = true;
    vec_each (r, &o->elf->relocations) {
        struct linkmap_binding b = linkmap_pointer(e->map, o->elf, r->address);
        struct object *to = b.object ? e->objects.items[b.object->index] : o;
        if (r->kind != RELOC_SYMBOLIC || to == o)
            continue;
        if (to->plugin)
            engine_edge(e, &c->node, r->address, &to->taken->node, EDGE_DATA);
        else if (b.ifunc || memory_is_code(to, b.address))
            engine_edge(e, &c->node, r->address,
                        &engine_generic(e, engine_function(e, to, b.address))->node, EDGE_SLOT);
        else
            memory_touch(e, &c->node, r->address, to->base + b.address, EDGE_DATA);
    }
    return c;
}

struct context *whole_object(struct engine *e, const struct walk *w, struct object *o)
{
    if (!o->judged) {
        o->judged = true; /* one that hangs on itself through others is not harmless */
        if (is_harmless(e, w, o))
            o->taken = take(e, o);
    }
    return o->taken;
}
