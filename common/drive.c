/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/drive.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PIECE = 16 * 1024,
    TICK_MS = 5,
    IDLE_TICK_MS = 100,
    READY_MS = 10000,
    FIRST_REPLY_MS = 1500, /* the patience with the first connection to a machine */
    SETTLE_MS = 50,
    AT_WORK_MS = 500, /* a local server that is at work this long without an answer has none */
    ANSWERED_MS = 15, /* silence that completes a local server's answer once it rests */
    RUN_MS = 10000,
    SERVER_END_MS = 200, /* for a last command that shuts a server down */
    CONSOLE_LIMIT = 64 << 20,
};

struct buffer {
    char *data;
    size_t used, capacity;
};

struct state {
    struct diag *d;
    struct arena *a;
    struct drive *drive;
    struct buffer console, reply;
    int connection;  /* telnet: -1 none */
    size_t step;     /* the one under way */
    size_t from;     /* where its output starts in the console */
    int64_t last_us; /* when bytes last came */
};

static void append(struct arena *a, struct buffer *b, const char *data, size_t size)
{
    if (b->used + size > CONSOLE_LIMIT)
        size = CONSOLE_LIMIT - b->used;
    if (b->used + size + 1 > b->capacity) {
        size_t capacity = (b->used + size + 1) * 2;
        b->data = arena_grow(a, b->data, b->used, capacity);
        b->capacity = capacity;
    }
    memcpy(b->data + b->used, data, size);
    b->used += size;
    b->data[b->used] = '\0';
}

/* Takes in what there is within timeout_ms; returns the number of bytes that came. */
static size_t take(struct state *s, int timeout_ms)
{
    struct process *p = s->drive->process;
    char piece[PIECE];
    struct pollfd fds[3] = {{.fd = p->output, .events = POLLIN},
                            {.fd = s->connection, .events = POLLIN},
                            {.fd = p->wake ? p->wake : -1, .events = POLLIN}};
    if (poll(fds, 3, timeout_ms) <= 0)
        return 0;
    size_t came = 0;
    uint64_t times;
    ssize_t taken = fds[2].revents ? read(p->wake, &times, sizeof times) : 0;
    (void)taken; /* what happened is asked for, not told */
    for (int i = 0; i < 2; i++) {
        if (!fds[i].revents)
            continue;
        ssize_t n = read(fds[i].fd, piece, sizeof piece);
        if (n > 0) {
            append(s->a, i ? &s->reply : &s->console, piece, (size_t)n);
            came += (size_t)n;
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            close(fds[i].fd); /* a terminal reports EIO when its last writer has gone */
            *(i ? &s->connection : &p->output) = -1;
        }
    }
    if (came) {
        s->last_us = now_us();
        if (s->drive->first_output_us < 0 && s->console.used)
            s->drive->first_output_us = s->last_us - p->started_us;
    }
    return came;
}

/* The program has ended: by itself, or by what the console says. Takes in what is left. */
static bool ended(struct state *s)
{
    struct drive *v = s->drive;
    if (!v->over_seen && v->over && s->console.used)
        v->over_seen = v->over(v->context, s->console.data, s->console.used, &v->over_status);
    if (!v->over_seen && !process_ended(v->process))
        return false;
    int64_t until = now_us() + 200000;
    while (v->process->output >= 0 && now_us() < until && take(s, 20))
        continue;
    return true;
}

static bool input_consumed(const struct process *p)
{
    int left = 0;
    return p->input < 0 || ioctl(p->input, FIONREAD, &left) != 0 || left == 0;
}

/* The program itself shows that it has done what it could: twice, so that a process caught between
 * two calls does not count. */
static bool waits(struct state *s)
{
    struct process *p = s->drive->process;
    if (!s->drive->local || !input_consumed(p) || !process_waits(p->pid))
        return false;
    size_t before = s->console.used;
    while (take(s, TICK_MS))
        continue;
    return before == s->console.used && input_consumed(p) && process_waits(p->pid);
}

static int settle_ms(const struct drive *v)
{
    if (v->settle_ms)
        return v->settle_ms;
    int64_t pause = v->tests ? v->tests->command_ms : 0;
    return pause > SETTLE_MS ? (int)pause : SETTLE_MS;
}

