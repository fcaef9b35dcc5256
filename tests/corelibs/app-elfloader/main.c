/* SPDX-License-Identifier: BSD-3-Clause
 * Runs an unmodified Linux program in the core: loads it, and its dynamic linker if it names one,
 * builds the stack that the System V ABI asks for, and jumps. */
#include "load.h"
#include <core/alloc.h>
#include <core/boot.h>
#include <core/console.h>
#include <stdlib.h>
#include <string.h>
#ifdef CONFIG_APPELFLOADER_VFSEXEC
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

enum { PHDR = 3, PHENT, PHNUM, PAGESZ, BASE, FLAGS, ENTRY, UID = 11, EUID, GID, EGID };
enum { HWCAP = 16, CLKTCK = 17, SECURE = 23, RANDOM = 25, EXECFN = 31, CANNOT = 126 };

static void __attribute__((noreturn)) fail(const char *name, const char *why)
{
    uk_console_text("elfloader: ");
    uk_console_text(name);
    uk_console_text(": ");
    uk_console_text(why);
    uk_console_text("\n");
    exit(CANNOT);
}

#ifdef CONFIG_APPELFLOADER_VFSEXEC
static struct plat_memory read_file(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) != 0)
        fail(path, "no such file in the root file system");
    char *data = uk_memalign(16, (size_t)st.st_size);
    if (!data)
        fail(path, "not enough memory to read it");
    size_t done = 0;
    for (ssize_t n; done < (size_t)st.st_size; done += (size_t)n) {
        n = read(fd, data + done, (size_t)st.st_size - done);
        if (n <= 0)
            fail(path, "cannot be read");
    }
    close(fd);
    return (struct plat_memory){data, done};
}
#endif

static void load(const char *name, struct plat_memory file, struct loaded *out)
{
    const char *wrong = elf_load(file.base, file.size, out);
    if (wrong)
        fail(name, wrong);
}

/* Writes arguments, an empty environment and the auxiliary vector below the top of the stack. */
static uint64_t build_stack(int argc, char **argv, const struct loaded *program,
                            const struct loaded *linker)
{
    size_t size = (size_t)CONFIG_APPELFLOADER_STACK_KB * 1024;
    char *stack = uk_memalign(4096, size), *top = stack + size;
    if (!stack)
        fail(argv[0], "not enough memory for the stack");
    uint64_t random[2] = {0}, *random_place;
    if (!plat_random(&random[0]) || !plat_random(&random[1]))
        random[1] = random[0] * 0x9e3779b97f4a7c15u;
    random_place = (uint64_t *)(top -= sizeof random);
    memcpy(random_place, random, sizeof random);
    char **strings = uk_malloc(((size_t)argc + 1) * sizeof *strings);
    if (!strings)
        fail(argv[0], "not enough memory for the arguments");
    for (int i = 0; i < argc; i++) {
        size_t length = strlen(argv[i]) + 1;
        strings[i] = memcpy(top -= length, argv[i], length);
    }
    const uint64_t auxiliary[][2] = {
        {PHDR, program->headers},
        {PHENT, program->header_size},
        {PHNUM, program->header_count},
        {PAGESZ, 4096},
        {BASE, linker->base},
        {FLAGS, 0},
        {ENTRY, program->entry},
        {UID, 0},
        {EUID, 0},
        {GID, 0},
        {EGID, 0},
        {HWCAP, 0},
        {CLKTCK, 100},
        {SECURE, 0},
        {RANDOM, (uint64_t)random_place},
        {EXECFN, (uint64_t)strings[0]},
        {0, 0},
    };
    size_t words = 1 + (size_t)argc + 1 + 1;
    size_t whole = words * 8 + sizeof auxiliary;
    uint64_t *at = (uint64_t *)(((uint64_t)top - whole) & ~(uint64_t)15);
    at[0] = (uint64_t)argc;
    memcpy(at + 1, strings, (size_t)argc * 8);
    at[1 + argc] = at[2 + argc] = 0;
    memcpy(at + words, auxiliary, sizeof auxiliary);
    return (uint64_t)at;
}

int main(int argc, char **argv)
{
    struct loaded program = {0}, linker = {0};
    struct plat_memory file = ukboot_info()->initrd;
#ifdef CONFIG_APPELFLOADER_VFSEXEC
    argv++;
    argc--;
    if (argc < 1)
        fail("arguments", "the first one must name the program's file");
    file = read_file(argv[0]);
#endif
    if (!file.size)
        fail(argv[0], "no initrd with the program was given");
    load(argv[0], file, &program);
    if (program.interpreter) {
#ifdef CONFIG_APPELFLOADER_VFSEXEC
        load(program.interpreter, read_file(program.interpreter), &linker);
        if (linker.interpreter)
            fail(program.interpreter, "a dynamic linker with an interpreter");
#else
        fail(argv[0], "needs a dynamic linker, which only a root file system can hold");
#endif
    }
    plat_jump(linker.base ? linker.entry : program.entry,
              build_stack(argc, argv, &program, &linker));
}
