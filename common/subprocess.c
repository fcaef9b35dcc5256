/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/subprocess.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DEFAULT_LIMIT = 16 << 20, PIECE = 64 * 1024, GRACE_MS = 200 };

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct stream {
    int fd;
    char *data;
    size_t used, capacity, limit;
};

static void keep(struct arena *a, struct stream *s, const char *data, size_t size)
{
    size_t room = s->limit - s->used;
    if (size > room)
        size = room;
    if (s->used + size + 1 > s->capacity) {
        size_t capacity = (s->used + size + 1) * 2;
        s->data = arena_grow(a, s->data, s->used, capacity);
        s->capacity = capacity;
    }
    memcpy(s->data + s->used, data, size);
    s->used += size;
    s->data[s->used] = '\0';
}

/* Child side: never returns. failure carries errno of what went wrong to the parent. */
static void child(const struct subprocess *p, int in, int out, int err, int failure)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    bool good = dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(err, 2) >= 0 &&
                (!p->directory || chdir(p->directory) == 0);
    for (size_t i = 0; good && p->env && p->env[i]; i++)
        good = putenv((char *)p->env[i]) == 0;
    if (good)
        execvp(p->argv[0], (char *const *)p->argv);
    int code = errno;
    ssize_t ignored = write(failure, &code, sizeof code);
    (void)ignored;
    _exit(127);
}

struct session {
    pid_t pid;
    int input; /* write end, -1 when closed */
    size_t sent;
    struct stream streams[2];
    int64_t deadline; /* 0: none */
};

static enum status start(struct diag *d, struct subprocess *p, struct session *s)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1}, failure[2] = {-1, -1};
    enum status status = STATUS_OK;
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) ||
        pipe2(failure, O_CLOEXEC))
        status = diag_fail(d, STATUS_SYSTEM, "cannot create a pipe: %s", strerror(errno));
    s->pid = status ? -1 : fork();
    if (s->pid == 0)
        child(p, in[0], out[1], err[1], failure[1]);
    if (!status && s->pid < 0)
        status = diag_fail(d, STATUS_SYSTEM, "cannot start a process: %s", strerror(errno));
    int ours[] = {in[0], out[1], err[1], failure[1]};
    for (size_t i = 0; i < 4; i++)
        if (ours[i] >= 0)
            close(ours[i]);
    int code = 0;
    if (!status && read(failure[0], &code, sizeof code) == sizeof code) {
        waitpid(s->pid, NULL, 0);
        status = diag_fail(d, STATUS_SYSTEM, "%s: cannot run: %s", p->argv[0], strerror(code));
    }
    if (failure[0] >= 0)
        close(failure[0]);
    if (status) {
        int theirs[] = {in[1], out[0], err[0]};
        for (size_t i = 0; i < 3; i++)
            if (theirs[i] >= 0)
                close(theirs[i]);
        return status;
    }
    setpgid(s->pid, s->pid);
    s->input = in[1];
    s->streams[0].fd = out[0];
    s->streams[1].fd = err[0];
    fcntl(in[1], F_SETFL, O_NONBLOCK);
    return STATUS_OK;
}

static void send_input(const struct subprocess *p, struct session *s)
{
    ssize_t n = 0;
    if (s->sent < p->input_size)
        n = write(s->input, p->input + s->sent, p->input_size - s->sent);
    if (n > 0)
        s->sent += (size_t)n;
    bool broken = n < 0 && errno != EAGAIN && errno != EINTR;
    if (broken || s->sent >= p->input_size) {
        close(s->input);
        s->input = -1;
    }
}

static void receive(struct arena *a, struct subprocess *p, struct session *s, int index)
{
    char piece[PIECE];
    struct stream *stream = &s->streams[index];
    ssize_t n = read(stream->fd, piece, sizeof piece);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        close(stream->fd);
        stream->fd = -1;
        return;
    }
    if (p->on_output)
        p->on_output(p->context, index + 1, piece, (size_t)n);
    keep(a, stream, piece, (size_t)n);
}

/* Moves bytes until both streams have ended or the deadline passed. A descendant that keeps the
 * pipes open after the program itself ended is given GRACE_MS. Returns the wait status, -1:
 * timeout. */
static int pump(struct arena *a, struct subprocess *p, struct session *s)
{
    int status = -1;
    bool ended = false;
    int64_t last = 0;
    while (!ended || s->streams[0].fd >= 0 || s->streams[1].fd >= 0) {
        if (!ended && waitpid(s->pid, &status, WNOHANG) == s->pid) {
            ended = true;
            last = now_ms() + GRACE_MS;
        }
        int64_t now = now_ms();
        if ((s->deadline && now >= s->deadline && !ended) || (ended && now >= last))
            break;
        struct pollfd fds[3] = {{.fd = s->input, .events = POLLOUT},
                                {.fd = s->streams[0].fd, .events = POLLIN},
                                {.fd = s->streams[1].fd, .events = POLLIN}};
        if (poll(fds, 3, 20) <= 0)
            continue;
        if (fds[0].revents)
            send_input(p, s);
        for (int i = 0; i < 2; i++)
            if (fds[i + 1].revents)
                receive(a, p, s, i);
    }
    return ended ? status : -1;
}

enum status subprocess_run(struct diag *d, struct arena *a, struct subprocess *p)
{
    struct session s = {.input = -1};
    size_t limit = p->output_limit ? p->output_limit : DEFAULT_LIMIT;
    for (int i = 0; i < 2; i++) {
        s.streams[i] = (struct stream){.fd = -1, .limit = limit};
        keep(a, &s.streams[i], "", 0);
    }
    int64_t began = now_ms();
    s.deadline = p->timeout_ms ? began + p->timeout_ms : 0;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, kept;
    sigaction(SIGPIPE, &ignore, &kept);
    enum status result = start(d, p, &s);
    if (!result) {
        int status = pump(a, p, &s);
        p->timed_out = status == -1;
        kill(-s.pid, SIGKILL);
        if (status == -1) {
            kill(s.pid, SIGKILL);
            waitpid(s.pid, &status, 0);
        }
        p->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        p->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        int left[] = {s.input, s.streams[0].fd, s.streams[1].fd};
        for (size_t i = 0; i < 3; i++)
            if (left[i] >= 0)
                close(left[i]);
    }
    sigaction(SIGPIPE, &kept, NULL);
    p->duration_ms = now_ms() - began;
    p->out = s.streams[0].data;
    p->out_size = s.streams[0].used;
    p->err = s.streams[1].data;
    p->err_size = s.streams[1].used;
    return result;
}
