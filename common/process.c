/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/process.h"
#include "common/syscalls.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { FAMILY_LIMIT = 512, DEPTH_LIMIT = 16, END_OF_INPUT = 4 };

int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Child side: never returns. failure carries errno of what went wrong to the parent. */
static void child(const struct process *p, pid_t parent, int in, int out, int failure)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    bool good = dup2(p->terminal_input ? out : in, 0) >= 0 && dup2(out, 1) >= 0 &&
                dup2(out, 2) >= 0 && (!p->directory || chdir(p->directory) == 0);
    for (size_t i = 0; good && p->env && p->env[i]; i++)
        good = putenv((char *)p->env[i]) == 0;
    if (good && p->in_child) {
        close(failure);
        p->in_child(p->context, p->argv);
        _exit(127);
    }
    if (good)
        execvp(p->path ? p->path : p->argv[0], (char *const *)p->argv);
    int code = errno;
    ssize_t ignored = write(failure, &code, sizeof code);
    (void)ignored;
    _exit(127);
}

/* The two ends of the output channel. */
static bool open_output(const struct process *p, int ends[2])
{
    if (!p->terminal)
        return pipe2(ends, O_CLOEXEC) == 0;
    struct termios raw;
    memset(&raw, 0, sizeof raw);
    cfmakeraw(&raw);
    if (p->terminal_input) {
        raw.c_lflag |= ICANON | ECHO;
        raw.c_cc[VEOF] = END_OF_INPUT;
    }
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    if (openpty(&ends[0], &ends[1], NULL, &raw, &size) != 0)
        return false;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return true;
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static bool read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, size - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* The high-water mark so far, in KiB. */
static void look_at_memory(struct process *p)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", (int)p->pid);
    const char *mark =
        p->pid > 0 && read_text(path, text, sizeof text) ? strstr(text, "VmHWM:") : NULL;
    int64_t seen = mark ? strtoll(mark + 6, NULL, 10) : 0;
    if (seen > p->seen_kb)
        p->seen_kb = seen;
}

enum status process_start(struct diag *d, struct process *p)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, failure[2] = {-1, -1};
    enum status status = STATUS_OK;
    if (pipe2(in, O_CLOEXEC) || !open_output(p, out) || pipe2(failure, O_CLOEXEC))
        status =
            diag_fail(d, STATUS_SYSTEM, "cannot create a pipe or terminal: %s", strerror(errno));
    pid_t parent = getpid();
    struct rusage own;
    p->floor_kb = getrusage(RUSAGE_SELF, &own) == 0 ? own.ru_maxrss : 0;
    p->seen_kb = 0;
    p->started_us = now_us();
    p->pid = status ? -1 : fork();
    if (p->pid == 0)
        child(p, parent, in[0], out[1], failure[1]);
    if (!status && p->pid < 0)
        status = diag_fail(d, STATUS_SYSTEM, "cannot start a process: %s", strerror(errno));
    close_all((int[]){in[0], out[1], failure[1]}, 3);
    int code = 0;
    if (!status && read(failure[0], &code, sizeof code) == sizeof code) {
        waitpid(p->pid, NULL, 0);
        status = diag_fail(d, STATUS_SYSTEM, "%s: cannot run: %s", p->path ? p->path : p->argv[0],
                           strerror(code));
    }
    close_all(&failure[0], 1);
    if (status) {
        close_all((int[]){in[1], out[0]}, 2);
        p->ended = true;
        p->input = p->output = -1;
        return status;
    }
    setpgid(p->pid, p->pid);
    p->input = in[1];
    p->output = out[0];
    if (p->terminal_input && p->terminal) {
        close(p->input);
        p->input = fcntl(p->output, F_DUPFD_CLOEXEC, 0);
    }
    p->ended = false;
    p->exit_status = -1;
    p->signal = 0;
    fcntl(p->input, F_SETFL, O_NONBLOCK);
    fcntl(p->output, F_SETFL, O_NONBLOCK);
    look_at_memory(p);
    return STATUS_OK;
}

