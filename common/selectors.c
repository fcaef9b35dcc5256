/* SPDX-License-Identifier: BSD-3-Clause
 * Values are the kernel's (uapi headers); names come from the same headers, so that the compiler
 * keeps both together. */
#include "common/selectors.h"
#include "common/syscalls.h"
#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <linux/sockios.h>
#include <linux/tty.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

/* What C libraries add to every open on processors where it means nothing. */
#define KERNEL_LARGEFILE 0100000u

/* A name and its value. */
#define N(name)                                                                                    \
    {                                                                                              \
        name, #name                                                                                \
    }
#define END                                                                                        \
    {                                                                                              \
        0, NULL                                                                                    \
    }

static const struct value_name ioctls[] = {N(TCGETS),          N(TCSETS),       N(TCSETSW),
                                           N(TCSETSF),         N(TCSBRK),       N(TCXONC),
                                           N(TCFLSH),          N(TIOCGWINSZ),   N(TIOCSWINSZ),
                                           N(TIOCGPGRP),       N(TIOCSPGRP),    N(TIOCSCTTY),
                                           N(TIOCNOTTY),       N(TIOCGPTN),     N(TIOCSPTLCK),
                                           N(TIOCGSID),        N(TIOCOUTQ),     N(FIONREAD),
                                           N(FIONBIO),         N(FIOASYNC),     N(FIOCLEX),
                                           N(FIONCLEX),        N(SIOCGIFCONF),  N(SIOCGIFFLAGS),
                                           N(SIOCSIFFLAGS),    N(SIOCGIFADDR),  N(SIOCGIFMTU),
                                           N(SIOCGIFHWADDR),   N(SIOCGIFINDEX), N(SIOCGIFNAME),
                                           N(SIOCATMARK),      N(SIOCOUTQ),     N(FS_IOC_GETFLAGS),
                                           N(FS_IOC_SETFLAGS), N(FICLONE),      N(FICLONERANGE),
                                           N(FIGETBSZ),        N(BLKGETSIZE64), END};
static const struct value_name fcntls[] = {N(F_DUPFD),         N(F_GETFD),
                                           N(F_SETFD),         N(F_GETFL),
                                           N(F_SETFL),         N(F_GETLK),
                                           N(F_SETLK),         N(F_SETLKW),
                                           N(F_SETOWN),        N(F_GETOWN),
                                           N(F_SETSIG),        N(F_GETSIG),
                                           N(F_SETOWN_EX),     N(F_GETOWN_EX),
                                           N(F_OFD_GETLK),     N(F_OFD_SETLK),
                                           N(F_OFD_SETLKW),    N(F_SETLEASE),
                                           N(F_GETLEASE),      N(F_NOTIFY),
                                           N(F_DUPFD_CLOEXEC), N(F_SETPIPE_SZ),
                                           N(F_GETPIPE_SZ),    N(F_ADD_SEALS),
                                           N(F_GET_SEALS),     END};
static const struct value_name prctls[] = {N(PR_SET_PDEATHSIG),
                                           N(PR_GET_PDEATHSIG),
                                           N(PR_GET_DUMPABLE),
                                           N(PR_SET_DUMPABLE),
                                           N(PR_GET_KEEPCAPS),
                                           N(PR_SET_KEEPCAPS),
                                           N(PR_SET_NAME),
                                           N(PR_GET_NAME),
                                           N(PR_GET_SECCOMP),
                                           N(PR_SET_SECCOMP),
                                           N(PR_CAPBSET_READ),
                                           N(PR_CAPBSET_DROP),
                                           N(PR_GET_TSC),
                                           N(PR_SET_TSC),
                                           N(PR_GET_SECUREBITS),
                                           N(PR_SET_SECUREBITS),
                                           N(PR_SET_TIMERSLACK),
                                           N(PR_GET_TIMERSLACK),
                                           N(PR_SET_MM),
                                           N(PR_SET_CHILD_SUBREAPER),
                                           N(PR_GET_CHILD_SUBREAPER),
                                           N(PR_SET_NO_NEW_PRIVS),
                                           N(PR_GET_NO_NEW_PRIVS),
                                           N(PR_SET_THP_DISABLE),
                                           N(PR_GET_THP_DISABLE),
                                           N(PR_CAP_AMBIENT),
                                           N(PR_SET_PTRACER),
                                           N(PR_SET_VMA),
                                           N(PR_SET_SYSCALL_USER_DISPATCH),
                                           END};
static const struct value_name arch_prctls[] = {N(ARCH_SET_GS), N(ARCH_SET_FS), N(ARCH_GET_FS),
                                                N(ARCH_GET_GS), END};
