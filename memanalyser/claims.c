/* SPDX-License-Identifier: BSD-3-Clause
 * Claims: which object contributed which run of an image section. */
#include "memanalyser/image.h"
#include <stdlib.h>

void claim_add(struct image *image, uint32_t section, struct claim claim)
{
    if (claim.start < claim.end && section < image->elf.sections.count)
        vec_push(image->arena, &image->claims[section], claim);
}

/* Both orders break ties by age, which the position in the list says. */
struct aged {
    struct claim claim;
    size_t age;
};

static int by_start(const void *x, const void *y)
{
    const struct aged *a = x, *b = y;
    if (a->claim.start != b->claim.start)
        return a->claim.start < b->claim.start ? -1 : 1;
    return (a->age > b->age) - (a->age < b->age);
}

/* A min-heap of the claims that cover the sweep's position, oldest on top. */
struct heap {
    struct aged *items;
    size_t count;
};

static void heap_push(struct heap *h, struct aged item)
{
    size_t i = h->count++;
    while (i && h->items[(i - 1) / 2].age > item.age) {
        h->items[i] = h->items[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    h->items[i] = item;
}

static void heap_pop(struct heap *h)
{
    struct aged item = h->items[--h->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= h->count)
            break;
        if (child + 1 < h->count && h->items[child + 1].age < h->items[child].age)
            child++;
        if (h->items[child].age >= item.age)
            break;
        h->items[i] = h->items[child];
        i = child;
    }
    h->items[i] = item;
}

static void emit(struct arena *a, claims *out, const struct claim *from, uint64_t start,
                 uint64_t end)
{
    struct claim *last = out->count ? &out->items[out->count - 1] : NULL;
    if (last && last->end == start && last->object == from->object && last->input == from->input &&
        last->evidence == from->evidence) {
        last->end = end;
        return;
    }
    struct claim c = *from;
    c.start = start;
    c.end = end;
    vec_push(a, out, c);
}

/* One sweep from low to high offsets; where claims overlap the oldest wins. */
static void settle(struct arena *a, claims *list)
{
    size_t count = list->count;
    struct aged *sorted = arena_array(a, count, sizeof *sorted);
    struct heap open = {arena_array(a, count, sizeof *open.items), 0};
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct aged){list->items[i], i};
    if (count > 1)
        qsort(sorted, count, sizeof *sorted, by_start);
    claims out = {0};
    uint64_t at = 0;
    for (size_t i = 0; i < count || open.count;) {
        if (!open.count && at < sorted[i].claim.start)
            at = sorted[i].claim.start;
        while (i < count && sorted[i].claim.start <= at)
            heap_push(&open, sorted[i++]);
        const struct claim *top = &open.items[0].claim;
        uint64_t end = top->end;
        if (i < count && sorted[i].claim.start < end)
            end = sorted[i].claim.start;
        if (end > at) {
            emit(a, &out, top, at, end);
            at = end;
        }
        while (open.count && open.items[0].claim.end <= at)
            heap_pop(&open);
    }
    *list = out;
}

void claims_settle(struct image *image)
{
    for (size_t i = 0; i < image->elf.sections.count; i++)
        if (image->claims[i].count)
            settle(image->arena, &image->claims[i]);
}

const struct claim *claim_at(const struct image *image, uint32_t section, uint64_t offset)
{
    const claims *list = &image->claims[section];
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->items[middle].end <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->count && list->items[low].start <= offset ? &list->items[low] : NULL;
}