static bool reap(struct process *p, int options)
{
    int status;
    struct rusage usage;
    pid_t got;
    do
        got = wait4(p->pid, &status, options, &usage);
    while (got < 0 && errno == EINTR);
    if (got != p->pid)
        return false;
    p->ended = true;
    p->ended_us = now_us();
    p->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    p->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    /* The kernel's mark holds what the process was before it executed the program, too: a copy of
     * this one. */
    p->peak_kb = usage.ru_maxrss > p->floor_kb + p->floor_kb / 8 + 1024 || !p->seen_kb
                     ? (int64_t)usage.ru_maxrss
                     : p->seen_kb;
    return true;
}

bool process_ended(struct process *p)
{
    if (!p->ended && p->watch)
        p->ended = p->watch(p);
    if (!p->ended && !p->watch)
        look_at_memory(p);
    return p->ended || (!p->watch && reap(p, WNOHANG));
}

void process_close_input(struct process *p)
{
    if (p->input < 0)
        return;
    if (p->terminal_input) {
        const char end = END_OF_INPUT;
        ssize_t ignored = write(p->input, &end, 1);
        (void)ignored;
    }
    close(p->input);
    p->input = -1;
}

void process_stop(struct process *p, int grace_ms)
{
    process_close_input(p);
    if (p->pid > 0) {
        int64_t until = now_us() + (int64_t)grace_ms * 1000;
        if (!process_ended(p) && grace_ms > 0) {
            kill(-p->pid, SIGTERM);
            char dropped[4096];
            while (!process_ended(p) && now_us() < until) {
                /* Nothing reads any more: what it still prints must not block its end. */
                struct pollfd fd = {.fd = p->output, .events = POLLIN};
                if (poll(&fd, 1, 5) > 0 && read(p->output, dropped, sizeof dropped) <= 0)
                    poll(NULL, 0, 5);
            }
        }
        if (!p->ended && !p->watch)
            look_at_memory(p);
        kill(-p->pid, SIGKILL);
        if (!p->ended)
            reap(p, 0);
        p->pid = -1;
    }
    if (p->output >= 0)
        close(p->output);
    p->output = -1;
}

/* ---- what the kernel shows of it ---- */

/* pid and its descendants, at most FAMILY_LIMIT. */
static size_t family(pid_t pid, pid_t *out, size_t count, int depth)
{
    if (count >= FAMILY_LIMIT || depth > DEPTH_LIMIT)
        return count;
    out[count++] = pid;
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    if (!read_text(path, text, sizeof text))
        return count;
    char *end = text;
    for (long next = strtol(end, &end, 10); next > 0; next = strtol(end, &end, 10))
        count = family((pid_t)next, out, count, depth + 1);
    return count;
}

int64_t process_delayed_us(pid_t pid)
{
    char path[64], text[256];
    int64_t sum = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    for (const struct dirent *e; tasks && (e = readdir(tasks));) {
        char *end;
        long tid = strtol(e->d_name, &end, 10);
        if (tid <= 0 || *end)
            continue;
        /* "time on a processor, time ready and waiting for one" in ns
         * (Documentation/scheduler/sched-stats.rst). */
        snprintf(path, sizeof path, "/proc/%d/task/%ld/schedstat", (int)pid, tid);
        if (!read_text(path, text, sizeof text))
            continue;
        (void)strtoll(text, &end, 10);
        sum += strtoll(end, NULL, 10) / 1000;
    }
    if (tasks)
        closedir(tasks);
    return sum;
}

/* Calls in which a program waits for something to come in. */
static bool waiting_call(long number, unsigned long first)
{
    static const char *const waits[] = {"poll",         "ppoll",      "select",
                                        "pselect6",     "epoll_wait", "epoll_pwait",
                                        "epoll_pwait2", "accept",     "accept4"};
    const char *name = syscall_name(number);
    if (!name)
        return false;
    if (strcmp(name, "read") == 0 || strcmp(name, "readv") == 0)
        return first == 0;
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++)
        if (strcmp(name, waits[i]) == 0)
            return true;
    return false;
}

bool process_waits(pid_t pid)
{
    pid_t all[FAMILY_LIMIT];
    size_t count = family(pid, all, 0, 0);
    bool waits = false;
    for (size_t i = 0; i < count; i++) {
        char path[64], text[256], *end;
        snprintf(path, sizeof path, "/proc/%d/syscall", (int)all[i]);
        if (!read_text(path, text, sizeof text))
            continue;
        if (strncmp(text, "running", 7) == 0)
            return false;
        long number = strtol(text, &end, 10);
        waits |= waiting_call(number, strtoul(end, NULL, 16));
    }
    return waits;
}