static const struct value_name advices[] = {N(MADV_NORMAL),         N(MADV_RANDOM),
                                            N(MADV_SEQUENTIAL),     N(MADV_WILLNEED),
                                            N(MADV_DONTNEED),       N(MADV_FREE),
                                            N(MADV_REMOVE),         N(MADV_DONTFORK),
                                            N(MADV_DOFORK),         N(MADV_MERGEABLE),
                                            N(MADV_UNMERGEABLE),    N(MADV_HUGEPAGE),
                                            N(MADV_NOHUGEPAGE),     N(MADV_DONTDUMP),
                                            N(MADV_DODUMP),         N(MADV_WIPEONFORK),
                                            N(MADV_KEEPONFORK),     N(MADV_COLD),
                                            N(MADV_PAGEOUT),        N(MADV_POPULATE_READ),
                                            N(MADV_POPULATE_WRITE), END};
static const struct value_name futexes[] = {N(FUTEX_WAIT),
                                            N(FUTEX_WAKE),
                                            N(FUTEX_REQUEUE),
                                            N(FUTEX_CMP_REQUEUE),
                                            N(FUTEX_WAKE_OP),
                                            N(FUTEX_LOCK_PI),
                                            N(FUTEX_UNLOCK_PI),
                                            N(FUTEX_TRYLOCK_PI),
                                            N(FUTEX_WAIT_BITSET),
                                            N(FUTEX_WAKE_BITSET),
                                            N(FUTEX_WAIT_REQUEUE_PI),
                                            N(FUTEX_CMP_REQUEUE_PI),
                                            N(FUTEX_LOCK_PI2),
                                            END};
static const struct value_name families[] = {N(AF_UNIX),   N(AF_INET), N(AF_INET6), N(AF_NETLINK),
                                             N(AF_PACKET), N(AF_ALG),  N(AF_VSOCK), N(AF_BLUETOOTH),
                                             N(AF_KEY),    N(AF_XDP),  END};
static const struct value_name socket_types[] = {N(SOCK_STREAM),    N(SOCK_DGRAM), N(SOCK_RAW),
                                                 N(SOCK_SEQPACKET), N(SOCK_RDM),   END};
static const struct value_name levels[] = {N(SOL_SOCKET),  N(IPPROTO_IP),   N(IPPROTO_TCP),
                                           N(IPPROTO_UDP), N(IPPROTO_IPV6), END};
static const struct value_name clocks[] = {
    N(CLOCK_REALTIME),          N(CLOCK_MONOTONIC),     N(CLOCK_PROCESS_CPUTIME_ID),
    N(CLOCK_THREAD_CPUTIME_ID), N(CLOCK_MONOTONIC_RAW), N(CLOCK_REALTIME_COARSE),
    N(CLOCK_MONOTONIC_COARSE),  N(CLOCK_BOOTTIME),      END};
static const struct value_name limits[] = {N(RLIMIT_CPU),   N(RLIMIT_FSIZE),  N(RLIMIT_DATA),
                                           N(RLIMIT_STACK), N(RLIMIT_CORE),   N(RLIMIT_RSS),
                                           N(RLIMIT_NPROC), N(RLIMIT_NOFILE), N(RLIMIT_MEMLOCK),
                                           N(RLIMIT_AS),    N(RLIMIT_RTPRIO), END};
static const struct value_name epoll_ops[] = {N(EPOLL_CTL_ADD), N(EPOLL_CTL_DEL), N(EPOLL_CTL_MOD),
                                              END};
static const struct value_name clone_bits[] = {N(CLONE_VM),
                                               N(CLONE_FS),
                                               N(CLONE_FILES),
                                               N(CLONE_SIGHAND),
                                               N(CLONE_PIDFD),
                                               N(CLONE_PTRACE),
                                               N(CLONE_VFORK),
                                               N(CLONE_PARENT),
                                               N(CLONE_THREAD),
                                               N(CLONE_NEWNS),
                                               N(CLONE_SYSVSEM),
                                               N(CLONE_SETTLS),
                                               N(CLONE_PARENT_SETTID),
                                               N(CLONE_CHILD_CLEARTID),
                                               N(CLONE_CHILD_SETTID),
                                               N(CLONE_NEWCGROUP),
                                               N(CLONE_NEWUTS),
                                               N(CLONE_NEWIPC),
                                               N(CLONE_NEWUSER),
                                               N(CLONE_NEWPID),
                                               N(CLONE_NEWNET),
                                               N(CLONE_IO),
                                               END};
static const struct value_name prot_bits[] = {N(PROT_READ), N(PROT_WRITE), N(PROT_EXEC),
                                              N(PROT_GROWSDOWN), END};
static const struct value_name map_bits[] = {
    N(MAP_SHARED),    N(MAP_PRIVATE),    N(MAP_FIXED),   N(MAP_ANONYMOUS),       N(MAP_GROWSDOWN),
    N(MAP_DENYWRITE), N(MAP_EXECUTABLE), N(MAP_LOCKED),  N(MAP_NORESERVE),       N(MAP_POPULATE),
    N(MAP_NONBLOCK),  N(MAP_STACK),      N(MAP_HUGETLB), N(MAP_FIXED_NOREPLACE), END};

