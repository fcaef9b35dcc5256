/* SPDX-License-Identifier: BSD-3-Clause */
#include "optimiser/space.h"
#include <string.h>

double space_size(const struct perf_search *s)
{
    double size = 1;
    vec_each (knob, &s->knobs)
        size *= (double)knob->values.count;
    return size;
}

bool same_choice(const struct perf_search *s, const int *x, const int *y)
{
    return memcmp(x, y, s->knobs.count * sizeof *x) == 0;
}

void space_enumerate(struct arena *a, const struct perf_search *s, choices *out, bool *all)
{
    size_t count = s->knobs.count;
    memset(out, 0, sizeof *out);
    *all = space_size(s) <= ENUMERATED;
    if (!*all)
        return;
    int *x = arena_array(a, count + 1, sizeof *x);
    for (;;) {
        if (!s->valid || s->valid(s->context, x)) {
            int *copy = arena_array(a, count + 1, sizeof *copy);
            memcpy(copy, x, count * sizeof *x);
            vec_push(a, out, copy);
        }
        size_t k = 0;
        while (k < count && ++x[k] == (int)s->knobs.items[k].values.count)
            x[k++] = 0;
        if (k == count)
            return;
    }
}

const char *choice_text(struct arena *a, const struct perf_search *s, const int *x)
{
    const char *text = "";
    for (size_t k = 0; k < s->knobs.count; k++)
        if (x[k])
            text = arena_printf(a, "%s%s%s=%s", text, *text ? " " : "", s->knobs.items[k].name,
                                s->knobs.items[k].values.items[x[k]]);
    return text;
}

uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
