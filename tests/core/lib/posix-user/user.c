/* SPDX-License-Identifier: BSD-3-Clause */
#include <core/syscall.h>
#include <unistd.h>

int setuid(uid_t uid);
int setgid(gid_t gid);

static uid_t user = CONFIG_LIBPOSIX_USER_UID;
static gid_t group = CONFIG_LIBPOSIX_USER_GID;

CORE_SYSCALL0(uid_t, getuid)
{
    return user;
}

CORE_SYSCALL0(uid_t, geteuid)
{
    return user;
}

CORE_SYSCALL0(gid_t, getgid)
{
    return group;
}

CORE_SYSCALL0(gid_t, getegid)
{
    return group;
}

CORE_SYSCALL1(int, setuid, uid_t, uid)
{
    if (user != 0 && uid != user)
        return -EPERM;
    user = uid;
    return 0;
}

CORE_SYSCALL1(int, setgid, gid_t, gid)
{
    if (user != 0 && gid != group)
        return -EPERM;
    group = gid;
    return 0;
}