static int limit_ms(const struct state *s)
{
    const struct drive *v = s->drive;
    if (v->step_ms)
        return v->step_ms[s->step];
    int64_t limit = v->tests ? v->tests->timeout_ms : 0;
    if (v->run_ms)
        return v->run_ms;
    return limit > 0 && limit < 3600000 ? (int)limit : RUN_MS;
}

/* No answer yet: none is to come. A local server that does not rest is at work (it writes to a
 * disk, say), unless it never is seen to rest. */
static bool silence_tells(const struct state *s, size_t size, int64_t silent_us)
{
    const struct drive *v = s->drive;
    if (size || !v->local)
        return true;
    if (v->expects && v->expects(v->context, s->step))
        return false;
    return process_rests(v->process->pid) || silent_us >= (int64_t)AT_WORK_MS * 1000;
}

/* Waits until the answer in *buffer from offset on is complete: answered() says so, the program
 * waits for more, it has ended, or nothing has come for settle_ms. false: its time was up. */
static bool await_answer(struct state *s, const struct buffer *buffer, size_t from, bool stdin_test)
{
    struct drive *v = s->drive;
    int64_t began = now_us(), quiet = (int64_t)settle_ms(v) * 1000;
    int64_t until = began + (int64_t)limit_ms(s) * 1000;
    s->last_us = began;
    while (now_us() < until) {
        size_t came = take(s, TICK_MS);
        size_t size = buffer->used - (from < buffer->used ? from : buffer->used);
        bool told = v->answered &&
                    v->answered(v->context, s->step, size ? buffer->data + from : "", size) != 0;
        /* A local server may still close the connection: it is seen to be done with it. */
        if (told && (!v->local || (process_rests(v->process->pid) && !take(s, 0))))
            return true;
        if (ended(s) || (!stdin_test && s->connection < 0))
            return true;
        if (!came && stdin_test && waits(s))
            return true;
        int64_t silent = now_us() - s->last_us;
        if (!came && !stdin_test && v->local && size && silent >= (int64_t)ANSWERED_MS * 1000 &&
            process_rests(v->process->pid))
            return true;
        if (!came && !(stdin_test && v->local) && silent >= quiet && silence_tells(s, size, silent))
            return true;
        /* A local program that neither waits nor prints is at work: silence proves nothing. */
    }
    return false;
}

/* Writes all of text, taking in output meanwhile; false when the program does not read. */
static bool hand_over(struct state *s, int *fd, const char *text, size_t size)
{
    int64_t until = now_us() + (int64_t)limit_ms(s) * 1000;
    while (size && *fd >= 0 && now_us() < until) {
        ssize_t n = *fd == s->connection ? send(*fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT)
                                         : write(*fd, text, size);
        if (n > 0) {
            text += n;
            size -= (size_t)n;
        } else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            take(s, TICK_MS);
            if (ended(s))
                return false;
        } else {
            return false;
        }
    }
    return size == 0;
}

static struct drive_step *new_step(struct state *s, const char *command)
{
    struct drive_step *step = vec_add(s->a, &s->drive->steps);
    *step = (struct drive_step){.command = command, .exit_status = -1, .output = ""};
    s->step = s->drive->steps.count - 1;
    return step;
}

/* ---- the three kinds ---- */

/* After a step: false ends the test. */
static bool step_over(struct state *s, size_t index)
{
    struct drive *v = s->drive;
    v->console = s->console.data;
    v->console_size = s->console.used;
    if (v->go_on && !v->go_on(v->context, &v->steps.items[index], index))
        v->enough = true;
    return !v->enough;
}

static void run_stdin(struct state *s)
{
    struct drive *v = s->drive;
    for (size_t i = 0; i < v->tests->commands.count && (!i || step_over(s, i - 1)); i++) {
        const char *command = v->tests->commands.items[i];
        struct drive_step *step = new_step(s, command);
        size_t from = s->console.used;
        int64_t began = now_us();
        const char *line = arena_printf(s->a, "%s\n", command);
        if (ended(s) || !hand_over(s, &v->process->input, line, strlen(line))) {
            step->outcome = DRIVE_NOT_SENT;
            continue;
        }
        step->outcome = DRIVE_DONE;
        if (!await_answer(s, &s->console, from, true) && v->step_ms)
            step->outcome = DRIVE_TIMEOUT;
        step->size = s->console.used - from;
        step->output = step->size ? arena_strndup(s->a, s->console.data + from, step->size) : "";
        step->duration_us = s->last_us - began > 0 ? s->last_us - began : 0;
    }
}

