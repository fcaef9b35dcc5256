/* SPDX-License-Identifier: BSD-3-Clause
 * --memanalyser --disassemble and --address. */
#include "cli/memanalyser.h"
#include "memanalyser/disasm.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct listing {
    struct image *image;
    const struct elf_section *section;
    const struct function *function;
    struct table *table; /* NULL: text */
};

static void show(void *context, const struct instruction *i)
{
    struct listing *l = context;
    const unsigned char *bytes = l->image->elf.data + l->section->offset + i->offset;
    char hex[64];
    for (unsigned k = 0; k < i->length && k < sizeof hex / 3; k++)
        snprintf(hex + k * 3, 4, "%02x ", bytes[k]);
    if (!i->length)
        hex[0] = '\0';
    uint64_t address = l->section->address + i->offset;
    if (l->table) {
        table_address(l->table, address);
        table_text(l->table, l->function ? l->function->name : NULL);
        table_number(l->table, i->length);
        table_text(l->table, arena_strndup(l->image->arena, hex, strlen(hex) - 1));
        table_text(l->table, arena_strdup(l->image->arena, i->text));
        table_text(l->table, i->note);
        return;
    }
    printf("  %8" PRIx64 ":\t%-30s %s", address, hex, i->text);
    if (i->note)
        printf("    ; %s", i->note);
    putchar('\n');
}

static void one_range(struct disassembler *dis, struct listing *l, const struct mem_options *o,
                      const struct function *f)
{
    l->function = f;
    l->section = &l->image->elf.sections.items[f->section];
    if (!l->table)
        printf("\n%016" PRIx64 " <%s>: %" PRIu64 " bytes of %s\n", l->section->address + f->start,
               o->view.demangle ? demangle(l->image->arena, f->name) : f->name, f->end - f->start,
               l->section->name);
    disassemble(dis, f->section, f->start, f->end, show, l);
}

/* START-END or START+SIZE as addresses; false: something else. */
static bool parse_range(const char *text, uint64_t *start, uint64_t *end)
{
    char *rest, *last;
    if (!isdigit((unsigned char)text[0]))
        return false;
    *start = strtoull(text, &rest, 0);
    if ((*rest != '-' && *rest != '+') || !isdigit((unsigned char)rest[1]))
        return false;
    *end = strtoull(rest + 1, &last, 0);
    if (*rest == '+')
        *end += *start;
    return !*last && *end > *start;
}

static size_t by_range(struct disassembler *dis, struct listing *l, const struct mem_options *o)
{
    uint64_t start, end;
    if (!o->range || !parse_range(o->range, &start, &end))
        return 0;
    const struct elf_section *s = elf_section_at(&l->image->elf, start);
    if (!s || !elf_contents(&l->image->elf, s))
        return 0;
    uint64_t to = end - s->address < s->size ? end - s->address : s->size;
    struct function f = {o->range, s->index, start - s->address, to, NULL};
    one_range(dis, l, o, &f);
    return 1;
}

static bool chosen(const struct mem_options *o, struct image *image, const struct function *f)
{
    return !o->range || strcmp(o->range, f->name) == 0 ||
           strcmp(o->range, demangle(image->arena, f->name)) == 0;
}

enum status mem_disassemble(struct mem_options *o, struct image *image)
{
    struct diag *d = &o->cli->diag;
    struct disassembler *dis;
    enum status status = disassembler_open(d, image, &dis);
    if (status)
        return status;
    struct listing l = {.image = image};
    if (o->form != FORM_TABLE)
        l.table = table_new(image->arena, "disassembly",
                            "address:x function length:n bytes text reference");
    size_t shown = by_range(dis, &l, o);
    functions list;
    functions_find(image, &list);
    vec_each (f, &list) {
        if (shown && o->range && strchr("0123456789", o->range[0]))
            break;
        if (!chosen(o, image, f))
            continue;
        one_range(dis, &l, o, f);
        shown++;
    }
    disassembler_close(dis);
    if (!shown)
        return diag_fail(d, STATUS_INPUT, "%s: no function or address range '%s' (see --functions)",
                         image->path, o->range ? o->range : "any");
    return l.table ? mem_show(o, image, l.table) : STATUS_OK;
}

/* Every hexadecimal or decimal number of at least 4 digits in a line, so that a crash dump can be
 * piped in as it is: "RIP: 0000000000113c78", "rip=0x113c78". */
static void addresses_in(struct mem_options *o, const char *line)
{
    for (const char *p = line; *p;) {
        if (!isxdigit((unsigned char)*p) ||
            (p > line && (isalnum((unsigned char)p[-1]) || p[-1] == '_'))) {
            p++;
            continue;
        }
        char *end;
        const char *digits = strncmp(p, "0x", 2) == 0 ? p + 2 : p;
        errno = 0;
        uint64_t value = strtoull(p, &end, 16);
        if (!errno && end - digits >= 4 && !isalnum((unsigned char)*end) && *end != '_')
            vec_push(o->cli->arena, &o->addresses, value);
        p = end > p ? end : p + 1;
    }
}

enum status mem_address_view(struct mem_options *o, struct image *image, struct table **out)
{
    if (o->addresses_from_input) {
        char *line = NULL;
        size_t size = 0;
        while (getline(&line, &size, stdin) > 0)
            addresses_in(o, line);
        free(line);
        o->addresses_from_input = false;
    }
    return view_addresses(&o->cli->diag, image, o->addresses.items, o->addresses.count, &o->view,
                          out);
}
