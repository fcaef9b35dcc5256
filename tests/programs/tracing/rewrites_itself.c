/* SPDX-License-Identifier: BSD-3-Clause
 * A program that writes to its own code: system calls come and go in a page of its text, and in
 * memory mapped twice, writable and executable. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096 };

/* A page of its own. */
__asm__(".section .patched,\"ax\",@progbits\n.balign 4096\n.globl patched\n"
        "patched: mov %edi, %eax\n syscall\n ret\n.balign 4096, 0x90\n.previous");
long patched(long number);

/* mov $number,%eax; syscall; ret */
static void write_code(unsigned char *to, int number)
{
    unsigned char code[] = {0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0xc3};
    memcpy(code + 1, &number, sizeof number);
    memcpy(to, code, sizeof code);
}

int main(void)
{
    static const int numbers[] = {SYS_getuid,  SYS_geteuid, SYS_getgid,
                                  SYS_getegid, SYS_gettid,  SYS_getppid};
    unsigned char *page = (unsigned char *)((unsigned long)patched & ~(unsigned long)(PAGE - 1));
    int same = patched(SYS_getpid) == getpid();
    for (int round = 0; round < 60; round++) {
        int number = numbers[round % 6];
        if (mprotect(page, PAGE, PROT_READ | PROT_WRITE) != 0)
            return 1;
        write_code((unsigned char *)patched, number);
        if (mprotect(page, PAGE, PROT_READ | PROT_EXEC) != 0)
            return 1;
        same += patched(0) == syscall(number);
    }
    int memory = memfd_create("code", 0);
    if (memory < 0 || ftruncate(memory, PAGE) != 0)
        return 1;
    unsigned char *writable = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    long (*executable)(void) = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, memory, 0);
    for (int round = 0; round < 60; round++) {
        int number = round == 59 ? SYS_getpgrp : numbers[round % 6];
        write_code(writable, number);
        same += executable() == syscall(number);
    }
    printf("%d the same\n", same);
    return 0;
}
