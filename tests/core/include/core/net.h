/* SPDX-License-Identifier: BSD-3-Clause
 * A network: makes sockets and carries out calls on them. */
#ifndef CORE_NET_H
#define CORE_NET_H

#include <core/fd.h>

enum uk_net_call {
    UK_NET_BIND,
    UK_NET_LISTEN,
    UK_NET_ACCEPT,
    UK_NET_CONNECT,
    UK_NET_SENDTO,
    UK_NET_RECVFROM,
    UK_NET_SHUTDOWN,
    UK_NET_SETSOCKOPT,
    UK_NET_GETSOCKOPT,
    UK_NET_GETSOCKNAME,
    UK_NET_GETPEERNAME,
};

struct uk_net {
    const char *name;
    const struct uk_file_ops *ops; /* how its sockets are told from other files */
    /* A descriptor, or a negative errno. */
    int (*socket)(int family, int type, int protocol);
    /* Arguments as the call has them, after the descriptor. */
    long (*call)(enum uk_net_call call, struct uk_file *f, const long a[5]);
};

void uk_net_register(const struct uk_net *net);

#endif
