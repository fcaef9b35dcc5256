/* SPDX-License-Identifier: BSD-3-Clause
 * Returns: to the caller, to what was planted in place of the return address, and astray. */
#include "analyzer/interp.h"

/* What the word a return goes to was overwritten with, or was pushed for it to go to; NULL: it is
 * the return address. */
static const struct value_data *planted_return(struct run *r)
{
    const struct value_data *sp = value_get(&r->e->values, r->s.reg[r->e->arch->sp]);
    if (r->e->arch->link != REG_NONE)
        return value_get(&r->e->values, operand_source(r));
    if (sp->kind != VK_STACK || r->s.lost)
        return NULL;
    for (unsigned i = 0; i < r->s.slots; i++)
        if (r->s.slot[i].offset == sp->first && r->s.slot[i].width == 8)
            return value_get(&r->e->values, r->s.slot[i].v);
    return NULL;
}

/* Takes the return address off the stack, where it lies there. */
static void leave_counter(struct run *r)
{
    const struct architecture *arch = r->e->arch;
    struct values *v = &r->e->values;
    if (arch->link == REG_NONE)
        state_set(r, arch->sp, value_binary(v, OP_ADD, r->s.reg[arch->sp], value_const(v, 8), 8));
}

/* Whether all of a set are places in code. */
static bool all_code(struct run *r, const struct value_data *d)
{
    bool all = d->kind == VK_CONST;
    for (unsigned i = 0; all && i < d->count; i++) {
        struct object *o = engine_object_at(r->e, (uint64_t)d->all[i]);
        all = o && memory_is_code(o, (uint64_t)d->all[i] - o->base);
    }
    return all;
}

/* A return that does not end where the function was called: behind more than its own return
 * address, or to something written over it. */
static void return_astray(struct run *r, bool planted)
{
    const struct value_data *sp = value_get(&r->e->values, r->s.reg[r->e->arch->sp]);
    bool stack = sp->kind == VK_STACK && r->e->arch->link == REG_NONE;
    if (stack && (sp->first > 0 || (planted && !r->c->function->twice)))
        engine_stray(r->e, r->c->function);
    if (!planted || !stack || r->c->function->twice)
        return;
    leave_counter(r);
    jump_unknown(r, true);
}

void return_from(struct run *r)
{
    const struct value_data *planted = planted_return(r);
    if (planted && all_code(r, planted)) {
        leave_counter(r);
        struct state before = r->s;
        for (unsigned i = 0; i < planted->count; i++) {
            r->s = before;
            jump_to(r, (uint64_t)planted->all[i]);
        }
        return;
    }
    r->c->returns = true;
    r->c->result = value_join(&r->e->values, r->c->result,
                              value_outside(&r->e->values, r->s.reg[r->e->arch->result]), false);
    if (r->ir->i.imm && r->e->arch->link == REG_NONE)
        r->c->function->pops = true;
    return_astray(r, planted != NULL);
}
