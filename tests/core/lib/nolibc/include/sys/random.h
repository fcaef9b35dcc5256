/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _SYS_RANDOM_H
#define _SYS_RANDOM_H

#include <sys/types.h>

ssize_t getrandom(void *data, size_t size, unsigned flags);

#endif
