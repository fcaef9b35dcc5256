/* SPDX-License-Identifier: BSD-3-Clause
 * Sockets of the host under the image's own descriptors. */
#include <core/boot.h>
#include <core/net.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>

long linuxu_socket_call(long number, const long a[6]);

enum { READ = 0, WRITE = 1, CLOSE = 3, POLL = 7, SOCKET = 41 };
/* The host's numbers, in the order of enum uk_net_call. */
static const unsigned short numbers[] = {49, 50, 288, 42, 44, 45, 48, 54, 55, 51, 52};
extern const struct uk_net ukhostnet_driver;

static long host(long number, struct uk_file *f, long b, long c)
{
    return linuxu_socket_call(number, (const long[6]){(intptr_t)f->data, b, c, 0, 0, 0});
}

static ssize_t host_read(struct uk_file *f, void *data, size_t size, off_t at)
{
    (void)at;
    return host(READ, f, (long)data, (long)size);
}

static ssize_t host_write(struct uk_file *f, const void *data, size_t size, off_t at)
{
    (void)at;
    return host(WRITE, f, (long)data, (long)size);
}

static int host_stat(struct uk_file *f, struct stat *out)
{
    (void)f;
    *out = (struct stat){.st_mode = S_IFSOCK | 0777, .st_blksize = 4096};
    return 0;
}

static int host_poll(struct uk_file *f)
{
    struct pollfd p = {(int)(intptr_t)f->data, POLLIN | POLLOUT, 0};
    linuxu_socket_call(POLL, (const long[6]){(long)&p, 1, 0, 0, 0, 0});
    return p.revents;
}

static void host_close(struct uk_file *f)
{
    host(CLOSE, f, 0, 0);
}

static const struct uk_file_ops ops = {host_read, host_write, NULL,
                                       host_stat, host_poll,  host_close};

static int install(long fd)
{
    struct uk_file *f = fd < 0 ? NULL : uk_file_new(&ops, (void *)fd, 2);
    return fd < 0 ? (int)fd : f ? uk_fd_install(f, 0) : -ENOMEM;
}

static int host_socket(int family, int type, int protocol)
{
    return install(linuxu_socket_call(SOCKET, (const long[6]){family, type, protocol, 0, 0, 0}));
}

static long host_call(enum uk_net_call call, struct uk_file *f, const long a[5])
{
    long result = linuxu_socket_call(
        numbers[call], (const long[6]){(intptr_t)f->data, a[0], a[1], a[2], a[3], a[4]});
    return call == UK_NET_ACCEPT ? install(result) : result;
}

const struct uk_net ukhostnet_driver = {"hostnet", &ops, host_socket, host_call};

static int init(void)
{
    uk_net_register(&ukhostnet_driver);
    return 0;
}
UKBOOT_INIT(4, init);
