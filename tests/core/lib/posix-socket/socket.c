/* SPDX-License-Identifier: BSD-3-Clause */
#include <core/net.h>
#include <core/syscall.h>
#include <sys/socket.h>

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);
int getsockopt(int fd, int level, int option, void *value, socklen_t *size);
int getpeername(int fd, struct sockaddr *address, socklen_t *size);

static const struct uk_net *net;

void uk_net_register(const struct uk_net *chosen)
{
    net = chosen;
}

CORE_SYSCALL3(int, socket, int, family, int, type, int, protocol)
{
    return net ? net->socket(family, type, protocol) : -EAFNOSUPPORT;
}

static long on_socket(enum uk_net_call call, int fd, long a, long b, long c, long d, long e)
{
    struct uk_file *f = uk_fd_get(fd);
    if (!f)
        return -EBADF;
    if (!net || f->ops != net->ops)
        return -ENOTSOCK;
    return net->call(call, f, (const long[5]){a, b, c, d, e});
}

CORE_SYSCALL3(int, bind, int, fd, const struct sockaddr *, address, socklen_t, size)
{
    return on_socket(UK_NET_BIND, fd, (long)address, size, 0, 0, 0);
}

CORE_SYSCALL2(int, listen, int, fd, int, backlog)
{
    return on_socket(UK_NET_LISTEN, fd, backlog, 0, 0, 0, 0);
}

CORE_SYSCALL4(int, accept4, int, fd, struct sockaddr *, address, socklen_t *, size, int, flags)
{
    return on_socket(UK_NET_ACCEPT, fd, (long)address, (long)size, flags, 0, 0);
}

CORE_SYSCALL3(int, accept, int, fd, struct sockaddr *, address, socklen_t *, size)
{
    return uk_syscall_r_accept4(fd, (long)address, (long)size, 0);
}

CORE_SYSCALL3(int, connect, int, fd, const struct sockaddr *, address, socklen_t, size)
{
    return on_socket(UK_NET_CONNECT, fd, (long)address, size, 0, 0, 0);
}

CORE_SYSCALL6(ssize_t, sendto, int, fd, const void *, data, size_t, size, int, flags,
              const struct sockaddr *, address, socklen_t, length)
{
    return on_socket(UK_NET_SENDTO, fd, (long)data, (long)size, flags, (long)address, length);
}

CORE_SYSCALL6(ssize_t, recvfrom, int, fd, void *, data, size_t, size, int, flags, struct sockaddr *,
              address, socklen_t *, length)
{
    return on_socket(UK_NET_RECVFROM, fd, (long)data, (long)size, flags, (long)address,
                     (long)length);
}

CORE_SYSCALL2(int, shutdown, int, fd, int, how)
{
    return on_socket(UK_NET_SHUTDOWN, fd, how, 0, 0, 0, 0);
}

CORE_SYSCALL5(int, setsockopt, int, fd, int, level, int, option, const void *, value, socklen_t,
              size)
{
    return on_socket(UK_NET_SETSOCKOPT, fd, level, option, (long)value, size, 0);
}

CORE_SYSCALL5(int, getsockopt, int, fd, int, level, int, option, void *, value, socklen_t *, size)
{
    return on_socket(UK_NET_GETSOCKOPT, fd, level, option, (long)value, (long)size, 0);
}

CORE_SYSCALL3(int, getsockname, int, fd, struct sockaddr *, address, socklen_t *, size)
{
    return on_socket(UK_NET_GETSOCKNAME, fd, (long)address, (long)size, 0, 0, 0);
}

CORE_SYSCALL3(int, getpeername, int, fd, struct sockaddr *, address, socklen_t *, size)
{
    return on_socket(UK_NET_GETPEERNAME, fd, (long)address, (long)size, 0, 0, 0);
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
    return sendto(fd, data, size, flags, NULL, 0);
}

ssize_t recv(int fd, void *data, size_t size, int flags)
{
    return recvfrom(fd, data, size, flags, NULL, NULL);
}