static const struct value_name open_bits[] = {
    N(O_WRONLY),  N(O_RDWR),      N(O_CREAT),    N(O_EXCL),    N(O_NOCTTY),  N(O_TRUNC),
    N(O_APPEND),  N(O_NONBLOCK),  N(O_SYNC),     N(O_DSYNC),   N(O_ASYNC),   N(O_DIRECT),
    N(O_TMPFILE), N(O_DIRECTORY), N(O_NOFOLLOW), N(O_NOATIME), N(O_CLOEXEC), N(O_PATH),
    END};
static const struct value_name nameless[] = {END};

static const struct selector selectors[] = {
    {SYS_ioctl, 1, "request", ~0u, false, false, true, false, ioctls},
    {SYS_fcntl, 1, "command", ~0u, false, false, true, false, fcntls},
    {SYS_prctl, 0, "option", ~0u, false, false, true, false, prctls},
    {SYS_arch_prctl, 0, "code", ~0u, false, false, true, false, arch_prctls},
    {SYS_madvise, 2, "advice", ~0u, false, false, true, false, advices},
    {SYS_futex, 1, "operation", FUTEX_CMD_MASK, false, false, true, false, futexes},
    {SYS_socket, 0, "family", ~0u, false, false, true, false, families},
    {SYS_socket, 1, "type", 0xf, false, false, true, false, socket_types},
    {SYS_socketpair, 0, "family", ~0u, false, false, true, false, families},
    {SYS_socketpair, 1, "type", 0xf, false, false, true, false, socket_types},
    {SYS_setsockopt, 1, "level", ~0u, false, false, true, false, levels},
    {SYS_getsockopt, 1, "level", ~0u, false, false, true, false, levels},
    {SYS_clock_gettime, 0, "clock", ~0u, false, false, true, false, clocks},
    {SYS_clock_nanosleep, 0, "clock", ~0u, false, false, true, false, clocks},
    {SYS_timerfd_create, 0, "clock", ~0u, false, false, true, false, clocks},
    {SYS_prlimit64, 1, "resource", ~0u, false, false, true, false, limits},
    {SYS_getrlimit, 0, "resource", ~0u, false, false, true, false, limits},
    {SYS_setrlimit, 0, "resource", ~0u, false, false, true, false, limits},
    {SYS_epoll_ctl, 1, "operation", ~0u, false, false, true, false, epoll_ops},
    {SYS_clone, 0, "flags", ~0xffu, true, false, true, false, clone_bits},
    {SYS_clone3, 0, "flags", ~0u, true, true, true, false, clone_bits},
    {SYS_unshare, 0, "flags", ~0u, true, false, true, false, clone_bits},
    {SYS_mmap, 2, "protection", ~0u, true, false, true, false, prot_bits},
    {SYS_mmap, 3, "flags", ~0u, true, false, true, false, map_bits},
    {SYS_mprotect, 2, "protection", ~0u, true, false, true, false, prot_bits},
    {SYS_socket, 2, "protocol", ~0u, false, false, false, false, nameless},
    {SYS_open, 1, "flags", ~KERNEL_LARGEFILE, true, false, false, true, open_bits},
    {SYS_openat, 2, "flags", ~KERNEL_LARGEFILE, true, false, false, true, open_bits},
    {0, 0, NULL, 0, false, false, false, false, NULL},
};

const struct selector *selector_of(int64_t number, const struct selector *after)
{
    for (const struct selector *s = after ? after + 1 : selectors; s->name; s++)
        if (s->number == number)
            return s;
    return NULL;
}

/* "PROT_READ|PROT_EXEC"; NULL where a bit has no name. */
static const char *bit_names(struct arena *a, const struct value_name *names, uint64_t value)
{
    const char *text = "";
    if (!value)
        return "0";
    for (; names->name; names++) {
        if ((value & (uint64_t)names->value) != (uint64_t)names->value)
            continue;
        text = arena_printf(a, "%s%s%s", text, *text ? "|" : "", names->name);
        value &= ~(uint64_t)names->value;
    }
    return value ? NULL : text;
}

const char *selector_value_name(struct arena *a, const struct selector *selector, int64_t value)
{
    if (selector->bits)
        return bit_names(a, selector->names, (uint64_t)value);
    for (const struct value_name *n = selector->names; n->name; n++)
        if ((uint32_t)n->value == (uint32_t)value)
            return n->name;
    return NULL;
}

int selector_order(const void *x, const void *y)
{
    const struct profile_selector *a = x, *b = y;
    int order = strcmp(a->syscall, b->syscall);
    if (!order)
        order = strcmp(a->argument, b->argument);
    return order ? order : (a->value > b->value) - (a->value < b->value);
}

struct profile_selector selector_entry(struct arena *a, const struct selector *selector,
                                       int64_t value)
{
    return (struct profile_selector){.syscall = syscall_name(selector->number),
                                     .argument = selector->name,
                                     .value = value,
                                     .name = selector_value_name(a, selector, value)};
}
