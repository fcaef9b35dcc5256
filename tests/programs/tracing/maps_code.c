/* SPDX-License-Identifier: BSD-3-Clause
 * What an emulator does: maps a library's code once more and reads it. Fails where it is not as in
 * the file. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
    Dl_info info;
    struct stat st;
    for (int i = 0; i < 200; i++)
        getppid();
    if (!dladdr((void *)exit, &info))
        return 2;
    int fd = open(info.dli_fname, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) != 0)
        return 2;
    char *file = malloc(st.st_size),
         *code = mmap(NULL, st.st_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    if (code == MAP_FAILED || pread(fd, file, st.st_size, 0) != st.st_size)
        return 2;
    int same = memcmp(file, code, st.st_size) == 0;
    puts(same ? "intact" : "changed");
    return !same;
}
