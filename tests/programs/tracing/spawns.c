/* SPDX-License-Identifier: BSD-3-Clause
 * Every way to start a program: posix_spawn, vfork, system, popen, from memory, by descriptor. */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static int good;

static void ended(pid_t pid)
{
    int status = -1;
    if (pid > 0 && waitpid(pid, &status, 0) == pid && status == 0)
        good++;
}

static void spawned(void)
{
    char *argv[] = {"cat", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t set;
    pid_t pid = -1;
    sigfillset(&set);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclose(&actions, 77);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigdefault(&attributes, &set);
    if (posix_spawnp(&pid, "cat", &actions, &attributes, argv, environ) == 0)
        ended(pid);
    if (posix_spawn(&pid, "/no/such/program", NULL, NULL, argv, environ) != 0)
        good++;
}

static void vforked(void)
{
    for (int i = 0; i < 40; i++) {
        pid_t pid = vfork();
        if (pid == 0) {
            if (i % 2)
                execl("/no/such/program", "x", NULL);
            execl("/bin/true", "true", NULL);
            _exit(1);
        }
        ended(pid);
    }
}

/* A program that has no name. */
static int in_memory(void)
{
    int from = open("/bin/true", O_RDONLY), to = memfd_create("nameless", 0);
    struct stat st;
    if (from < 0 || to < 0 || fstat(from, &st) != 0)
        return -1;
    while (st.st_size > 0) {
        ssize_t n = sendfile(to, from, NULL, st.st_size);
        if (n <= 0)
            return -1;
        st.st_size -= n;
    }
    return to;
}

int main(void)
{
    char *argv[] = {"true", NULL};
    spawned();
    vforked();
    if (system("exit 3") >> 8 == 3)
        good++;
    FILE *pipe = popen("echo through a pipe", "r");
    char line[64] = "";
    if (pipe && fgets(line, sizeof line, pipe) && pclose(pipe) == 0)
        good++;
    int memory = in_memory();
    for (int i = 0; i < 2; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            if (i)
                syscall(SYS_execveat, memory, "", argv, environ, 0x1000);
            else
                fexecve(memory, argv, environ);
            _exit(1);
        }
        ended(pid);
    }
    printf("%d started\n", good);
    return 0;
}
