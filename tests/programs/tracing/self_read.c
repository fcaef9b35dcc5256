/* SPDX-License-Identifier: BSD-3-Clause
 * A program that checks its own code: it compares what is in memory with what is in its file, and
 * ends in failure where they differ. Build it statically: then system calls are in that code. Its
 * argument is how many calls it makes before. */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    for (int i = 0; argc > 1 && i < atoi(argv[1]); i++)
        getppid();
    const Elf64_Phdr *headers = (const Elf64_Phdr *)getauxval(AT_PHDR);
    unsigned long count = getauxval(AT_PHNUM);
    int fd = open("/proc/self/exe", O_RDONLY);
    for (unsigned long i = 0; i < count; i++) {
        const Elf64_Phdr *p = &headers[i];
        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
            continue;
        char *file = malloc(p->p_filesz);
        if (pread(fd, file, p->p_filesz, (off_t)p->p_offset) != (ssize_t)p->p_filesz)
            return 2;
        if (memcmp(file, (const void *)p->p_vaddr, p->p_filesz) != 0) {
            puts("tampered with");
            return 1;
        }
    }
    puts("intact");
    return 0;
}
