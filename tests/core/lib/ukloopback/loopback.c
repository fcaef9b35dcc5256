/* SPDX-License-Identifier: BSD-3-Clause
 * Stream sockets that reach each other by the bytes of their address. Who must wait lets the other
 * threads run; where there are none, the call fails with EDEADLK rather than hang. */
#include <core/boot.h>
#include <core/net.h>
#include <core/sched.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { ADDRESS = 28, BUFFER = 16384, TYPE_MASK = 0xf };

struct end {
    struct end *peer, *waiting, *next; /* waiting: connections to a listener, linked by next */
    struct end *next_bound;
    char address[ADDRESS];
    unsigned address_size;
    bool listening, closed_in, closed_out;
    size_t used;
    char data[BUFFER]; /* what the peer wrote */
};
static struct end *bound;
extern const struct uk_net ukloopback_driver;

static long wait_for(struct uk_file *f)
{
    if (f->flags & O_NONBLOCK)
        return -EAGAIN;
#ifdef CONFIG_LIBUKSCHED
    return uk_sched_wait() ? 0 : -EDEADLK;
#else
    return -EDEADLK;
#endif
}

static ssize_t end_read(struct uk_file *f, void *data, size_t size, off_t at)
{
    struct end *e = f->data;
    (void)at;
    if (!e->peer && !e->used && !e->closed_in)
        return -ENOTCONN;
    while (!e->used && !e->closed_in) {
        long error = wait_for(f);
        if (error)
            return error;
    }
    size = size < e->used ? size : e->used;
    memcpy(data, e->data, size);
    memmove(e->data, e->data + size, e->used - size);
    e->used -= size;
    return (ssize_t)size;
}

static ssize_t end_write(struct uk_file *f, const void *data, size_t size, off_t at)
{
    struct end *e = f->data;
    (void)at;
    if (!e->peer || e->closed_out)
        return e->peer || e->closed_out ? -EPIPE : -ENOTCONN;
    while (e->peer->used == BUFFER) {
        long error = wait_for(f);
        if (error)
            return error;
        if (!e->peer)
            return -EPIPE;
    }
    struct end *p = e->peer;
    size = size < BUFFER - p->used ? size : BUFFER - p->used;
    memcpy(p->data + p->used, data, size);
    p->used += size;
    return (ssize_t)size;
}

static int end_stat(struct uk_file *f, struct stat *out)
{
    (void)f;
    *out = (struct stat){.st_mode = S_IFSOCK | 0777, .st_blksize = 4096};
    return 0;
}

static int end_poll(struct uk_file *f)
{
    const struct end *e = f->data;
    int ready = e->used || e->closed_in || e->waiting ? POLLIN : 0;
    return ready | (e->peer && e->peer->used < BUFFER ? POLLOUT : 0);
}

static void hang_up(struct end *e)
{
    e->closed_out = true;
    if (e->peer)
        e->peer->closed_in = true;
}

static void end_close(struct uk_file *f)
{
    struct end *e = f->data;
    hang_up(e);
    if (e->peer) {
        e->peer->closed_out = true;
        e->peer->peer = NULL;
    }
    for (struct end *w = e->waiting, *next; w; w = next) {
        next = w->next;
        hang_up(w);
        if (w->peer)
            w->peer->peer = NULL;
        free(w);
    }
    for (struct end **p = &bound; *p; p = &(*p)->next_bound) {
        if (*p != e)
            continue;
        *p = e->next_bound;
        break;
    }
    free(e);
}

static const struct uk_file_ops ops = {end_read, end_write, NULL, end_stat, end_poll, end_close};

static int install(struct end *e)
{
    struct uk_file *f = e ? uk_file_new(&ops, e, O_RDWR) : NULL;
    return f ? uk_fd_install(f, 0) : -ENOMEM;
}

static int new_socket(int family, int type, int protocol)
{
    (void)protocol;
    if (family != AF_INET && family != AF_UNIX)
        return -EAFNOSUPPORT;
    if ((type & TYPE_MASK) != SOCK_STREAM)
        return -EOPNOTSUPP;
    int fd = install(calloc(1, sizeof(struct end)));
    if (fd >= 0 && type & O_NONBLOCK)
        uk_fd_get(fd)->flags |= O_NONBLOCK;
    return fd;
}

