/* SPDX-License-Identifier: BSD-3-Clause
 * Telling apart what users hand over: an ELF program, or something else that deserves an answer. */
#include "analyzer/elf_private.h"
#include <ctype.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct code_name {
    unsigned code;
    const char *name;
};

/* e_machine values a user is likely to meet. */
static const struct code_name machines[] = {
    {EM_386, "i386"},      {EM_ARM, "32-bit ARM"},  {EM_PPC, "PowerPC"},
    {EM_PPC64, "ppc64"},   {EM_S390, "s390"},       {EM_MIPS, "MIPS"},
    {EM_SPARCV9, "SPARC"}, {EM_RISCV, "RISC-V"},    {EM_LOONGARCH, "LoongArch"},
    {EM_BPF, "BPF"},       {EM_AARCH64, "AArch64"}, {EM_X86_64, "x86-64"},
};

static const struct {
    const char *magic;
    size_t size;
    const char *what;
} formats[] = {
    {"!<arch>\n", 8, "an archive of object files: link a program with it"},
    {"!<thin>\n", 8, "a thin archive: link a program with it"},
    {"MZ", 2, "a Windows or EFI executable"},
    {"\xcf\xfa\xed\xfe", 4, "a Mach-O executable"},
    {"\xca\xfe\xba\xbe", 4, "a Java class or a fat Mach-O executable"},
    {"\x1f\x8b", 2, "a gzip file: unpack it first"},
    {"\xfd"
     "7zXZ",
     5, "an xz file: unpack it first"},
    {"PK\x03\x04", 4, "a zip file: unpack it first"},
    {"!<debian-binary", 15, "a Debian package"},
};

static const char *machine_name(struct arena *a, unsigned machine)
{
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++)
        if (machines[i].code == machine)
            return machines[i].name;
    return arena_printf(a, "machine number %u", machine);
}

static const char *next_word(struct arena *a, const char **cursor)
{
    const char *p = *cursor + strspn(*cursor, " \t\r");
    size_t length = strcspn(p, " \t\r");
    *cursor = p + length;
    return length ? arena_strndup(a, p, length) : NULL;
}

/* The program `env` would start: options and assignments skipped, looked up in PATH. */
static const char *env_target(struct arena *a, const char *cursor)
{
    const char *word;
    while ((word = next_word(a, &cursor)) && (word[0] == '-' || strchr(word, '=')))
        continue;
    const char *path = getenv("PATH");
    if (!word || strchr(word, '/') || !path)
        return word;
    for (const char *dir = path; *dir; dir += strcspn(dir, ":"), dir += *dir == ':') {
        const char *file = arena_printf(a, "%.*s/%s", (int)strcspn(dir, ":"), dir, word);
        if (access(file, X_OK) == 0)
            return file;
    }
    return word;
}

static enum status reject_script(struct diag *d, struct arena *a, const char *path,
                                 const char *text, size_t size)
{
    size_t limit = size < 256 ? size : 256;
    const char *end = memchr(text, '\n', limit);
    const char *line = arena_strndup(a, text + 2, (end ? (size_t)(end - text) : limit) - 2);
    const char *cursor = line;
    const char *interpreter = next_word(a, &cursor);
    if (!interpreter)
        return diag_fail(d, STATUS_INPUT, "%s: a script without an interpreter after \"#!\"", path);
    const char *base = strrchr(interpreter, '/');
    const char *target =
        !strcmp(base ? base + 1 : interpreter, "env") ? env_target(a, cursor) : interpreter;
    if (!target)
        return diag_fail(d, STATUS_INPUT, "%s: a script; its first line names no program: \"#!%s\"",
                         path, line);
    return diag_fail(d, STATUS_INPUT,
                     "%s: a script, run by %s, and not an ELF program. Analyse its interpreter "
                     "with the script as argument: %s -- %s",
                     path, target, target, path);
}

static enum status reject_foreign(struct diag *d, const char *path, const unsigned char *data,
                                  size_t size)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (size >= formats[i].size && !memcmp(data, formats[i].magic, formats[i].size))
            return diag_fail(d, STATUS_INPUT, "%s: not an ELF program but %s", path,
                             formats[i].what);
    bool text = true;
    for (size_t i = 0; i < size && i < 64; i++)
        text = text && (isprint(data[i]) || isspace(data[i]));
    if (text)
        return diag_fail(d, STATUS_INPUT, "%s: a text file, an ELF program was expected", path);
    return diag_fail(d, STATUS_INPUT,
                     "%s: offset 0: the four bytes 7f 45 4c 46 of an ELF file were expected, "
                     "%02x %02x %02x %02x found",
                     path, data[0], size > 1 ? data[1] : 0, size > 2 ? data[2] : 0,
                     size > 3 ? data[3] : 0);
}

static enum status check_type(struct diag *d, const char *path, const Elf64_Ehdr *header)
{
    switch (header->e_type) {
    case ET_EXEC:
    case ET_DYN:
        return STATUS_OK;
    case ET_REL:
        return diag_fail(d, STATUS_INPUT,
                         "%s: a relocatable object file: link it into a program first (or see "
                         "--memanalyser)",
                         path);
    case ET_CORE:
        return diag_fail(d, STATUS_INPUT,
                         "%s: a core dump, a program was expected: analyse the program that "
                         "left it",
                         path);
    default:
        return diag_fail(d, STATUS_INPUT,
                         "%s: offset 16: ELF type 2 (executable) or 3 (shared) was expected, %u "
                         "found",
                         path, header->e_type);
    }
}

enum status elf_identify(struct diag *d, struct arena *a, const char *path, const void *data,
                         size_t size)
{
    const unsigned char *bytes = data;
    if (!size)
        return diag_fail(d, STATUS_INPUT, "%s: the file is empty, an ELF program was expected",
                         path);
    if (size >= 2 && bytes[0] == '#' && bytes[1] == '!')
        return reject_script(d, a, path, data, size);
    if (size < SELFMAG || memcmp(bytes, ELFMAG, SELFMAG) != 0)
        return reject_foreign(d, path, bytes, size);
    if (size < EI_NIDENT)
        return diag_fail(d, STATUS_INPUT,
                         "%s: truncated: the ELF header takes 64 bytes, the file has %zu", path,
                         size);
    unsigned machine = size >= 20 ? bytes[18] | bytes[19] << 8 : EM_NONE;
    if (bytes[EI_DATA] == ELFDATA2MSB)
        return diag_fail(d, STATUS_INPUT,
                         "%s: a big-endian ELF file; little-endian x86-64 or AArch64 was expected",
                         path);
    if (bytes[EI_CLASS] != ELFCLASS64)
        return diag_fail(d, STATUS_INPUT,
                         "%s: a 32-bit ELF file (%s); 64-bit x86-64 or AArch64 was expected", path,
                         machine_name(a, machine));
    if (size < sizeof(Elf64_Ehdr))
        return diag_fail(d, STATUS_INPUT,
                         "%s: truncated: the ELF header takes 64 bytes, the file has %zu", path,
                         size);
    if (bytes[EI_DATA] != ELFDATA2LSB)
        return diag_fail(d, STATUS_INPUT, "%s: offset 5: byte order 1 was expected, %u found", path,
                         bytes[EI_DATA]);
    Elf64_Ehdr header;
    memcpy(&header, data, sizeof header);
    if (machine != EM_X86_64 && machine != EM_AARCH64)
        return diag_fail(d, STATUS_INPUT,
                         "%s: a program for another architecture (%s); x86-64 or AArch64 was "
                         "expected",
                         path, machine_name(a, machine));
    return check_type(d, path, &header);
}
