/* SPDX-License-Identifier: BSD-3-Clause
 * Arguments that select what a multiplexed call does, as a run passes them. */
#include "common/selectors.h"
#include "tracer/sets.h"
#include <string.h>

enum { VALUE_LIMIT = 4096 };

static bool value_of(const struct selector *selector, const struct task *task,
                     const struct call *call, int64_t *value)
{
    uint64_t raw = call->args[selector->argument];
    if (selector->in_memory && memory_read(task->id, raw, &raw, sizeof raw) != sizeof raw)
        return false;
    *value = (int64_t)(raw & selector->mask);
    return true;
}

bool selector_matches(const struct selector *selector, const struct task *task,
                      const struct call *call, int64_t value)
{
    int64_t present;
    return value_of(selector, task, call, &present) && present == value;
}

const struct selector *selector_find(const struct profile_selector *entry, int *number)
{
    int64_t call = syscall_number(entry->syscall);
    for (const struct selector *of = call < 0 ? NULL : selector_of(call, NULL); of;
         of = selector_of(call, of)) {
        if (of->bits || strcmp(of->name, entry->argument) != 0)
            continue;
        *number = of->number;
        return of;
    }
    return NULL;
}

const char *selector_text(struct arena *a, const struct selector *selector, int64_t value)
{
    const char *call = syscall_name(selector->number);
    const char *name = selector_value_name(a, selector, value);
    return name ? arena_printf(a, "%s %s", call, name)
                : arena_printf(a, "%s %s %lld", call, selector->name, (long long)value);
}

bool selectors_watch(int number)
{
    for (const struct selector *s = selector_of(number, NULL); s; s = selector_of(number, s))
        if (s->traced)
            return true;
    return false;
}

bool selectors_add(struct session *s, const struct selector *selector, int64_t value)
{
    struct selector_key key = {.selector = selector, .value = value};
    struct selector_seen *seen;
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): all bytes are set */
    HASH_FIND(hh, s->sets->selectors, &key, sizeof key, seen);
    if (seen || HASH_COUNT(s->sets->selectors) >= VALUE_LIMIT)
        return false;
    seen = ARENA_NEW(s->arena, struct selector_seen);
    seen->key = key;
    HASH_ADD(hh, s->sets->selectors, key, sizeof key, seen);
    return true;
}

bool selectors_record(struct session *s, const struct task *task, const struct call *call)
{
    bool news = false;
    int64_t value;
    for (const struct selector *of = selector_of(call->number, NULL); of;
         of = selector_of(call->number, of))
        if (of->traced && value_of(of, task, call, &value))
            news |= selectors_add(s, of, value);
    return news;
}

void selectors_finish(struct session *s, struct arena *a, struct profile_dynamic *out)
{
    struct selector_seen *seen = NULL, *next = NULL;
    HASH_ITER (hh, s->sets->selectors, seen, next) {
        struct profile_selector entry = selector_entry(a, seen->key.selector, seen->key.value);
        if (!entry.name)
            entry.name = ring_operation_name(a, seen->key.selector, seen->key.value);
        vec_push(a, &out->selectors, entry);
        HASH_DEL(s->sets->selectors, seen);
    }
    vec_sort(&out->selectors, selector_order);
}