/* The port says it all for Internet addresses, the whole name for local ones. */
static bool same_address(const struct end *e, const char *address, unsigned size)
{
    unsigned short family;
    memcpy(&family, address, sizeof family);
    if (family == AF_INET)
        return size >= 4 && e->address_size >= 4 && memcmp(e->address, address, 4) == 0;
    return size == e->address_size && memcmp(e->address, address, size) == 0;
}

static struct end *find(const char *address, unsigned size)
{
    for (struct end *e = bound; e; e = e->next_bound)
        if (same_address(e, address, size))
            return e;
    return NULL;
}

static long do_bind(struct end *e, const char *address, long size)
{
    if (size < 2 || size > ADDRESS)
        return -EINVAL;
    if (find(address, (unsigned)size))
        return -EADDRINUSE;
    memcpy(e->address, address, (size_t)size);
    e->address_size = (unsigned)size;
    e->next_bound = bound;
    bound = e;
    return 0;
}

static long do_connect(struct end *e, const char *address, long size)
{
    if (size < 2 || size > ADDRESS)
        return -EINVAL;
    if (e->peer)
        return -EISCONN;
    struct end *to = find(address, (unsigned)size);
    if (!to || !to->listening)
        return -ECONNREFUSED;
    struct end *other = calloc(1, sizeof *other), **last = &to->waiting;
    if (!other)
        return -ENOMEM;
    memcpy(other->address, to->address, to->address_size);
    other->address_size = to->address_size;
    other->peer = e;
    e->peer = other;
    while (*last)
        last = &(*last)->next;
    *last = other;
    return 0;
}

static void give_address(const struct end *e, char *address, unsigned *size)
{
    if (!address || !size)
        return;
    unsigned n = e && e->address_size < *size ? e->address_size : e ? *size : 0;
    if (e)
        memcpy(address, e->address, n);
    *size = n;
}

static long do_accept(struct uk_file *f, const long a[5])
{
    struct end *e = f->data;
    if (!e->listening)
        return -EINVAL;
    while (!e->waiting) {
        long error = wait_for(f);
        if (error)
            return error;
    }
    struct end *other = e->waiting;
    e->waiting = other->next;
    other->next = NULL;
    give_address(other->peer, (char *)a[0], (unsigned *)a[1]);
    return install(other);
}

static long loopback_call(enum uk_net_call call, struct uk_file *f, const long a[5])
{
    struct end *e = f->data;
    switch (call) {
    case UK_NET_BIND:
        return do_bind(e, (const char *)a[0], a[1]);
    case UK_NET_LISTEN:
        e->listening = e->address_size > 0;
        return e->listening ? 0 : -EINVAL;
    case UK_NET_ACCEPT:
        return do_accept(f, a);
    case UK_NET_CONNECT:
        return do_connect(e, (const char *)a[0], a[1]);
    case UK_NET_SENDTO:
        return end_write(f, (const void *)a[0], (size_t)a[1], 0);
    case UK_NET_RECVFROM:
        return end_read(f, (void *)a[0], (size_t)a[1], 0);
    case UK_NET_SHUTDOWN:
        if (a[0] != SHUT_RD)
            hang_up(e);
        return 0;
    case UK_NET_SETSOCKOPT:
        return 0;
    case UK_NET_GETSOCKOPT:
        if (*(unsigned *)a[3] < sizeof(int))
            return -EINVAL;
        *(int *)a[2] = 0;
        return 0;
    case UK_NET_GETSOCKNAME:
        give_address(e, (char *)a[0], (unsigned *)a[1]);
        return 0;
    case UK_NET_GETPEERNAME:
        if (!e->peer)
            return -ENOTCONN;
        give_address(e->peer, (char *)a[0], (unsigned *)a[1]);
        return 0;
    }
    return -ENOSYS;
}

const struct uk_net ukloopback_driver = {"loopback", &ops, new_socket, loopback_call};

static int init(void)
{
    uk_net_register(&ukloopback_driver);
    return 0;
}
UKBOOT_INIT(4, init);