/* Calls in which a thread does nothing until something comes or time has passed: a disk it waits
 * for is work. */
static bool resting_call(long number)
{
    static const char *const rests[] = {"poll",         "ppoll",           "select",
                                        "pselect6",     "epoll_wait",      "epoll_pwait",
                                        "epoll_pwait2", "accept",          "accept4",
                                        "recvfrom",     "recvmsg",         "recvmmsg",
                                        "read",         "readv",           "futex",
                                        "nanosleep",    "clock_nanosleep", "wait4",
                                        "waitid",       "rt_sigsuspend",   "rt_sigtimedwait",
                                        "pause",        "io_uring_enter"};
    const char *name = syscall_name(number);
    for (size_t i = 0; name && i < sizeof rests / sizeof rests[0]; i++)
        if (strcmp(name, rests[i]) == 0)
            return true;
    return false;
}

static bool threads_rest(pid_t pid)
{
    char path[96], text[256];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    bool rest = folder != NULL;
    for (struct dirent *e; rest && (e = readdir(folder));) {
        long id = strtol(e->d_name, NULL, 10);
        snprintf(path, sizeof path, "/proc/%d/task/%ld/syscall", (int)pid, id);
        rest = id <= 0 || !read_text(path, text, sizeof text) ||
               (isdigit((unsigned char)*text) && resting_call(strtol(text, NULL, 10)));
    }
    if (folder)
        closedir(folder);
    return rest;
}

bool process_rests(pid_t pid)
{
    pid_t all[FAMILY_LIMIT];
    size_t count = family(pid, all, 0, 0);
    bool rest = true;
    for (size_t i = 0; i < count && rest; i++)
        rest = threads_rest(all[i]);
    return rest;
}

static bool socket_of(const ino_t *inodes, size_t count, unsigned long inode)
{
    for (size_t i = 0; i < count; i++)
        if (inodes[i] == inode)
            return true;
    return false;
}

/* Socket inodes among the descriptors of pid. */
static size_t sockets(pid_t pid, ino_t *out, size_t count, size_t limit)
{
    /* Descriptors are small numbers; a server that has more than these listens on an early one. */
    for (int fd = 0; fd < 256 && count < limit; fd++) {
        char path[64], target[64];
        snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
        ssize_t n = readlink(path, target, sizeof target - 1);
        if (n <= 0)
            continue;
        target[n] = '\0';
        unsigned long inode;
        if (sscanf(target, "socket:[%lu]", &inode) == 1)
            out[count++] = inode;
    }
    return count;
}

static void listed(struct arena *a, pid_t pid, const char *table, bool udp, const ino_t *inodes,
                   size_t count, listenings *out)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/net/%s", (int)pid, table);
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    while (fgets(line, sizeof line, file)) {
        unsigned port, state;
        unsigned long inode;
        if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*u %*u %lu",
                   &port, &state, &inode) != 3)
            continue;
        if ((!udp && state != 0x0a) || !socket_of(inodes, count, inode))
            continue;
        bool known = false;
        vec_each (l, out)
            known |= l->port == (int)port && l->udp == udp;
        if (!known)
            vec_push(a, out, ((struct listening){(int)port, udp}));
    }
    fclose(file);
}

static int by_port(const void *x, const void *y)
{
    const struct listening *a = x, *b = y;
    return a->udp != b->udp ? a->udp - b->udp : a->port - b->port;
}

void process_listens(struct arena *a, pid_t pid, listenings *out)
{
    enum { SOCKETS = 512 };
    pid_t all[FAMILY_LIMIT];
    ino_t inodes[SOCKETS];
    size_t count = family(pid, all, 0, 0), found = 0;
    for (size_t i = 0; i < count; i++)
        found = sockets(all[i], inodes, found, SOCKETS);
    memset(out, 0, sizeof *out);
    if (!found)
        return;
    listed(a, pid, "tcp", false, inodes, found, out);
    listed(a, pid, "tcp6", false, inodes, found, out);
    listed(a, pid, "udp", true, inodes, found, out);
    listed(a, pid, "udp6", true, inodes, found, out);
    vec_sort(out, by_port);
}
