/* SPDX-License-Identifier: BSD-3-Clause */
#include "memanalyser/disasm.h"
#include "memanalyser/formats.h"
#define PACKAGE "toolchain"
#include <bfd.h>
#include <capstone/capstone.h>
#include <dis-asm.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct disassembler {
    struct image *image;
    struct disassemble_info info;
    disassembler_ftype print;
    csh capstone;
    bool opcodes;
    char text[512];
    size_t used;
    uint32_t section;
};

/* ---- names ------------------------------------------------------------------------------ */

static int __attribute__((format(printf, 2, 3))) append(void *stream, const char *format, ...)
{
    struct disassembler *dis = stream;
    size_t left = sizeof dis->text - dis->used;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(dis->text + dis->used, left, format, args);
    va_end(args);
    if (n > 0)
        dis->used += (size_t)n < left ? (size_t)n : left - 1;
    return n;
}

static int __attribute__((format(printf, 3, 4)))
append_styled(void *stream, enum disassembler_style style, const char *format, ...)
{
    (void)style;
    struct disassembler *dis = stream;
    size_t left = sizeof dis->text - dis->used;
    va_list args;
    va_start(args, format);
    if (format[0] == '%' && format[1] == 's' && !format[2]) { /* nearly always */
        const char *s = va_arg(args, const char *);
        size_t length = strlen(s), room = left - 1;
        memcpy(dis->text + dis->used, s, length < room ? length : room);
        dis->used += length < room ? length : room;
        dis->text[dis->used] = '\0';
        va_end(args);
        return (int)length;
    }
    int n = vsnprintf(dis->text + dis->used, left, format, args);
    va_end(args);
    if (n > 0)
        dis->used += (size_t)n < left ? (size_t)n : left - 1;
    return n;
}

static void append_name(struct disassembler *dis, uint64_t address)
{
    const struct image *image = dis->image;
    const struct elf_section *s = image->elf.relocatable ? &image->elf.sections.items[dis->section]
                                                         : elf_section_at(&image->elf, address);
    if (!s)
        return;
    const struct named_range *n = name_at(image, s->index, address - s->address);
    if (!n)
        append(dis, " <%s+0x%" PRIx64 ">", s->name, address - s->address);
    else if (n->symbol->value + (image->elf.relocatable ? s->address : 0) == address)
        append(dis, " <%s>", n->symbol->name);
    else
        append(dis, " <%s+0x%" PRIx64 ">", n->symbol->name,
               address - n->symbol->value - (image->elf.relocatable ? s->address : 0));
}

static void print_address(bfd_vma address, struct disassemble_info *info)
{
    struct disassembler *dis = info->stream;
    append(dis, "%" PRIx64, (uint64_t)address);
    append_name(dis, address);
}

static void ignore_memory_error(int status, bfd_vma address, struct disassemble_info *info)
{
    (void)status;
    (void)address;
    (void)info;
}

static const char *note_of(struct disassembler *dis, uint64_t start, uint64_t end)
{
    const struct elf_reloc *r = image_reloc_in(dis->image, dis->section, start, end);
    return r ? image_reloc_target(dis->image, r, end, NULL) : NULL;
}

/* ---- opening ---------------------------------------------------------------------------- */

static bool open_opcodes(struct disassembler *dis)
{
    const struct image *f = dis->image;
    if (f->machine != EM_X86_64 && f->machine != EM_386)
        return false;
    format_quiet_binutils();
    struct disassemble_info *info = &dis->info;
    init_disassemble_info(info, dis, append, append_styled);
    info->arch = bfd_arch_i386;
    info->mach = f->machine == EM_386 ? bfd_mach_i386_i386
                 : f->is64            ? bfd_mach_x86_64
                                      : bfd_mach_x64_32;
    info->endian = info->endian_code = info->display_endian = BFD_ENDIAN_LITTLE;
    info->read_memory_func = buffer_read_memory;
    info->memory_error_func = ignore_memory_error;
    info->print_address_func = print_address;
    disassemble_init_for_target(info);
    dis->print = disassembler(info->arch, false, info->mach, NULL);
    return dis->print != NULL;
}

static bool open_capstone(struct disassembler *dis)
{
    static const struct {
        uint16_t machine;
        cs_arch arch;
        cs_mode mode;
    } machines[] = {
        {EM_AARCH64, CS_ARCH_ARM64, 0},      {EM_ARM, CS_ARCH_ARM, 0},
        {EM_PPC64, CS_ARCH_PPC, CS_MODE_64}, {EM_S390, CS_ARCH_SYSZ, 0},
        {EM_MIPS, CS_ARCH_MIPS, CS_MODE_64},
    };
    const struct image *f = dis->image;
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        if (machines[i].machine != f->machine)
            continue;
        cs_mode mode = machines[i].mode | (f->elf.big_endian ? CS_MODE_BIG_ENDIAN : 0);
        if (cs_open(machines[i].arch, mode, &dis->capstone) != CS_ERR_OK)
            return false;
        return cs_option(dis->capstone, CS_OPT_SKIPDATA, CS_OPT_ON) == CS_ERR_OK;
    }
    return false;
}

