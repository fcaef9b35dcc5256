/* SPDX-License-Identifier: BSD-3-Clause
 * libFuzzer target: any bytes, as an ELF file or an archive, through everything the memanalyser
 * does with one file. Built and run by tests/integration/61-memanalyser-input.t; by hand: clang -g
 * -O1 -fsanitize=fuzzer,address,undefined ... and see that test. */
#include "memanalyser/archive.h"
#include "memanalyser/diff.h"
#include "memanalyser/pictures.h"
#include "memanalyser/sharing.h"
#include "memanalyser/supplement.h"
#include "memanalyser/views_flow.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count_instruction(void *context, const struct instruction *i)
{
    *(size_t *)context += i->length;
}

static void read_code(struct diag *d, struct image *image)
{
    struct disassembler *dis;
    size_t bytes = 0;
    if (disassembler_open(d, image, &dis))
        return;
    for (uint32_t i = 1; i < image->elf.sections.count; i++)
        if (image->elf.sections.items[i].flags & SHF_EXECINSTR)
            disassemble(dis, i, 0, image->elf.sections.items[i].size, count_instruction, &bytes);
    disassembler_close(dis);
}

static void show_all(struct diag *d, struct image *image)
{
    const struct view_options options = {.demangle = true};
    struct table *t;
    struct diff_totals totals;
    struct sharing_totals pages;
    image_list twice = {0};
    char *text;
    size_t size;
    for (size_t i = 0; i < view_count; i++)
        if (!views[i].make(d, image, &options, &t))
            json_decref(table_json(t));
    const uint64_t addresses[] = {0, 0x1000, 0x401000, image->elf.entry, UINT64_MAX};
    view_addresses(d, image, addresses, 5, &options, &t);
    if (images_diff(d, image, image, DIFF_SYMBOL, true, &t, &totals))
        abort();
    treemap_dot(image, &text);
    page_map_svg(image, &text);
    html_page(d, image, &text, &size);
    vec_push(image->arena, &twice, image);
    vec_push(image->arena, &twice, image);
    if (image_memory_size(image) < (1 << 22))
        sharing_pages(d, image->arena, &twice, &t, &pages);
}

static void one_image(struct arena *a, const uint8_t *data, size_t size)
{
    struct diag d;
    struct image image;
    diag_init(&d, -1);
    if (image_open_bytes(&d, a, "fuzz", data, size, &image)) {
        if (!d.message[0])
            abort(); /* a failure without a word */
        return;
    }
    image_name_plt(&d, &image);
    if (image.elf.relocatable) {
        image_claim_itself(&image);
    } else {
        image_claim_units(&d, &image);
        image_claim_unwind(&d, &image);
    }
    /* The invariant: every byte exactly once. */
    if (image_cut(&d, &image)) {
        fprintf(stderr, "%s\n", d.message);
        abort();
    }
    show_all(&d, &image);
    read_code(&d, &image);
    image_close(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct diag d;
    struct archive archive;
    diag_init(&d, -1);
    /* libelf may write into its image: give it memory of its own */
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    if (archive_is(copy, size) && !archive_parse(&d, a, "fuzz.a", copy, size, &archive)) {
        vec_each (m, &archive.members)
            if (m->data && elf_is(m->data, m->size))
                one_image(a, m->data, m->size);
    } else {
        one_image(a, copy, size);
    }
    free(copy);
    arena_free(a);
    return 0;
}
