/* SPDX-License-Identifier: BSD-3-Clause
 * The GNU linker's map file (ld -Map; also gold's, and lld's with --print-map in GNU form): after
 * "Linker script and memory map", each line " SECTION ADDRESS SIZE FILE" is one input section. */
#include "common/file.h"
#include "memanalyser/image.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct map_reader {
    struct image *image;
    struct arena *a;
    const char *section; /* an input section's name that stood alone on its line */
    size_t found;
};

/* "lib/libx.a(y.o)" belongs to libx, "O/libx.o" to libx. */
static int object_of(struct map_reader *r, const char *file)
{
    struct image *image = r->image;
    for (size_t i = image->objects.count; i > 0; i--)
        if (strcmp(image->objects.items[i - 1].path, file) == 0)
            return (int)i - 1;
    size_t length = strlen(file);
    const char *paren = length && file[length - 1] == ')' ? strrchr(file, '(') : NULL;
    const char *holder = paren ? arena_strndup(r->a, file, (size_t)(paren - file)) : file;
    int library = image_library(image, library_name_of(r->a, holder));
    vec_push(r->a, &image->objects, ((struct object){.path = file, .library = library}));
    return (int)image->objects.count - 1;
}

static void take(struct map_reader *r, const char *section, const char *address, const char *size,
                 const char *file)
{
    uint64_t at = strtoull(address, NULL, 16), bytes = strtoull(size, NULL, 16);
    vec_each (s, &r->image->elf.sections) {
        uint64_t whole = elf_memory_size(s);
        if (!whole || at < s->address || at - s->address >= whole ||
            bytes > whole - (at - s->address) || !bytes)
            continue;
        uint64_t offset = at - s->address;
        claim_add(r->image, s->index,
                  (struct claim){offset, offset + bytes, object_of(r, file), section, BY_LINK_MAP});
        r->found++;
        return;
    }
}

/* One line after the heading; an input section's line begins with exactly one blank, or, where its
 * name was too long, stands alone and is followed by an indented line with the rest. */
static void read_line(struct map_reader *r, char *line)
{
    bool input = line[0] == ' ' && line[1] != ' ' && line[1];
    bool rest = strncmp(line, "                0x", 18) == 0 && r->section;
    char *words[4] = {0}, *save = NULL;
    size_t count = 0;
    for (char *w = strtok_r(line, " \t", &save); w && count < 3; w = strtok_r(NULL, " \t", &save)) {
        words[count++] = w;
        if (count == (rest ? 2 : 3)) {
            words[count] = save;
            break;
        }
    }
    if (input && count == 1) {
        r->section = words[0];
        return;
    }
    const char *section = rest ? r->section : words[0];
    char **numbers = rest ? words : words + 1;
    r->section = NULL;
    if ((!input && !rest) || count < (rest ? 2u : 3u) || strncmp(numbers[0], "0x", 2) != 0 ||
        strncmp(numbers[1], "0x", 2) != 0 || section[0] == '*')
        return;
    const char *file = numbers[2] + strspn(numbers[2], " ");
    if (*file && strncmp(file, "linker stubs", 12) != 0)
        take(r, section, numbers[0], numbers[1], file);
}

enum status image_read_link_map(struct diag *d, struct image *image, const char *path)
{
    char *text;
    size_t size;
    enum status status = file_read(d, image->arena, path, 0, &text, &size);
    if (status)
        return status;
    struct map_reader r = {.image = image, .a = image->arena};
    char *save = NULL;
    char *start = strstr(text, "Linker script and memory map");
    if (!start)
        return diag_fail(d, STATUS_INPUT,
                         "%s: not a linker map (no line 'Linker script and memory map'); make one "
                         "with -Wl,-Map=FILE",
                         path);
    for (char *line = strtok_r(start, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        read_line(&r, line);
    if (!r.found)
        return diag_fail(d, STATUS_INPUT, "%s: none of its input sections lies in %s", path,
                         image->path);
    claims_settle(image);
    return STATUS_OK;
}
