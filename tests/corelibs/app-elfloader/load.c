/* SPDX-License-Identifier: BSD-3-Clause
 * Loading by the ELF-64 specification, chapter "Program Loading". */
#include "load.h"
#include <core/alloc.h>
#include <string.h>

struct header {
    unsigned char ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_headers, section_headers;
    uint32_t flags;
    uint16_t size, program_header_size, program_header_count;
};
struct segment {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, alignment;
};
enum { EXECUTABLE = 2, SHARED = 3, X86_64 = 62, LOAD = 1, INTERPRETER = 3, PAGE = 4096 };
enum { CLASS = 4, CLASS_64 = 2 };
static const uint64_t limit = (uint64_t)1 << 32;

static const char *check(const unsigned char *file, size_t size, const struct header *h)
{
    if (size < 64 || memcmp(file, "\177ELF", 4) != 0)
        return "not an ELF file";
    if (h->ident[CLASS] != CLASS_64 || h->machine != X86_64)
        return "not a program for x86-64";
    if (h->type == EXECUTABLE)
        return "ELF executable is not position-independent";
    if (h->type != SHARED || h->program_header_size != sizeof(struct segment) ||
        h->program_headers > size ||
        h->program_header_count > (size - h->program_headers) / sizeof(struct segment))
        return "broken program headers";
    return NULL;
}

const char *elf_load(const unsigned char *file, size_t size, struct loaded *out)
{
    const struct header *h = (const struct header *)file;
    const char *wrong = check(file, size, h);
    if (wrong)
        return wrong;
    const struct segment *s = (const struct segment *)(file + h->program_headers);
    uint64_t end = 0, lowest = UINT64_MAX;
    for (int i = 0; i < h->program_header_count; i++) {
        if (s[i].type != LOAD && s[i].type != INTERPRETER)
            continue;
        if (s[i].offset > size || s[i].file_size > size - s[i].offset || s[i].address > limit ||
            s[i].memory_size > limit || s[i].file_size > s[i].memory_size)
            return "a segment lies outside the file";
        if (s[i].type == INTERPRETER) {
            out->interpreter = (const char *)file + s[i].offset;
            if (!s[i].file_size || out->interpreter[s[i].file_size - 1])
                return "broken name of the interpreter";
            continue;
        }
        end = s[i].address + s[i].memory_size > end ? s[i].address + s[i].memory_size : end;
        lowest = s[i].address < lowest ? s[i].address : lowest;
    }
    if (lowest != 0 || !end)
        return "no segment at address 0";
    char *memory = uk_memalign(PAGE, (end + PAGE - 1) & ~(uint64_t)(PAGE - 1));
    if (!memory)
        return "not enough memory for it";
    memset(memory, 0, end);
    for (int i = 0; i < h->program_header_count; i++)
        if (s[i].type == LOAD)
            memcpy(memory + s[i].address, file + s[i].offset, s[i].file_size);
    out->base = (uint64_t)memory;
    out->entry = out->base + h->entry;
    out->headers = out->base + h->program_headers;
    out->header_count = h->program_header_count;
    out->header_size = h->program_header_size;
    return NULL;
}
