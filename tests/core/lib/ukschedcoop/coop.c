/* SPDX-License-Identifier: BSD-3-Clause
 * Threads that run until they wait: a ring, one step further at each yield. */
#include <core/boot.h>
#include <core/sched.h>
#include <stdlib.h>

enum { STACK_SIZE = CONFIG_LIBUKSCHEDCOOP_STACK_KB * 1024, SAVED_REGISTERS = 6 };

struct uk_thread {
    struct uk_thread *next;
    void *stack_pointer, *stack;
    void *(*function)(void *);
    void *argument, *result;
    bool done;
};

void coop_switch(void **save, void *to);

static struct uk_thread first = {.next = &first}, *current = &first;

static void yield(void)
{
    struct uk_thread *from = current, *to = from->next;
    while (to->done)
        to = to->next;
    if (to == from)
        return;
    current = to;
    coop_switch(&from->stack_pointer, to->stack_pointer);
}

static void run(void)
{
    current->result = current->function(current->argument);
    current->done = true;
    yield();
    abort();
}

static struct uk_thread *create(void *(*function)(void *), void *argument)
{
    struct uk_thread *t = calloc(1, sizeof *t);
    char *stack = t ? malloc(STACK_SIZE) : NULL;
    if (!stack) {
        free(t);
        return NULL;
    }
    t->stack = stack;
    t->function = function;
    t->argument = argument;
    /* As run finds the stack after a call: 8 bytes off a multiple of 16. */
    void **top = (void **)(((uintptr_t)stack + STACK_SIZE) & ~(uintptr_t)15) - 1;
    *--top = (void *)run;
    for (int i = 0; i < SAVED_REGISTERS; i++)
        *--top = NULL;
    t->stack_pointer = top;
    t->next = current->next;
    current->next = t;
    return t;
}

static void *join(struct uk_thread *t)
{
    while (!t->done)
        yield();
    struct uk_thread *before = t;
    while (before->next != t)
        before = before->next;
    before->next = t->next;
    void *result = t->result;
    free(t->stack);
    free(t);
    return result;
}

static int init(void)
{
    static const struct uk_scheduler coop = {"coop", create, join, yield};
    uk_sched_register(&coop);
    return 0;
}
UKBOOT_INIT(0, init);