enum status disassembler_open(struct diag *d, struct image *image, struct disassembler **out)
{
    struct disassembler *dis = ARENA_NEW(image->arena, struct disassembler);
    dis->image = image;
    *out = NULL;
    dis->opcodes = open_opcodes(dis);
    if (!dis->opcodes && !open_capstone(dis))
        return diag_fail(d, STATUS_INPUT, "%s: no disassembler for the machine %s", image->path,
                         elf_machine_name(image->arena, image->machine));
    *out = dis;
    return STATUS_OK;
}

void disassembler_close(struct disassembler *dis)
{
    if (!dis)
        return;
    if (dis->opcodes)
        disassemble_free_target(&dis->info);
    else
        cs_close(&dis->capstone);
}

/* ---- running ---------------------------------------------------------------------------- */

typedef void instruction_sink(void *context, const struct instruction *i);

static void give(struct disassembler *dis, uint64_t offset, unsigned length, instruction_sink *sink,
                 void *context)
{
    while (dis->used && dis->text[dis->used - 1] == ' ')
        dis->used--;
    dis->text[dis->used] = '\0';
    struct instruction i = {offset, length, dis->text, note_of(dis, offset, offset + length)};
    sink(context, &i);
}

static void run_opcodes(struct disassembler *dis, const struct elf_section *s, uint64_t start,
                        uint64_t end, instruction_sink *sink, void *context)
{
    dis->info.buffer = (bfd_byte *)dis->image->elf.data + s->offset + start;
    dis->info.buffer_vma = s->address + start;
    dis->info.buffer_length = s->size - start; /* the last one may reach past end, as in objdump */
    dis->info.stop_vma = s->address + end;     /* as objdump does at the next symbol */
    for (uint64_t at = start; at < end;) {
        dis->used = 0;
        dis->text[0] = '\0';
        int n = dis->print(s->address + at, &dis->info);
        unsigned length = n > 0 ? (unsigned)n : 1;
        if (length > s->size - at)
            length = (unsigned)(s->size - at);
        if (n <= 0) {
            dis->used = 0;
            append(dis, "(bad)");
        }
        give(dis, at, length, sink, context);
        at += length;
    }
}

/* Whether the instruction's number is an address rather than a value (arm64). */
static bool names_code(const char *mnemonic)
{
    static const char *const names[] = {"b", "bl", "cbz", "cbnz", "tbz", "tbnz", "adr", "adrp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(mnemonic, names[i]) == 0)
            return true;
    return strncmp(mnemonic, "b.", 2) == 0;
}

static void run_capstone(struct disassembler *dis, const struct elf_section *s, uint64_t start,
                         uint64_t end, instruction_sink *sink, void *context)
{
    const uint8_t *code = dis->image->elf.data + s->offset + start;
    size_t size = end - start;
    uint64_t address = s->address + start;
    cs_insn *insn = cs_malloc(dis->capstone);
    while (insn && cs_disasm_iter(dis->capstone, &code, &size, &address, insn)) {
        dis->used = 0;
        append(dis, "%-6s %s", insn->mnemonic, insn->op_str);
        const char *number = names_code(insn->mnemonic) ? strrchr(insn->op_str, '#') : NULL;
        uint64_t target = number ? strtoull(number + 1, NULL, 0) : 0;
        if (target && elf_section_at(&dis->image->elf, target))
            append_name(dis, target);
        give(dis, insn->address - s->address, insn->size, sink, context);
    }
    if (insn)
        cs_free(insn, 1);
}

void disassemble(struct disassembler *dis, uint32_t section, uint64_t start, uint64_t end,
                 void (*sink)(void *context, const struct instruction *i), void *context)
{
    const struct elf_section *s = &dis->image->elf.sections.items[section];
    if (!elf_contents(&dis->image->elf, s) || start >= end || end > s->size)
        return;
    dis->section = section;
    if (dis->opcodes)
        run_opcodes(dis, s, start, end, sink, context);
    else
        run_capstone(dis, s, start, end, sink, context);
}

unsigned disassembler_length(struct disassembler *dis, uint32_t section, uint64_t offset)
{
    const struct elf_section *s = &dis->image->elf.sections.items[section];
    if (!elf_contents(&dis->image->elf, s) || offset >= s->size)
        return 0;
    if (!dis->opcodes)
        return s->size - offset < 4 ? (unsigned)(s->size - offset) : 4;
    dis->section = section;
    dis->used = 0;
    dis->info.buffer = (bfd_byte *)dis->image->elf.data + s->offset;
    dis->info.buffer_vma = s->address;
    dis->info.buffer_length = s->size;
    dis->info.stop_vma = 0;
    int n = dis->print(s->address + offset, &dis->info);
    unsigned length = n > 0 ? (unsigned)n : 1;
    return length > s->size - offset ? (unsigned)(s->size - offset) : length;
}
