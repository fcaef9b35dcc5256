/* SPDX-License-Identifier: BSD-3-Clause
 * Code made at run time that makes system calls: in memory writable and executable at once, in
 * memory that changes from one to the other, and after a fork. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* mov $number, %eax; syscall; ret */
static long call_made(unsigned char *at, int number)
{
    unsigned char code[] = {0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0xc3};
    memcpy(code + 1, &number, sizeof number);
    memcpy(at, code, sizeof code);
    return ((long (*)(void))at)();
}

int main(void)
{
    unsigned char *both =
        mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char *turns =
        mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long sum = call_made(both, SYS_getppid) > 0;
    sum += call_made(both + 64, SYS_sched_yield) == 0;
    static const unsigned char code[] = {0xb8, SYS_getuid, 0, 0, 0, 0x0f, 0x05, 0xc3};
    memcpy(turns, code, sizeof code);
    mprotect(turns, 8192, PROT_READ | PROT_EXEC);
    sum += ((long (*)(void))turns)() >= 0;
    pid_t child = fork();
    if (child == 0)
        _exit(call_made(both + 128, SYS_getgid) >= 0 ? 0 : 1);
    int status;
    waitpid(child, &status, 0);
    printf("%ld %d\n", sum, WEXITSTATUS(status));
    return 0;
}
