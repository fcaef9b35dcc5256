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
    unsigned used = 0;
    for (unsigned k = 0; k < i->length && used + 4 < sizeof hex; k++) {
        hex[used++] = "0123456789abcdef"[bytes[k] >> 4];
        hex[used++] = "0123456789abcdef"[bytes[k] & 15];
        hex[used++] = ' ';
    }
    hex[used] = '\0';
    uint64_t address = l->section->address + i->offset;
    if (l->table) {
        table_address(l->table, address);
        table_text(l->table, l->function ? l->function->name : NULL);
        table_number(l->table, i->length);
        table_text(l->table, arena_strndup(l->image->arena, hex, used ? used - 1 : 0));
        table_text(l->table, arena_strdup(l->image->arena, i->text));
        table_text(l->table, i->note);
        return;
    }
    char line[32];
    char *p = line + sizeof line;
    unsigned digits = 0;
    do {
        *--p = "0123456789abcdef"[address & 15];
        digits++;
    } while (address >>= 4);
    for (; digits < 10; digits++)
        *--p = ' ';
    fwrite(p, 1, (size_t)(line + sizeof line - p), stdout);
    fputs(":\t", stdout);
    fputs(hex, stdout);
    for (; used < 30; used++)
        putchar_unlocked(' ');
    putchar_unlocked(' ');
    fputs(i->text, stdout);
    if (i->note) {
        fputs("    ; ", stdout);
        fputs(i->note, stdout);
    }
    putchar('\n');
}

/* Data among the code, as the symbol's type says: bytes, sixteen a line. */
static void data_lines(struct listing *l, const struct function *f)
{
    for (uint64_t at = f->start; at < f->end; at += 16) {
        uint64_t length = f->end - at < 16 ? f->end - at : 16;
        show(l, &(struct instruction){at, (unsigned)length, ".byte", NULL});
    }
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
    if (f->symbol && f->symbol->type == STT_OBJECT)
        data_lines(l, f);
    else
        disassemble(dis, f->section, f->start, f->end, show, l);
    l->function = NULL;
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

/* Everything: each code section whole, cut at its symbols as objdump -d does. */
static void whole_sections(struct disassembler *dis, struct listing *l, const struct mem_options *o)
{
    struct image *image = l->image;
    vec_each (s, &image->elf.sections) {
        if (!(s->flags & SHF_EXECINSTR) || s->type != SHT_PROGBITS || !s->size)
            continue;
        const named_ranges *names = &image->names[s->index];
        struct function f = {s->name, s->index, 0, 0, NULL};
        const struct elf_symbol *seen = NULL;
        vec_each (n, names) {
            if (n->symbol == seen ||
                section_address(image, s->index, n->start) !=
                    n->symbol->value + (image->elf.relocatable ? s->address : 0))
                continue;
            seen = n->symbol;
            f.end = n->start;
            if (f.end > f.start)
                one_range(dis, l, o, &f);
            f.name = n->symbol->name;
            f.symbol = n->symbol;
            f.start = n->start;
        }
        f.end = s->size;
        one_range(dis, l, o, &f);
    }
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
    if (!o->range)
        whole_sections(dis, &l, o), shown++;
    functions list;
    functions_find(image, &list);
    for (size_t i = 0; !shown && i < list.count; i++) {
        const struct function *f = &list.items[i];
        if (strcmp(o->range, f->name) != 0 &&
            strcmp(o->range, demangle(image->arena, f->name)) != 0)
            continue;
        one_range(dis, &l, o, f);
        shown++;
    }
    disassembler_close(dis);
    if (!shown)
        return diag_fail(d, STATUS_INPUT, "%s: no function or address range '%s' (see --functions)",
                         image->path, o->range);
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