static int connect_once(const char *address, int port)
{
    char service[16];
    snprintf(service, sizeof service, "%d", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *list = NULL;
    if (getaddrinfo(address, service, &hints, &list) != 0)
        return -1;
    int fd = -1;
    for (struct addrinfo *i = list; i && fd < 0; i = i->ai_next) {
        fd = socket(i->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, i->ai_addr, i->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd;
}

static bool reconnect(struct state *s, int64_t until)
{
    struct drive *v = s->drive;
    const char *address = v->address ? v->address : v->tests->address;
    int port = v->port ? v->port : (int)v->tests->port;
    do {
        s->connection = connect_once(address ? address : "127.0.0.1", port);
        if (s->connection >= 0)
            return true;
        take(s, 20);
    } while (now_us() < until && !ended(s));
    return false;
}

/* A forwarded port accepts before the program does: it closes when nobody takes the connection, or
 * stays silent for good where the machine had no address yet. The first line is sent again, over a
 * new connection after ever longer silence, until it is answered or the time for readiness is over.
 */
static void first_reply(struct state *s, const char *line, int64_t until)
{
    int64_t patience = (int64_t)FIRST_REPLY_MS * 1000, sent = now_us();
    while (!s->reply.used && now_us() < until && !ended(s)) {
        if (s->connection >= 0) { /* the machine may still be on its way up */
            if (s->drive->local)
                return;
            await_answer(s, &s->reply, 0, false);
            if (s->reply.used || now_us() - sent < patience)
                continue;
            close(s->connection);
            s->connection = -1;
            patience *= 2;
        }
        take(s, 50);
        sent = now_us();
        if (reconnect(s, until) && hand_over(s, &s->connection, line, strlen(line)))
            await_answer(s, &s->reply, 0, false);
    }
}

static void run_telnet(struct state *s)
{
    struct drive *v = s->drive;
    int64_t until = v->process->started_us + (int64_t)v->ready_ms * 1000;
    for (size_t i = 0; i < v->tests->commands.count && (!i || step_over(s, i - 1)); i++) {
        const char *command = v->tests->commands.items[i];
        struct drive_step *step = new_step(s, command);
        const char *line = arena_printf(s->a, "%s\r\n", command);
        s->reply = (struct buffer){0};
        int64_t began = now_us();
        step->outcome = DRIVE_REFUSED;
        if (s->connection < 0 && !reconnect(s, i ? began : until))
            continue;
        if (hand_over(s, &s->connection, line, strlen(line)))
            await_answer(s, &s->reply, 0, false);
        if (i == 0)
            first_reply(s, line, until);
        step->outcome = s->reply.used ? DRIVE_REPLY : DRIVE_SILENT;
        step->size = s->reply.used;
        step->output = s->reply.used ? s->reply.data : "";
        step->duration_us = s->last_us > began ? s->last_us - began : 0;
    }
    if (s->connection >= 0)
        close(s->connection);
    s->connection = -1;
}

struct shell_output {
    struct state *state;
    struct buffer both;
};

static void on_shell_output(void *context, int stream, const char *data, size_t size)
{
    struct shell_output *o = context;
    (void)stream;
    append(o->state->a, &o->both, data, size);
    while (take(o->state, 0))
        continue; /* a server that logs must not block on its console */
}

static enum status run_command(struct state *s, struct drive_step *step)
{
    struct drive *v = s->drive;
    struct shell_output output = {.state = s};
    const char *argv[] = {"/bin/sh", "-c", step->command, NULL};
    struct subprocess shell = {.argv = argv,
                               .env = v->env,
                               .directory = v->directory,
                               .timeout_ms = limit_ms(s),
                               .on_output = on_shell_output,
                               .context = &output};
    int64_t began = now_us();
    enum status status =
        v->run ? v->run(v->context, s->d, s->a, &shell) : subprocess_run(s->d, s->a, &shell);
    step->outcome = shell.timed_out ? DRIVE_TIMEOUT : DRIVE_DONE;
    step->exit_status = shell.exit_status;
    step->signal = shell.signal;
    step->output = output.both.used ? output.both.data : "";
    step->size = output.both.used;
    step->duration_us = now_us() - began;
    while (take(s, 0))
        continue;
    return status;
}

static enum status run_exec(struct state *s)
{
    struct drive *v = s->drive;
    int64_t until = v->process->started_us + (int64_t)v->ready_ms * 1000;
    for (size_t i = 0; i < v->tests->commands.count && (!i || step_over(s, i - 1)); i++) {
        struct drive_step *step = new_step(s, v->tests->commands.items[i]);
        for (;;) {
            enum status status = run_command(s, step);
            if (status)
                return status;
            /* Nothing tells when a server inside a machine is ready but that it serves. */
            bool again = i == 0 && !v->local && v->answered && step->exit_status != 0 &&
                         now_us() < until && !ended(s) &&
                         v->answered(v->context, 0, step->output, step->size) == 0;
            if (!again)
                break;
            take(s, 100);
        }
        int64_t pause = now_us() + v->tests->command_ms * 1000;
        while (now_us() < pause && !ended(s))
            take(s, TICK_MS);
    }
    return STATUS_OK;
}

/* ---- before and after ---- */

static bool is_ready(struct state *s)
{
    struct drive *v = s->drive;
    int type = v->tests ? v->tests->type : TEST_STDIN;
    if (!v->local) {
        if (type == TEST_TELNET) /* the first reply tells */
            return true;
        return !v->booted || v->booted(v->context, s->console.data, s->console.used);
    }
    if (type == TEST_STDIN)
        return waits(s);
    process_listens(s->a, v->process->pid, &v->ports);
    bool tcp = false;
    vec_each (l, &v->ports)
        tcp |= !l->udp;
    return tcp && (type == TEST_EXEC || process_waits(v->process->pid));
}

static void await_ready(struct state *s)
{
    struct drive *v = s->drive;
    int64_t began = v->process->started_us, until = began + (int64_t)v->ready_ms * 1000;
    s->last_us = now_us();
    while (now_us() < until && !ended(s)) {
        take(s, TICK_MS);
        v->ready = is_ready(s);
        if (v->ready) {
            v->ready_us = now_us() - began;
            break;
        }
    }
    while (take(s, 0))
        continue;
    v->start_size = s->console.used;
}

static void await_end(struct state *s)
{
    struct drive *v = s->drive;
    bool server = v->tests && v->tests->type != TEST_STDIN && v->ready;
    s->step = v->tests ? v->tests->commands.count : 0;
    int64_t until = now_us() + (int64_t)(server ? SERVER_END_MS : limit_ms(s)) * 1000;
    int64_t worked = now_us();
    bool idle = false;
    /* Looking whether it waits means looking through /proc: seldom, where its end wakes us. */
    int tick = v->process->wake && !server ? IDLE_TICK_MS : TICK_MS;
    while (!ended(s) && now_us() < until && !idle) {
        if (take(s, tick) || (v->idle_ms && !process_waits(v->process->pid)))
            worked = now_us();
        idle = v->idle_ms && now_us() - worked >= (int64_t)v->idle_ms * 1000;
    }
    v->serving = (server || idle) && !ended(s);
    v->timed_out = !server && !idle && !ended(s);
}

enum status drive(struct diag *d, struct arena *a, struct drive *v)
{
    struct state s = {.d = d, .a = a, .drive = v, .connection = -1};
    enum status status = STATUS_OK;
    append(a, &s.console, "", 0);
    v->first_output_us = v->ready_us = v->finished_us = -1;
    v->over_status = -1;
    if (!v->ready_ms)
        v->ready_ms = READY_MS;
    if (v->tests && v->tests->commands.count) {
        await_ready(&s);
        if (v->begun)
            v->begun(v->context);
        if (v->tests->type == TEST_STDIN)
            run_stdin(&s);
        else if (v->tests->type == TEST_TELNET)
            run_telnet(&s);
        else
            status = run_exec(&s);
    }
    v->commands_us = now_us() - v->process->started_us;
    /* A machine does not see that its serial line was closed; a terminal's end of input it does. */
    static const char end_of_input[] = "\x04";
    bool commanded = v->tests && v->tests->commands.count;
    if (v->serial && !commanded)
        await_ready(&s);
    if (v->serial && (!commanded || v->tests->type == TEST_STDIN) && !ended(&s))
        hand_over(&s, &v->process->input, end_of_input, 1);
    process_close_input(v->process);
    if (!status && !v->enough)
        await_end(&s);
    while (take(&s, 0))
        continue;
    v->finished_us = now_us() - v->process->started_us;
    v->console = s.console.data;
    v->console_size = s.console.used;
    return status;
}
