/* SPDX-License-Identifier: BSD-3-Clause
 * Binary buddies over pages of 4 KiB, and power-of-two cells within pages: constant time, more
 * code, more memory. */
#include <core/alloc.h>
#include <stdint.h>
#include <string.h>

enum { PAGE_SHIFT = 12, PAGE = 1 << PAGE_SHIFT, ORDERS = 32, SMALL_SHIFT = 4, SMALL_KINDS = 7 };
/* State of a page in the map: order of the block that begins there. */
enum { FREE = 0x80, CELLS = 0x40, INSIDE = 0x3f };

struct link {
    struct link *next, **self;
};

static char *pages;
static unsigned char *map;
static size_t page_count;
static struct link *free_blocks[ORDERS], *free_cells[SMALL_KINDS];

static void push(struct link **list, void *p)
{
    struct link *l = p;
    l->next = *list;
    l->self = list;
    if (l->next)
        l->next->self = &l->next;
    *list = l;
}

static void drop(struct link *l)
{
    *l->self = l->next;
    if (l->next)
        l->next->self = l->self;
}

static void release(size_t page, unsigned order)
{
    for (; order + 1 < ORDERS; order++) {
        size_t buddy = page ^ ((size_t)1 << order);
        if (buddy + ((size_t)1 << order) > page_count || map[buddy] != (FREE | order))
            break;
        drop((struct link *)(pages + (buddy << PAGE_SHIFT)));
        map[buddy] = map[page] = INSIDE;
        page = page < buddy ? page : buddy;
    }
    map[page] = (unsigned char)(FREE | order);
    push(&free_blocks[order], pages + (page << PAGE_SHIFT));
}

static void init(void *base, size_t size)
{
    uintptr_t start = ((uintptr_t)base + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
    uintptr_t end = ((uintptr_t)base + size) & ~(uintptr_t)(PAGE - 1);
    size_t all = (end - start) >> PAGE_SHIFT, map_pages = (all + PAGE - 1) >> PAGE_SHIFT;
    map = (unsigned char *)start;
    pages = (char *)start + (map_pages << PAGE_SHIFT);
    page_count = all - map_pages;
    memset(map, INSIDE, page_count);
    for (size_t page = 0; page < page_count;) {
        unsigned order = 0;
        while (order + 1 < ORDERS && !(page & (((size_t)2 << order) - 1)) &&
               page + ((size_t)2 << order) <= page_count)
            order++;
        release(page, order);
        page += (size_t)1 << order;
    }
}

static void *take_pages(unsigned order)
{
    unsigned found = order;
    while (found < ORDERS && !free_blocks[found])
        found++;
    if (found == ORDERS)
        return NULL;
    struct link *l = free_blocks[found];
    drop(l);
    size_t page = (size_t)((char *)l - pages) >> PAGE_SHIFT;
    while (found > order) {
        size_t upper = page + ((size_t)1 << --found);
        map[upper] = (unsigned char)(FREE | found);
        push(&free_blocks[found], pages + (upper << PAGE_SHIFT));
    }
    map[page] = (unsigned char)order;
    return l;
}

static void *take(size_t alignment, size_t size)
{
    size = size < alignment ? alignment : size;
    if (size > PAGE / 4) {
        unsigned order = 0;
        while (order < ORDERS && ((size_t)PAGE << order) < size)
            order++;
        return order < ORDERS ? take_pages(order) : NULL;
    }
    unsigned kind = 0;
    while ((16u << kind) < size)
        kind++;
    if (!free_cells[kind]) {
        char *page = take_pages(0);
        if (!page)
            return NULL;
        map[(size_t)(page - pages) >> PAGE_SHIFT] = (unsigned char)(CELLS | kind);
        for (size_t at = PAGE; at; at -= 16u << kind)
            push(&free_cells[kind], page + at - (16u << kind));
    }
    struct link *cell = free_cells[kind];
    drop(cell);
    return cell;
}

static void give_back(void *p)
{
    size_t page = (size_t)((char *)p - pages) >> PAGE_SHIFT;
    if (map[page] & CELLS)
        push(&free_cells[map[page] & ~CELLS], p);
    else
        release(page, map[page]);
}

static size_t size_of(const void *p)
{
    size_t page = (size_t)((const char *)p - pages) >> PAGE_SHIFT;
    return map[page] & CELLS ? (size_t)16 << (map[page] & ~CELLS) : (size_t)PAGE << map[page];
}

const struct uk_allocator uk_allocbuddy = {"buddy", init, take, give_back, size_of};
