/* SPDX-License-Identifier: BSD-3-Clause */
#include <core/fd.h>
#include <core/plat.h>
#include <core/sched.h>
#include <core/syscall.h>
#include <poll.h>

enum { STEP_NS = 1000000 };

static int look(struct pollfd *fds, nfds_t count)
{
    int ready = 0;
    for (nfds_t i = 0; i < count; i++) {
        struct uk_file *f = uk_fd_get(fds[i].fd);
        int state = !f ? POLLNVAL : f->ops->poll ? f->ops->poll(f) : POLLIN | POLLOUT;
        fds[i].revents = (short)(state & (fds[i].events | POLLERR | POLLHUP | POLLNVAL));
        if (fds[i].fd < 0)
            fds[i].revents = 0;
        ready += fds[i].revents != 0;
    }
    return ready;
}

CORE_SYSCALL3(int, poll, struct pollfd *, fds, nfds_t, count, int, timeout)
{
    uint64_t end = plat_monotonic_ns() + (uint64_t)(timeout < 0 ? 0 : timeout) * 1000000u;
    for (;;) {
        int ready = look(fds, count);
        if (ready || (timeout >= 0 && plat_monotonic_ns() >= end))
            return ready;
#ifdef CONFIG_LIBUKSCHED
        uk_sched_wait();
#endif
        plat_sleep_ns(STEP_NS);
    }
}
