/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _SYS_TYPES_H
#define _SYS_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef long ssize_t;
typedef long off_t;
typedef unsigned mode_t;
typedef int pid_t;
typedef unsigned uid_t, gid_t;
typedef unsigned long dev_t, ino_t, nlink_t;
typedef long blksize_t, blkcnt_t;
typedef long time_t;
typedef int clockid_t;
typedef long suseconds_t;
typedef unsigned useconds_t;

#endif
