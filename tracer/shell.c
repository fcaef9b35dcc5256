/* SPDX-License-Identifier: BSD-3-Clause
 * Shell commands of a test (setup, commands, cleanup): like subprocess_run, but followed by the
 * tracing thread, so that nothing they start outlives the tool, and runs of the program under test
 * among them are recorded. */
#include "tracer/shell.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIECE = 16 * 1024, TICK_MS = 2, OUTPUT_LIMIT = 4 << 20, GRACE_US = 100000 };

extern char **environ;

/* The environment with additions before it, so that they win. */
const char *const *environment_with(struct arena *a, const strings *additions)
{
    size_t count = 0, used = 0;
    while (environ[count])
        count++;
    const char **all = arena_array(a, count + additions->count + 1, sizeof *all);
    for (size_t i = 0; i < additions->count; i++)
        all[used++] = additions->items[i];
    for (size_t i = 0; i < count; i++) {
        size_t name = strcspn(environ[i], "=") + 1;
        bool replaced = false;
        for (size_t k = 0; k < additions->count; k++)
            replaced |= strncmp(additions->items[k], environ[i], name) == 0;
        if (!replaced)
            all[used++] = environ[i];
    }
    all[used] = NULL;
    return all;
}

struct output {
    char *data;
    size_t used, capacity;
};

static void keep(struct arena *a, struct output *o, const char *data, size_t size)
{
    if (size > OUTPUT_LIMIT - o->used)
        size = OUTPUT_LIMIT - o->used;
    if (o->used + size + 1 > o->capacity) {
        size_t capacity = (o->used + size + 1) * 2;
        o->data = arena_grow(a, o->data, o->used, capacity);
        o->capacity = capacity;
    }
    memcpy(o->data + o->used, data, size);
    o->used += size;
    o->data[o->used] = '\0';
}

/* Takes in what has come; false: the writers are gone. */
static bool receive(struct arena *a, struct subprocess *p, int fd, struct output *o, int wait_ms)
{
    char piece[PIECE];
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (poll(&ready, 1, wait_ms) <= 0)
        return true;
    ssize_t n = read(fd, piece, sizeof piece);
    if (n > 0) {
        keep(a, o, piece, (size_t)n);
        if (p->on_output)
            p->on_output(p->context, 1, piece, (size_t)n);
    } else if (p->on_output) {
        p->on_output(p->context, 1, "", 0);
    }
    return n > 0 || (n < 0 && errno == EINTR);
}

static bool shell_ended(struct script *script, const struct launch *launch)
{
    pthread_mutex_lock(&script->meeting->lock);
    bool ended = launch->ended;
    pthread_mutex_unlock(&script->meeting->lock);
    return ended;
}

static void watch(struct script *script, struct subprocess *p, struct launch *launch, int fd,
                  struct output *o)
{
    int64_t until = p->timeout_ms ? now_us() + (int64_t)p->timeout_ms * 1000 : INT64_MAX;
    if (script->deadline_us && script->deadline_us < until)
        until = script->deadline_us;
    bool open = true;
    while (!shell_ended(script, launch)) {
        if (open)
            open = receive(script->arena, p, fd, o, TICK_MS);
        else
            poll(NULL, 0, TICK_MS);
        if (now_us() < until || p->timed_out)
            continue;
        p->timed_out = true;
        meeting_ask(script->meeting, ASK_KILL, launch, SIGKILL);
    }
    /* What it left behind may hold the pipe open: only what has come counts. */
    for (until = now_us() + GRACE_US; open && now_us() < until;) {
        size_t before = o->used;
        open = receive(script->arena, p, fd, o, 0);
        if (before == o->used)
            break;
    }
}

/* Shell commands may run the program under test. Without privileges a filter takes away those of
 * set-user-ID programs: then only where the run makes no sense without it. */
static const struct sock_fprog *shell_filter(struct script *script)
{
    return script->session->injection ? script_filter(script) : NULL;
}

enum status shell_run(struct script *script, struct diag *d, struct subprocess *p)
{
    struct arena *a = script->arena;
    struct output output = {0};
    strings list = sandbox_environment(script->arena, &script->box, script->session->path);
    int ends[2], nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing < 0 || pipe2(ends, O_CLOEXEC) != 0)
        return diag_fail(d, STATUS_SYSTEM, "cannot create a pipe: %s", strerror(errno));
    struct start start = {.argv = p->argv,
                          .path = p->argv[0],
                          .env = environment_with(a, &list),
                          .directory = p->directory ? p->directory : script->box.directory,
                          .in = nothing,
                          .out = ends[1],
                          .err = ends[1],
                          .filter = shell_filter(script)};
    struct launch *launch = NULL;
    int64_t began = now_us();
    enum status status = launch_start(d, a, script->meeting, &start, false, &launch);
    close(ends[1]);
    close(nothing);
    keep(a, &output, "", 0);
    if (launch->pid > 0)
        watch(script, p, launch, ends[0], &output);
    close(ends[0]);
    int code = launch->status;
    p->exit_status = WIFEXITED(code) ? WEXITSTATUS(code) : -1;
    p->signal = WIFSIGNALED(code) ? WTERMSIG(code) : 0;
    p->out = output.data;
    p->out_size = output.used;
    p->err = "";
    p->duration_ms = (now_us() - began) / 1000;
    return status;
}
